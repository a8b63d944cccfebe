"""Side channels: WebSockets that see a call's events and may send some, beside its own client.

A server that gave a browser its token can so hold the tools of the call, and what it is told, in its own
hands (`WS /v1/realtime?call_id=…`). The session knows nothing of it: what it sends goes to all, and what
comes from any of them comes to it as its client's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import cast

from models.api import HEARING_RATE
from realtime.protocol import Outbox, ProtocolError
from realtime.security.limits import Meter, OverLimitError
from realtime.transport.link import AudioOwner, InputAudio, Link, Losses, StereoFrame
from realtime.transport.resumable import Carrier, ResumableLink

log = logging.getLogger(__name__)

MOST = 4  # side channels of a call
EVENTS_WAITING = (
    64  # of all of them, not yet obeyed; whoever sends more waits, over WebRTC in its link's queue
)
COMPLAINTS_EVERY_S = 1.0  # between two errors about too many events: they would be as many


class TooManyError(Exception):
    """A call has as many side channels as it may."""


class SideChannels:
    """Those of one call, with its client's events among theirs.

    What comes over WebRTC is counted here, and dropped beyond the limits: it cannot wait. A WebSocket counts
    for itself, and waits. `complain` sends an event to the call's own client.
    """

    def __init__(self, meter: Meter, complain: Callable[[str], None]) -> None:
        self._meter = meter
        self._client = Outbox(cast(Link, _Bare(complain)))
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue(EVENTS_WAITING)
        self._ended = False
        self._complain_at = 0.0

    def join(self, link: Link) -> None:
        """Mirror events to this link, and obey its own, until either side ends. Raises `TooManyError`."""
        if self._ended or len(self._links) >= MOST:
            raise TooManyError(f"the call takes no more side channels; it may have {MOST}. Close one of them")
        self._links[link] = asyncio.create_task(self._listen(link), name="side channel")

    def send(self, event: str) -> None:
        """Mirror an event."""
        for link in self._links:
            link.send(event)

    async def audio(
        self, own: AsyncIterator[InputAudio], counted: Callable[[], bool]
    ) -> AsyncIterator[InputAudio]:
        """The client's audio, without what is over the limit."""
        async for piece in own:
            try:
                if counted():
                    self._meter.audio(len(piece.pcm) / 2 / HEARING_RATE)
            except OverLimitError:
                continue
            yield piece

    async def events(self, own: AsyncIterator[str], counted: Callable[[], bool]) -> AsyncIterator[str]:
        """The events of the call's own client, and of all side channels. Ends with `own`."""
        reading = asyncio.create_task(self._read(own, counted), name="client events")
        try:
            while (event := await self._inbox.get()) is not None:
                yield event
        finally:
            reading.cancel()
            await asyncio.wait({reading})
            await self.aclose()

    async def aclose(self) -> None:
        """The call is over: close them all. Idempotent."""
        self._ended = True
        links = dict(self._links)
        for link, task in links.items():
            await link.aclose()
            task.cancel()
        if links:
            await asyncio.wait(links.values())

    async def _read(self, own: AsyncIterator[str], counted: Callable[[], bool]) -> None:
        async for event in own:
            if counted() and not self._meter.takes_event(len(event)):
                self._complain()
            else:
                await self._inbox.put(event)
        await self._inbox.put(None)

    async def _listen(self, link: Link) -> None:
        try:
            async for event in link.events():
                await self._inbox.put(event)
        finally:
            self._links.pop(link, None)

    def _complain(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._complain_at:
            return
        self._complain_at = now + COMPLAINTS_EVERY_S
        message = "more events came than are taken, and some were dropped; send fewer, or more slowly"
        self._client.error(ProtocolError(message, code=OverLimitError.code))


class SharedLink:
    """A link with side channels; see `Link` for what the methods promise."""

    def __init__(self, link: Carrier, meter: Meter) -> None:
        self.kind = link.kind
        self.side = SideChannels(meter, link.send)
        self._link = link

    def audio(self) -> AsyncIterator[InputAudio]:
        return self.side.audio(self._link.audio(), self._is_counted)

    def events(self) -> AsyncIterator[str]:
        return self.side.events(self._link.events(), self._is_counted)

    def send(self, event: str) -> None:
        self._link.send(event)
        self.side.send(event)

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        self._link.play(frame, owner)

    def flush(self) -> None:
        self._link.flush()

    def losses(self) -> Losses:
        return self._link.losses()

    @property
    def playout_delay_ms(self) -> float:
        return self._link.playout_delay_ms

    @property
    def recalled_ms(self) -> float:
        return self._link.recalled_ms

    async def aclose(self) -> None:
        await self.side.aclose()
        await self._link.aclose()

    def _is_counted(self) -> bool:
        return self.kind == "webrtc"


class SharedResumableLink(ResumableLink):
    """A link that outlives its connection, with side channels; they outlive it too."""

    def __init__(self, link: Carrier, token: str, grace_s: float, meter: Meter) -> None:
        super().__init__(link, token, grace_s)
        self.side = SideChannels(meter, super().send)

    def audio(self) -> AsyncIterator[InputAudio]:
        return self.side.audio(super().audio(), self._is_counted)

    def events(self) -> AsyncIterator[str]:
        return self.side.events(super().events(), self._is_counted)

    def send(self, event: str) -> None:
        super().send(event)
        self.side.send(event)

    async def aclose(self) -> None:
        await self.side.aclose()
        await super().aclose()

    def _is_counted(self) -> bool:
        return self.kind == "webrtc"


class _Bare:
    """The sending half of a link."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self.send = send
