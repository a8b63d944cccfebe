"""An adaptive jitter buffer for a listener that computes: pure, on a clock that the caller gives.

A loudspeaker has to be fed at a steady pace, so a player's jitter buffer (Chromium's NetEQ, aiortc's) delays
*every* packet by what the slowest one may need. Nobody listens to this audio: voice activity detection and
recognition count time in samples and may have them as soon as they are in order. So here

- a packet that is next in order leaves at once; on a clean link nothing is ever held;
- only a *gap* is waited for, until its packet is later than the target delay allows. Then it is lost: it is
  recovered from the next packet where that carries a copy (in-band FEC), else concealed;
- nothing has to be sped up after a burst: what comes in a burst leaves in a burst, and no delay is left over.

The target follows the measured jitter: the 97th percentile of how much later than the quickest packets
arrived, over the last 1.5 s, between 30 ms (two packets that overtook each other) and 200 ms. The quickest of
that time is the reference, so that clock drift (200 ppm are 0.3 ms in 1.5 s) and a new route wash out.

When nothing comes at all, the sender is silent on purpose (DTX), or the network has stalled. Turn taking
needs time to go on in both cases, so after `STALL_PATIENCE` silence is handed out at real-time pace for up
to 2 s. Should the missing packets still come, they are not dropped: the silence then was stretched time.

Every sample is accounted for (see `JitterStats`); the memory is bounded by `MAX_HELD` packets.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

RATE = 48_000  # Hz of timestamps and sample counts: the RTP clock of Opus
FRAME = 960

WINDOW = 75  # packets, 1.5 s: a burst is forgotten within the 2 s we promise
QUANTILE = 0.97
MARGIN = 0.005  # s
MIN_TARGET = 0.030  # s
MAX_TARGET = 0.200  # s
CLOCK_JUMP = 1.0  # s: a packet this far off the others says that a clock was set, not that it was delayed

REORDERING = 0.010  # s to wait at least after a hole shows: after a stall, packets are late from the start

MAX_HELD = 64  # packets
MAX_SEQUENCE_JUMP = 250  # packets, 5 s; beyond it the sender has started anew
FORMER_SOURCE = 1.0  # s for which packets of the source before are stragglers, not a new change
STALL_PATIENCE = 0.200  # s
MAX_IDLE = 2 * RATE  # samples of silence handed out while nothing comes
MAX_FILL = 2 * RATE  # samples; a longer hole is a jump of the sender's clock and is not filled
CONCEAL_LIMIT = 120 * RATE // 1000  # libopus' concealment has faded out by then; silence follows
CONCEAL_STEP = 120  # samples: libopus conceals multiples of 2.5 ms
MAX_REMEMBERED = 64  # sequence numbers given up, to tell a late packet from a duplicate


class Kind(enum.Enum):
    """What to do for a piece of audio."""

    FRAME = enum.auto()  # decode `payload`
    RECOVER = enum.auto()  # decode the copy of the lost packet that `payload`, the next one, carries
    CONCEAL = enum.auto()  # let the decoder make it up
    SILENCE = enum.auto()  # nobody spoke, nothing came, or the loss is too long to make anything up


class Piece(NamedTuple):
    """The next piece of the audio."""

    kind: Kind
    samples: int  # of RATE
    payload: bytes = b""
    delay: float = 0.0  # seconds it is later than on this link's quickest way
    restart: bool = False  # the first of a new stream: the decoder's state means nothing to it


class MediaPacket(NamedTuple):
    """What the buffer has to know of an RTP packet."""

    ssrc: int
    sequence: int  # 16 bit
    timestamp: int  # 32 bit
    samples: int  # its duration
    payload: bytes
    silent: bool = False  # the sender says that nobody speaks (an Opus DTX packet)


@dataclass(slots=True)
class JitterStats:
    """Counters since the beginning.

    For one stream, with `end - begin` the samples from the first timestamp to the end of the last packet:
    received + recovered + concealed + silent == end - begin + stretched - skipped (+ unmatched_silence).
    """

    packets: int = 0
    late: int = 0  # came after they had been given up
    duplicates: int = 0
    lost: int = 0  # packets given up
    overflowed: int = 0  # packets dropped because MAX_HELD were waiting
    strays: int = 0  # packets far off the sequence that nothing followed
    restarts: int = 0
    received: int = 0  # samples, from here on
    recovered: int = 0
    concealed: int = 0
    silent: int = 0
    stretched: int = 0  # silence handed out while packets were only delayed
    skipped: int = 0  # holes left out: the sender's clock had jumped


class DelayEstimate:
    """How late packets arrive, relative to the quickest of the last WINDOW."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, arrival: float, timestamp: int) -> None:
        delay = arrival - timestamp / RATE
        if self._recent and abs(delay - self._sorted[0]) > CLOCK_JUMP:
            self._recent.clear()
            self._sorted.clear()
        if len(self._recent) == WINDOW:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self._recent.append(delay)
        insort(self._sorted, delay)

    def expected(self, timestamp: int) -> float:
        """When a packet with this timestamp arrives if nothing delays it."""
        return self._sorted[0] + timestamp / RATE

    @property
    def spread(self) -> float:
        """Seconds between the quickest and nearly the slowest (QUANTILE) packet."""
        if not self._sorted:
            return 0.0
        return self._sorted[math.ceil(QUANTILE * (len(self._sorted) - 1))] - self._sorted[0]

    @property
    def target(self) -> float:
        """Seconds to wait for a missing packet."""
        return min(MAX_TARGET, max(MIN_TARGET, self.spread + MARGIN))


