"""The calls in progress: how many there may be, where each one is, and how they end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from models.engine import Engine
from realtime.config import Settings
from realtime.protocol import new_id
from realtime.session import Session
from realtime.telemetry import Metrics
from realtime.transport.link import Link

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # s a refused client is told to wait


class FullError(Exception):
    """There are as many calls as the server takes."""


class Place:
    """One of the limited places; `release` it once the call is over (or never began)."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def release(self) -> None:
        """Give the place back. Idempotent."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Calls:
    """All sessions of this process, in one task group."""

    def __init__(self, engine: Engine, settings: Settings, metrics: Metrics, version: str) -> None:
        self._engine = engine
        self._settings = settings
        self._metrics = metrics
        self._version = version
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take calls inside; leaving ends them all."""
        async with self._group:
            try:
                yield
            finally:
                for task in self._tasks.values():
                    task.cancel()

    def take_place(self) -> Place:
        """Take one of the limited places. Raises `FullError`."""
        limit = self._settings.server.max_sessions
        if self._places >= limit:
            self._metrics.refused.labels("full").inc()
            raise FullError(f"all {limit} lines are busy; try again in {RETRY_AFTER} seconds")
        self._places += 1
        return Place(self._give_back)

    def _give_back(self) -> None:
        self._places -= 1

    async def serve(self, link: Link, place: Place) -> None:
        """Hold a conversation over a link until it ends, whatever happens in it; then give back its place."""
        session = Session(link, self._engine, self._settings, self._metrics, version=self._version)
        log.info("%s: begins over %s", session.id, link.kind)
        try:
            await session.run()
        except Exception:
            log.exception("%s: failed", session.id)
        finally:
            place.release()
            log.info("%s: over", session.id)

    def start(self, link: Link, place: Place) -> str:
        """Serve a link in the background; returns the call's id."""
        call_id = new_id("rtc")
        task = self._group.create_task(self.serve(link, place), name=call_id)
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(call_id, None))
        return call_id

    async def hang_up(self, call_id: str) -> bool:
        """End a call; False when there is none of this id."""
        task = self._tasks.get(call_id)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait({task})
        return True
