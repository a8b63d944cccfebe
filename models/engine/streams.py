"""The edge's end of streams: those of jobs in other processes, over a `Link` to each, and local ones."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from models import api
from models.api import BackendError, BusyError, Role
from models.engine import wire

log = logging.getLogger(__name__)

# Outputs on their way before the edge has to take some. With chunks of 20-100 ms this bounds what a
# barge-in throws away to well under a second. Listening roles answer input, so the input bounds them.
WINDOW: Mapping[Role, int] = {
    "vad": 256,
    "asr": 256,
    "turn": 1,
    "planner": 256,
    "tts": 6,
    "music": 4,
    "sound": 4,
}
# s to learn why a connection broke: a process that hangs while it ends is killed after 3
CAUSE_TIMEOUT = 5.0


class Link:
    """An edge's connection to one backend process, made again when that was restarted, and its streams."""

    def __init__(self, role: Role, path: Path) -> None:
        self.role = role
        self.restarts = 0
        self.connected = asyncio.Event()
        self._path = path
        self._up = asyncio.Event()
        self._down: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ids = itertools.count(1)
        self._streams: dict[int, RemoteStream] = {}
        self._writer: asyncio.StreamWriter | None = None

    @property
    def load(self) -> int:
        """How many streams it carries."""
        return len(self._streams)

    def host_up(self, restarts: int) -> None:
        """The process takes edges (again)."""
        self.restarts = restarts
        self._down = asyncio.get_running_loop().create_future()
        self._up.set()

    def host_down(self, cause: str) -> None:
        """The process has ended."""
        self._up.clear()
        if not self._down.done():
            self._down.set_result(cause)

    async def keep(self) -> None:
        """Stay connected for as long as the process is up, until cancelled."""
        try:
            while True:
                await self._up.wait()
                down = self._down
                await self._serve_once()
                self._fail(f"{await self._why(down)}; it is being restarted")
        finally:
            self._fail("the engine was closed")

    def open(self, request: api.Request) -> RemoteStream:
        """Begin a stream; while there is no connection it fails at once, with the remedy."""
        number = next(self._ids)
        stream = RemoteStream(self, number, WINDOW[self.role])
        if self._writer is None:
            stream.end(BackendError(f"the {self.role} backend is being restarted; try again in a moment"))
            return stream
        self._streams[number] = stream
        self.write(wire.Open(number, request, WINDOW[self.role]))
        return stream

    def forget(self, number: int) -> None:
        """Abort a stream that may be open still."""
        if self._streams.pop(number, None) is not None:
            self.write(wire.Close(number))

    def write(self, message: wire.ToHost) -> None:
        """Send a message, if there is anyone to send it to."""
        if self._writer is not None:
            self._writer.write(wire.pack(message))

    async def drain(self) -> None:
        """Wait while the process takes nothing."""
        if self._writer is not None:
            try:
                await self._writer.drain()
            except ConnectionError:
                return  # `keep` sees it too, and ends every stream with the cause

    async def _serve_once(self) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=1 << 20)
        except OSError as error:
            log.debug("no connection to the %s backend: %s", self.role, error)
            return
        self._writer = writer
        self.connected.set()
        try:
            await self._read(reader)
        except ConnectionError as error:
            log.debug("the %s backend's socket broke: %s", self.role, error)
        finally:
            self._writer = None
            self.connected.clear()
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        splitter = wire.Splitter()
        while data := await reader.read(1 << 18):
            for body in splitter.feed(data):
                match wire.to_edge.decode(body):
                    case wire.Out(stream=number, item=item) if stream := self._streams.get(number):
                        stream.put(item)
                    case wire.End(stream=number, error=error, busy=busy):
                        if stream := self._streams.pop(number, None):
                            kind = BusyError if busy else BackendError
                            stream.end(None if error is None else kind(error))

    @staticmethod
    async def _why(down: asyncio.Future[str]) -> str:
        try:
            async with asyncio.timeout(CAUSE_TIMEOUT):
                return await asyncio.shield(down)
        except TimeoutError:
            return "the connection to its process was lost"

    def _fail(self, cause: str) -> None:
        for stream in list(self._streams.values()):
            stream.end(BackendError(f"the {self.role} backend failed: {cause}"))
        self._streams.clear()


class _Outputs:
    """An async iterator of outputs as they are put, until their end."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._open = True
        self._error: BackendError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Any) -> None:
        """An output has come."""
        self._items.append(item)
        self._wake()

    def end(self, error: BackendError | None) -> None:
        """No more outputs come."""
        if self._open:
            self._open = False
            self._error = error
        self._wake()

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
        return self._items.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class RemoteStream(_Outputs):
    """A stream whose job runs in another process. Its output is bounded by the credit it gives."""

    def __init__(self, link: Link, number: int, window: int) -> None:
        super().__init__()
        self._link = link
        self._number = number
        self._taken = 0
        self._grant_at = max(1, window // 2)  # credit goes back in halves: half the messages, same flow

    async def send(self, item: api.Input) -> None:
        if self._open:
            self._link.write(wire.Feed(self._number, item))
            await self._link.drain()

    async def __anext__(self) -> Any:
        item = await super().__anext__()
        self._taken += 1
        if self._taken >= self._grant_at and self._open:
            self._link.write(wire.Credit(self._number, self._taken))
            self._taken = 0
        return item

    async def aclose(self) -> None:
        self._items.clear()
        self._link.forget(self._number)
        self.end(None)


class InlineStream(_Outputs):
    """A stream of a listening backend whose job is done here and now, in `send`."""

    def __init__(self, backend: api.Backend, request: api.Request) -> None:
        super().__init__()
        self._job: api.Job | None = None
        try:
            self._job = backend.open(request)
        except BackendError as error:
            self.end(error)

    async def send(self, item: api.Input) -> None:
        if self._job is None:
            return
        try:
            if not self._job.feed(item, self.put):
                self._finish(None)
        except BackendError as error:
            self._finish(error)
        except Exception as error:
            log.exception("a stream failed")
            self._finish(BackendError(f"{type(error).__name__}: {error}"))

    async def aclose(self) -> None:
        self._items.clear()
        self._finish(None)

    def _finish(self, error: BackendError | None) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.close()
        self.end(error)


class FailedStream(_Outputs):
    """A stream that could not begin: reading it raises the cause."""

    def __init__(self, error: BackendError) -> None:
        super().__init__()
        self.end(error)

    async def send(self, item: api.Input) -> None:
        return

    async def aclose(self) -> None:
        return


class LocalStream:
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
