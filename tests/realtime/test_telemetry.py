"""The stages of a turn, and the lag of the loop."""

from __future__ import annotations

import asyncio

import pytest

from realtime.telemetry import Metrics, Stopwatch, watch_loop
from tests.virtual_clock import VirtualClockLoop, play


def test_a_stopwatch_splits_a_turn_into_its_stages() -> None:
    now = 10.0
    watch = Stopwatch(lambda: now, {"endpoint": 240.0, "asr": 7.0}, now)
    now = 10.05
    watch.mark("plan")
    now = 10.15
    watch.mark("speech")
    now = 99.0
    watch.mark("plan")  # only the first counts
    assert watch.marked("speech")
    assert not watch.marked("send")
    assert list(watch.stages().items()) == [
        ("endpoint", 240.0),
        ("asr", 7.0),
        ("plan", pytest.approx(50.0)),
        ("speech", pytest.approx(100.0)),
    ]


def test_a_loop_that_is_held_up_shows() -> None:
    async def dialogue() -> None:
        metrics = Metrics()
        watching = asyncio.create_task(watch_loop(metrics))
        await asyncio.sleep(0.35)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockLoop)
        loop.now += 0.3  # something computes
        await asyncio.sleep(0.01)
        watching.cancel()
        value = metrics.registry.get_sample_value
        assert value("audiogpt_event_loop_lag_seconds_count") == 4
        assert value("audiogpt_event_loop_lag_seconds_sum") == pytest.approx(0.25, abs=1e-6)

    play(dialogue())
