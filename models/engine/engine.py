"""The engine as the edge sees it: `Engine.open(request) -> Stream`.

Backends that compute run in processes of their own (`host.py`), because several hold the GIL while they do
(PocketSphinx stalls a neighbouring thread by 17 ms at the median); backends that only wait run here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast, overload

from models import api
from models.api import BackendError, BackendUnavailableError, BusyError, Role
from models.engine import wire
from models.registry import entry, load

log = logging.getLogger(__name__)

# Outputs on their way before the edge has to take some. With chunks of 20-100 ms this bounds what a
# barge-in throws away to well under a second. Listening roles answer input, so the input bounds them.
WINDOW: Mapping[Role, int] = {"vad": 256, "asr": 256, "planner": 256, "tts": 6, "music": 4, "sound": 4}
RESTART_DELAY = 0.5  # s before a dead backend is started again, doubled up to 30 s while it keeps dying
LOAD_TIMEOUT = 600.0  # s; a pretrained model may have to be read from a slow disk
CLOSE_TIMEOUT = 3.0  # s a process has to end by itself


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which backend serves a role, with what options, in how many processes."""

    backend: str
    options: Mapping[str, Any] = field(default_factory=dict)
    processes: int = 1


class Engine:
    """All backends of one edge process, for as long as `async with Engine(...)` lasts.

    Entering loads every backend, all at once, and raises `BackendUnavailableError` that says what is
    missing. Leaving aborts all streams and ends all processes.
    """

    def __init__(self, assignments: Mapping[Role, Assignment]) -> None:
        self.assignments = dict(assignments)
        self._hosts: dict[Role, list[_Host]] = {}
        self._local: dict[Role, api.AsyncBackend] = {}
        self._supervisors = asyncio.TaskGroup()
        self._watching: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._supervisors.__aenter__()
        try:
            for role, assignment in self.assignments.items():
                if entry(role, assignment.backend).runs == "edge":
                    local = load(role, assignment.backend, assignment.options)
                    self._local[role] = cast(api.AsyncBackend, local)
                    continue
                self._hosts[role] = [_Host(role, assignment) for _ in range(assignment.processes)]
            hosts = [host for hosts in self._hosts.values() for host in hosts]
            for host in hosts:
                task = self._supervisors.create_task(host.supervise(), name=f"host {host.role}")
                self._watching.append(task)
            async with asyncio.timeout(LOAD_TIMEOUT):
                await asyncio.gather(*(host.ready for host in hosts))
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
        for backend in self._local.values():
            await backend.aclose()
        self._hosts, self._local = {}, {}

    @overload
    def open(self, request: api.VadRequest) -> api.Stream[api.SpeechProbability]: ...
    @overload
    def open(self, request: api.AsrRequest) -> api.Stream[api.Hypothesis]: ...
    @overload
    def open(self, request: api.PlanRequest) -> api.Stream[api.TextDelta | api.ToolCall | api.PlanDone]: ...
    @overload
    def open(self, request: api.SpeechRequest) -> api.Stream[api.SpeechChunk]: ...
    @overload
    def open(self, request: api.MusicRequest) -> api.Stream[api.MusicChunk]: ...
    @overload
    def open(self, request: api.SoundRequest) -> api.Stream[api.SoundChunk]: ...
    def open(self, request: api.Request) -> api.Stream[Any]:
        """Begin a stream. It never blocks and never fails: what goes wrong is raised where it is read.

        Close the stream (`contextlib.aclosing`): that aborts the work and frees its slot.
        """
        role = api.ROLE_OF[type(request)]
        if role in self._local:
            return _LocalStream(self._local[role].stream(request))
        host = min(self._hosts[role], key=lambda host: host.load)
        return host.open(request)

    def streams(self) -> dict[Role, int]:
        """How many streams are open, by role (a gauge)."""
        return {role: sum(host.load for host in hosts) for role, hosts in self._hosts.items()}

    def restarts(self) -> dict[Role, int]:
        """How often a backend's process died and was started again, by role (a counter)."""
        return {role: sum(host.restarts for host in hosts) for role, hosts in self._hosts.items()}


