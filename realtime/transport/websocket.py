"""A session over one WebSocket: audio inside the events, both ways (`WS /v1/realtime`)."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from openai.types.realtime import ResponseAudioDeltaEvent
from starlette.websockets import WebSocket, WebSocketDisconnect

from models.api import HEARING_RATE, SPEAKING_RATE
from realtime.protocol import new_id
from realtime.resampling import Resampler
from realtime.security.limits import Meter
from realtime.transport.audio_formats import RATES, AudioFormat, bytes_of, from_base64, samples_of
from realtime.transport.link import FRAME_MS, AudioOwner, InputAudio, Losses, StereoFrame
from realtime.transport.narrowband import Widener

log = logging.getLogger(__name__)

EVENTS_WAITING = 1_000  # events a client may leave unread, 20 s of audio deltas, before it is cut off
PIECES_WAITING = 3_000  # 20 ms pieces of input not yet heard; a client may send a minute at once
CLOSING_S = 2.0  # s that what is still queued has to leave when the link closes; a client may read nothing
PIECE = HEARING_RATE * 2 // 50  # bytes: 20 ms
# Close codes of a client that meant to leave (RFC 6455, 7.4.1). uvicorn gives 1005 for one that broke.
GOODBYES = (1000, 1001)
STREAMING_S = 5.0  # a client that sent audio in this time sends it all the time, and is gone when it stops
NETWORK_MS = 20.0  # a guess for a link that measures nothing
# Of sound in the client, which it alone knows. None is assumed: a client that plays deltas as they come has
# no more than its sound card's, and one that buffers can tell what it played (`conversation.item.truncate`).
CLIENT_BUFFER_MS = 0.0


class _Sound(str):
    """An event that carries FRAME_MS of audio."""

    __slots__ = ()


def _length(message: Mapping[str, Any]) -> int:
    """Characters, or bytes, of a message."""
    return len(message.get("text") or message.get("bytes") or b"")


class WebSocketLink:
    """One WebSocket client. `pump` has to run beside the session: it is what sends.

    `meter` makes a client that sends too many events wait, and drops audio beyond what is allowed. `goodbye`
    is the close code and reason with which we end.
    """

    kind = "websocket"

    def __init__(self, socket: WebSocket, meter: Meter | None = None) -> None:
        self.dropped = 0
        self.goodbye = (1000, "")
        self._socket = socket
        self._meter = meter
        self._out: asyncio.Queue[str | None] = asyncio.Queue(EVENTS_WAITING)  # full: the link closes
        self._in: asyncio.Queue[InputAudio | None] = asyncio.Queue(PIECES_WAITING)  # full: oldest dropped
        self._unsent = 0  # events with audio that the client's connection has not taken yet
        self._rest = b""
        self._closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._received_at = self._appended_at = self._loop.time() - STREAMING_S
        self._farewell = False
        self._patience: asyncio.Timeout | None = None  # of the pump; begins to run out when the link closes
        self._input_format: AudioFormat = "audio/pcm"
        self._output_format: AudioFormat = "audio/pcm"
        self._from_client = Widener(RATES["audio/pcm"])
        self._to_client: Resampler | None = None  # new for every sound: nothing of one is left for the next

    async def pump(self) -> None:
        """Send what is queued until the link closes."""
        try:
            async with asyncio.timeout(CLOSING_S if self._closed.is_set() else None) as self._patience:
                while (text := await self._out.get()) is not None:
                    await self._socket.send_text(text)
                    self._unsent -= isinstance(text, _Sound)
                await self._socket.close(*self.goodbye)
        except TimeoutError:
            log.debug("the client did not take what was left for it")
        except (WebSocketDisconnect, RuntimeError) as error:
            log.debug("the client left: %s", error)
        finally:
            self._patience = None
            self._close()

    async def audio(self) -> AsyncIterator[InputAudio]:
        while (piece := await self._in.get()) is not None:
            yield piece

    async def events(self) -> AsyncIterator[str]:
        closed = asyncio.create_task(self._closed.wait(), name="closed")
        try:
            while not self._closed.is_set():
                received = asyncio.create_task(self._socket.receive(), name="receive")
                try:
                    await asyncio.wait({received, closed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    received.cancel()  # does nothing to one that is done
                if closed.done():
                    break
                message = received.result()
                if message["type"] != "websocket.receive":
                    self._farewell = message.get("code", 1005) in GOODBYES
                    break
                self._received_at = self._loop.time()
                if self._meter is not None and (delay := self._meter.delay(_length(message))):
                    await asyncio.sleep(delay)  # TCP makes the client wait; nothing is lost
                yield message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
        finally:
            closed.cancel()
            self._close()

    def set_formats(self, incoming: AudioFormat, outgoing: AudioFormat) -> None:
        """What audio is coded in from now on. A sound under way goes on in the new format."""
        if RATES[incoming] != RATES[self._input_format]:
            self._from_client = Widener(RATES[incoming])
        if RATES[outgoing] != RATES[self._output_format]:
            self._to_client = None
        self._input_format, self._output_format = incoming, outgoing

    def append(self, audio: str) -> None:
        """Take base64 audio of `input_audio_buffer.append`. Raises ValueError that says what is wrong."""
        if self._closed.is_set():
            return
        self._appended_at = self._received_at
        samples = samples_of(from_base64(audio), self._input_format)
        if self._meter is not None:
            self._meter.audio(len(samples) / RATES[self._input_format])
        self._rest += self._from_client.feed(samples).tobytes()
        whole = len(self._rest) // PIECE * PIECE
        for at in range(0, whole, PIECE):
            if self._in.full():
                self._in.get_nowait()
                self.dropped += 1
            self._in.put_nowait(InputAudio(self._rest[at : at + PIECE]))
        self._rest = self._rest[whole:]

    def send(self, event: str) -> None:
        if self._closed.is_set():
            return
        try:
            self._out.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("a client reads nothing; closing its link")
            self.goodbye = (1008, "events were left unread")  # policy violation (RFC 6455, 7.4.1)
            self._close()

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        if frame is None or owner is None:
            self._to_client = None
            return
        if self._to_client is None:
            rate = RATES[self._output_format]
            self._to_client = Resampler(SPEAKING_RATE, rate, layout="stereo")
        sound = bytes_of(self._to_client.feed(frame.reshape(-1)), self._output_format)
        event = ResponseAudioDeltaEvent(
            type="response.output_audio.delta",
            event_id=new_id("event"),
            response_id=owner.response_id,
            item_id=owner.item_id,
            output_index=owner.output_index,
            content_index=owner.content_index,
            delta=base64.b64encode(sound).decode("ascii"),
        )
        self._unsent += 1
        self.send(_Sound(event.model_dump_json(exclude_unset=True)))

    def flush(self) -> None:
        """Nothing waits here: deltas leave in real time, and the client drops its own."""

    def losses(self) -> Losses:
        return Losses(dropped=self.dropped)

    @property
    def playout_delay_ms(self) -> float:
        return self._unsent * FRAME_MS + NETWORK_MS + CLIENT_BUFFER_MS

    @property
    def recalled_ms(self) -> float:
        return self._unsent * FRAME_MS + CLIENT_BUFFER_MS

    @property
    def farewell(self) -> bool:
        """Whether the client closed the socket, as against one that broke."""
        return self._farewell

    @property
    def last_sign(self) -> float:
        """When the client was last known to be there; one that sends no audio is taken to be."""
        now = self._loop.time()
        return self._received_at if now - self._appended_at < STREAMING_S else now

    async def ready(self) -> bool:
        """Whether the link is open: a socket that is accepted carries everything at once."""
        return not self._closed.is_set()

    async def aclose(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._closed.is_set():
            return
        self._closed.set()
        if self._patience is not None:
            self._patience.reschedule(self._loop.time() + CLOSING_S)
        for queue in (self._out, self._in):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
