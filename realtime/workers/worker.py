"""One worker of several: `python -m realtime.workers.worker LISTENER CONTROL`, two inherited descriptors.

Started by `realtime.workers.supervisor`, never by hand. It ends when its supervisor closes CONTROL or dies.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from models.api import BackendError
from models.engine import Engine
from realtime.config import ConfigError, Settings
from realtime.process import first_cause
from realtime.security.shares import Seat
from realtime.serving import serving
from realtime.telemetry import Metrics
from realtime.warmup import WarmupError, warm_up
from realtime.workers import control
from realtime.workers.board import Board, WorkerPlaces
from realtime.workers.switch import Switch, call_prefix, worker_socket

BACKLOG = 128  # requests of colleagues that may wait


class Worker:
    """Does what a `Begin` says."""

    def __init__(self, begin: control.Begin, settings: Settings, supervisor: asyncio.StreamWriter) -> None:
        self._begin = begin
        self._settings = settings
        self._supervisor = supervisor
        self._go = asyncio.Event()

    async def obey(self, lines: AsyncIterator[bytes]) -> None:
        """Hear the supervisor until it is gone."""
        async for line in lines:
            if isinstance(control.to_worker.decode(line), control.Go):
                self._go.set()

    async def serve(self, listener: socket.socket) -> None:
        """Answer requests until cancelled. When it cannot it tells the supervisor why, and returns."""
        try:
            await self._serve(listener)
        except* (BackendError, ConfigError, WarmupError) as errors:
            self._supervisor.write(control.line(control.Failed(str(first_cause(errors)))))
            await self._supervisor.drain()

    async def _serve(self, listener: socket.socket) -> None:
        settings, server, number = self._settings, self._settings.server, self._begin.worker
        directory, metrics = Path(self._begin.directory), Metrics()
        with Board(directory, server.workers) as board, answering(directory, number) as colleagues:
            async with (
                Switch(
                    number, board, directory, metrics, max_body=server.max_body, max_event=server.max_event
                ) as switch,
                Engine.attached(settings.assignments(), directory) as engine,
                serving(
                    settings,
                    engine,
                    [listener, colleagues],
                    version=self._begin.version,
                    metrics=metrics,
                    places=WorkerPlaces(board, number, server.max_sessions),
                    prefix=call_prefix(number),
                    around=switch.around,
                    seat=Seat(directory, number),
                ) as readiness,
            ):
                stages = (await warm_up(engine, settings)).stages if self._begin.rehearse else {}
                board.enter(number, os.getpid())
                self._supervisor.write(control.line(control.Serving(stages)))
                await self._go.wait()
                readiness.ready = True
                await asyncio.Event().wait()


@contextmanager
def answering(directory: Path, worker: int) -> Iterator[socket.socket]:
    """The socket on which a worker answers its colleagues."""
    path = worker_socket(directory, worker)
    path.unlink(missing_ok=True)  # of a predecessor that died
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(os.fspath(path))
        own.listen(BACKLOG)
        yield own


async def run(listener: socket.socket, connection: socket.socket) -> int:
    """Work until the supervisor is gone (exit code 0) or there is a reason not to (1)."""
    reader, writer = await asyncio.open_connection(sock=connection, limit=control.LIMIT)
    lines = control.lines(reader)
    try:
        begin = control.to_worker.decode(await anext(lines))
    except StopAsyncIteration:
        return 0  # stopped before it began
    assert isinstance(begin, control.Begin)
    settings = Settings.model_validate(begin.settings)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format=f"%(asctime)s %(levelname)s worker {begin.worker}, %(name)s: %(message)s",
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells every request between workers
    worker = Worker(begin, settings, writer)
    serving_task = asyncio.create_task(worker.serve(listener), name="serve")
    obeying = asyncio.create_task(worker.obey(lines), name="obey")
    try:
        await asyncio.wait({serving_task, obeying}, return_when=asyncio.FIRST_COMPLETED)
        if not obeying.done():
            await serving_task  # raises what ended it
            return 1
        serving_task.cancel()
        await asyncio.wait({serving_task})
        return 0
    finally:
        obeying.cancel()
        writer.close()


def main() -> int:
    """Read the command line that the supervisor gave."""
    listener, connection = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:3])
    with listener, connection:
        return uvloop.run(run(listener, connection))


if __name__ == "__main__":
    sys.exit(main())
