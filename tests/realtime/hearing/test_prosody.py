"""Melody before a pause, on voices made of a few harmonics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import HEARING_RATE
from realtime.hearing.prosody import finality, melody

CLIPS = Path(__file__).parents[2] / "data"


def voice(
    semitones_a_second: float = 0.0, *, f0: float = 140.0, seconds: float = 1.3, fade_db: float = 0.0
) -> bytes:
    """A buzz whose pitch glides over the last 0.5 s; its level falls by `fade_db` over the last 0.2 s."""
    time = np.arange(round(seconds * HEARING_RATE)) / HEARING_RATE
    glide = np.maximum(0, time - (seconds - 0.5)) * semitones_a_second
    phase = 2 * np.pi * np.cumsum(f0 * 2 ** (glide / 12)) / HEARING_RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 9))
    level = 10 ** (-fade_db / 20 * np.clip((time - (seconds - 0.2)) / 0.2, 0, 1))
    return pcm(0.1 * sound * level)


def pcm(sound: np.ndarray) -> bytes:
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("f0", [100.0, 140.0, 200.0])
@pytest.mark.parametrize("slope", [-12.0, -5.0, 0.0, 5.0, 12.0])
def test_the_slope_is_that_of_the_pitch(f0: float, slope: float) -> None:
    heard = melody(voice(slope, f0=f0))
    assert heard is not None
    assert heard.slope == pytest.approx(slope, abs=1.0)


def test_a_falling_and_fading_voice_sounds_more_finished() -> None:
    plain, falling, rising = (finality(voice(slope)) for slope in (0.0, -20.0, 20.0))
    fading = finality(voice(fade_db=15))
    assert plain is not None
    assert falling is not None
    assert rising is not None
    assert fading is not None
    assert rising < plain < falling
    assert plain < fading


def test_how_loud_somebody_speaks_says_nothing() -> None:
    loud = np.frombuffer(voice(-10.0), "<i2")
    quiet = (loud // 8).astype("<i2").tobytes()
    assert finality(quiet) == pytest.approx(finality(loud.tobytes()), abs=0.03)


def test_silence_after_the_voice_says_nothing() -> None:
    said = voice(-10.0, seconds=0.8)
    assert finality(said + bytes(2 * HEARING_RATE // 10)) == pytest.approx(finality(said), abs=0.03)


@pytest.mark.parametrize(
    "heard",
    [
        b"",
        b"\x01",
        bytes(2),
        bytes(3 * HEARING_RATE),
        voice(seconds=1.0)[: 2 * 1_500],  # 94 ms
        pcm(np.random.default_rng(0).normal(0, 0.1, HEARING_RATE)),
        pcm(np.random.default_rng(0).normal(0, 0.0003, HEARING_RATE)),
    ],
    ids=["nothing", "half a sample", "a sample", "silence", "a moment", "noise", "room"],
)
def test_without_a_voice_there_is_no_opinion(heard: bytes) -> None:
    assert finality(heard) is None


@pytest.mark.parametrize("name", ["hello", "play_piano", "set_timer", "long_story"])
def test_people_have_a_melody(name: str) -> None:
    sound, rate = soundfile.read(CLIPS / f"{name}.flac", dtype="int16")
    assert rate == HEARING_RATE
    found = finality(sound.tobytes())
    assert found is not None
    assert 0.1 < found < 0.9


@settings(deadline=None)
@given(st.binary(max_size=50_000))
def test_any_bytes_are_judged_or_not(heard: bytes) -> None:
    found = finality(heard)
    assert found is None or 0 <= found <= 1
