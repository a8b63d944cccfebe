"""Real calls over paths that lose and delay the caller's packets: what it adds to voice-to-voice.

The simulated links of `jitter` show the buffer alone; here the whole server hears real Opus through real
sockets. One call for each path, at the same time, that talk in turn; so a path is compared with the clean one
of the same minute.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from benchmarks.caller import Errand, Faults, calling
from benchmarks.figures import ratio, summary
from benchmarks.latency import converse
from benchmarks.load import delta
from benchmarks.report import OURS, Table, from_zero, progress
from benchmarks.scripted import SETTINGS
from benchmarks.server import serving

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATHS = (Faults(), Faults(0.05, 0.0), Faults(0.0, 60.0), Faults(0.05, 60.0))
TURNS, QUICK_TURNS = 20, 1


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--turns", type=int, help=f"on each path (default: {TURNS}; quick: {QUICK_TURNS})")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `CallerError`."""
    turns = options.turns or (QUICK_TURNS if options.quick else TURNS)
    with progress(2 + turns * len(PATHS), "lossy") as tick:
        tick(0, "models load")
        with serving(*SETTINGS, sessions=len(PATHS)) as server:
            tick(1, "calls connect")
            errand = Errand((server.url,), len(PATHS), turns=turns, exclusive=True, faults=PATHS)
            before = server.metrics()
            with calling(errand) as callers:
                taken, failed = converse(callers, tick)
            after = server.metrics()
    concealed = delta((before, after), "audiogpt_frames_concealed_total")
    return results(taken, failed, concealed)


def results(taken: list[dict[str, Any]], failed: list[str], concealed: float) -> dict[str, Any]:
    """The turns of each path, and what it adds to the clean one."""
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(PATHS):
        mine = [turn for turn in taken if turn["session"] == number]
        voices = summary([turn["voice_to_voice_ms"] for turn in mine])
        hearing = summary([turn["stages_ms"]["hear"] for turn in mine])
        rows.append({"path": str(path), "voice_to_voice_ms": voices.as_json(), "hear_ms": hearing.as_json()})
    clean = rows[0]["voice_to_voice_ms"]["p50"]
    for row in rows:
        p50 = row["voice_to_voice_ms"]["p50"]
        row["added_p50_ms"] = None if p50 is None or clean is None else round(p50 - clean, 1)
        row["ratio"] = ratio(p50, clean)
    return {"paths": rows, "frames_concealed": concealed, "failed": failed}


def tables(found: dict[str, Any]) -> list[Table]:
    """A row for each path."""
    return [
        Table(
            "Voice-to-voice over faulty paths, ms",
            ("path", "turns", "p50", "p95", "added", "ratio", "hear p50"),
            [
                (
                    row["path"],
                    row["voice_to_voice_ms"]["count"],
                    row["voice_to_voice_ms"]["p50"],
                    row["voice_to_voice_ms"]["p95"],
                    row["added_p50_ms"],
                    row["ratio"],
                    row["hear_ms"]["p50"],
                )
                for row in found["paths"]
            ],
            f"{found['frames_concealed']:.0f} frames concealed in all; {len(found['failed'])} turns failed",
        )
    ]


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Median and p95 of every path."""
    axes = figure.subplots()
    names = [row["path"] for row in found["paths"]]
    for kind, marker in (("p50", "o"), ("p95", "^")):
        axes.plot(
            names,
            [row["voice_to_voice_ms"][kind] for row in found["paths"]],
            marker,
            color=OURS,
            label=kind,
        )
    axes.set(ylabel="voice-to-voice (ms)")
    from_zero(axes)
    axes.legend()
