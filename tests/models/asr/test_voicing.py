from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.asr.voicing import VoicingCounter

DATA = Path(__file__).parents[2] / "data"


def voiced(samples: np.ndarray, size: int = 640) -> VoicingCounter:
    counter, pcm = VoicingCounter(), samples.astype("<i2").tobytes()
    for start in range(0, len(pcm), size):
        counter.feed(pcm[start : start + size])
    return counter


@pytest.mark.parametrize("name", ["stop", "louder", "stop_kal16", "hello"])
def test_words_are_voiced(name: str) -> None:
    assert voiced(soundfile.read(DATA / f"{name}.flac", dtype="int16")[0]).voiced >= 6


@pytest.mark.parametrize("name", ["cough", "noise"])
def test_noises_are_not(name: str) -> None:
    assert voiced(soundfile.read(DATA / f"{name}.flac", dtype="int16")[0]).voiced < 4


def test_pieces_do_not_matter_and_level_is_in_db() -> None:
    tone = 1000 * np.sqrt(2) * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)
    whole, pieces = voiced(tone, 1 << 20), voiced(tone, 34)
    assert whole.voiced == pieces.voiced > 40
    assert whole.level == pytest.approx(pieces.level)
    assert whole.level == pytest.approx(60, abs=0.1)
    assert voiced(np.zeros(16_000)).voiced == 0
