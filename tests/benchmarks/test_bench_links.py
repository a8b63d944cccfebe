"""The simulated links, and the buffers on them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.jitter import CLEAN_MS, measure_burst, measure_link, ours, recovery_s, stock
from benchmarks.links import BASE_S, BURSTS, PERIOD_S, Link

LOSS = st.floats(0, 0.3)


@settings(max_examples=30)
@given(LOSS, st.floats(0, 100), st.sampled_from([1.0, 4.0]), st.integers(0, 1000))
def test_a_link_is_the_same_for_the_same_seed_and_keeps_its_jitter(
    loss: float, jitter: float, run: float, seed: int
) -> None:
    link = Link("a link", loss, jitter, run)
    packets = link.packets(200, seed)
    assert packets == link.packets(200, seed)
    for packet in packets:
        assert packet.sent == packet.number * PERIOD_S
        if packet.arrival is not None:
            assert -1e-9 <= packet.arrival - packet.sent - BASE_S <= jitter / 1000 + 1e-9


@pytest.mark.parametrize("run", [1.0, 4.0])
def test_a_link_loses_the_share_it_says_in_runs_as_long_as_it_says(run: float) -> None:
    lost = [packet.arrival is None for packet in Link("lossy", 0.1, 0, run).packets(100_000, 1)]
    runs = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    assert sum(lost) / len(lost) == pytest.approx(0.1, abs=0.01)
    assert sum(lost) / runs == pytest.approx(run if run > 1 else 1 / 0.9, rel=0.1)


@settings(max_examples=20)
@given(LOSS, st.floats(0, 100), st.integers(0, 1000))
def test_both_buffers_give_only_what_arrived_each_once_in_order_and_not_before(
    loss: float, jitter: float, seed: int
) -> None:
    packets = Link("any", loss, jitter).packets(300, seed)
    for heard in (ours(packets), stock(packets)):
        numbers = [number for _, number in heard.frames]
        assert numbers == sorted(set(numbers))
        for at, number in heard.frames:
            arrival = packets[number].arrival
            assert arrival is not None
            assert at >= arrival
        assert 0 <= heard.missing <= 300


def test_a_clean_link_costs_us_nothing_and_aiortc_80_ms() -> None:
    found = measure_link(Link("clean"), 300, [1])
    assert found["ours"]["p95_ms"] == pytest.approx(0, abs=1e-6)
    assert found["stock"]["p95_ms"] == pytest.approx(80)
    assert found["ours"]["missing"] == found["stock"]["missing"] == 0


def test_aiortc_never_recovers_from_a_lost_packet() -> None:
    found = measure_burst(BURSTS[0], [1])
    assert found["ours"]["recovery_s"] == 0
    assert found["stock"]["recovery_s"] is None
    assert found["stock"]["later_p95_ms"] > 200


def test_recovery_is_when_the_delay_is_low_again_for_a_second() -> None:
    delays = [(k * PERIOD_S, 200.0 if k < 100 else CLEAN_MS - 1) for k in range(500)]
    # One slow packet in fifty is beyond the p95, so it is found up to two packets early.
    assert recovery_s(delays, 1.0) == pytest.approx(1.0, abs=0.11)
    assert recovery_s([(at, 200.0) for at, _ in delays], 1.0) is None
