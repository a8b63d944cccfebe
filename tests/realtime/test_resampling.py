from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.resampling import Resampler

SIZES = st.lists(st.integers(0, 2_000), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) > 100)
RATES = st.sampled_from([8_000, 16_000, 22_050, 24_000, 48_000])


@given(RATES, RATES, SIZES)
def test_the_cut_of_the_pieces_does_not_matter(source: int, rate: int, sizes: list[int]) -> None:
    time = np.arange(sum(sizes)) / source
    tone = (8_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    whole, pieces = Resampler(source, rate), Resampler(source, rate)
    at = np.cumsum([0, *sizes])
    parts = [pieces.feed(tone[begin:end]) for begin, end in pairwise(at)]
    expected = np.concatenate([whole.feed(tone), whole.flush()])
    assert np.array_equal(np.concatenate([*parts, pieces.flush()]), expected)
    assert abs(len(expected) - len(tone) * rate / source) <= 2


@pytest.mark.parametrize(("source", "rate"), [(16_000, 48_000), (24_000, 16_000), (48_000, 24_000)])
def test_a_millisecond_at_most_is_held_back(source: int, rate: int) -> None:
    resampler = Resampler(source, rate)
    for _ in range(20):
        given_ms = 20
        out = resampler.feed(np.ones(source * given_ms // 1000, np.int16))
        assert len(out) >= (given_ms - 1.1) * rate / 1000


def test_stereo_becomes_its_mean() -> None:
    stereo = np.tile(np.array([1_000, 3_000], np.int16), 4_800)
    mono = Resampler(48_000, 48_000, layout="stereo").feed(stereo)
    assert abs(int(mono[2_400]) - 2_000) <= 1
