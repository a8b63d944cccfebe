"""The sending half of a WebRTC link: 20 ms frames in, Opus packets out, next to nothing while silent.

What a receiver makes of silence, after Chromium's NetEQ: when packets simply stop, it takes them for lost,
stretches the last sound and counts concealment. When the last packet was an empty Opus frame (its first byte
alone, what libopus sends in DTX), it plays comfort noise for as long as nothing comes, keeps its delay
estimate, and starts the next talkspurt in time. So silence is sent as

1. HANGOVER frames of encoded silence, which let the encoder, the decoder and any overlap fade out,
2. an empty frame, repeated every DTX_INTERVAL as libopus does, which also keeps the sender reports, and with
   them the measured round trip, current.

That is 2.5 packets of 1 byte a second in place of 50 of 80, and no encoding.
"""

from __future__ import annotations

import numpy as np

from realtime.transport.aiortc_hooks import PacketTrack
from realtime.transport.link import FRAME_MS, FRAME_SAMPLES, StereoFrame
from realtime.transport.opus import OpusEncoder

# Frames, 0.5 s. What an Opus decoder plays at an empty frame it has learnt from the last ones: SILK's comfort
# noise moves by 7 % a subframe of 5 ms towards what it hears. After 100 ms of silence Chromium still hissed
# like the rain that had been heard before (0.016 of energy a second), after 0.5 s it is silent.
HANGOVER = 25
DTX_INTERVAL = 20  # frames, 400 ms
STEREO_HOLD = 25  # frames, 0.5 s: music that is mono for a moment stays music

_SILENCE = np.zeros((FRAME_SAMPLES, 2), np.int16)


class Playout:
    """Encodes what `play` is given and pushes it to the track."""

    def __init__(self, track: PacketTrack, encoder: OpusEncoder) -> None:
        self._track = track
        self._encoder = encoder
        self._silent = 0  # frames since the last sound
        self._emptied = -DTX_INTERVAL  # value of `_silent` at the last empty frame
        self._mono = STEREO_HOLD  # frames since the last one with two different channels
        self._empty_frame = b"\x78"  # of the last packet's kind; this one: hybrid, fullband, mono, 20 ms

    def play(self, frame: StereoFrame | None) -> None:
        """Send the next 20 ms; None or all zeros is silence."""
        if frame is None or not frame.any():
            self._play_silence()
            return
        self._silent = 0
        self._mono = 0 if not np.array_equal(frame[:, 0], frame[:, 1]) else self._mono + 1
        self._send(frame)

    def skip(self, frames: int = 1) -> None:
        """Let time pass without sending: nobody is connected yet, or `play` was not called meanwhile."""
        self._track.skip(frames * FRAME_SAMPLES)
        self._silent += frames

    def flush(self) -> None:
        """Drop what has not left yet."""
        self._track.flush()

    @property
    def waiting_ms(self) -> int:
        """How much has not left yet."""
        return self._track.waiting * FRAME_MS

    def expect_loss(self, share: float) -> None:
        """Adapt the in-band FEC to the share of packets that the receiver reports as lost."""
        self._encoder.expect_loss(share)

    def _play_silence(self) -> None:
        self._silent += 1
        if self._silent <= HANGOVER:
            self._send(_SILENCE)
            self._emptied = self._silent - DTX_INTERVAL  # the first empty frame comes right after
        elif self._silent - self._emptied >= DTX_INTERVAL:
            self._emptied = self._silent
            self._track.push(self._empty_frame, FRAME_SAMPLES)
        else:
            self._track.skip(FRAME_SAMPLES)

    def _send(self, frame: StereoFrame) -> None:
        payload = self._encoder.encode(frame, mono=self._mono >= STEREO_HOLD)
        self._empty_frame = bytes([payload[0] & 0xFC])
        self._track.push(payload, FRAME_SAMPLES)
