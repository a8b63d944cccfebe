"""End of turn: who is cut off while they hesitate, and how long do the others wait for an answer?

Every turn of `turn_set.py` goes through the real chain once (`turn_chain.py`); then each rule is asked when
it would have ended the turn. A *cut-off* is a hesitation that a rule took for the end. The *delay* is from
the last sample of the voice to the decision (from where the detector heard it end, if that is earlier:
recordings fade out). What a rule does in one silence does not change what it is shown of the next.

Ours and silence alone are swept by one factor on every wait. Smart Turn is asked as Pipecat asks it, after
200 ms of silence; above a probability of 0.5 the turn is over, else it is after 3 s. Its sweep takes the best
of many thresholds and waits, so it is tuned on the very turns it is judged by, and ours is not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.figures import percentile, ratio, summary
from benchmarks.report import OTHER, OURS, STOCK, Table, progress
from benchmarks.turn_chain import ASKED_MS, Chain, Lived, Silence
from benchmarks.turn_set import Part, turns
from models.api import HEARING_RATE, VAD_FRAME
from realtime.config import TurnSettings
from realtime.hearing.turn import LENGTH_MS, Evidence, Rules, patience

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUICK_EVERY = 12
SAME_MS = 300  # of silence: cut-offs by then are counted apart
FRAME_MS = VAD_FRAME * 1000 / HEARING_RATE
ALLOWED = 5.0  # % of hesitations cut off at which delays are compared
SCALES = tuple(float(scale) for scale in np.geomspace(0.4, 8, 61))
SILENCES_MS = tuple(range(96, 2_400, 32))
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
STOPS_MS = (400, 600, 800, 1_000, 1_300, 1_600, 2_000, 2_500, 3_000)

# How long a silence ends the turn, in ms, as far as is known after each of its frames.
Rule = Callable[[Silence, Evidence], float]


@dataclass(frozen=True, slots=True)
class Point:
    """A rule at work: % of hesitations cut off, mean delay in ms, and what else there is to know."""

    cut: float
    mean: float
    p50: float
    p95: float
    early: float  # % of hesitations cut off within SAME_MS of silence


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--part", choices=("test", "dev"), default="test", help="dev: what is tuned on")
    parser.add_argument("--seed", type=int, default=0, help="of the hesitations (default: 0)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `BackendError` when a voice or the recogniser is missing."""
    lived: list[Lived] = []
    part: Part = options.part
    made = list(turns(part, options.seed, QUICK_EVERY if options.quick else 1))
    chain = Chain()
    with progress(len(made), "turns") as tick:
        for turn in made:
            tick(0, turn.name)
            lived.append(chain.live(turn))
            tick(1, "")
    smart = chain.smart_turn.cpu_ms if chain.smart_turn is not None else []
    return results(lived, smart, part)


def ours(rules: Rules, *, model: bool, scale: float = 1.0) -> Rule:
    """The rule of `realtime/hearing/turn.py`, every wait times `scale` (up to
    `unfinished_ms`: no hesitation here is longer). `model`: with Smart Turn's opinion."""

    def rule(_: Silence, evidence: Evidence) -> float:
        wait = patience(evidence if model else replace(evidence, model=None), rules)[1]
        return wait if scale == 1 else min(scale * wait, rules.unfinished_ms)

    return rule


def _words_alone(rules: Rules) -> Rule:
    def rule(_: Silence, evidence: Evidence) -> float:
        # Speech of LENGTH_MS says nothing by its length.
        known = replace(evidence, prosody=None, planner=None, model=None, voiced_ms=LENGTH_MS)
        return patience(known, rules)[1]

    return rule


def silence_only(milliseconds: float) -> Rule:
    """The same wait whatever is said."""
    return lambda _silence, _evidence: milliseconds


def smart_turn(threshold: float = 0.5, stop_ms: float = 3_000) -> Rule:
    """Pipecat's rule."""

    def rule(silence: Silence, _: Evidence) -> float:
        return ASKED_MS if silence.asked is not None and silence.asked > threshold else stop_ms

    return rule


def ended(silence: Silence, rule: Rule) -> float | None:
    """After how many ms of this silence the rule ends the turn; None when somebody speaks before."""
    for evidence in silence.evidence:
        if evidence.silence_ms >= rule(silence, evidence):
            return evidence.silence_ms
    return None


