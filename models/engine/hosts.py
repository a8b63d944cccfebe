"""The backend processes: started, watched and started again when they die. One process of a server does this.

Edges find in the directory one socket for each process, and `STATUS`, over which they are told which of the
processes is up, and why one went down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from models.api import BackendUnavailableError, Role
from models.engine import wire
from models.registry import entry

log = logging.getLogger(__name__)

STATUS = "status.sock"
RESTART_DELAY = 0.5  # s before a dead backend is started again, doubled up to 30 s while it keeps dying
LOAD_TIMEOUT = 600.0  # s; a pretrained model may have to be read from a slow disk
CLOSE_TIMEOUT = 3.0  # s a process has to end by itself
LONGEST_PATH = 107  # bytes that a unix socket's address holds on Linux


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which backend serves a role, with what options, in how many processes."""

    backend: str
    options: Mapping[str, Any] = field(default_factory=dict)
    processes: int = 1


def on_the_edge(role: Role, assignment: Assignment) -> bool:
    """Whether the backend runs in the edge itself. Raises `ValueError` if there is none of this name."""
    return entry(role, assignment.backend).runs != "process"


def socket_path(directory: Path, role: Role, index: int) -> Path:
    """Where the backend process `index` of a role takes edges."""
    return directory / f"{role}-{index}.sock"


@contextmanager
def runtime_directory() -> Iterator[Path]:
    """A directory for sockets that only this user can enter (mode 0700); it is gone afterwards.

    Raises `ValueError` when its path would be too long for a socket's address.
    """
    place = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = place if place and os.access(place, os.W_OK | os.X_OK) else tempfile.gettempdir()
    if len(os.fsencode(parent)) > LONGEST_PATH - 40:
        raise ValueError(f"the path {parent} is too long for unix sockets; set TMPDIR to a shorter one")
    with tempfile.TemporaryDirectory(prefix="audiogpt-", dir=parent, ignore_cleanup_errors=True) as path:
        yield Path(path)


class Hosts:
    """All backend processes of a server, for as long as `async with Hosts(...)` lasts.

    Entering loads every backend, all at once, and raises `BackendUnavailableError` that says what is
    missing. Leaving ends all processes.
    """

    def __init__(self, assignments: Mapping[Role, Assignment], directory: Path) -> None:
        self._hosts = [
            _Host(role, index, assignment, directory, self._tell)
            for role, assignment in assignments.items()
            if not on_the_edge(role, assignment)
            for index in range(assignment.processes)
        ]
        self._directory = directory
        self._watchers: set[asyncio.StreamWriter] = set()
        self._supervisors = asyncio.TaskGroup()
        self._watching: list[asyncio.Task[None]] = []
        self._status: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self._supervisors.__aenter__()
        try:
            for host in self._hosts:
                task = self._supervisors.create_task(host.supervise(), name=f"host {host.role}")
                self._watching.append(task)
            self._status = await asyncio.start_unix_server(self._watch, self._directory / STATUS)
            async with asyncio.timeout(LOAD_TIMEOUT):
                await asyncio.gather(*(host.loaded for host in self._hosts))
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        for task in self._watching:
            task.cancel()
        await self._supervisors.__aexit__(None, None, None)
        if self._status is not None:
            self._status.close()
        for watcher in self._watchers:
            watcher.close()

    def _tell(self, status: wire.Status) -> None:
        for watcher in self._watchers:
            watcher.write(wire.pack(status))

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """An edge has connected to `STATUS`: say how things are now; changes follow from `_tell`."""
        for host in self._hosts:
            if host.up:
                writer.write(wire.pack(wire.HostUp(host.role, host.index, host.restarts)))
        self._watchers.add(writer)
        try:
            await reader.read()  # it says nothing: this waits for its end
        except ConnectionError as error:
            log.debug("an edge is gone: %s", error)
        finally:
            self._watchers.discard(writer)
            writer.close()


class _Host:
    """One backend process: starts it, and starts it again."""

    def __init__(
        self,
        role: Role,
        index: int,
        assignment: Assignment,
        directory: Path,
        tell: Callable[[wire.Status], None],
    ) -> None:
        self.role = role
        self.index = index
        self.restarts = 0
        self.up = False
        self.loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._assignment = assignment
        self._path = socket_path(directory, role, index)
        self._tell = tell

    async def supervise(self) -> None:
        """Keep the process running until cancelled. One that cannot be loaded at first is not tried again."""
        delay = RESTART_DELAY
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                cause = await self._run_once()
            except (BackendUnavailableError, OSError) as error:  # OSError: no room for another process
                if not self.loaded.done():
                    self.loaded.set_exception(BackendUnavailableError(str(error)))
                    return
                cause = str(error)
            log.error("the %s backend %r stopped: %s", self.role, self._assignment.backend, cause)
            self._tell(wire.HostDown(self.role, self.index, cause))
            self.restarts += 1
            delay = RESTART_DELAY if loop.time() - began > 60 else min(delay * 2, 30.0)
            await asyncio.sleep(delay)

    async def _run_once(self) -> str:
        """Run the process until it ends; return why it ended."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "models.engine.host",
                self.role,
                self._assignment.backend,
                json.dumps(dict(self._assignment.options)),
                str(self._path),
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us; we then close the socket
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            await self._follow(reader)
        except ConnectionError as error:
            log.debug("the %s backend's socket broke: %s", self.role, error)
        finally:
            self.up = False
            writer.close()
            code = await asyncio.shield(ended(process))
        return f"its process ended with exit code {code}"

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        splitter = wire.Splitter()
        while data := await reader.read(1 << 16):
            for body in splitter.feed(data):
                match wire.to_supervisor.decode(body):
                    case wire.Ready(load_ms=load_ms):
                        log.info("%s: %s loaded in %.0f ms", self.role, self._assignment.backend, load_ms)
                        self.up = True
                        self._tell(wire.HostUp(self.role, self.index, self.restarts))
                        if not self.loaded.done():
                            self.loaded.set_result(None)
                    case wire.LoadFailed(message=message):
                        raise BackendUnavailableError(message)


async def ended(process: asyncio.subprocess.Process, seconds: float = CLOSE_TIMEOUT) -> int:
    """Wait for a process that was told to end; kill it if it does not. Returns its exit code."""
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()
