"""A real server, `python -m realtime`, in processes of its own, on a free loopback port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.processes import Cost, by_part

ROOT = Path(__file__).parent.parent
START_S = 90.0
STOP_S = 20.0
READY = re.compile(r"AudioGPT Live is ready: (\S+)")
POLL_S = 0.5
TAIL = 15  # lines of its output that an error shows


class ServerError(RuntimeError):
    """The server did not start, or ended by itself. The message holds the end of what it printed."""


@dataclass
class Server:
    """A running server: its URL, what it prints, what it costs and counts."""

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def costs(self) -> dict[str, Cost]:
        """CPU, memory, threads and sockets by part (`edge`, and the roles)."""
        self.check()
        return by_part(self.process.pid)

    def metrics(self) -> dict[str, float]:
        """The sums over all labels of `/metrics`, by sample name, such as `audiogpt_frames_late_total`."""
        self.check()
        # No proxy of the environment may stand between us and our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/metrics", timeout=10) as response:
            return sums(response.read().decode())

    def check(self) -> None:
        """Raise `ServerError` if the server has ended."""
        if self.process.poll() is not None:
            raise ServerError(f"the server ended with exit code {self.process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of what it printed."""
        return "\n".join(self.lines[-TAIL:])

    def read(self) -> None:
        """Read its output until it ends (on a thread: a full pipe would stop the server)."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := READY.match(line):
                self.url = found[1]
                self.ready.set()
        self.ready.set()


def sums(text: str) -> dict[str, float]:
    """The samples of a Prometheus exposition by name, summed over their labels."""
    totals: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


@contextmanager
def serving(*settings: str, sessions: int = 16) -> Iterator[Server]:
    """Run a server with these settings (`section.key=value`) for the length of the block.

    Raises:
        ServerError: it did not become ready within 90 s, or ended during the block.
    """
    with starting(settings, sessions=sessions) as server:
        await_ready(server)
        yield server
        server.check()


@contextmanager
def starting(settings: Sequence[str], *, sessions: int) -> Iterator[Server]:
    """Start a server without waiting for it: several load their models side by side."""
    command = [sys.executable, "-m", "realtime", "--port", "0"]
    fixed = ("media.addresses=127.0.0.1", f"server.max_sessions={sessions}", "log_level=warning")
    for setting in (*fixed, *settings):
        command += ["--set", setting]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AUDIOGPT_")}
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    reader = threading.Thread(target=server.read, name="server output")
    reader.start()
    try:
        yield server
    finally:
        stop(process)
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def await_ready(server: Server) -> None:
    """Wait until it has warmed up. Raises `ServerError`."""
    server.ready.wait(START_S)
    server.check()
    if not server.url:
        raise ServerError(f"the server was not ready within {START_S:.0f} s:\n{server.tail()}")


def stop(process: subprocess.Popen[str]) -> None:
    """End a process as Ctrl-C would, and by force when it does not end."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_empty(server: Server, within: float) -> float:
    """Wait until no session is left; returns how many still are after `within` seconds."""
    give_up = time.monotonic() + within
    while (left := server.metrics().get("audiogpt_sessions", 0.0)) and time.monotonic() < give_up:
        time.sleep(POLL_S)
    return left
