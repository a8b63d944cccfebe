"""The calls in progress: how many there may be, where each one is, and how they end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from models.engine import Engine
from realtime.config import Settings
from realtime.protocol import new_id
from realtime.session import Session
from realtime.telemetry import Metrics
from realtime.transport.link import Link
from realtime.transport.resumable import Carrier, ResumableLink

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # s a refused client is told to wait


class FullError(Exception):
    """There are as many calls as the server takes."""


class GoneError(Exception):
    """There is no call that this token resumes."""


class Places(Protocol):
    """The places there are for calls, in the whole server."""

    def take(self) -> bool:
        """Take one; False when all are taken."""

    def give_back(self) -> None:
        """Give one back."""


class OwnPlaces:
    """The places of a server that is one process."""

    def __init__(self, limit: int) -> None:
        self._free = limit

    def take(self) -> bool:
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        self._free += 1


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
    """All sessions of this process, in one task group. Ids of calls begin with `prefix`."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        metrics: Metrics,
        version: str,
        *,
        places: Places | None = None,
        prefix: str = "rtc",
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._metrics = metrics
        self._version = version
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._resumable: dict[str, ResumableLink] = {}
        self._places = OwnPlaces(settings.server.max_sessions) if places is None else places
        self._prefix = prefix

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
        if not self._places.take():
            self._metrics.refused.labels("full").inc()
            limit = self._settings.server.max_sessions
            raise FullError(f"all {limit} lines are busy; try again in {RETRY_AFTER} seconds")
        return Place(self._places.give_back)

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

    def start(self, carrier: Carrier, place: Place, *, resumable: bool = False) -> str:
        """Serve a link in the background; returns the call's id.

        With `resumable` the call outlives the link: see `resume`.
        """
        call_id = new_id(self._prefix)
        grace = self._settings.server.resume_grace
        link: Link = carrier
        if resumable and grace:
            token = f"{call_id}.{secrets.token_urlsafe(32)}"
            link = self._resumable[call_id] = ResumableLink(carrier, token, grace)
        task = self._group.create_task(self.serve(link, place), name=call_id)
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._forget(call_id))
        return call_id

    def find(self, token: str) -> str:
        """The id of the call that waits for, or still has, the client with this token. Raises `GoneError`."""
        call_id = token.partition(".")[0]
        link = self._resumable.get(call_id)
        if link is None or link.closed or not secrets.compare_digest(link.token.encode(), token.encode()):
            raise GoneError(
                "that conversation is over: it ended, or waited too long. Call again without a resume token"
            )
        return call_id

    async def resume(self, token: str, carrier: Carrier, last_event: str) -> str:
        """Go on with a call over another link; see `ResumableLink.resume`. Raises `GoneError`."""
        try:
            call_id = self.find(token)
            if not self._resumable[call_id].resume(carrier, last_event):
                raise GoneError("that conversation has just ended. Call again without a resume token")
        except GoneError:
            await carrier.aclose()
            raise
        self._metrics.resumed.labels(carrier.kind).inc()
        log.info("%s: resumed over %s", call_id, carrier.kind)
        return call_id

    def _forget(self, call_id: str) -> None:
        self._tasks.pop(call_id, None)
        self._resumable.pop(call_id, None)

    async def hang_up(self, call_id: str) -> bool:
        """End a call; False when there is none of this id."""
        task = self._tasks.get(call_id)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait({task})
        return True