class _Host:
    """The edge's end of one backend process: starts it, restarts it, carries its streams."""

    def __init__(self, role: Role, assignment: Assignment) -> None:
        self.role = role
        self.restarts = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._assignment = assignment
        self._ids = itertools.count(1)
        self._streams: dict[int, _RemoteStream] = {}
        self._writer: asyncio.StreamWriter | None = None

    @property
    def load(self) -> int:
        return len(self._streams)

    def open(self, request: api.Request) -> _RemoteStream:
        number = next(self._ids)
        stream = _RemoteStream(self, number, WINDOW[self.role])
        if self._writer is None:
            stream.end(BackendError(f"the {self.role} backend is being restarted; try again in a moment"))
            return stream
        self._streams[number] = stream
        self.write(wire.Open(number, request, WINDOW[self.role]))
        return stream

    def forget(self, number: int) -> None:
        if self._streams.pop(number, None) is not None:
            self.write(wire.Close(number))

    def write(self, message: wire.ToHost) -> None:
        if self._writer is not None:
            self._writer.write(wire.pack(message))

    async def drain(self) -> None:
        if self._writer is not None:
            try:
                await self._writer.drain()
            except ConnectionError:
                return  # the supervisor sees it too, and ends every stream with the cause

    async def supervise(self) -> None:
        """Keep the process running until cancelled. One that cannot be loaded at first is not tried again."""
        delay = RESTART_DELAY
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                cause = await self._serve_once()
            except BackendUnavailableError as error:
                if not self.ready.done():
                    self.ready.set_exception(error)
                    return
                cause = str(error)
            log.error("the %s backend %r stopped: %s", self.role, self._assignment.backend, cause)
            self.restarts += 1
            delay = RESTART_DELAY if loop.time() - began > 60 else min(delay * 2, 30.0)
            await asyncio.sleep(delay)

    async def _serve_once(self) -> str:
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
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        try:
            await self._read(reader, writer)
        except ConnectionError as error:
            log.debug("the %s backend's socket broke: %s", self.role, error)
        finally:
            self._writer = None
            writer.close()
            code = await asyncio.shield(_ended(process))
            cause = f"its process ended with exit code {code}"
            for stream in list(self._streams.values()):
                stream.end(BackendError(f"the {self.role} backend failed ({cause}); it is being restarted"))
            self._streams.clear()
        return cause

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = wire.Splitter()
        while data := await reader.read(1 << 18):
            for body in splitter.feed(data):
                match wire.to_edge.decode(body):
                    case wire.Ready(load_ms=load_ms):
                        log.info("%s: %s loaded in %.0f ms", self.role, self._assignment.backend, load_ms)
                        self._writer = writer
                        if not self.ready.done():
                            self.ready.set_result(None)
                    case wire.LoadFailed(message=message):
                        raise BackendUnavailableError(message)
                    case wire.Out(stream=number, item=item) if stream := self._streams.get(number):
                        stream.put(item)
                    case wire.End(stream=number, error=error, busy=busy):
                        if stream := self._streams.pop(number, None):
                            kind = BusyError if busy else BackendError
                            stream.end(None if error is None else kind(error))


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Wait for a process whose socket is closed, and end it if it does not end by itself."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


class _RemoteStream:
    """A stream whose job runs in another process. Its output is bounded by the credit it gives."""

    def __init__(self, host: _Host, number: int, window: int) -> None:
        self._host = host
        self._number = number
        self._items: deque[Any] = deque()
        self._taken = 0
        self._grant_at = max(1, window // 2)  # credit goes back in halves: half the messages, same flow
        self._open = True
        self._error: BackendError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._wake()

    def end(self, error: BackendError | None) -> None:
        if self._open:
            self._open = False
            self._error = error
        self._wake()

    async def send(self, item: api.Input) -> None:
        if self._open:
            self._host.write(wire.Feed(self._number, item))
            await self._host.drain()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while not self._items:
            if self._error is not None:
                raise self._error
            if not self._open:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._taken += 1
        if self._taken >= self._grant_at and self._open:
            self._host.write(wire.Credit(self._number, self._taken))
            self._taken = 0
        return self._items.popleft()

    async def aclose(self) -> None:
        self._items.clear()
        self._host.forget(self._number)
        self.end(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _LocalStream:
    """A stream of a backend that runs on the edge's own loop."""

    def __init__(self, items: AsyncIterator[Any]) -> None:
        self._items = items

    async def send(self, item: api.Input) -> None:
        raise BackendError("this backend takes no further input")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._items)

    async def aclose(self) -> None:
        close: Callable[[], Any] | None = getattr(self._items, "aclose", None)
        if close is not None:
            await close()
