"""Name -> benchmark. A table of strings, imported on demand: what is not run is never loaded.

To add a benchmark, write a module and one row here. The module has

    run(options) -> dict            measure; the results, ready for JSON (needed)
    arguments(parser) -> None       its own options, besides --quick, --json and --out
    tables(results) -> list[Table]  the results to be read (`benchmarks.report.Table`)
    plot(results, figure) -> None   the results to be seen, drawn on a matplotlib figure

`options.quick` asks for a run under 50 s. Progress is shown with `benchmarks.report.progress`. Anything that
makes the measurement impossible is raised as `RuntimeError` (a `ServerError`, say) or `BackendError`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Entry:
    """`module` is imported when the benchmark is run; `summary` is a line of `--help`."""

    module: str
    summary: str


BENCHMARKS: Mapping[str, Entry] = {
    "latency": Entry("benchmarks.latency", "voice-to-voice of a lone caller, by stage"),
    "load": Entry("benchmarks.load", "many callers at once: latency, late frames, CPU, memory, the knee"),
    "cpu": Entry("benchmarks.cpu", "what a session costs that listens, and one that talks"),
    "jitter": Entry("benchmarks.jitter", "lossy and jittery links: our jitter buffer beside aiortc's"),
    "lossy": Entry("benchmarks.lossy", "real calls over a path that loses and delays packets"),
    "peers": Entry("benchmarks.peers", "ours beside Pipecat: the same models, client and run"),
    "bargein": Entry("benchmarks.bargein", "interruptions and false alarms: who is obeyed, how soon"),
    "heard": Entry("benchmarks.heard", "interruptions at random moments: history beside recording"),
    "churn": Entry("benchmarks.churn", "callers who vanish: what is left of them in the server"),
    "turns": Entry("benchmarks.turns", "end of turn: who is cut off in a hesitation, who waits for how long"),
}


def load(name: str) -> ModuleType:
    """Import a benchmark. Raises `ValueError` that lists the choices when there is none of that name."""
    if name not in BENCHMARKS:
        raise ValueError(f"no benchmark is called {name!r}; choose one of: {', '.join(BENCHMARKS)}")
    return importlib.import_module(BENCHMARKS[name].module)
