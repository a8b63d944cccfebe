"""A WebRTC audio track whose packets are encoded and paced outside aiortc."""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any, NamedTuple

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.packet import Packet

TIME_BASE = Fraction(1, 48_000)  # RTP clock of Opus whatever is encoded (RFC 7587, 4.1)
MAX_QUEUED_PACKETS = 10  # 200 ms: a packet that cannot leave in that time is better dropped than late


class EncodedAudio(NamedTuple):
    """A packet in a `PacketTrack`, with what the RTP header will say of it."""

    payload: bytes
    timestamp: int
    marker: bool
    audio_level: int | None


class PacketTrack(MediaStreamTrack):
    """An audio track of Opus packets that somebody else encoded and paces.

    With the stock sender it works as any track (`recv` gives `av.Packet`s); `send_packets` makes the sender
    take the packets without that wrapping, and with marker and audio level. Holds MAX_QUEUED_PACKETS; when
    they are full the oldest is dropped and counted in `dropped`.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.timestamp = 0  # of the next packet, in samples of RTP_RATE since the track began
        self.dropped = 0
        self._queue: deque[EncodedAudio] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._talkspurt_begins = True

    @property
    def waiting(self) -> int:
        """Packets that have not left yet."""
        return len(self._queue)

    def push(self, payload: bytes, samples: int = 960, *, audio_level: int | None = None) -> None:
        """Queue a packet that lasts `samples` of RTP_RATE. `audio_level` is in dBov, -127 to 0 (RFC 6464)."""
        if len(self._queue) == MAX_QUEUED_PACKETS:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(EncodedAudio(payload, self.timestamp, self._talkspurt_begins, audio_level))
        self.timestamp += samples
        self._talkspurt_begins = False
        self._wake()

    def skip(self, samples: int) -> None:
        """Let `samples` of RTP_RATE pass without sending; the next packet begins a talkspurt."""
        self.timestamp += samples
        self._talkspurt_begins = True

    def flush(self) -> int:
        """Drop what has not left yet. Returns how many packets that were."""
        count = len(self._queue)
        self._queue.clear()
        self._talkspurt_begins = self._talkspurt_begins or count > 0
        return count

    async def next_packet(self) -> EncodedAudio:
        """Wait for the next packet. Raises `MediaStreamError` once the track is stopped."""
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    async def recv(self) -> Packet[Any]:
        """The next packet, for a stock `RTCRtpSender`."""
        queued = await self.next_packet()
        packet = Packet(queued.payload)
        packet.pts = queued.timestamp
        packet.time_base = TIME_BASE
        return packet

    def stop(self) -> None:
        super().stop()
        self._queue.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
