"""People who call, in a process of their own, so that what they cost is not the server's.

`Callers` starts `benchmarks.caller_process` and talks with it in lines of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.scripted import QUESTION
from benchmarks.server import ROOT, stop

MOST_SESSIONS = 256
LONGEST_S = 600.0


class CallerError(RuntimeError):
    """The callers could not do what they were to do. The message holds the end of what they printed."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What happens to a caller's audio on its way: the share lost, and a delay uniform up to `jitter_ms`."""

    loss: float = 0.0
    jitter_ms: float = 0.0

    def __str__(self) -> str:
        """As words, for tables."""
        return f"{self.loss:.0%} loss, {self.jitter_ms:.0f} ms jitter"


@dataclass(frozen=True, slots=True)
class Errand:
    """What the callers do. Session k calls `urls[k % len(urls)]`; all must be on this machine.

    `talkers` speak `question`, hear the answer out, pause, and begin anew; `listeners` hold the line open
    with the faint noise of a room. They go on for `seconds` after a warm-up of `warm_up_s`, in which the
    talkers fall out of step, or for `turns` each. `exclusive` lets only one talk at a time, in turn. `typed`
    words are sent instead of speech. Session k suffers `faults[k % len(faults)]`; none: direct.
    """

    urls: tuple[str, ...]
    talkers: int = 1
    listeners: int = 0
    turns: int = 0
    seconds: float = 0.0
    warm_up_s: float = 0.0
    exclusive: bool = False
    question: str = QUESTION
    typed: str = ""
    faults: tuple[Faults, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what is unbounded or leaves this machine. Raises `ValueError`."""
        if not all(url.startswith(("http://127.0.0.1:", "http://[::1]:")) for url in self.urls):
            raise ValueError(f"load goes to loopback addresses only, not to {', '.join(self.urls)}")
        if not 0 < self.sessions <= MOST_SESSIONS:
            raise ValueError(f"between 1 and {MOST_SESSIONS} sessions, not {self.sessions}")
        if not (self.turns > 0 or 0 < self.seconds <= LONGEST_S):
            raise ValueError(f"an errand ends: give turns, or seconds up to {LONGEST_S:.0f}")

    @classmethod
    def read(cls, text: str) -> Errand:
        """Read what `json.dumps(asdict(errand))` wrote."""
        given = json.loads(text)
        faults = tuple(Faults(**each) for each in given.pop("faults"))
        return cls(**{**given, "urls": tuple(given["urls"]), "faults": faults})

    @property
    def sessions(self) -> int:
        """How many call."""
        return self.talkers + self.listeners


class Callers:
    """A running process of callers. Iterate over what they report; `tell` them to go on.

    They report `connected`, wait for `go`, report `begin` and `end` of the measured time and every `turn`;
    then `done`, with all still on the line; they hang up on `leave`.
    """

    def __init__(self, process: subprocess.Popen[str], errors: Any) -> None:
        self._process = process
        self._errors = errors

    def __iter__(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield json.loads(line)
        if self._process.wait():
            self._errors.seek(0)
            tail = "\n".join(self._errors.read().splitlines()[-8:])
            raise CallerError(f"the callers gave up:\n{tail}")

    def tell(self, word: str) -> None:
        """Send a word. Raises `CallerError` when they are gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise CallerError(f"the callers are gone, and were not told {word!r}") from error


@contextmanager
def calling(errand: Errand) -> Iterator[Callers]:
    """Send the callers on an errand for the length of the block."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "benchmarks.caller_process", json.dumps(asdict(errand))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Callers(process, errors)
        finally:
            stop(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
