"""The server's audio as it arrives: decoded, listened to, recorded.

With `record` off, sound is decoded only while its first voiced sample is waited for (`watch`), so that a
load client that holds many calls spends nothing on the rest of an answer.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from client.audio import RATE, WS_RATE, Pcm
from client.errors import GarbledError
from client.listening import Ear, QueuePlacement, Recording, RtpPlacement
from realtime.resampling import Resampler
from realtime.transport.aiortc_hooks import RtpAudioPacket
from realtime.transport.audio_formats import RATES, AudioFormat, samples_of
from realtime.transport.opus import OpusDecoder, OpusError

AUDIO_DELTA = "response.output_audio.delta"
QUIET_PAYLOAD = 8  # bytes; Opus says "silence" (DTX, or a digital zero at a variable rate) in fewer
SEQUENCE_WRAP = 1 << 16
FRAME_S = 0.02


class Downlink:
    """What both transports share: an ear, a recording, and whether either is needed now."""

    def __init__(self, rate: int, started: float, record: bool) -> None:
        self.ear = Ear(rate)
        self.recording = Recording(rate, started) if record else None
        self._watching = True
        self._watch_from: float | None = None
        self._last_at: float | None = None  # end of the last piece that is not silence by its size

    def watch(self, since: float | None = None) -> None:
        """Listen for the next voiced sample, or for the first after `since` (the loop's clock)."""
        self._watching = True
        self._watch_from = since
        self._settle()

    def last_sound_at(self) -> float | None:
        """When the last sound ended, as far as is known: by ear, or by the size of what came."""
        return self._last_at if self.recording is None else self.ear.last_sound_at()

    @property
    def needed(self) -> bool:
        """Whether the samples of what arrives now matter to anybody."""
        return self._watching or self.recording is not None

    def _heard(self, pcm: Pcm, arrival: float, at: float) -> None:
        self.ear.hear(pcm, arrival)
        if self.recording is not None:
            self.recording.add(pcm, at)
        self._settle()

    def _settle(self) -> None:
        if self._watch_from is not None and self.ear.first_after(self._watch_from) is not None:
            self._watching = False


class RtpDownlink(Downlink):
    """Opus over RTP. What was lost stays a gap in the recording: a measurement conceals nothing."""

    def __init__(self, started: float, record: bool) -> None:
        super().__init__(RATE, started, record)
        self.received = 0
        self.lost = 0
        self.late = 0  # arrived after a later one, and dropped
        self.corrupt = 0
        self._decoder = OpusDecoder(rate=RATE, channels=2)
        self._placement = RtpPlacement()
        self._sequence: int | None = None

    def restart(self) -> None:
        """Another connection follows, with a stream of its own."""
        self._decoder = OpusDecoder(rate=RATE, channels=2)
        self._placement = RtpPlacement()
        self._sequence = None

    def packet(self, packet: RtpAudioPacket) -> None:
        """Take one packet."""
        self.received += 1
        if self._sequence is not None:
            step = (packet.sequence - self._sequence) % SEQUENCE_WRAP
            if step == 0 or step > SEQUENCE_WRAP // 2:
                self.late += 1
                return
            self.lost += step - 1
        self._sequence = packet.sequence
        at = self._placement.place(packet.timestamp, packet.arrival)
        if len(packet.payload) > QUIET_PAYLOAD:
            self._last_at = packet.arrival + FRAME_S
        if not self.needed:
            return
        try:
            pcm = np.frombuffer(self._decoder.decode(packet.payload), np.int16).reshape(-1, 2)
        except OpusError:
            self.corrupt += 1
            return
        self._heard(pcm, packet.arrival, at)


class EventDownlink(Downlink):
    """Audio inside `response.output_audio.delta`, heard and recorded at 24 kHz."""

    def __init__(self, started: float, record: bool) -> None:
        super().__init__(WS_RATE, started, record)
        self._placement = QueuePlacement()
        self._format: AudioFormat = "audio/pcm"
        self._resampler = Resampler(WS_RATE, WS_RATE)

    def follow(self, session: object) -> None:
        """The server shows its session: what it sends from now on is in the format that stands there."""
        try:
            form = session["audio"]["output"]["format"]["type"]  # type: ignore[index]
        except (KeyError, TypeError):
            return  # a session of another kind of server
        if form in RATES and form != self._format:
            self._format = form
            self._resampler = Resampler(RATES[self._format], WS_RATE)

    def delta(self, body: dict[str, Any], arrival: float) -> None:
        """Take one audio event.

        Raises:
            GarbledError: its `delta` is not base64 of audio in the session's format.
        """
        try:
            coded = base64.b64decode(body["delta"], validate=True)
            pcm = self._resampler.feed(samples_of(coded, self._format))
        except (KeyError, TypeError, ValueError, binascii.Error) as cause:
            raise GarbledError(
                f"the server sent a {AUDIO_DELTA} without {self._format} in it: {cause}"
            ) from cause
        seconds = len(pcm) / WS_RATE
        at = self._placement.place(seconds, arrival)
        self._last_at = at + seconds
        if self.needed:
            # What waits behind other sound in the player's queue is heard when its turn comes.
            self._heard(pcm, max(at, arrival), at)

    def cut(self, at: float) -> None:
        """The answer was interrupted: a player drops what it has not played yet."""
        self._placement.cut()
        if self.recording is not None:
            self.recording.cut(at)
