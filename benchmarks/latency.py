"""Voice-to-voice of a lone caller, split by stage: the embedded profile, and scripted models beside it.

Both servers run at the same time and are talked to in turn, so that whatever else the machine does falls on
both alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.caller import Callers, Errand, calling
from benchmarks.figures import ratio, summary
from benchmarks.report import OTHER, OURS, Table, Tick, from_zero, progress
from benchmarks.scripted import SETTINGS
from benchmarks.server import await_ready, starting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = "what time is it"  # which the embedded planner answers by itself
VARIANTS: Mapping[str, tuple[str, ...]] = {"embedded": (), "scripted": SETTINGS}
STAGES = ("hear", "endpoint", "asr", "plan", "speech", "send", "onset")
TURNS = 30
QUICK_TURNS = 3


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--turns", type=int, help=f"turns with each (default: {TURNS}; quick: {QUICK_TURNS})")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `CallerError`."""
    turns = options.turns or (QUICK_TURNS if options.quick else TURNS)
    with progress(turns * len(VARIANTS) + 2, "latency") as tick, ExitStack() as stack:
        tick(0, "models load")
        servers = [stack.enter_context(starting(settings, sessions=2)) for settings in VARIANTS.values()]
        for server in servers:
            await_ready(server)
        tick(1, "calls connect")
        errand = Errand(
            urls=tuple(server.url for server in servers),
            talkers=len(servers),
            turns=turns,
            exclusive=True,
            question=QUESTION,
        )
        taken, failed = converse(stack.enter_context(calling(errand)), tick)
    names = list(VARIANTS)
    return results({name: [t for t in taken if t["session"] == k] for k, name in enumerate(names)}, failed)


def converse(callers: Callers, tick: Tick) -> tuple[list[dict[str, Any]], list[str]]:
    """Let them talk to the end. Returns the turns taken, and why others failed."""
    taken: list[dict[str, Any]] = []
    failed: list[str] = []
    for report in callers:
        match report["event"]:
            case "connected":
                callers.tell("go")
                tick(1, "")
            case "turn":
                taken.append(report)
                tick(1, f"{report['voice_to_voice_ms']:.0f} ms")
            case "failed" | "lost":
                failed.append(report["reason"])
                tick(1, "no answer")
            case "done":
                callers.tell("leave")
    return taken, failed


def results(turns: Mapping[str, list[dict[str, Any]]], failed: list[str]) -> dict[str, Any]:
    """The turns of each variant as figures."""
    variants: dict[str, Any] = {}
    for name, taken in turns.items():
        variants[name] = {
            "voice_to_voice_ms": summary([turn["voice_to_voice_ms"] for turn in taken]).as_json(),
            "stages_ms": {
                stage: summary([t["stages_ms"][stage] for t in taken if stage in t["stages_ms"]]).as_json()
                for stage in STAGES
            },
            "turns_ms": [round(turn["voice_to_voice_ms"], 1) for turn in taken],
        }
    p50 = {name: each["voice_to_voice_ms"]["p50"] for name, each in variants.items()}
    return {
        "variants": variants,
        "embedded_to_scripted": ratio(p50.get("embedded"), p50.get("scripted")),
        "failed": failed,
    }


def tables(found: dict[str, Any]) -> list[Table]:
    """Voice-to-voice, and the median of every stage."""
    variants = found["variants"]
    kinds = ("count", "p50", "p95", "p99", "least", "most")
    return [
        Table(
            "Voice-to-voice, ms (last voiced sample sent to first voiced sample received)",
            ("models", "turns", "p50", "p95", "p99", "least", "most"),
            [(name, *(each["voice_to_voice_ms"][kind] for kind in kinds)) for name, each in variants.items()],
            f"{len(found['failed'])} turns failed" if found["failed"] else "",
        ),
        Table(
            "Stages, ms (median; p95 in brackets)",
            ("models", *STAGES),
            [
                (name, *(_with_p95(each["stages_ms"][stage]) for stage in STAGES))
                for name, each in variants.items()
            ],
            "hear: what the server adds to the end of speech before it counts; onset: first frame to voice",
        ),
    ]


def _with_p95(figures: dict[str, float | None]) -> str | None:
    if figures["p50"] is None:
        return None
    return f"{figures['p50']:.1f} ({figures['p95']:.1f})"


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Every turn as a dot in the order they came, and the stages as bars."""
    left, right = figure.subplots(1, 2)
    colours = dict(zip(found["variants"], (OTHER, OURS), strict=False))
    for name, each in found["variants"].items():
        turns = each["turns_ms"]
        left.plot(range(1, len(turns) + 1), turns, "o", label=name, color=colours[name])
    left.set(xlabel="turn", ylabel="voice-to-voice (ms)")
    from_zero(left)
    left.legend(loc="lower left")
    names = list(found["variants"])
    base = [0.0] * len(names)
    for stage in STAGES:
        heights = [found["variants"][name]["stages_ms"][stage]["p50"] or 0.0 for name in names]
        right.bar(names, heights, bottom=base, label=stage)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    right.set(ylabel="median of each stage (ms)")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
