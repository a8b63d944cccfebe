"""Token buckets: nobody gets more than is allowed, whatever the pace, and what is told is true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.config import SecuritySettings
from realtime.security.limits import EVENT_BURST, EVENT_BYTES, Bucket, Limits, OverLimitError

SETTINGS = SecuritySettings(events_per_second=100, audio_per_minute=120, responses_per_minute=60)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@given(
    st.integers(1, 50),
    st.floats(0.1, 20),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=40),
)
def test_over_any_time_no_more_than_the_burst_and_the_rate(
    capacity: int, rate: float, asked: list[tuple[float, int]]
) -> None:
    now, taken = 0.0, 0
    bucket = Bucket(capacity, rate, now)
    for pause, amount in asked:
        now += pause
        wait = bucket.wait(amount, now)
        got = bucket.take(amount, now)
        taken += amount * got
        assert got == (wait == 0 and amount <= capacity)
        assert taken <= capacity + rate * now + 1e-6
        assert 0 <= bucket.level(now) <= capacity


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=300))
def test_events_that_wait_as_told_come_at_the_rate(pauses: list[float]) -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    began, burst = clock.now, EVENT_BURST * SETTINGS.events_per_second
    for events, pause in enumerate([0.0] * burst + pauses, 1):
        clock.now += pause
        clock.now += meter.delay()
        assert events <= burst + (clock.now - began) * SETTINGS.events_per_second + 1e-6


def test_events_that_cannot_wait_are_dropped() -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    burst = EVENT_BURST * SETTINGS.events_per_second
    assert sum(meter.takes_event() for _ in range(burst + 500)) == burst
    clock.now += 1.0
    assert sum(meter.takes_event() for _ in range(500)) == SETTINGS.events_per_second


def test_a_large_event_counts_as_many_small_ones() -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    burst = EVENT_BURST * SETTINGS.events_per_second
    size = 99 * EVENT_BYTES
    assert sum(meter.takes_event(size) for _ in range(100)) == burst // 100
    clock.now += 1.0
    assert meter.takes_event(size)
    assert meter.delay(size) == pytest.approx(1.0)
    assert meter.delay(EVENT_BYTES - 1) == pytest.approx(1.0 + 1 / SETTINGS.events_per_second)


def test_audio_beyond_the_limit_is_refused_with_the_time_to_wait() -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    meter.audio(119.0)
    with pytest.raises(OverLimitError, match="120 s of audio") as refused:
        meter.audio(2.0)
    assert refused.value.code == "rate_limit_exceeded"
    clock.now += refused.value.retry_after
    meter.audio(2.0)


def test_a_client_in_real_time_is_never_refused() -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    for _ in range(50 * 60 * 5):
        clock.now += 0.02
        meter.audio(0.02)
        assert meter.delay() == 0


def test_what_remains_is_what_may_be_done() -> None:
    clock = Clock()
    meter = Limits(SETTINGS, clock).meter("")
    for left in (60, 59, 58):
        requests, tokens = meter.remaining()
        assert (requests.name, requests.limit, requests.remaining) == ("requests", 60, left)
        assert requests.reset_seconds == pytest.approx(60 - left)
        assert (tokens.name, tokens.limit, tokens.remaining) == ("tokens", 1_200, 1_200)
        meter.response()
    meter.audio(30)
    tokens = meter.remaining()[1]
    assert (tokens.remaining, tokens.reset_seconds) == (900, 15)
    for _ in range(57):
        meter.response()
    with pytest.raises(OverLimitError, match="60 responses"):
        meter.response()
    assert meter.remaining()[0].remaining == 0
    clock.now += 60
    assert meter.remaining()[0].remaining == 60


def test_the_sessions_of_a_key_share_its_responses_and_nobody_elses() -> None:
    limits = Limits(SETTINGS, Clock())
    one, two, other, nobody = (limits.meter(key) for key in ("a", "a", "b", ""))
    one.response()
    assert two.remaining()[0].remaining == limits.remaining("a").remaining == 59
    assert other.remaining()[0].remaining == limits.remaining("b").remaining == 60
    assert limits.remaining("never seen").remaining == 60
    nobody.response()
    assert limits.meter("").remaining()[0].remaining == 60