class _Held(NamedTuple):
    timestamp: int  # unwrapped
    arrival: float
    packet: MediaPacket


class JitterBuffer:
    """Puts the packets of one RTP audio stream in order.

    Call `insert` for each packet, then `pop` until it returns None, and again at `wake_at`. `has_fec` says
    whether a payload carries a copy of its predecessor.
    """

    def __init__(self, has_fec: Callable[[bytes], bool] = lambda payload: False) -> None:
        self.stats = JitterStats()
        self.delays = DelayEstimate()
        self._has_fec = has_fec
        self._ssrc: int | None = None
        self._former_ssrc: int | None = None
        self._last_arrival = 0.0  # of the present source
        self._held: dict[int, _Held] = {}
        self._ready: deque[Piece] = deque()
        self._given_up: deque[int] = deque(maxlen=MAX_REMEMBERED)
        self._stray_sequence: int | None = None
        self._newest = 0  # unwrapped sequence and timestamp of the newest packet
        self._newest_timestamp = 0
        self._next = 0  # what leaves next
        self._next_timestamp = 0
        self._frame = FRAME
        self._idle = 0  # samples of silence handed out since the last packet
        self._dtx = False
        self._restarted = False

    def insert(self, packet: MediaPacket, now: float) -> None:
        """Take a packet that arrived at `now`."""
        self.stats.packets += 1
        if packet.ssrc != self._ssrc:
            if packet.ssrc == self._former_ssrc and now - self._last_arrival < FORMER_SOURCE:
                self.stats.strays += 1
                return
            self._restart(packet)
        self._last_arrival = now
        step = (packet.sequence - self._newest + 0x8000 & 0xFFFF) - 0x8000
        if abs(step) > MAX_SEQUENCE_JUMP:
            # One such packet is a stray; two in a row are a sender that has begun anew (RFC 3550, A.1).
            if packet.sequence != self._stray_sequence:
                self._stray_sequence = packet.sequence + 1 & 0xFFFF
                self.stats.strays += 1
                return
            self._restart(packet)
            step = 0
        self._stray_sequence = None
        sequence = self._newest + step
        timestamp = self._newest_timestamp + (
            (packet.timestamp - self._newest_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        )
        if sequence in self._held or (sequence < self._next and sequence not in self._given_up):
            self.stats.duplicates += 1
            return
        self.delays.add(now, timestamp)
        if sequence < self._next:
            self._given_up.remove(sequence)
            self.stats.late += 1
            return
        if len(self._held) == MAX_HELD:
            self.stats.overflowed += 1
            return
        if step > 0:
            self._newest, self._newest_timestamp = sequence, timestamp
        self._held[sequence] = _Held(timestamp, now, packet)

    def pop(self, now: float) -> Piece | None:
        """The next piece of audio, or None when there is nothing to do before `wake_at`."""
        if not self._ready:
            if self._held:
                self._advance(now)
            elif (due := self._idle_at()) is not None and now >= due:
                self._idle += FRAME
                self._emit(Kind.SILENCE, FRAME)
        return self._ready.popleft() if self._ready else None

    def wake_at(self) -> float | None:
        """When `pop` has something again if no packet comes before; None for never."""
        if self._ready or self._next in self._held:
            return -math.inf
        return self._give_up_at() if self._held else self._idle_at()

    @property
    def unmatched_silence(self) -> int:
        """Samples of silence handed out while nothing came, not yet set against a later packet."""
        return self._idle

    # -- inside -------------------------------------------------------------------------------------

    def _restart(self, packet: MediaPacket) -> None:
        """Begin with `packet` as the first of a new stream; what is held of the old one leaves first."""
        for sequence in sorted(self._held) if not self._ready else ():
            held = self._held[sequence].packet
            self._emit(Kind.FRAME, held.samples, held.payload)
        self._held.clear()
        self._given_up.clear()
        if self._ssrc is not None:
            self.stats.restarts += 1
            self._restarted = True
        if packet.ssrc != self._ssrc:
            self._former_ssrc, self._ssrc = self._ssrc, packet.ssrc
        self.stats.stretched += self._idle
        self._idle = 0
        self.delays = DelayEstimate()
        self._newest = self._next = packet.sequence
        self._newest_timestamp = self._next_timestamp = packet.timestamp

    def _give_up_at(self) -> float:
        """Until when the packet that is missing now is waited for."""
        hole_seen = next(iter(self._held.values())).arrival
        return max(self.delays.expected(self._next_timestamp) + self.delays.target, hole_seen + REORDERING)

    def _idle_at(self) -> float | None:
        """When the next piece of silence is due if nothing comes."""
        if self._ssrc is None or self._idle >= MAX_IDLE:
            return None
        patience = self.delays.target if self._dtx else STALL_PATIENCE
        return self.delays.expected(self._next_timestamp + self._idle) + patience

    def _advance(self, now: float) -> None:
        """Make pieces of the lowest held packet and the hole before it, if it is time."""
        sequence = self._next if self._next in self._held else min(self._held)
        missing = sequence - self._next
        if missing and now < self._give_up_at() and len(self._held) < MAX_HELD:
            return
        timestamp, _, packet = self._held.pop(sequence)
        hole = timestamp - self._next_timestamp
        if 0 <= hole <= MAX_FILL + self._idle:
            self._fill(hole, missing, packet)
        else:
            self.stats.skipped += hole
            self.stats.stretched += self._idle
        self._given_up.extend(range(max(self._next, sequence - MAX_REMEMBERED), sequence))
        self.stats.lost += missing
        self._idle = 0
        self._frame = packet.samples
        self._dtx = packet.silent
        self._next = sequence + 1
        self._next_timestamp = timestamp + packet.samples
        delay = now - self.delays.expected(timestamp)
        self._emit(Kind.FRAME, packet.samples, packet.payload, delay)

    def _fill(self, hole: int, missing: int, following: MediaPacket) -> None:
        """Make up `hole` samples before `following`: `missing` lost packets, the rest DTX."""
        self.stats.stretched += max(0, self._idle - hole)
        hole = max(0, hole - self._idle)
        lost = min(hole, missing * self._frame)
        recoverable = following.samples if missing and self._has_fec(following.payload) else 0
        if recoverable > lost:
            recoverable = 0
        concealable = min(lost - recoverable, CONCEAL_LIMIT) // CONCEAL_STEP * CONCEAL_STEP
        self._emit_pieces(Kind.CONCEAL, concealable)
        self._emit_pieces(Kind.SILENCE, hole - concealable - recoverable)
        if recoverable:
            self._emit(Kind.RECOVER, recoverable, following.payload)

    def _emit_pieces(self, kind: Kind, samples: int) -> None:
        while samples > 0:
            self._emit(kind, min(samples, FRAME))
            samples -= FRAME

    def _emit(self, kind: Kind, samples: int, payload: bytes = b"", delay: float = 0.0) -> None:
        stats = self.stats
        if kind is Kind.FRAME:
            stats.received += samples
        elif kind is Kind.RECOVER:
            stats.recovered += samples
        elif kind is Kind.CONCEAL:
            stats.concealed += samples
        else:
            stats.silent += samples
        self._ready.append(Piece(kind, samples, payload, delay, self._restarted))
        self._restarted = False
