"""The comparison's own arithmetic, and that a peer which fails says why."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from benchmarks.peers import arguments, plot, tables
from benchmarks.peers.arrivals import Arrivals, Tally
from benchmarks.peers.caller import Caller, OfferSignalling
from benchmarks.peers.compare import load_results, single_results
from benchmarks.peers.contestants import TERMS, running
from benchmarks.peers.environment import MARK, PeerError, python
from benchmarks.peers.sessions import Climb, Level, parse_levels, turns_at

FRAME = 960  # RTP ticks of 20 ms
LOUD = 80  # bytes


def arrivals(delays: list[float], sequence: int = 0, timestamp: int = 0) -> Arrivals:
    """One stretch of sound whose k-th packet comes `delays[k]` seconds after its time."""
    meter = Arrivals()
    for k, delay in enumerate(delays):
        at = (timestamp + k * FRAME) % (1 << 32)
        meter.packet((sequence + k) % (1 << 16), at, LOUD, 100.0 + k * 0.02 + delay)
    return meter


def test_a_steady_stream_has_no_late_frames() -> None:
    assert arrivals([0.0] * 50).tally == Tally(50, 0, 0)


@given(st.lists(st.floats(0, 0.0199), min_size=1, max_size=100))
def test_jitter_below_a_frame_is_heard_by_nobody(jitter: list[float]) -> None:
    assert arrivals([0.0, *jitter]).tally.late == 0


@pytest.mark.parametrize("after", ["catches up", "stays behind"])
def test_one_stall_costs_its_length_beyond_the_buffer(after: str) -> None:
    rest = [0.07, 0.05, 0.03, 0.01] if after == "catches up" else [0.09] * 30
    assert arrivals([0.0] * 10 + [0.09, *rest]).tally.late == 4  # (90 - 20) ms of silence


@given(
    st.lists(st.floats(0, 0.5), min_size=2, max_size=60),
    st.integers(0, (1 << 16) - 1),
    st.integers(0, (1 << 32) - 1),
)
def test_wrapping_numbers_change_nothing(delays: list[float], sequence: int, timestamp: int) -> None:
    assert arrivals(delays, sequence, timestamp).tally == arrivals(delays).tally


def test_lost_packets_are_missing_and_overtaken_ones_are_not_counted_twice() -> None:
    meter = Arrivals()
    for sequence in (1, 2, 5, 4, 6):
        meter.packet(sequence, sequence * FRAME, LOUD, sequence * 0.02)
    assert meter.tally == Tally(4, 0, 2)
    assert meter.tally.late_share == pytest.approx(2 / 6)


def test_each_stretch_of_sound_has_a_clock_of_its_own() -> None:
    meter = Arrivals()
    meter.packet(1, 0, LOUD, 0.0)
    for k in range(2, 30):
        meter.packet(k, k * FRAME, 3, k * 0.02)  # silence
    meter.packet(30, 30 * FRAME, LOUD, 30 * 0.02 + 0.3)
    assert meter.tally == Tally(2, 0, 0)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_tallies_add_up(frames: int, late: int, missing: int) -> None:
    one = Tally(frames, late, missing)
    assert one + Tally() == one
    assert (one + one).late_share == pytest.approx(one.late_share)


def level(sessions: int, p95: float, late: int = 0) -> Level:
    return Level(sessions, (p95,) * 20, Tally(2000, late))


@pytest.mark.parametrize(
    ("tried", "holds"),
    [
        (level(4, 520.0), True),
        (level(4, 521.0), False),
        (level(4, 400.0, late=1), True),
        (level(4, 400.0, late=2), False),
        (Level(4, (400.0,) * 18 + (math.inf,) * 2, Tally(2000)), False),
        (Level(4, (), Tally(), refused="503"), False),
    ],
)
def test_a_level_holds_by_latency_and_late_frames(tried: Level, holds: bool) -> None:
    assert tried.holds(400.0) is holds


async def climb_all(climb: Climb, measured: dict[int, list[Level]]) -> int:
    for levels in measured.values():
        queue = iter(levels)

        async def once(queue: object = queue) -> Level:
            return next(queue)  # type: ignore[call-overload, no-any-return]

        await climb.step(once)
    return climb.held


async def test_a_climb_forgives_one_bad_run_and_stops_after_two() -> None:
    bad, good = level(3, 900.0), level(3, 400.0)
    climb = Climb(level(1, 400.0))
    assert await climb_all(climb, {2: [level(2, 410.0)], 3: [bad, good], 4: [level(4, 900.0)] * 2}) == 3
    assert climb.over
    assert await climb_all(climb, {6: []}) == 3  # nothing is measured any more


async def test_a_hiccup_of_the_single_session_is_forgiven_when_more_hold() -> None:
    assert await climb_all(Climb(level(1, 400.0, late=9)), {2: [level(2, 400.0)]}) == 2
    assert await climb_all(Climb(level(1, 400.0, late=9)), {2: [level(2, 400.0, late=9)] * 2}) == 0


@given(st.integers(1, 64))
def test_a_level_has_turns_enough(sessions: int) -> None:
    each = turns_at(sessions, 24, 4)
    assert each >= 4
    assert each * sessions >= 24


def test_levels_are_growing_numbers() -> None:
    assert parse_levels("2,3,8") == [2, 3, 8]
    for text in ("", "two", "1,2", "3,2", "2,2", "2,65"):
        with pytest.raises(ValueError, match="--sessions"):
            parse_levels(text)


def results() -> dict[str, object]:
    singles = {"ours": level(1, 200.0), "pipecat": level(1, 500.0)}
    climbs = {name: Climb(single) for name, single in singles.items()}
    climbs["ours"].levels.append(level(2, 210.0))
    climbs["pipecat"].levels.append(Level(2, (math.inf,) * 3, Tally()))
    single = single_results(singles)
    return {
        "terms": TERMS,
        "single": {"defaults": single, "equal": single},
        "load": load_results(climbs, most=2),
    }


def test_results_are_json_tables_and_a_plot() -> None:
    found = results()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["single"]["defaults"]["ratio_p50"] == 0.4  # type: ignore[index]
    assert found["load"]["held"] == {"ours": 2, "pipecat": 1}  # type: ignore[index]
    assert "at least 2.0" in str(tables(found)[-1].rows)
    figure = Figure()
    plot(found, figure)
    assert len(figure.axes) == 2


def test_the_options_are_known() -> None:
    parser = argparse.ArgumentParser()
    arguments(parser.add_argument_group())
    assert parser.parse_args(["--turns", "7", "--sessions", "2,4"]).turns == 7


def test_load_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Caller("http://192.0.2.1:80", None)


async def test_a_server_that_gives_no_answer_is_named() -> None:
    with pytest.raises(PeerError, match=r"127\.0\.0\.1:1/api/offer"):
        await OfferSignalling("http://127.0.0.1:1", "/api/offer").offer("v=0", 1.0)


def test_an_environment_that_is_filled_is_left_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("a==1\n")
    (tmp_path / "bin").mkdir()
    interpreter = tmp_path / "bin" / "python"
    interpreter.write_text("#!/bin/sh\necho no such package >&2; exit 1\n")
    interpreter.chmod(0o755)
    with pytest.raises(PeerError, match="no such package"):
        python(tmp_path, wanted)
    (tmp_path / MARK).write_text("a==1\n")
    assert python(tmp_path, wanted) == interpreter


def test_a_peer_is_started_and_ended(tmp_path: Path) -> None:
    program = "print('ready http://127.0.0.1:9', flush=True); import time; time.sleep(60)"
    with running([sys.executable, "-c", program], tmp_path / "log") as (process, url):
        assert url == "http://127.0.0.1:9"
    assert process.poll() is not None


def test_a_peer_that_ends_shows_what_it_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such device')"]
    with pytest.raises(PeerError, match="no such device"), running(command, tmp_path / "log"):
        pass


def test_the_bot_is_written_for_the_pinned_pipecat() -> None:
    folder = Path("benchmarks/peers")
    assert "pipecat-ai==1.14.0\n" in (folder / "requirements.txt").read_text()
    compile((folder / "pipecat_bot.py").read_text(), "pipecat_bot.py", "exec")
