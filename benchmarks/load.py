"""Many callers at once: how latency, late frames, CPU and memory grow, and where the knee is.

One server with scripted models; the levels follow each other from few sessions to many. At every level a
quarter of the callers only listens.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from benchmarks.caller import MOST_SESSIONS, Errand, calling
from benchmarks.figures import ratio, summary
from benchmarks.processes import EDGE, Cost
from benchmarks.report import OTHER, OURS, STOCK, Table, from_zero, progress
from benchmarks.scripted import SETTINGS
from benchmarks.server import Server, serving, wait_until_empty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = (1, 4, 8, 16, 32)
QUICK_LEVELS = (1, 8)
SECONDS, WARM_UP_S = 40.0, 5.0
QUICK_SECONDS, QUICK_WARM_UP_S = 5.0, 2.0
LEAST_TURNS, TURN_S = 20, 6.5  # question, answer and the pauses
LISTENING = 0.25  # share of the callers who say nothing
EMPTY_S = 15.0  # until the sessions of a level are gone

# A level is held when both are kept (issue 3).
HELD_RATIO = 1.3  # of its p95 to that of the lone session
HELD_LATE = 0.001  # share of frames over 10 ms late


def sessions(text: str) -> tuple[int, ...]:
    """Levels as "1,4,8"."""
    levels = tuple(sorted({int(word) for word in text.split(",")}))
    if not levels or not 1 <= levels[0] <= levels[-1] <= MOST_SESSIONS:
        raise argparse.ArgumentTypeError(f"numbers of sessions between 1 and {MOST_SESSIONS}")
    return levels


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--sessions", type=sessions, metavar="1,4,8", help="levels (default: 1,4,8,16,32)")
    parser.add_argument("--seconds", type=float, help=f"measured at each level (default: {SECONDS:.0f})")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="section.key=value",
        help="a setting of the server, such as server.workers=2; repeatable",
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `CallerError`."""
    levels = options.sessions or (QUICK_LEVELS if options.quick else LEVELS)
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    warm_up = QUICK_WARM_UP_S if options.quick else WARM_UP_S
    rows: list[dict[str, Any]] = []
    with progress(1 + len(levels), "load") as tick:
        tick(0, "models load")
        with serving(*SETTINGS, *options.set, sessions=max(levels) + 4) as server:
            tick(1, "")
            for count in levels:
                tick(0, f"{count} sessions")
                listeners = int(count * LISTENING)
                errand = Errand(
                    (server.url,),
                    count - listeners,
                    listeners,
                    seconds=seconds,
                    warm_up_s=warm_up,
                    seed=count,
                )
                rows.append(level(server, errand, partial(tick, 0)))
                tick(1, "")
    return {"settings": options.set, **results(rows)}


def level(server: Server, errand: Errand, tell: Callable[[str], None]) -> dict[str, Any]:
    """Hold one level and measure it."""
    wait_until_empty(server, EMPTY_S)
    empty = server.costs()
    voices: list[float] = []
    problems: list[str] = []
    measuring = False
    begun_at = 0.0
    found: dict[str, Any] = {}
    with calling(errand) as callers:
        for report in callers:
            match report["event"]:
                case "connected":
                    callers.tell("go")
                case "begin":
                    measuring, begun_at = True, report["at"]
                    before, counted = server.costs(), server.metrics()
                case "end":
                    measuring = False
                    found = window(
                        (before, server.costs()), (counted, server.metrics()), empty, errand, report
                    )
                case "turn":
                    # One that was asked in the warm-up belongs to it.
                    if report["began"] >= begun_at > 0:
                        voices.append(report["voice_to_voice_ms"])
                    if measuring:
                        tell(f"{errand.sessions} sessions: {report['voice_to_voice_ms']:.0f} ms")
                case "failed" | "lost":
                    problems.append(report["reason"])
                case "done":
                    callers.tell("leave")
    return {
        "sessions": errand.sessions,
        "talkers": errand.talkers,
        "voice_to_voice_ms": summary(voices).as_json(),
        "failed": len(problems),
        "problems": sorted(set(problems))[:5],
        **found,
    }


def window(
    costs: tuple[Mapping[str, Cost], Mapping[str, Cost]],
    counters: tuple[Mapping[str, float], Mapping[str, float]],
    empty: Mapping[str, Cost],
    errand: Errand,
    callers: Mapping[str, Any],
) -> dict[str, Any]:
    """What the measured time cost. CPU in percent of a core, memory against the server without sessions."""
    count = errand.sessions
    wall = callers["wall_s"]
    used = {
        part: 100 * (after.cpu_s - costs[0].get(part, Cost()).cpu_s) / wall
        for part, after in costs[1].items()
    }
    models = sum(share for part, share in used.items() if part != EDGE)
    grown = {part: after.rss_mb - empty.get(part, Cost()).rss_mb for part, after in costs[1].items()}
    sent = delta(counters, "audiogpt_frames_sent_total")
    late = delta(counters, "audiogpt_frames_late_total")
    return {
        "frames": int(sent),
        "late_share": late / sent if sent else None,
        "loop_lag_mean_ms": _mean_ms(counters, "audiogpt_event_loop_lag_seconds"),
        "edge_cpu": used.get(EDGE, 0.0),
        "edge_cpu_session": used.get(EDGE, 0.0) / count,
        "models_cpu": models,
        "models_cpu_session": models / count,
        "models_cpu_by_role": {part: share for part, share in used.items() if part != EDGE},
        "edge_mb_session": grown.get(EDGE, 0.0) / count,
        "models_mb_session": sum(mb for part, mb in grown.items() if part != EDGE) / count,
        "callers_cpu_session": 100 * callers["cpu_s"] / wall / count,
        "callers_late_share": callers["late_share"],
    }


