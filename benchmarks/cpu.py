"""What a session costs that only listens, and one that talks, in percent of a core.

Against the same server without sessions, so that what it does anyway is not counted. Three phases in one
server: nobody; listeners, with the noise of a room; talkers, to whom the assistant speaks without a pause.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.caller import CallerError, Errand, calling
from benchmarks.processes import EDGE, Cost
from benchmarks.report import OTHER, OURS, STOCK, Table, progress
from benchmarks.scripted import SETTINGS
from benchmarks.server import Server, serving, wait_until_empty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SESSIONS = 8
SECONDS, QUICK_SECONDS = 40.0, 5.0
WARM_UP_S = 1.0
ANSWER_S = 2.4  # of the scripted answer: so many are asked for that they outlast the measurement
EMPTY_S = 15.0

# Percent of a core (issue 3): with VAD, and besides the models.
LIMITS: Mapping[str, float] = {"listening": 1.5, "talking": 4.0}


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--count", type=int, default=SESSIONS, help="sessions of a kind (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, help=f"measured of each kind (default: {SECONDS:.0f})")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `CallerError`."""
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    count = options.count
    answers = round((seconds + 2 * WARM_UP_S) / ANSWER_S) + 2
    with progress(4, "cpu") as tick:
        tick(0, "models load")
        with serving(*SETTINGS, sessions=2 * count) as server:
            tick(1, "nobody")
            idle = nobody(server, seconds)
            kinds: dict[str, Any] = {}
            errands = {
                "listening": Errand((server.url,), 0, count, seconds=seconds, warm_up_s=WARM_UP_S),
                "talking": Errand(
                    (server.url,),
                    count,
                    seconds=seconds,
                    warm_up_s=WARM_UP_S,
                    typed=f"talk for {answers} answers",
                ),
            }
            for kind, errand in errands.items():
                tick(1, kind)
                kinds[kind] = hold(server, errand, idle)
            tick(1, "")
    return {"idle_cpu": idle, "sessions": count, "seconds": seconds, "kinds": kinds}


def nobody(server: Server, seconds: float) -> dict[str, float]:
    """What the server costs without a session, in percent of a core by part."""
    wait_until_empty(server, EMPTY_S)
    before, began = server.costs(), time.monotonic()
    time.sleep(seconds)
    return shares(before, server.costs(), time.monotonic() - began)


def hold(server: Server, errand: Errand, idle: Mapping[str, float]) -> dict[str, Any]:
    """What the sessions of an errand cost, each, above the idle server."""
    wait_until_empty(server, EMPTY_S)
    count = errand.sessions
    found: dict[str, Any] = {}
    problems: list[str] = []
    with calling(errand) as callers:
        for report in callers:
            match report["event"]:
                case "connected":
                    callers.tell("go")
                case "begin":
                    before, sent = server.costs(), server.metrics()
                case "end":
                    used = shares(before, server.costs(), report["wall_s"])
                    frames = (
                        server.metrics()["audiogpt_frames_sent_total"] - sent["audiogpt_frames_sent_total"]
                    )
                    each = {part: (share - idle.get(part, 0.0)) / count for part, share in used.items()}
                    found = {
                        "edge": each.get(EDGE, 0.0),
                        "roles": {part: share for part, share in each.items() if part != EDGE},
                        "callers": 100 * report["cpu_s"] / report["wall_s"] / count,
                        "callers_late_share": report["late_share"],
                        # 50 frames a second, if the assistant did talk all the time.
                        "frames_a_second": frames / report["wall_s"] / count,
                    }
                    break
                case "failed" | "lost":
                    problems.append(report["reason"])
    if problems:
        raise CallerError(f"{len(problems)} of {count} sessions were lost: {problems[0]}")
    return found


def shares(before: Mapping[str, Cost], after: Mapping[str, Cost], wall_s: float) -> dict[str, float]:
    """CPU in percent of a core by part."""
    return {
        part: 100 * (cost.cpu_s - before.get(part, Cost()).cpu_s) / wall_s for part, cost in after.items()
    }


def tables(found: dict[str, Any]) -> list[Table]:
    """The cost of a session by kind and part."""
    rows = []
    for kind, each in found["kinds"].items():
        roles = each["roles"]
        compared = each["edge"] + (roles.get("vad", 0.0) if kind == "listening" else 0.0)
        rows.append(
            (
                kind,
                each["edge"],
                roles.get("vad"),
                sum(share for role, share in roles.items() if role != "vad"),
                each["frames_a_second"],
                each["callers"],
                100 * each["callers_late_share"],
                compared,
                LIMITS[kind],
            )
        )
    return [
        Table(
            f"CPU of one session, % of a core (mean of {found['sessions']} at once)",
            (
                "session",
                "edge",
                "vad",
                "other models",
                "frames/s",
                "its caller",
                "late %",
                "compared",
                "limit",
            ),
            rows,
            "compared: listening with VAD, talking besides the models",
        )
    ]


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Stacked bars: edge, VAD, the other models."""
    axes = figure.subplots()
    kinds = found["kinds"]
    names = list(kinds)
    parts = {
        "edge": [kinds[name]["edge"] for name in names],
        "vad": [kinds[name]["roles"].get("vad", 0.0) for name in names],
        "other models": [
            sum(share for role, share in kinds[name]["roles"].items() if role != "vad") for name in names
        ],
    }
    base = [0.0] * len(names)
    for (part, heights), colour in zip(parts.items(), (OURS, OTHER, STOCK), strict=True):
        axes.bar(names, heights, bottom=base, label=part, color=colour)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    axes.set(ylabel="CPU of one session (% of a core)")
    axes.legend()
