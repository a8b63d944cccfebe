"""The set is what it says it is, and a recording is read rightly."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks import tones
from benchmarks.bargein import LIVE, QUICK_LIVE, results, some, tables
from benchmarks.bargein_chain import Heard, Look
from benchmarks.bargein_live import judge, sounds_of, stretches
from benchmarks.bargein_set import MEANT, OTHERS, Clip, build
from benchmarks.bargein_sounds import breathe, clear_throat, cough, dishes, in_room, laugh
from benchmarks.bargein_texts import FRESH, IN, OUT
from client.audio import RATE
from models.api import HEARING_RATE
from realtime.hearing.meant import Utterance
from realtime.hearing.turn import Evidence

BEEP = Clip("beep", "backchannel", np.sin(np.arange(HEARING_RATE // 2) * 0.3) * 0.5)  # half a second


@pytest.mark.parametrize("maker", [cough, clear_throat, laugh, breathe, dishes])
def test_noises_are_seeded_and_full_scale(maker: object) -> None:
    assert callable(maker)
    one, same, other = (maker(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert len(one) != len(other) or not np.array_equal(one, other)
    assert np.abs(one).max() == pytest.approx(1.0)
    assert 0.1 < len(one) / HEARING_RATE < 4


def test_a_room_colours_a_sound_and_rings_on() -> None:
    click = np.zeros(HEARING_RATE // 10)
    click[0] = 1.0
    heard = in_room(click, np.random.default_rng(1), reverberation_s=0.3)
    assert len(heard) > len(click)
    early, late = (np.sqrt(np.mean(heard[a : a + 400] ** 2)) for a in (0, 3_200))
    assert 0 < late < early / 3


@pytest.mark.parametrize(("one", "other"), [(IN, OUT), (IN, FRESH), (OUT, FRESH)])
def test_no_clip_and_no_voice_is_in_two_parts(one: int, other: int) -> None:
    clips = every_twelfth()
    sounds = {part: {c.samples.tobytes() for c in clips if c.part == part} for part in (one, other)}
    assert not sounds[one] & sounds[other]
    voices = {part: {c.voice for c in clips if c.part == part and c.voice} for part in (one, other)}
    assert not voices[one] & voices[other]


@pytest.mark.parametrize("part", [IN, OUT, FRESH])
def test_every_kind_is_in_every_part(part: int) -> None:
    clips = [clip for clip in every_twelfth() if clip.part == part]
    assert {clip.kind for clip in clips} == {*MEANT, *OTHERS} - {"recording"}
    assert all(np.abs(clip.samples).max() <= 1.0 for clip in clips)
    assert all(clip.held_out == (part != IN) for clip in clips)


@cache
def every_twelfth() -> list[Clip]:
    return build(recordings=None, every=12)


def test_clips_for_the_call_are_spread_over_the_kinds() -> None:
    clips = [Clip(f"{kind} {k}", kind, BEEP.samples) for kind in LIVE for k in range(20)]
    chosen = some(clips)
    assert len(chosen) == len({clip.name for clip in chosen}) == sum(LIVE.values())
    assert [clip.kind for clip in some(clips, QUICK_LIVE)].count("backchannel") == 2


def counted(numbers: range, *, pause_ms: tuple[int, int] | None = None, cut_ms: int = 0) -> np.ndarray:
    """What a caller records: words of tones, with a pause at (from, for) from which `cut_ms` are missing."""
    whole = np.concatenate([np.zeros(RATE // 2, np.int16), *(tones.sound(n) for n in numbers)])
    if pause_ms is None:
        return whole
    at, long = (ms * RATE // 1000 for ms in pause_ms)
    silence = np.zeros(long, np.int16)
    return np.concatenate([whole[:at], silence, whole[at + cut_ms * RATE // 1000 :]])


@pytest.mark.parametrize("cut_ms", [0, 200])
def test_a_pause_is_timed_and_what_it_swallowed_is_missed(cut_ms: int) -> None:
    pcm = counted(range(3, 12), pause_ms=(1_100, 700), cut_ms=cut_ms)
    taken = judge(BEEP, pcm, [(1_000.0, 1_500.0)], first=3, noticed=True, stopped=False)
    assert taken is not None
    assert taken.silent_ms == pytest.approx(100, abs=10)
    assert taken.resumed_ms == pytest.approx(300, abs=10)
    assert taken.into_ms == pytest.approx(500, abs=10)
    assert taken.lost_ms == pytest.approx(cut_ms, abs=45)


def test_a_stop_has_no_way_back() -> None:
    pcm = counted(range(3, 6))
    end = len(pcm) * 1000 / RATE
    pcm = np.concatenate([pcm, np.zeros(RATE, np.int16)])
    taken = judge(BEEP, pcm, [(end - 90.0, end + 400.0)], first=3, noticed=True, stopped=True)
    assert taken is not None
    assert taken.silent_ms == pytest.approx(90, abs=10)
    assert taken.resumed_ms is None
    assert taken.lost_ms is None


def test_what_nobody_noticed_has_no_times() -> None:
    taken = judge(BEEP, counted(range(12)), [(900.0, 1_000.0)], first=0, noticed=False, stopped=False)
    assert taken is not None
    assert taken.silent_ms is None
    assert taken.missing_words == 0
    assert judge(BEEP, np.zeros(RATE, np.int16), [(10.0, 20.0)], first=0, noticed=True, stopped=True) is None


def test_sounds_and_silences_are_told_apart() -> None:
    loud = np.array([0] * 10 + [1] * 20 + [0] * 5 + [1] * 20 + [0] * 40 + [1] * 2 + [0] * 40, bool)
    assert stretches(loud) == [(50.0, 275.0)]
    assert sounds_of(BEEP) == [(0.0, pytest.approx(500, abs=10))]


def look(text: str, *, final: bool = True) -> Look:
    evidence = Evidence(silence_ms=128, voiced_ms=400, probability=0.95)
    return Look(HEARING_RATE // 2, Utterance(text, evidence, final, "speech"))


def test_shares_are_of_those_that_could_be_wrong() -> None:
    stop = Clip("stop", "command", BEEP.samples)
    heard = [
        Heard(stop, onsets=[1], looks=[look("stop")]),
        Heard(stop, onsets=[1], looks=[look("yeah")]),
        Heard(BEEP, onsets=[1], looks=[look("yeah")]),
        Heard(BEEP, onsets=[1], looks=[look("stop", final=False), look("stop")]),
        Heard(BEEP),
        Heard(BEEP, onsets=[1], looks=[look("")]),
    ]
    found = results(heard, [])
    assert found["missed"] == 0.5
    assert found["false_stops"] == 0.25
    assert len(found["wrong"]) == 2
    assert found["kinds"]["backchannel"]["noticed"] == 3
    assert found["kinds"]["backchannel"]["settled_ms"]["p50"] == 0.0
    assert "25.0%" in tables(found)[0].note
