"""The server's events as they arrive, for whoever waits for one or reads them all."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from client.errors import ClientError, ConnectionLostError, GarbledError, SilentServerError

KEPT_EVENTS = 20_000  # some ten minutes of transcript and audio deltas; the oldest are forgotten


class ServerEvent(NamedTuple):
    """One event: its type, its whole body, and when it came (the event loop's clock, seconds)."""

    type: str
    body: dict[str, Any]
    at: float


Listener = Callable[[ServerEvent], None]


def parse(text: str | bytes, at: float) -> ServerEvent:
    """Read one event.

    Raises:
        GarbledError: it is not a JSON object with a `type`.
    """
    try:
        body = json.loads(text)
    except ValueError as cause:
        raise GarbledError(f"the server sent an event that is not JSON: {text[:80]!r}") from cause
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise GarbledError(f"the server sent an event without a type: {text[:80]!r}")
    return ServerEvent(body["type"], body, at)


class EventLog:
    """All events of a call in order, and the call's end. For the event loop's thread only."""

    def __init__(self) -> None:
        self.events: deque[ServerEvent] = deque(maxlen=KEPT_EVENTS)
        self.failure: ClientError | None = None
        self._listeners: list[Listener] = []
        self._waiting: set[asyncio.Future[ServerEvent]] = set()

    def add(self, event: ServerEvent) -> None:
        """Keep an event and tell everybody."""
        self.events.append(event)
        for listener in tuple(self._listeners):
            listener(event)

    def fail(self, failure: ClientError) -> None:
        """The call is over; the first reason stands."""
        if self.failure is not None:
            return
        self.failure = failure
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(failure)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each event from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait_for(
        self, wanted: Callable[[ServerEvent], bool] | str, within: float, after: float = 0.0
    ) -> ServerEvent:
        """The first event of a type, or that fits a predicate, that came after `after` (the loop's clock).

        Raises:
            SilentServerError: it did not come within `within` seconds.
            ClientError: the call ended first.
        """

        def fits(event: ServerEvent) -> bool:
            if event.at <= after:
                return False
            return wanted(event) if callable(wanted) else event.type == wanted

        found = next((event for event in self.events if fits(event)), None)
        if found is None:
            found = await self._next(fits, within)
        if found is None:
            name = wanted if isinstance(wanted, str) else "event that was waited for"
            raise SilentServerError(f"the server sent no {name} within {within:g} s")
        return found

    async def changed(self, within: float) -> None:
        """Wait for the next event, at most `within` seconds.

        Raises:
            ClientError: the call is over.
        """
        await self._next(lambda _event: True, within)

    async def _next(self, fits: Callable[[ServerEvent], bool], within: float) -> ServerEvent | None:
        if self.failure is not None:
            raise self.failure
        waiter: asyncio.Future[ServerEvent] = asyncio.get_running_loop().create_future()

        def check(event: ServerEvent) -> None:
            if not waiter.done() and fits(event):
                waiter.set_result(event)

        self._waiting.add(waiter)
        unsubscribe = self.subscribe(check)
        try:
            async with asyncio.timeout(within):
                return await waiter
        except TimeoutError:
            return None
        finally:
            unsubscribe()
            self._waiting.discard(waiter)


def lost(reason: str) -> ConnectionLostError:
    """The failure of a call that ended by itself."""
    return ConnectionLostError(f"the connection to the server was lost: {reason}")
