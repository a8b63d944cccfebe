"""A real server in a process of its own, shared by the tests of this folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
RECORDINGS = ROOT.parent / "shared" / "audio"
START_TIMEOUT = 90.0  # s: on two busy cores the models load in ten


@dataclass
class Server:
    """A running `python -m realtime`: its URL and what it prints."""

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            found = re.match(r"AudioGPT Live is ready: (\S+)", line)
            if found:
                self.url = found[1]
            if "warm-up" in line:
                self.ready.set()
        self.ready.set()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)


@contextmanager
def running(*settings: str, **environment: str) -> Iterator[Server]:
    """Start a server with these settings; end it as Ctrl-C would, and look at what it printed."""
    command = [sys.executable, "-W", "error", "-X", "dev", "-m", "realtime", "--port", "0"]
    for setting in ("media.addresses=127.0.0.1", *settings):
        command += ["--set", setting]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    reader = threading.Thread(target=server.read)
    reader.start()
    try:
        assert server.ready.wait(START_TIMEOUT), server.output
        assert server.url, server.output
        yield server
        assert process.poll() is None, server.output
    finally:
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(20)
        finally:
            process.kill()
            process.wait()
            reader.join()
            if process.stdout is not None:
                process.stdout.close()
    assert code == 0, server.output
    assert "Traceback" not in server.output, server.output
    assert "was never" not in server.output, server.output


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def start_server() -> Callable[..., object]:
    return running


@pytest.fixture
def clip() -> Callable[[str], Path]:
    return lambda name: DATA / f"{name}.flac"


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """A real recording that is not in the repository; the test is skipped where it is not there."""

    def find(name: str) -> Path:
        path = RECORDINGS / f"{name}.flac"
        if not path.exists():
            pytest.skip(f"{path} is not here")
        return path

    return find
