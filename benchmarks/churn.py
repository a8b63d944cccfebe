"""Callers who connect, talk and vanish without a word: what is left of them in the server.

A batch of callers is a process that ends on the spot (`os._exit`), some speaking, some being answered: no
hang-up, no end of the data channel, no DTLS alert. The server has to notice by itself (10 s of silence).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.caller import CallerError
from benchmarks.processes import EDGE, Cost
from benchmarks.report import OTHER, OURS, STOCK, Table, from_zero, progress
from benchmarks.scripted import SETTINGS
from benchmarks.server import ROOT, Server, serving, wait_until_empty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CYCLES, BATCH = 500, 20
QUICK_CYCLES, QUICK_BATCH = 20, 10
WARM_UP_BATCHES = 3  # as many as are there at once later: a batch is noticed 10 s after, and takes 5 s
MOST_CYCLES = 5_000
BATCH_S = 60.0  # a batch takes 5 s on two free cores
EMPTY_S = 60.0
TASKS = "audiogpt_event_loop_tasks"

GROWTH_MB = 20.0  # issue 3, over 500 cycles


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--cycles", type=int, help=f"(default: {CYCLES}; quick: {QUICK_CYCLES})")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `CallerError`, `ValueError`."""
    cycles = options.cycles or (QUICK_CYCLES if options.quick else CYCLES)
    if not 0 < cycles <= MOST_CYCLES:
        raise ValueError(f"--cycles {cycles}: between 1 and {MOST_CYCLES}")
    size = QUICK_BATCH if options.quick else BATCH
    first = 1 if options.quick else WARM_UP_BATCHES
    with (
        progress(1 + first * size + cycles, "churn") as tick,
        serving(*SETTINGS, sessions=cycles + first * size) as server,
    ):
        # The first callers make the server grow to its working size; what comes after them is a leak.
        tick(1, "warm-up")
        for _ in range(first):
            vanish(server, size)
            tick(size, "waiting until they are gone")
        points = [look(server, 0)]
        done = 0
        while done < cycles:
            batch = min(size, cycles - done)
            vanish(server, batch)
            done += batch
            tick(batch, f"{done} gone")
            if not options.quick and done % (size * 5) == 0 and done < cycles:
                points.append(look(server, done))
        points.append(look(server, cycles))
    return results(points)


def vanish(server: Server, count: int) -> None:
    """Let `count` callers connect, talk and vanish. Raises `CallerError`."""
    command = [sys.executable, "-m", "benchmarks.vanishing", server.url, str(count)]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, capture_output=True, text=True, timeout=BATCH_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CallerError(f"{count} callers were not done after {BATCH_S:.0f} s") from error
    if done.returncode:
        raise CallerError(f"the callers gave up: {done.stderr.strip()[-500:]}")


def look(server: Server, cycles: int) -> dict[str, Any]:
    """Wait until every session is gone, and count what is there."""
    began = time.monotonic()
    left = wait_until_empty(server, EMPTY_S)
    waited = time.monotonic() - began
    costs, counters = server.costs(), server.metrics()
    edge = costs.get(EDGE, Cost())
    return {
        "cycles": cycles,
        "sessions": int(left),
        "waited_s": waited,
        "edge_mb": edge.rss_mb,
        "models_mb": sum(cost.rss_mb for part, cost in costs.items() if part != EDGE),
        "threads": sum(cost.threads for cost in costs.values()),
        "sockets": edge.sockets,
        # Not every server tells it; then there is nothing to compare.
        "tasks": int(counters[TASKS]) if TASKS in counters else None,
    }


def results(points: list[dict[str, Any]]) -> dict[str, Any]:
    """What was seen, and how much of it the cycles left behind."""
    first, last = points[0], points[-1]

    def grown(key: str) -> Any:
        return None if first[key] is None or last[key] is None else last[key] - first[key]

    left = {key: grown(key) for key in ("edge_mb", "models_mb", "threads", "sockets", "tasks")}
    return {"cycles": last["cycles"], "points": points, "left": left | {"sessions": last["sessions"]}}


def tables(found: dict[str, Any]) -> list[Table]:
    """What was there at each look, and the difference."""
    keys = ("sessions", "edge_mb", "models_mb", "threads", "sockets", "tasks")
    rows: list[tuple[object, ...]] = [
        (point["cycles"], *(point[key] for key in keys)) for point in found["points"]
    ]
    rows.append(("left behind", *(found["left"][key] for key in keys)))
    return [
        Table(
            f"{found['cycles']} callers vanished",
            ("cycles", "sessions", "edge MB", "models MB", "threads", "edge sockets", "tasks"),
            rows,
            f"asked for: under {GROWTH_MB:.0f} MB over 500 cycles, no task, thread or socket",
        )
    ]


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Memory on the left, threads and sockets on the right, over the cycles."""
    left, right = figure.subplots(1, 2)
    points: list[Mapping[str, Any]] = found["points"]
    cycles = [point["cycles"] for point in points]

    def series(key: str) -> list[Any]:
        return [point[key] for point in points]

    left.plot(cycles, series("edge_mb"), "o-", color=OURS, label="edge")
    left.plot(cycles, series("models_mb"), "s-", color=OTHER, label="models")
    left.set(xlabel="callers vanished", ylabel="memory (MB)")
    from_zero(left)
    left.legend()
    right.plot(cycles, series("threads"), "o-", color=OURS, label="threads")
    right.plot(cycles, series("sockets"), "s-", color=OTHER, label="edge sockets")
    if points[0]["tasks"] is not None:
        right.plot(cycles, series("tasks"), "^-", color=STOCK, label="tasks")
    right.set(xlabel="callers vanished")
    from_zero(right)
    right.legend()
