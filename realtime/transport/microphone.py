"""The receiving half of a WebRTC link: RTP packets in, 16 kHz audio in order out."""

from __future__ import annotations

import asyncio

from models.api import HEARING_RATE
from realtime.transport.aiortc_hooks import RtpAudioPacket
from realtime.transport.jitter import RATE, JitterBuffer, Kind, MediaPacket, Piece
from realtime.transport.link import InputAudio
from realtime.transport.mailbox import Mailbox
from realtime.transport.opus import OpusDecoder, OpusError
from realtime.transport.opus_packet import has_fec, is_silence, packet_samples

RATIO = RATE // HEARING_RATE  # samples of the RTP clock to one of ours
CAPACITY = 250  # pieces, 5 s: more than what comes at once after the longest stall that is bridged
SMOOTHING = 0.05  # weight of a new packet in the mean delay: about its last 20


class Microphone:
    """Orders, decodes and conceals, all inside `receive` on the event loop: 0.03 ms a packet.

    Between packets a single timer looks after holes that have been waited for long enough.
    """

    def __init__(self, *, fec: bool = True) -> None:
        self.audio: Mailbox[InputAudio] = Mailbox(CAPACITY)
        self.jitter = JitterBuffer(has_fec if fec else lambda payload: False)
        self.malformed = 0  # packets that are no Opus
        self.delay = 0.0  # seconds, smoothed: from the quickest possible arrival until decoded
        self._decoder = OpusDecoder(HEARING_RATE)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._closed = False

    def receive(self, packet: RtpAudioPacket) -> None:
        """Take a packet from the network. Never raises."""
        samples = packet_samples(packet.payload)
        if self._closed:
            return
        if not samples:
            self.malformed += 1
            return
        self.jitter.insert(
            MediaPacket(
                ssrc=packet.ssrc,
                sequence=packet.sequence,
                timestamp=packet.timestamp,
                samples=samples,
                payload=packet.payload,
                silent=is_silence(packet.payload),
            ),
            packet.arrival,
        )
        self._drain()

    def close(self) -> None:
        """End the audio and the timer. Idempotent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.audio.close()

    def _drain(self) -> None:
        now = self._loop.time()
        while (piece := self.jitter.pop(now)) is not None:
            self.audio.put(self._render(piece))
        wake = self.jitter.wake_at()
        if wake is None or (self._timer is not None and self._timer_at <= wake):
            return  # a timer that fires too early costs less than one set anew for every packet
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(wake, self._timer_fired)
        self._timer_at = wake  # kept here: uvloop gives a handle without `when` for what is due at once

    def _timer_fired(self) -> None:
        self._timer = None
        self._drain()

    def _render(self, piece: Piece) -> InputAudio:
        if piece.restart:
            self._decoder.reset()
        if piece.kind is Kind.SILENCE:
            return InputAudio(bytes(piece.samples // RATIO * 2))
        if piece.kind is Kind.CONCEAL:
            return InputAudio(self._decoder.conceal(piece.samples), concealed=True)
        try:
            if piece.kind is Kind.RECOVER:
                return InputAudio(self._decoder.recover(piece.payload, piece.samples))
            self.delay += SMOOTHING * (piece.delay - self.delay)
            return InputAudio(self._decoder.decode(piece.payload))
        except OpusError:
            self.malformed += 1
            return InputAudio(self._decoder.conceal(piece.samples), concealed=True)
