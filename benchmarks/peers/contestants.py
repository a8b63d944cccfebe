"""The servers that are compared, each in processes of its own, on loopback, with the same script."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks import scripted
from benchmarks.caller_process import spoken
from benchmarks.peers.caller import Caller, OfferSignalling
from benchmarks.peers.environment import PeerError, python
from benchmarks.processes import by_part
from benchmarks.server import await_ready, starting, stop
from client.audio import RATE, write_wav
from client.signalling import Signalling

BOT = Path(__file__).parent / "pipecat_bot.py"
READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
START_S = 90.0  # the first time, Numba and the byte code of 300 modules are compiled
POLL_S = 0.1
TAIL = 15  # lines of its output that an error shows
NOT_MEASURED = {
    "fastrtc": "0.0.34 downloads the weights of its turn detection from a model hub at first use; its wheel "
    "carries none (see benchmarks/peers/README.md)"
}
# Pipecat ends a turn when round(0.2 s / 32 ms) = 6 frames were silent; as many, for ours.
EQUAL_SILENCE_MS = 192
Terms = Literal["defaults", "equal"]

TERMS: dict[Terms, dict[str, str]] = {
    "defaults": {
        "ours": "a turn ends after turn.complete_ms (190) of silence where the words are a whole request, "
        "after turn.silence_ms (480) else; Silero, threshold 0.5",
        "pipecat": "a turn ends after VAD stop_secs (0.2) of silence and a verdict of Smart Turn v3.2; "
        "Silero, confidence 0.7, volume 0.6",
    },
    "equal": {
        "ours": f"a turn ends after {EQUAL_SILENCE_MS} ms of silence, whatever the words",
        "pipecat": f"a turn ends after {EQUAL_SILENCE_MS} ms (VAD stop_secs 0.2) of silence; no Smart Turn",
    },
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running server and how to call it."""

    name: str
    url: str
    pid: int
    signalling: Callable[[], Signalling | None]

    def call(self) -> Caller:
        """A call to it, to be entered."""
        return Caller(self.url, self.signalling())

    def cpu_s(self) -> float:
        """CPU seconds of all its processes since they began."""
        return sum(part.cpu_s for part in by_part(self.pid).values())


@contextmanager
def contestants(terms: Terms, sessions: int) -> Iterator[list[Contestant]]:
    """Run ours and Pipecat side by side for the length of the block. Ours comes first.

    Raises:
        ServerError: ours did not start.
        PeerError: Pipecat could not be installed, or did not start.
    """
    interpreter = python()
    silence = [f"turn.{name}={EQUAL_SILENCE_MS}" for name in ("complete_ms", "silence_ms", "unfinished_ms")]
    settings = [*scripted.SETTINGS, *(silence if terms == "equal" else [])]
    with ExitStack() as stack:
        server = stack.enter_context(starting(settings, sessions=sessions))
        turn = "silence" if terms == "equal" else "smart"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-")))
        peer = stack.enter_context(_pipecat(interpreter, turn, folder))
        await_ready(server)
        yield [Contestant("ours", server.url, server.process.pid, lambda: None), peer]
        server.check()


@contextmanager
def _pipecat(interpreter: Path, turn: str, folder: Path) -> Iterator[Contestant]:
    voice = folder / "answer.wav"
    write_wav(voice, np.asarray(spoken(scripted.ANSWER)), RATE)
    command = [str(interpreter), str(BOT), "--turn", turn, "--voice", str(voice)]
    command += ["--heard", scripted.QUESTION, "--answer", scripted.ANSWER]
    with running(command, folder / "pipecat.log") as (process, url):
        yield Contestant("pipecat", url, process.pid, lambda: OfferSignalling(url, "/api/offer"))


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a peer until the end of the block; it prints `ready URL`. Yields the process and the URL.

    Raises:
        PeerError: it was not ready within 90 s, or ended.
    """
    # No proxy and no Python setting of ours may reach a foreign interpreter.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with log.open("w") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
    try:
        yield process, _await_url(process, log)
        if process.poll() is not None:
            raise PeerError(f"{command[1]} ended with exit code {process.returncode}:\n{_tail(log)}")
    finally:
        stop(process)


def _await_url(process: subprocess.Popen[str], log: Path) -> str:
    give_up = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < give_up:
        if found := READY.search(log.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(POLL_S)
    raise PeerError(f"the peer was not ready within {START_S:.0f} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-TAIL:])
