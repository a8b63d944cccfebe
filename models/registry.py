"""Role + name -> backend. A table of strings, imported on demand: what is not used is never loaded.

To add a backend, write the class (contract: `models.api.Backend` or `AsyncBackend`) and one row here. One
that lives in another package needs no row: its name is "module:Class".
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from models.api import AsyncBackend, Backend, BackendUnavailableError, Role


@dataclass(frozen=True, slots=True)
class Entry:
    """`target` is "module:Class"; `runs` where it computes; `extra` the pip extra that installs it.

    "process": in a process of its own. "edge": on the edge's loop, an `AsyncBackend` that only waits.
    "inline": on the edge's loop too, a `Backend` that listens and takes well under a millisecond a feed, for
    which two processes' messages would cost more than the work.
    """

    target: str
    runs: Literal["process", "edge", "inline"] = "process"
    extra: str = ""


BACKENDS: Mapping[Role, Mapping[str, Entry]] = {
    # 0.17 ms a frame of 32 ms. In a process of its own a listener cost 3.3 % of a core, here 2.1
    # (quick runs of `benchmarks cpu`).
    "vad": {"silero": Entry("models.vad.silero:SileroVad", runs="inline")},
    "asr": {"pocketsphinx": Entry("models.asr.pocketsphinx:PocketSphinxAsr")},
    # 36 ms of a core a question (75 beside a busy neighbour): far too long for the edge.
    "turn": {"smart-turn": Entry("models.turn.smart_turn:SmartTurn")},
    "planner": {
        "intent": Entry("models.planner.intent:IntentPlanner"),
        "openai": Entry("models.planner.openai:OpenAIPlanner", runs="edge"),
    },
    "tts": {
        "embedded": Entry("models.tts.embedded:EmbeddedSpeech"),
        "flite": Entry("models.tts.flite:FliteSpeech"),
        "espeak": Entry("models.tts.espeak:EspeakSpeech"),
    },
    "music": {"composer": Entry("models.music.composer:ComposerMusic")},
    "sound": {"procedural": Entry("models.sound.procedural:ProceduralSound")},
}


def entry(role: Role, name: str) -> Entry:
    """Look up a backend. Raises `ValueError` that lists the choices when there is none of that name."""
    choices = BACKENDS[role]
    if ":" in name:
        return Entry(name)
    if name not in choices:
        raise ValueError(f"no {role} backend is called {name!r}; choose one of: {', '.join(sorted(choices))}")
    return choices[name]


def load(role: Role, name: str, options: Mapping[str, Any]) -> Backend | AsyncBackend:
    """Import and construct a backend. Raises `BackendUnavailableError` naming what has to be installed."""
    found = entry(role, name)
    module, _, attribute = found.target.partition(":")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        package = f"audiogpt-live[{found.extra}]" if found.extra else "audiogpt-live"
        raise BackendUnavailableError(
            f"the {role} backend {name!r} needs {error.name or error}: pip install '{package}'"
        ) from error
    backend: Backend | AsyncBackend = cls(**options)
    return backend
