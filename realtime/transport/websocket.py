"""A session over one WebSocket: PCM inside the events, both ways (`WS /v1/realtime`)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator

import numpy as np
import soxr
from openai.types.realtime import ResponseAudioDeltaEvent
from starlette.websockets import WebSocket, WebSocketDisconnect

from models.api import HEARING_RATE, SPEAKING_RATE
from realtime.protocol import new_id
from realtime.transport.link import AudioOwner, InputAudio, StereoFrame

log = logging.getLogger(__name__)

WIRE_RATE = 24_000  # Hz, mono int16: the protocol's audio/pcm
EVENTS_WAITING = 1_000  # events a client may leave unread, 20 s of audio deltas, before it is cut off
PIECES_WAITING = 3_000  # 20 ms pieces of input not yet heard; a client may send a minute at once
PIECE = HEARING_RATE * 2 // 50  # bytes: 20 ms
NETWORK_MS = 20.0  # a guess for a link that measures nothing; clients' own buffers are known to them alone


class WebSocketLink:
    """One WebSocket client. `pump` has to run beside the session: it is what sends."""

    kind = "websocket"

    def __init__(self, socket: WebSocket) -> None:
        self.dropped = 0
        self._socket = socket
        self._out: asyncio.Queue[str | None] = asyncio.Queue(EVENTS_WAITING)  # full: the link closes
        self._in: asyncio.Queue[InputAudio | None] = asyncio.Queue(PIECES_WAITING)  # full: oldest dropped
        self._rest = b""
        self._closed = False
        self._down = soxr.ResampleStream(WIRE_RATE, HEARING_RATE, 1, dtype="int16", quality="MQ")
        self._up = soxr.ResampleStream(SPEAKING_RATE, WIRE_RATE, 1, dtype="int16", quality="MQ")

    async def pump(self) -> None:
        """Send what is queued until the link closes."""
        try:
            while (text := await self._out.get()) is not None:
                await self._socket.send_text(text)
            await self._socket.close()
        except (WebSocketDisconnect, RuntimeError) as error:
            log.debug("the client left: %s", error)
        finally:
            self._close()

    async def audio(self) -> AsyncIterator[InputAudio]:
        while (piece := await self._in.get()) is not None:
            yield piece

    async def events(self) -> AsyncIterator[str]:
        try:
            while not self._closed:
                message = await self._socket.receive()
                if message["type"] != "websocket.receive":
                    break
                yield message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
        finally:
            self._close()

    def append(self, audio: str) -> None:
        """Take base64 PCM of the client's `input_audio_buffer.append`. Raises ValueError that says what is wrong."""
        try:
            pcm = base64.b64decode(audio, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the audio is not base64: {error}") from None
        if len(pcm) % 2:
            raise ValueError("the audio has an odd number of bytes; send whole 16-bit samples")
        samples = self._down.resample_chunk(np.frombuffer(pcm, "<i2"))
        self._rest += np.asarray(samples, np.int16).tobytes()
        whole = len(self._rest) // PIECE * PIECE
        for at in range(0, whole, PIECE):
            if self._in.full():
                self._in.get_nowait()
                self.dropped += 1
            self._in.put_nowait(InputAudio(self._rest[at : at + PIECE]))
        self._rest = self._rest[whole:]

    def send(self, event: str) -> None:
        if self._closed:
            return
        try:
            self._out.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("a client reads nothing; closing its link")
            self._close()

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        if frame is None or owner is None:
            return
        mono = frame.mean(axis=1).astype(np.int16)
        pcm = np.asarray(self._up.resample_chunk(mono), "<i2").tobytes()
        event = ResponseAudioDeltaEvent(
            type="response.output_audio.delta",
            event_id=new_id("event"),
            response_id=owner.response_id,
            item_id=owner.item_id,
            output_index=owner.output_index,
            content_index=owner.content_index,
            delta=base64.b64encode(pcm).decode("ascii"),
        )
        self.send(event.model_dump_json(exclude_unset=True))

    def flush(self) -> None:
        """Nothing waits here: deltas leave in real time, and the client drops its own."""

    @property
    def playout_delay_ms(self) -> float:
        return NETWORK_MS

    async def aclose(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for queue in (self._out, self._in):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
