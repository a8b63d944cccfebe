"""Barge-in: who is obeyed, who is let pass, how soon the assistant is silent, and how soon it is back.

Two stages. **Judged**: every held-out clip of `benchmarks.bargein_set` through the real chain of hearing,
faster than real time (`benchmarks.bargein_chain`): false stops and missed interruptions. **Live**: some of
them into a real call (`benchmarks.bargein_live`): the times as heard at the other end, and the words.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.bargein_chain import Chain, Heard
from benchmarks.bargein_live import SETTINGS, Taken, measure
from benchmarks.bargein_set import MEANT, OTHERS, Clip, Kind, build
from benchmarks.bargein_texts import FRESH, IN, OUT
from benchmarks.figures import summary
from benchmarks.report import OTHER, OURS, Table, Tick, from_zero, progress
from benchmarks.server import serving
from client.errors import ClientError
from models.api import HEARING_RATE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What issue 4 asks for.
SILENT_P95_MS, RESUMED_MS = 200, 300
FALSE_STOPS, MISSED = 0.05, 0.02
LIVE: Mapping[Kind, int] = {
    "command": 12, "question": 6, "free speech": 4, "backchannel": 16, "cough": 6, "laughter": 6, "door": 4,
    "music": 4,
}  # fmt: skip
QUICK_EVERY = 12
QUICK_LIVE: Mapping[Kind, int] = {
    "command": 1, "question": 1, "backchannel": 2, "cough": 1, "laughter": 1,
}  # fmt: skip


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--every", type=int, help=f"judge each N-th clip only (default: 1; quick: {QUICK_EVERY})"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--held-in", action="store_true", help="the clips that thresholds are chosen by")
    which.add_argument("--fresh", action="store_true", help="the clips that nothing has been chosen by")
    parser.add_argument(
        "--stage", choices=("both", "judged", "live"), default="both", help="what to run (default: both)"
    )
    parser.add_argument("--wrong", action="store_true", help="print what was judged wrongly, and why")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, and `RuntimeError` when the call is lost."""
    every = options.every or (QUICK_EVERY if options.quick else 1)
    judged, live = options.stage in ("both", "judged"), options.stage in ("both", "live")
    part = IN if options.held_in else FRESH if options.fresh else OUT
    clips = [clip for clip in build(every=every, parts=(part,)) if clip.part == part]
    chosen = some(clips, QUICK_LIVE if options.quick else LIVE) if live else []
    heard: list[Heard] = []
    taken: list[Taken] = []
    with progress(len(clips) * judged + len(chosen), "bargein") as tick:
        if judged:
            heard = judge(clips, tick)
        if live:
            with serving(*SETTINGS, sessions=2) as server:
                try:
                    taken = uvloop.run(measure(server.url, chosen, tick))
                except* ClientError as errors:
                    raise RuntimeError(f"the call was lost: {errors.exceptions[0]}") from errors
    found = results(heard, taken)
    if options.wrong:
        for line in found["wrong"]:
            print(line)
    return found


def judge(clips: Sequence[Clip], tick: Tick) -> list[Heard]:
    """Let the chain hear every clip."""
    chain = Chain()
    heard = []
    for seed, clip in enumerate(clips):
        heard.append(chain.hear(clip, seed=seed))
        tick(1, clip.name)
    return heard


