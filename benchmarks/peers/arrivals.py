"""Frames that a listener had to do without, judged from the packets alone, the same for every server. Pure.

The listener is a receiver that plays each stretch of sound one frame behind its first packet, by the RTP
clock. When a packet is not there in time it plays silence until it is, and goes on from there, so that a
server which stalls once for 90 ms costs four frames, whether it catches up afterwards or stays behind.
Numbers left out of the sequence are missing frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RATE = 48_000  # Hz: the RTP clock of Opus (RFC 7587)
FRAME_S = 0.020
LATE_S = FRAME_S  # how far behind the first packet the receiver plays
ROUNDING_S = 1e-6  # arrivals are floating point: what is late by less is in time
QUIET_PAYLOAD = 8  # bytes; digital silence is encoded in fewer
BREAK = RATE // 5  # RTP ticks without sound that end a stretch
WRAP_TIMESTAMP = 1 << 32
WRAP_SEQUENCE = 1 << 16


@dataclass(slots=True)
class Tally:
    """Frames of sound received, frames of silence played in wait of late ones, and frames that never came."""

    frames: int = 0
    late: int = 0
    missing: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.frames + other.frames, self.late + other.late, self.missing + other.missing)

    @property
    def late_share(self) -> float:
        """The share of frames that a listener had to do without, 0 to 1."""
        due = self.frames + self.missing
        return (self.late + self.missing) / due if due else 0.0


class Arrivals:
    """Takes the packets of one stream in the order they arrive."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._sequence: int | None = None
        self._timestamp: int | None = None  # of the last packet with sound
        self._offset = 0.0  # what is due at RTP time t is played at t + this (seconds)
        self._clock = 0  # RTP time, unwrapped

    def packet(self, sequence: int, timestamp: int, size: int, arrival: float) -> None:
        """Take a packet: 16-bit number, 32-bit timestamp, bytes of payload, seconds."""
        if self._sequence is not None:
            step = (sequence - self._sequence) % WRAP_SEQUENCE
            if step == 0 or step > WRAP_SEQUENCE // 2:
                return  # overtaken: counted as missing when the later one came
            self.tally.missing += step - 1
        self._sequence = sequence
        if size <= QUIET_PAYLOAD:
            return
        ahead = BREAK + 1 if self._timestamp is None else (timestamp - self._timestamp) % WRAP_TIMESTAMP
        self._timestamp = timestamp
        self._clock += ahead
        self.tally.frames += 1
        delay = arrival - self._clock / RATE
        if ahead > BREAK:
            self._offset = delay + LATE_S
        elif (late := delay - self._offset) > ROUNDING_S:
            self.tally.late += math.ceil((late - ROUNDING_S) / FRAME_S)
            self._offset = delay
