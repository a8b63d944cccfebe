"""Several workers on one port: started, watched, replaced when they die.

The supervisor holds no calls. It starts the backend processes, which all workers share, and the workers, and
hands each a listening socket of its own on the one port (SO_REUSEPORT): the kernel then spreads connections
evenly by their addresses, where workers that wait at one shared socket leave most to whoever wakes first
(Node.js once saw 70 % of them at two of eight workers). The sockets are the supervisor's, so that connections
that come while a worker is being replaced wait for its successor and are not refused. Which worker then
holds a call is not left to chance at all: see `switch.py`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from models.engine.hosts import ended
from realtime.config import ConfigError, Settings
from realtime.workers import control
from realtime.workers.board import Board
from realtime.workers.exposition import retire

log = logging.getLogger(__name__)

FIRST_DELAY = 0.5  # s before a worker that keeps dying is replaced once more, doubled up to 30 s
KEEPS_DYING = 10.0  # s; a worker that lived longer is replaced at once
CLOSE_TIMEOUT = 8.0  # s a worker has to end: 5 for its requests, and its calls


class WorkerError(Exception):
    """A worker could not begin; the message says why."""


class Workers:
    """The workers of a server, for as long as `async with Workers(...)` lasts.

    Entering starts the processes, which load their code while the hosts load the models; `serving` lets
    them serve. `listen` makes a listening socket of the server's port.
    """

    def __init__(
        self, settings: Settings, directory: Path, version: str, listen: Callable[[], socket.socket]
    ) -> None:
        self._board = Board(directory, settings.server.workers)
        self._hosts_up, self._all_serve = asyncio.Event(), asyncio.Event()
        self._workers = [
            _Worker(
                control.Begin(settings.model_dump(mode="json"), version, str(directory), number, number == 0),
                self._board,
                listen,
                self._hosts_up,
                self._all_serve,
            )
            for number in range(settings.server.workers)
        ]
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for worker in self._workers:
            self._tasks.append(self._group.create_task(worker.supervise(), name="worker"))
        return self

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[dict[str, float]]:
        """All of them serve inside; what is yielded are the stages of the warm-up turn.

        To be entered once the hosts are up. Raises `WorkerError`.
        """
        self._hosts_up.set()
        try:
            stages = await asyncio.gather(*(worker.serving for worker in self._workers))
            self._all_serve.set()
            yield stages[0]
        finally:
            await self._stop()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        await self._group.__aexit__(None, None, None)
        self._board.close()


class _Worker:
    """One worker: its process, and the next."""

    def __init__(
        self,
        begin: control.Begin,
        board: Board,
        listen: Callable[[], socket.socket],
        hosts_up: asyncio.Event,
        all_serve: asyncio.Event,
    ) -> None:
        self.serving: asyncio.Future[dict[str, float]] = asyncio.get_running_loop().create_future()
        self._begin = begin
        self._board = board
        self._listen = listen
        self._listener: socket.socket | None = None
        self._hosts_up = hosts_up
        self._all_serve = all_serve

    async def supervise(self) -> None:
        """Keep a process running until cancelled. If the first cannot serve it is not tried again."""
        loop, delay = asyncio.get_running_loop(), FIRST_DELAY
        number = self._begin.worker
        try:
            while True:
                began = loop.time()
                try:
                    cause = await self._run_once()
                except (ConfigError, OSError) as error:  # no socket, or no room for another process
                    cause = str(error)
                if not self.serving.done():
                    self.serving.set_exception(WorkerError(cause))
                    return
                log.error("worker %d stopped: %s; it is being replaced", number, cause)
                self._begin.rehearse = False
                if loop.time() - began > KEEPS_DYING:
                    delay = FIRST_DELAY
                    continue
                self._close_listener()  # others take its connections for as long as there is nobody
                await asyncio.sleep(delay)
                delay = min(delay * 2, 30.0)
        finally:
            self._close_listener()

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _run_once(self) -> str:
        """Run a process until it ends; return why it ended."""
        if self._listener is None:
            self._listener = self._listen()
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = (self._listener.fileno(), theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "realtime.workers.worker",
                *map(str, descriptors),
                pass_fds=descriptors,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor, which then closes the socket
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=control.LIMIT)
        failure = ""
        try:
            await self._hosts_up.wait()
            writer.write(control.line(self._begin))
            async for line in control.lines(reader):
                match control.to_supervisor.decode(line):
                    case control.Serving(stages=stages):
                        if not self.serving.done():
                            self.serving.set_result(stages)
                        await self._all_serve.wait()
                        writer.write(control.line(control.Go()))
                    case control.Failed(message=failure):
                        pass
        finally:
            writer.close()
            code = await asyncio.shield(ended(process, CLOSE_TIMEOUT))
            self._board.leave(self._begin.worker)
            retire(Path(self._begin.directory), self._begin.worker)
        return failure or f"its process ended with exit code {code}"
