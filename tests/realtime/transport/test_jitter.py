"""The jitter buffer on simulated links; all times are the simulation's."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.transport.jitter import (
    FRAME,
    MAX_HELD,
    MAX_IDLE,
    MAX_TARGET,
    MIN_TARGET,
    RATE,
    STALL_PATIENCE,
    JitterBuffer,
    Kind,
    MediaPacket,
    Piece,
)

PERIOD = FRAME / RATE


@dataclass(frozen=True)
class Sent:
    """A packet with its number in the stream, when it was sent and when it arrives (None: lost)."""

    number: int
    sent: float
    arrival: float | None
    timestamp: int
    ssrc: int = 1
    sequence_origin: int = 0
    timestamp_origin: int = 0

    @property
    def packet(self) -> MediaPacket:
        return MediaPacket(
            ssrc=self.ssrc,
            sequence=self.number + self.sequence_origin & 0xFFFF,
            timestamp=self.timestamp + self.timestamp_origin & 0xFFFFFFFF,
            samples=FRAME,
            payload=self.number.to_bytes(4, "big"),
        )


@dataclass
class Run:
    """What came out of a buffer, with the time of each piece."""

    buffer: JitterBuffer
    pieces: list[tuple[float, Piece]] = field(default_factory=list)
    held: int = 0

    def numbers(self) -> list[int]:
        return [int.from_bytes(p.payload, "big") for _, p in self.pieces if p.kind is Kind.FRAME]

    def frames(self) -> list[tuple[float, int]]:
        return [(t, int.from_bytes(p.payload, "big")) for t, p in self.pieces if p.kind is Kind.FRAME]

    def kinds(self) -> list[Kind]:
        return [piece.kind for _, piece in self.pieces]

    def samples(self) -> int:
        return sum(piece.samples for _, piece in self.pieces)

    def added_delays(self, sent: Iterable[Sent], base: float) -> list[tuple[float, float]]:
        """(time sent, delay beyond `base`) of every frame that came out."""
        when = {packet.number: packet.sent for packet in sent}
        return [(when[number], out - when[number] - base) for out, number in self.frames()]


def simulate(
    packets: Iterable[Sent], *, has_fec: Callable[[bytes], bool] = lambda payload: False, until: float = 0.0
) -> Run:
    """Deliver packets at their arrival; look at the buffer then and whenever it asks to be looked at."""
    run = Run(JitterBuffer(has_fec))
    arrivals = sorted((p for p in packets if p.arrival is not None), key=lambda p: p.arrival or 0.0)

    def drain(now: float) -> None:
        while (piece := run.buffer.pop(now)) is not None:
            run.pieces.append((now, piece))

    def sleep_until(end: float) -> None:
        while (wake := run.buffer.wake_at()) is not None and wake < end:
            drain(wake)

    for packet in arrivals:
        assert packet.arrival is not None
        sleep_until(packet.arrival)
        run.buffer.insert(packet.packet, packet.arrival)
        drain(packet.arrival)
        run.held = max(run.held, len(run.buffer._held))
    last = arrivals[-1].arrival if arrivals else None
    sleep_until(until or (0.0 if last is None else last + MAX_TARGET + 0.001))
    return run


def link(
    count: int,
    *,
    jitter: Callable[[int], float] = lambda number: 0.0,
    lost: Callable[[int], bool] = lambda number: False,
    drift: float = 0.0,
    base: float = 0.05,
    sequence: int = 0,
    timestamp: int = 0,
    ssrc: int = 1,
    start: float = 0.0,
) -> list[Sent]:
    """A talking sender, 20 ms a packet, over a link with the given faults."""
    packets = []
    for number in range(count):
        sent = start + number * PERIOD * (1 + drift)
        arrival = None if lost(number) else sent + base + jitter(number)
        packets.append(Sent(number, sent, arrival, number * FRAME, ssrc, sequence, timestamp))
    return packets


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def assert_all_accounted_for(run: Run, timeline: int) -> None:
    stats = run.buffer.stats
    assert run.samples() == stats.received + stats.recovered + stats.concealed + stats.silent
    assert run.samples() == timeline + stats.stretched - stats.skipped + run.buffer.unmatched_silence


# -- what one can read aloud ------------------------------------------------------------------------


def test_a_clean_link_holds_nothing() -> None:
    packets = link(200)
    run = simulate(packets)
    assert run.numbers() == list(range(200))
    assert max(delay for _, delay in run.added_delays(packets, 0.05)) == pytest.approx(0, abs=1e-9)
    assert run.buffer.delays.target == MIN_TARGET


def test_a_swap_is_put_right_within_the_least_target() -> None:
    run = simulate(link(50, jitter=lambda n: 0.022 if n == 20 else 0.0))
    assert run.numbers() == list(range(50))
    assert run.buffer.stats.lost == 0


def test_a_lost_packet_is_recovered_from_the_next_one() -> None:
    packets = link(50, lost=lambda n: n == 20)
    run = simulate(packets, has_fec=lambda payload: True)
    assert run.kinds()[19:22] == [Kind.FRAME, Kind.RECOVER, Kind.FRAME]
    assert run.pieces[20][1].payload == packets[21].packet.payload
    assert run.pieces[20][0] == pytest.approx(packets[20].sent + 0.05 + MIN_TARGET)
    assert_all_accounted_for(run, 50 * FRAME)


def test_a_lost_packet_without_a_copy_is_concealed() -> None:
    run = simulate(link(50, lost=lambda n: n == 20))
    assert run.kinds().count(Kind.CONCEAL) == 1
    assert_all_accounted_for(run, 50 * FRAME)


def test_a_long_loss_is_concealed_then_silent_then_recovered() -> None:
    run = simulate(link(60, lost=lambda n: 20 <= n < 40), has_fec=lambda payload: True)
    # While nothing came for longer than STALL_PATIENCE, silence was handed out already.
    kinds = run.kinds()
    assert kinds.count(Kind.CONCEAL) == 6
    assert kinds.count(Kind.RECOVER) == 1
    assert kinds.count(Kind.SILENCE) == 13
    assert run.buffer.stats.lost == 20
    assert_all_accounted_for(run, 60 * FRAME)


def test_duplicates_are_dropped() -> None:
    packets = link(50)
    run = simulate(packets + [Sent(n, 0, n * PERIOD + 0.06, n * FRAME) for n in range(50)])
    assert run.numbers() == list(range(50))
    assert run.buffer.stats.duplicates == 50


def test_a_packet_that_comes_too_late_is_counted_and_teaches_the_target() -> None:
    run = simulate(link(60, jitter=lambda n: 0.150 if n in (20, 21, 22, 40) else 0.0))
    assert run.buffer.stats.late == 3
    assert [n for n in range(60) if n not in run.numbers()] == [20, 21, 22]  # 40 was waited for
    assert run.buffer.delays.target > 0.150


def test_sequence_and_timestamp_wrap() -> None:
    run = simulate(link(200, sequence=65_500, timestamp=0xFFFFFFFF - 50 * FRAME, lost=lambda n: n == 60))
    assert run.numbers() == [n for n in range(200) if n != 60]
    assert run.buffer.stats.restarts == 0
    assert_all_accounted_for(run, 200 * FRAME)


@pytest.mark.parametrize("same_ssrc", [True, False])
def test_a_sender_that_restarts_is_followed(same_ssrc: bool) -> None:
    old = link(50, sequence=1000, timestamp=70_000)
    new = link(50, sequence=40_000, timestamp=9_000_000, ssrc=1 if same_ssrc else 2, start=1.0)
    run = simulate(old + new)
    assert run.buffer.stats.restarts == 1
    # With the same SSRC, the first packet might have been a stray, and only the second confirms it.
    assert run.numbers() == list(range(50)) + list(range(1 if same_ssrc else 0, 50))
    assert [piece.restart for _, piece in run.pieces].index(True) == 50
    assert sum(piece.restart for _, piece in run.pieces) == 1


def test_a_single_stray_packet_changes_nothing() -> None:
    run = simulate([*link(50), Sent(0, 0.5, 0.5, 5, sequence_origin=30_000)])
    assert run.numbers() == list(range(50))
    assert run.buffer.stats.strays == 1


def test_stragglers_of_the_former_source_are_dropped_but_its_return_is_followed() -> None:
    packets = link(20) + link(20, ssrc=2, start=0.4) + link(20, ssrc=1, start=3.0, sequence=500)
    straggler = Sent(19, 0.0, 0.5, 20 * FRAME, sequence_origin=1)
    run = simulate([*packets, straggler])
    assert run.buffer.stats.strays == 1
    assert run.buffer.stats.restarts == 2
    assert run.numbers() == [*range(20), *range(20), *range(20)]


def test_dtx_becomes_silence_of_the_same_length() -> None:
    spoken = link(25)
    later = [Sent(n, n * PERIOD + 1, n * PERIOD + 1.05, n * FRAME + RATE) for n in range(25, 50)]
    run = simulate(spoken + later)
    assert run.buffer.stats.silent == RATE
    assert run.buffer.stats.stretched == 0
    assert run.numbers() == list(range(50))
    # Time goes on while the sender is silent: turn taking need not wait for the next packet.
    begin = next(t for t, piece in run.pieces if piece.kind is Kind.SILENCE)
    assert begin == pytest.approx(25 * PERIOD + 0.05 + STALL_PATIENCE)


def test_a_stalled_network_loses_nothing() -> None:
    run = simulate(link(100, jitter=lambda n: max(0.0, 0.5 - (n - 30) * PERIOD) if n >= 30 else 0.0))
    assert run.numbers() == list(range(100))
    assert run.buffer.stats.lost == 0
    assert run.buffer.stats.stretched > 0
    assert_all_accounted_for(run, 100 * FRAME)


def test_silence_ends_when_the_microphone_stays_off() -> None:
    run = simulate(link(10), until=60.0)
    assert run.buffer.stats.silent == MAX_IDLE
    assert run.buffer.wake_at() is None


def test_a_jump_of_the_senders_clock_is_not_filled() -> None:
    jumped = [Sent(n, n * PERIOD, n * PERIOD + 0.05, n * FRAME + 60 * RATE) for n in range(10, 20)]
    run = simulate(link(10) + jumped)
    assert run.numbers() == list(range(20))
    assert run.buffer.stats.skipped == 60 * RATE
    assert_all_accounted_for(run, 20 * FRAME + 60 * RATE)


def test_nothing_comes_out_before_anything_came_in() -> None:
    buffer = JitterBuffer()
    assert buffer.pop(1.0) is None
    assert buffer.wake_at() is None


# -- what the link may cost -------------------------------------------------------------------------


def test_delay_at_five_percent_loss_and_sixty_ms_jitter() -> None:
    rng = random.Random(5)
    packets = link(3000, jitter=lambda n: rng.uniform(0, 0.060), lost=lambda n: rng.random() < 0.05)
    run = simulate(packets, has_fec=lambda payload: True)
    delays = [delay for _, delay in run.added_delays(packets, 0.05)]
    assert percentile(delays, 0.95) <= 0.080
    assert run.buffer.stats.late <= 0.01 * len(packets)


def test_delay_is_small_again_two_seconds_after_a_burst() -> None:
    rng = random.Random(6)
    burst = range(500, 600)
    packets = link(
        1000,
        jitter=lambda n: rng.uniform(0, 0.150) if n in burst else rng.uniform(0, 0.004),
        lost=lambda n: rng.random() < 0.05,
    )
    delays = simulate(packets).added_delays(packets, 0.05)
    assert percentile([d for t, d in delays if t >= 600 * PERIOD + 2], 0.95) <= 0.040
    assert percentile([d for t, d in delays if t < 500 * PERIOD], 0.95) <= 0.040


@pytest.mark.parametrize("drift", [-200e-6, 200e-6])
def test_clock_drift_is_not_mistaken_for_jitter(drift: float) -> None:
    packets = link(30_000, drift=drift)  # ten minutes: the clocks part by 120 ms
    run = simulate(packets)
    assert run.numbers() == list(range(30_000))
    assert run.buffer.delays.target == MIN_TARGET
    assert_all_accounted_for(run, 30_000 * FRAME)


# -- what always holds ------------------------------------------------------------------------------


@st.composite
def anything(draw: st.DrawFn) -> list[Sent]:
    """Packets with arbitrary loss, delay, duplication and pauses of the sender."""
    packets = []
    sent, timestamp = 0.0, 0
    sequence = draw(st.sampled_from([0, 65_530]))
    origin = draw(st.sampled_from([0, 0xFFFFFFFF - 3000]))
    faults = st.tuples(
        st.sampled_from([0.0, 0.0, 0.005, 0.03, 0.1, 0.4]),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 0, 0, 0, 0, 5, 60]),
        st.booleans(),
    )
    for number, (delay, lost, pause, duplicate) in enumerate(draw(st.lists(faults, min_size=1, max_size=80))):
        sent += pause * PERIOD
        timestamp += pause * FRAME
        arrival = None if lost else sent + delay
        packets.append(Sent(number, sent, arrival, timestamp, 1, sequence, origin))
        if duplicate and not lost:
            packets.append(Sent(number, sent, sent + delay + 0.07, timestamp, 1, sequence, origin))
        sent += PERIOD
        timestamp += FRAME
    return packets


@given(anything(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_order_accounting_and_bounds_hold_for_anything(packets: list[Sent], fec: bool) -> None:
    run = simulate(packets, has_fec=lambda payload: fec)
    stats = run.buffer.stats
    numbers = run.numbers()
    assert numbers == sorted(set(numbers)), "in order and once"
    arrived = sum(1 for p in packets if p.arrival is not None)
    assert stats.packets == arrived
    assert len(numbers) + stats.late + stats.duplicates + stats.strays == arrived, "none vanishes"
    assert run.held <= MAX_HELD
    first_arrival = {p.number: p for p in reversed(packets) if p.arrival is not None}
    for out, number in run.frames():
        arrival = first_arrival[number].arrival
        assert arrival is not None
        assert out <= arrival + MAX_TARGET + 1e-9, "held no longer than the greatest target"
    if numbers:
        by_number = {p.number: p for p in packets}
        timeline = by_number[numbers[-1]].timestamp + FRAME - by_number[numbers[0]].timestamp
        assert_all_accounted_for(run, timeline)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)), max_size=200)
)
@settings(max_examples=100, deadline=None)
def test_garbage_is_survived_in_bounded_memory(garbage: list[tuple[int, int, int]]) -> None:
    buffer = JitterBuffer()
    for index, (ssrc, sequence, timestamp) in enumerate(garbage):
        buffer.insert(MediaPacket(ssrc, sequence, timestamp, FRAME, b"x"), index * 0.001)
        assert len(buffer._held) <= MAX_HELD
    for step in range(10_000):
        if buffer.pop(1.0 + step) is None and not buffer._held:
            break
    assert not buffer._held


def test_a_flood_that_is_never_read_is_bounded() -> None:
    buffer = JitterBuffer()
    for number in range(1000):
        buffer.insert(MediaPacket(1, number, number * FRAME, FRAME, b""), 0.0)
        assert len(buffer._held) + len(buffer._ready) <= 2 * MAX_HELD
    assert buffer.stats.overflowed > 0
