from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from models.api import HEARING_RATE
from models.turn.log_mel import BANDS, hertz, log_mel, mel

CLIP = Path(__file__).resolve().parents[2] / "data" / "what_time_is_it.flac"


def test_the_scale_is_slaneys() -> None:
    """Linear up to 1 kHz = 15 mels, then 27 mels for every factor of 6.4."""
    assert [mel(f) for f in (0, 200, 1_000, 6_400)] == pytest.approx([0, 3, 15, 42])
    frequencies = np.geomspace(10, 8_000, 50)
    assert hertz(np.array([mel(f) for f in frequencies])) == pytest.approx(frequencies)


def test_speech_has_the_features_that_whispers_own_extractor_gives_it() -> None:
    """Values (band, frame) of pipecat-ai 1.14's extractor for this clip, silence before it, scaled so."""
    samples = np.zeros(8 * HEARING_RATE, np.float32)
    speech, _ = sf.read(CLIP, dtype="float32")
    samples[-len(speech) :] = speech
    shown = log_mel((samples - samples.mean()) / np.sqrt(samples.var() + np.float32(1e-7)))
    assert shown.shape == (BANDS, 800)
    expected = {(0, 0): 0.225, (0, 799): 0.3887, (5, 700): 0.3483, (20, 720): 1.6279, (40, 740): 1.3184}
    expected |= {(60, 760): 0.2475, (79, 780): 0.0532}
    assert {at: float(shown[at]) for at in expected} == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("band", [3, 20, 50, 78])
def test_a_tone_is_loudest_in_its_own_band(band: int) -> None:
    centre = hertz(np.array([mel(8_000) * (band + 1) / (BANDS + 1)])).item()
    tone = np.sin(2 * np.pi * centre * np.arange(16_000) / HEARING_RATE).astype(np.float32)
    assert (log_mel(tone)[:, 10:-10].argmax(axis=0) == band).all()


def test_silence_has_finite_features() -> None:
    assert np.isfinite(log_mel(np.zeros(1_600, np.float32))).all()