def some(clips: Sequence[Clip], counts: Mapping[Kind, int] = LIVE) -> list[Clip]:
    """Clips for the live stage: so many of each kind, spread over the set, the kinds mixed."""
    chosen: list[tuple[float, Clip]] = []
    for kind, count in counts.items():
        of_kind = [clip for clip in clips if clip.kind == kind]
        count = min(count, len(of_kind))
        chosen += [((k + 0.5) / count, of_kind[k * len(of_kind) // count]) for k in range(count)]
    return [clip for _, clip in sorted(chosen, key=lambda each: each[0])]


def results(heard: Sequence[Heard], taken: Sequence[Taken]) -> dict[str, Any]:
    """Both stages as figures."""
    wrong = [each for each in heard if (each.stop() is None) == each.clip.meant]
    others = [each for each in heard if not each.clip.meant]
    meant = [each for each in heard if each.clip.meant]
    return {
        "kinds": {kind: _kind(heard, kind) for kind in (*MEANT, *OTHERS)},
        "clips": len(heard),
        "false_stops": _share(sum(not each.clip.meant for each in wrong), len(others)),
        "missed": _share(sum(each.clip.meant for each in wrong), len(meant)),
        "wrong": [_described(each) for each in wrong],
        "live": _live(taken),
    }


def _kind(heard: Sequence[Heard], kind: Kind) -> dict[str, Any]:
    of_kind = [each for each in heard if each.clip.kind == kind]
    # From the last sample of the clip: a pause in the middle of it brings the voice back, too.
    settled = [
        (each.looks[-1].at - len(each.clip.samples) + each.clip.taught) * 1000 / HEARING_RATE
        for each in of_kind
        if not each.clip.meant and each.looks and each.stop() is None
    ]
    return {
        "clips": len(of_kind),
        "noticed": sum(bool(each.onsets) for each in of_kind),
        "stopped": sum(each.stop() is not None for each in of_kind),
        "verdicts": dict(Counter(last[0] for each in of_kind if (last := each.last()) is not None)),
        "settled_ms": summary(settled).as_json(),
    }


def _share(count: int, of: int) -> float | None:
    return round(count / of, 4) if of else None


def _described(heard: Heard) -> str:
    stop = heard.stop()
    texts = [look.utterance.text for look in heard.looks if look.utterance.final]
    return f"{heard.clip.kind}: {heard.clip.name}: {stop[2] if stop else 'went on'}, heard {texts}"


def _live(taken: Sequence[Taken]) -> dict[str, Any]:
    noticed = [each for each in taken if each.silent_ms is not None]
    return {
        "clips": len(taken),
        "noticed": len(noticed),
        "silent_ms": summary([each.silent_ms for each in noticed if each.silent_ms is not None]).as_json(),
        "resumed_ms": summary([t.resumed_ms for t in taken if t.resumed_ms is not None]).as_json(),
        "lost_ms": summary([abs(t.lost_ms) for t in taken if t.lost_ms is not None]).as_json(),
        "missing_words": sum(each.missing_words for each in taken),
        "false_stops": sum(each.stopped and not each.meant for each in taken),
        "missed": sum(not each.stopped and each.meant for each in taken),
        "taken": [asdict(each) for each in taken],
    }


def tables(found: dict[str, Any]) -> list[Table]:
    """What became of every kind, and the times of the live stage."""
    made: list[Table] = []
    if found["clips"]:
        made.append(
            Table(
                f"{found['clips']} clips judged",
                ("kind", "clips", "onset", "stopped", "judged at the end", "decided p50 (ms)", "p95"),
                [
                    (
                        kind,
                        each["clips"],
                        each["noticed"],
                        each["stopped"],
                        ", ".join(f"{name} {count}" for name, count in each["verdicts"].items()),
                        each["settled_ms"]["p50"],
                        each["settled_ms"]["p95"],
                    )
                    for kind, each in found["kinds"].items()
                ],
                f"false stops {_percent(found['false_stops'])} (asked for: at most {FALSE_STOPS:.0%}), "
                f"missed {_percent(found['missed'])} (at most {MISSED:.0%}); decided: after the last sample",
            )
        )
    live = found["live"]
    if live["clips"]:
        kinds = ("count", "p50", "p95", "least", "most")
        made.append(
            Table(
                f"{live['clips']} clips in a call",
                ("", *kinds),
                [
                    (words, *(live[key][kind] for kind in kinds))
                    for words, key in (
                        ("first voiced sample -> inaudible (ms)", "silent_ms"),
                        ("end of a false one -> audible again (ms)", "resumed_ms"),
                        ("of the word it fell into, lost or doubled (ms)", "lost_ms"),
                    )
                ],
                f"asked for: inaudible p95 {SILENT_P95_MS} ms, back {RESUMED_MS} ms; words lost "
                f"{live['missing_words']}, false stops {live['false_stops']}, missed {live['missed']}",
            )
        )
    return made


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Shares of the kinds that were stopped for; and the live times, sorted."""
    left, right = figure.subplots(1, 2)
    kinds = [(kind, each) for kind, each in found["kinds"].items() if each["clips"]]
    left.barh(
        [kind for kind, _ in kinds],
        [100 * each["stopped"] / each["clips"] for _, each in kinds],
        color=[OURS if kind in MEANT else OTHER for kind, _ in kinds],
    )
    left.set(xlabel="stopped for (% of the clips)", xlim=(0, 100))
    left.invert_yaxis()
    for key, words, colour in (("silent_ms", "inaudible", OURS), ("resumed_ms", "back", OTHER)):
        times = sorted(each[key] for each in found["live"]["taken"] if each[key] is not None)
        shares = [100 * (k + 1) / len(times) for k in range(len(times))]
        right.plot(shares, times, ".-", label=words, color=colour)
    right.set(xlabel="share of the clips (%)", ylabel="ms")
    if found["live"]["noticed"]:
        from_zero(right)
        right.legend()