def at_the_end(silence: Silence, rule: Rule) -> float:
    """As `ended`, of the silence after the turn, which lasts."""
    if (found := ended(silence, rule)) is not None:
        return found
    last = silence.evidence[-1]
    return max(last.silence_ms, rule(silence, replace(last, settled_ms=60_000)))


def judge(lived: Sequence[Lived], rule: Rule) -> Point:
    """Send a rule through the turns."""
    delays = []
    cuts: list[float | None] = []
    for each in lived:
        *inner, last = each.silences
        delays.append(max(0, last.start - each.turn.stop) * 1000 / HEARING_RATE + at_the_end(last, rule))
        for hesitation in each.turn.hesitations:
            here = [s for s in inner if s.start < hesitation.stop and s.ends[-1] > hesitation.start]
            waits = [wait for s in here if (wait := ended(s, rule)) is not None]
            cuts.append(min(waits) if waits else None)
    share = 100 / max(1, len(cuts))
    return Point(
        cut=share * sum(cut is not None for cut in cuts),
        mean=float(np.mean(delays)),
        p50=percentile(delays, 0.5),
        p95=percentile(delays, 0.95),
        early=share * sum(cut is not None and cut < SAME_MS + FRAME_MS for cut in cuts),
    )


def front(points: Iterable[Point]) -> list[Point]:
    """Those that no other beats in both delay and cut-offs, by delay."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.mean, point.cut)):
        if not best or point.cut < best[-1].cut:
            best.append(point)
    return best


def cut_at(curve: Sequence[Point], mean: float) -> float | None:
    """% cut off at a mean delay, between the points of a `front`; None outside."""
    if not curve or not curve[0].mean <= mean <= curve[-1].mean:
        return None
    return float(np.interp(mean, [p.mean for p in curve], [p.cut for p in curve]))


def delay_at(curve: Sequence[Point], cut: float) -> float | None:
    """Mean delay at which `cut` % are cut off; None where the curve never comes so low."""
    if not curve or curve[-1].cut > cut:
        return None
    falling = list(reversed(curve))
    return float(np.interp(cut, [p.cut for p in falling], [p.mean for p in falling]))


def results(lived: Sequence[Lived], smart_ms: Sequence[float], part: str) -> dict[str, Any]:
    """All figures."""
    settings = TurnSettings()
    rules = Rules(**{k: getattr(settings, k) for k in ("complete_ms", "silence_ms", "unfinished_ms")})
    asked = any(s.asked is not None for each in lived for s in each.silences)
    fixed: dict[str, Rule] = {"ours": ours(rules, model=False)}
    if asked:
        fixed |= {"ours + Smart Turn": ours(rules, model=True), "Smart Turn v3.2": smart_turn()}
    fixed |= {f"silence {ms} ms": silence_only(ms) for ms in (200, 300, 500, 800)}
    swept: dict[str, list[Rule]] = {
        "ours": [ours(rules, model=False, scale=scale) for scale in SCALES],
        "silence": [silence_only(ms) for ms in SILENCES_MS],
    }
    if asked:
        swept["ours + Smart Turn"] = [ours(rules, model=True, scale=scale) for scale in SCALES]
        swept["Smart Turn v3.2"] = [smart_turn(t, ms) for t in THRESHOLDS for ms in STOPS_MS]
    curves = {name: front(judge(lived, rule) for rule in each) for name, each in swept.items()}
    fixed["ours, words alone"] = _words_alone(rules)
    shown = {name: judge(lived, rule) for name, rule in fixed.items()}
    groups = {
        "flite": [each for each in lived if each.turn.family == "flite"],
        "espeak": [each for each in lived if each.turn.family == "espeak"],
        "real": [each for each in lived if each.turn.family == "real"],
    }
    for kind in ("inside", "filler", "added"):
        groups[kind] = [_only(each, kind) for each in lived if each.turn.family != "real"]
    finality = [ms for each in lived for ms in each.finality_ms]
    return {
        "part": part,
        "turns": len(lived),
        "hesitations": sum(len(each.turn.hesitations) for each in lived),
        "rules": {name: _as_json(point, curves["silence"]) for name, point in shown.items()},
        "delay_ms_at_5_percent": {name: delay_at(curve, ALLOWED) for name, curve in curves.items()},
        "groups": {
            group: {
                "turns": len(members),
                "hesitations": sum(len(each.turn.hesitations) for each in members),
                "rules": {
                    name: {"cut": round(point.cut, 1), "mean_ms": round(point.mean)}
                    for name, point in ((name, judge(members, rule)) for name, rule in fixed.items())
                },
                "silence_at_our_delay": cut_at(
                    front(judge(members, rule) for rule in swept["silence"]),
                    judge(members, fixed["ours"]).mean,
                ),
            }
            for group, members in groups.items()
            if members
        },
        "curves": {
            name: [[round(point.mean), round(point.cut, 1)] for point in curve]
            for name, curve in curves.items()
        },
        "cpu_ms": {
            "prosody": summary(finality).as_json(),
            "fusion": _fusion_ms(lived, rules),
            "smart_turn": summary(smart_ms).as_json(),
        },
    }


def _only(lived: Lived, kind: str) -> Lived:
    kept = tuple(h for h in lived.turn.hesitations if h.kind == kind)
    return replace(lived, turn=replace(lived.turn, hesitations=kept))


def _as_json(point: Point, silence: Sequence[Point]) -> dict[str, float | None]:
    base = cut_at(silence, point.mean)
    return {
        "cut": round(point.cut, 1),
        "early": round(point.early, 1),
        "mean_ms": round(point.mean),
        "p50_ms": round(point.p50),
        "p95_ms": round(point.p95),
        "silence_at_that_delay": base,
        "to_silence": ratio(point.cut, base),
    }


def _fusion_ms(lived: Sequence[Lived], rules: Rules) -> float:
    """CPU of one weighing of the evidence, mean."""
    evidence = [one for each in lived for silence in each.silences for one in silence.evidence][:5_000]
    before = time.process_time()
    for one in evidence:
        patience(one, rules)
    return (time.process_time() - before) * 1000 / max(1, len(evidence))


def tables(found: dict[str, Any]) -> list[Table]:
    """The rules side by side, the delay at 5 %, the groups, and the cost."""
    cost = found["cpu_ms"]
    return [
        Table(
            f"{found['turns']} turns with {found['hesitations']} hesitations (part: {found['part']})",
            (
                "rule",
                "cut off, %",
                "by 300 ms, %",
                "delay, mean ms",
                "p50",
                "p95",
                "silence there, %",
                "ratio",
            ),
            [
                (
                    name,
                    *(each[key] for key in ("cut", "early", "mean_ms", "p50_ms", "p95_ms")),
                    each["silence_at_that_delay"],
                    each["to_silence"],
                )
                for name, each in found["rules"].items()
            ],
            "silence there: cut off by silence alone at the same mean delay",
        ),
        Table(
            "Mean delay when at most 5 % of hesitations are cut off, ms",
            tuple(found["delay_ms_at_5_percent"]),
            [tuple(found["delay_ms_at_5_percent"].values())],
        ),
        Table(
            "Cut off, % (mean delay, ms)",
            ("turns", "number", "hesitations", *found["rules"], "silence at our delay"),
            [
                (
                    group,
                    each["turns"],
                    each["hesitations"],
                    *(f"{rule['cut']:.0f} ({rule['mean_ms']})" for rule in each["rules"].values()),
                    each["silence_at_our_delay"],
                )
                for group, each in found["groups"].items()
            ],
        ),
        Table(
            "CPU of a decision, ms",
            ("part", "p50", "p95"),
            [
                ("prosody (once a pause)", cost["prosody"]["p50"], cost["prosody"]["p95"]),
                ("fusion (every frame of silence)", cost["fusion"], None),
                ("Smart Turn, for comparison", cost["smart_turn"]["p50"], cost["smart_turn"]["p95"]),
            ],
            "Smart Turn: only what was not cached; empty when everything was",
        ),
    ]


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Cut-offs over delay: the lower left corner is where one wants to be."""
    axes = figure.subplots()
    colours = {"ours": OURS, "ours + Smart Turn": "black", "Smart Turn v3.2": STOCK, "silence": OTHER}
    for name, curve in found["curves"].items():
        means, cuts = zip(*curve, strict=True)
        axes.plot(means, cuts, label=name, color=colours[name])
    for name, each in found["rules"].items():
        colour = colours[cast(str, name if name in colours else "silence")]
        axes.plot(each["mean_ms"], each["cut"], "o", color=colour)
        axes.annotate(name, (each["mean_ms"], each["cut"]), fontsize=7)
    axes.set(xlabel="mean delay of the answer (ms)", ylabel="hesitations cut off (%)", xlim=(0, 2_500))
    axes.set_ylim(0, 105)
    axes.legend(loc="upper right")
