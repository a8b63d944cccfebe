"""The calls in progress: how many there may be, where each one is, and how they end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from models.engine import Engine
from realtime.config import Settings
from realtime.http_errors import FAILED, RefusedError
from realtime.protocol import Outbox, new_id
from realtime.security.access import Visitor
from realtime.security.limits import Limits, Meter
from realtime.security.shares import OwnShares, Shares
from realtime.session import Session
from realtime.session_request import Updates, configure
from realtime.shelf.shelf import SessionShelf
from realtime.shelf.store import Store
from realtime.speaking.speech import list_voices
from realtime.telemetry import Metrics
from realtime.transport.link import Link
from realtime.transport.resumable import Carrier, ResumableLink
from realtime.transport.side_channel import SharedLink, SharedResumableLink, TooManyError
from realtime.transport.websocket import WebSocketLink

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # s a refused client is told to wait


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

    def __init__(self, visitor: Visitor, *give_back: Callable[[], None]) -> None:
        self.visitor = visitor
        self._give_back = give_back

    def release(self) -> None:
        """Give the place back. Idempotent."""
        give_back, self._give_back = self._give_back, ()
        for release in give_back:
            release()


@dataclass(slots=True)
class _Call:
    """A call in progress."""

    session: Session
    owner: Visitor
    meter: Meter
    link: Link
    carrier: Carrier
    updates: Updates
    task: asyncio.Task[None] | None = None


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
        shares: Shares | None = None,
        prefix: str = "rtc",
        store: Store | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._metrics = metrics
        self._version = version
        self._group = asyncio.TaskGroup()
        self._calls: dict[str, _Call] = {}
        self._places = OwnPlaces(settings.server.max_sessions) if places is None else places
        self._shares = OwnShares(settings.security.sessions_per_key) if shares is None else shares
        self._limits = Limits(settings.security)
        self._prefix = prefix
        self._store = store
        self._voices: tuple[str, ...] = ()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take calls inside; leaving ends them all."""
        self._voices = await list_voices(self._engine, self._settings.tts.voice)
        async with self._group:
            try:
                yield
            finally:
                for call in self._calls.values():
                    if call.task is not None:
                        call.task.cancel()

    # -- a call begins --------------------------------------------------------------------------------------

    def take_place(self, visitor: Visitor) -> Place:
        """Take one of the limited places. Raises `RefusedError`."""
        wait = {"Retry-After": str(RETRY_AFTER)}
        key = visitor.key
        if key and not self._shares.take(key):
            self._metrics.refused.labels("key_full").inc()
            most = self._settings.security.sessions_per_key
            raise RefusedError(
                429,
                f"this API key has {most} calls, and may have no more; end one, or try again later",
                "rate_limit_exceeded",
                headers=wait,
            )
        if not self._places.take():
            if key:
                self._shares.give_back(key)
            self._metrics.refused.labels("full").inc()
            limit = self._settings.server.max_sessions
            message = f"all {limit} lines are busy; try again in {RETRY_AFTER} seconds"
            raise RefusedError(503, message, "server_full", headers=wait)
        return Place(
            visitor, self._places.give_back, *([partial(self._shares.give_back, key)] if key else [])
        )

    def meter(self, visitor: Visitor) -> Meter:
        """What counts a new session, or side channel, of this visitor."""
        return self._limits.meter(visitor.key)

    def start(
        self,
        carrier: Carrier,
        place: Place,
        meter: Meter,
        *,
        updates: Updates = (),
        resumable: bool = False,
    ) -> str:
        """Serve a link in the background; returns the call's id.

        `updates` are applied before the client is told of its session. With `resumable` the call outlives the
        link: see `resume`.
        """
        call_id = new_id(self._prefix)
        link = self._link(carrier, call_id, meter, resumable=resumable)
        store, owner = self._store, place.visitor
        session = Session(
            link,
            self._engine,
            self._settings,
            self._metrics,
            version=self._version,
            meter=meter,
            voices=self._voices,
            shelf=None if store is None else lambda session_id: SessionShelf(store, session_id, owner),
        )
        call = self._calls[call_id] = _Call(session, place.visitor, meter, link, carrier, updates)
        call.task = self._group.create_task(self._serve(call, place), name=call_id)
        call.task.add_done_callback(lambda _: self._calls.pop(call_id, None))
        return call_id

    def _link(self, carrier: Carrier, call_id: str, meter: Meter, *, resumable: bool) -> Link:
        """What the session is given: a WebRTC call, whose id the client is told, can have side channels."""
        grace = self._settings.server.resume_grace
        if resumable and grace:
            token = f"{call_id}.{secrets.token_urlsafe(32)}"
            return SharedResumableLink(carrier, token, grace, meter)
        return SharedLink(carrier, meter) if carrier.kind == "webrtc" else carrier

    async def _serve(self, call: _Call, place: Place) -> None:
        """Hold a conversation until it ends, whatever happens in it; then give back its place."""
        session = call.session
        log.info("%s: begins over %s", session.id, call.link.kind)
        try:
            configure(session, call.updates)
            await session.run()
        except Exception:
            log.exception("%s: failed", session.id)
            _say_goodbye(call.carrier, FAILED, "the session failed")
        finally:
            place.release()
            await call.link.aclose()  # of a session that never ran
            log.info("%s: over", session.id)

    # -- a call goes on -------------------------------------------------------------------------------------

    def find(self, token: str) -> str:
        """The id of the call that waits for, or still has, the client with this token. Raises `GoneError`."""
        call_id = token.partition(".")[0]
        call = self._calls.get(call_id)
        link = call.link if call is not None else None
        if (
            not isinstance(link, ResumableLink)
            or link.closed
            or not secrets.compare_digest(link.token.encode(), token.encode())
        ):
            raise GoneError(
                "that conversation is over: it ended, or waited too long. Call again without a resume token"
            )
        return call_id

    def meter_of(self, token: str) -> Meter:
        """What counts the session that this token resumes. Raises `GoneError`."""
        return self._calls[self.find(token)].meter

    async def resume(self, token: str, carrier: Carrier, last_event: str) -> str:
        """Go on with a call over another link; see `ResumableLink.resume`. Raises `GoneError`."""
        try:
            call_id = self.find(token)
            call = self._calls[call_id]
            assert isinstance(call.link, ResumableLink)
            if not call.link.resume(carrier, last_event):
                raise GoneError("that conversation has just ended. Call again without a resume token")
        except GoneError:
            await carrier.aclose()
            raise
        call.carrier = carrier
        call.session.apply_formats()  # before sound is played over it
        self._metrics.resumed.labels(carrier.kind).inc()
        log.info("%s: resumed over %s", call_id, carrier.kind)
        return call_id

    def check(self, call_id: str, visitor: Visitor) -> None:
        """Whether this visitor's call can have a side channel. Raises `RefusedError`."""
        self._shared(call_id, visitor)

    def attach(self, call_id: str, visitor: Visitor, link: Link) -> None:
        """Make `link` a side channel of a call. Raises `RefusedError`."""
        call, shared = self._shared(call_id, visitor)
        try:
            shared.side.join(link)
        except TooManyError as error:
            raise RefusedError(429, str(error), "rate_limit_exceeded", param="call_id") from None
        call.session.state.announce(Outbox(link))

    async def hang_up(self, call_id: str, visitor: Visitor) -> None:
        """End a call. Raises `RefusedError` when this visitor has none of this id."""
        call = self._touch(call_id, visitor)
        if call.task is not None:
            call.task.cancel()
            await asyncio.wait({call.task})

    def _shared(self, call_id: str, visitor: Visitor) -> tuple[_Call, SharedLink | SharedResumableLink]:
        call = self._touch(call_id, visitor)
        if not isinstance(call.link, SharedLink | SharedResumableLink):
            raise _no_call()
        return call, call.link

    def _touch(self, call_id: str, visitor: Visitor) -> _Call:
        call = self._calls.get(call_id)
        if call is None or not visitor.may_touch(call.owner):
            raise _no_call()
        return call


def _no_call() -> RefusedError:
    # The same for another key's call: that it exists is nobody else's business.
    return RefusedError(
        404, "there is no such call; it may be over already", "call_not_found", param="call_id"
    )


def _say_goodbye(carrier: Carrier, code: int, reason: str) -> None:
    """Say how a link ends, where it has a word for it: a WebSocket's close code."""
    if isinstance(carrier, WebSocketLink):
        carrier.goodbye = (code, reason)
