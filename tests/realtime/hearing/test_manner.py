"""How an utterance sounds: which of the tests' clips are requests, and what may never change the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import HEARING_RATE
from realtime.hearing.manner import BANDS, LONGEST_MS, WEIGHTS, features, judged, manner
from realtime.hearing.turn import Evidence

DATA = Path(__file__).parents[2] / "data"


def clip(name: str, gain: float = 1.0) -> bytes:
    samples, rate = soundfile.read(DATA / f"{name}.flac", dtype="int16")
    assert rate == HEARING_RATE
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() / 20)
    cut = samples[max(0, loud[0] - 1_536) : loud[-1] + 1_536]
    return (cut * gain).astype("<i2").tobytes()


@pytest.mark.parametrize("name", ["stop", "stop_kal16", "louder", "what_time_is_it", "play_piano", "hello"])
def test_requests_sound_like_requests(name: str) -> None:
    assert manner(clip(name)).request > 0.5


def test_a_sign_of_listening_and_a_cough_do_not() -> None:
    assert manner(clip("uh_huh")).listening > 0.5
    assert manner(clip("cough")).request < 0.5


@pytest.mark.parametrize("name", ["stop", "uh_huh", "what_time_is_it"])
def test_it_does_not_matter_how_loud_it_is(name: str) -> None:
    loud, quiet = manner(clip(name)), manner(clip(name, 0.2))
    assert quiet.request == pytest.approx(loud.request, abs=0.15)


def test_what_comes_late_is_not_looked_at() -> None:
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 3_000, 3 * HEARING_RATE).astype("<i2")
    begin = sound[: LONGEST_MS * HEARING_RATE // 1000]
    assert manner(sound.tobytes()) == manner(begin.tobytes())


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2 * HEARING_RATE),
    st.sampled_from([0.0, 1.0, 300.0, 20_000.0]),
    st.booleans(),
    st.integers(0, 9),
)
def test_any_sound_is_one_of_the_three(samples: int, level: float, odd: bool, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, level, samples).clip(-32_768, 32_767)
    pcm = noise.astype("<i2").tobytes() + b"\0" * odd
    heard = manner(pcm)
    assert heard.request + heard.listening + heard.noise == pytest.approx(1, abs=1e-3)
    assert min(heard.request, heard.listening, heard.noise) >= 0
    found = features(pcm)
    assert found.shape[1] == BANDS
    assert np.isfinite(found).all()
    assert found.min() >= 0


def test_the_evidence_keeps_what_it_had() -> None:
    before = Evidence(silence_ms=130, voiced_ms=400, planner=0.5)
    after = judged(before, clip("stop"))
    heard = manner(clip("stop"))
    assert (after.request, after.listening) == (heard.request, heard.listening)
    assert (after.silence_ms, after.voiced_ms, after.planner) == (130, 400, 0.5)


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 100_000