def delta(counters: tuple[Mapping[str, float], Mapping[str, float]], name: str) -> float:
    """How much a counter has grown."""
    return counters[1].get(name, 0.0) - counters[0].get(name, 0.0)


def _mean_ms(counters: tuple[Mapping[str, float], Mapping[str, float]], name: str) -> float | None:
    count = delta(counters, f"{name}_count")
    return 1000 * delta(counters, f"{name}_sum") / count if count else None


def results(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The levels with their ratio to the first one, and the knee: the most sessions that were held."""
    base = rows[0]["voice_to_voice_ms"]["p95"] if rows else None
    for row in rows:
        row["p95_ratio"] = ratio(row["voice_to_voice_ms"]["p95"], base)
        row["held"] = is_held(row, base)
    held = [row["sessions"] for row in takewhile(lambda row: row["held"], rows)]
    return {
        "levels": rows,
        "knee": held[-1] if held else 0,
        "rule": {"p95_ratio": HELD_RATIO, "late_share": HELD_LATE},
    }


def is_held(row: Mapping[str, Any], base: float | None) -> bool:
    """Whether a level keeps the p95 of the first one, loses no turn and has hardly a late frame."""
    p95, late = row["voice_to_voice_ms"]["p95"], row["late_share"]
    if base is None or p95 is None or late is None:
        return False
    return bool(p95 <= HELD_RATIO * base and late <= HELD_LATE and not row["failed"])


def tables(found: dict[str, Any]) -> list[Table]:
    """Latency and lateness by level, and what they cost."""
    rows = found["levels"]
    return [
        Table(
            "Voice-to-voice under load, ms",
            ("sessions", "turns", "p50", "p95", "ratio", "late %", "loop lag", "failed", "held"),
            [
                (
                    row["sessions"],
                    row["voice_to_voice_ms"]["count"],
                    row["voice_to_voice_ms"]["p50"],
                    row["voice_to_voice_ms"]["p95"],
                    row["p95_ratio"],
                    percent(row["late_share"]),
                    row["loop_lag_mean_ms"],
                    row["failed"],
                    row["held"],
                )
                for row in rows
            ],
            f"the knee: {found['knee']} sessions held (p95 within {HELD_RATIO} x the first level's, "
            f"at most {HELD_LATE:.1%} of the frames late, no turn failed)",
        ),
        Table(
            "Cost: CPU in % of a core",
            (
                "sessions",
                "edge",
                "a session",
                "models",
                "a session",
                "callers",
                "their late %",
                "MB a session",
            ),
            [
                (
                    row["sessions"],
                    row["edge_cpu"],
                    row["edge_cpu_session"],
                    row["models_cpu"],
                    row["models_cpu_session"],
                    row["callers_cpu_session"],
                    percent(row["callers_late_share"]),
                    row["edge_mb_session"] + row["models_mb_session"],
                )
                for row in rows
            ],
            "callers: CPU of the load client, a session",
        ),
    ]


def percent(share: float | None) -> float | None:
    """A share as a percentage."""
    return None if share is None else 100 * share


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Latency with the rule's limit on the left, CPU on the right, over the number of sessions."""
    left, right = figure.subplots(1, 2)
    rows = found["levels"]
    counts = [row["sessions"] for row in rows]
    for kind, colour in (("p50", OTHER), ("p95", OURS)):
        left.plot(counts, [row["voice_to_voice_ms"][kind] for row in rows], "o-", label=kind, color=colour)
    values = [row["voice_to_voice_ms"]["p95"] for row in rows if row["voice_to_voice_ms"]["p95"] is not None]
    if values:
        left.axhline(values[0] * HELD_RATIO, color=STOCK, linestyle="--", label=f"{HELD_RATIO} x p95 of one")
    left.set(xlabel="sessions", ylabel="voice-to-voice (ms)")
    from_zero(left)
    left.legend(loc="lower left")
    right.plot(counts, [row["edge_cpu"] for row in rows], "o-", label="edge", color=OURS)
    right.plot(counts, [row["models_cpu"] for row in rows], "s-", label="models", color=OTHER)
    right.plot(
        counts,
        [row["callers_cpu_session"] * row["sessions"] for row in rows],
        "^:",
        label="load client",
        color=STOCK,
    )
    right.set(xlabel="sessions", ylabel="CPU (% of a core)")
    from_zero(right)
    right.legend()
