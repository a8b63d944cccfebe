"""Telephone speech gets an upper band; nothing depends on how it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.transport.narrowband import FOLDED, Widener


def tone(samples: int, rate: int, hertz: float) -> NDArray[np.int16]:
    return np.rint(8_000 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)).astype(np.int16)


def widened(samples: NDArray[np.int16], rate: int, sizes: list[int]) -> NDArray[np.int16]:
    widener, pieces, at = Widener(rate), [], 0
    for size in [*sizes, len(samples)]:
        pieces.append(widener.feed(samples[at : at + size]))
        at += size
    return np.concatenate([*pieces, widener.flush()])


def level(samples: NDArray[np.int16], hertz: int) -> float:
    """Amplitude of the tone of so many Hz in a second at 16 kHz."""
    spectrum = np.abs(np.fft.rfft(samples[:16_000].astype(float) * np.hanning(16_000)))
    return float(spectrum[hertz] / 4_000)


def test_the_upper_band_mirrors_the_lower_one() -> None:
    out = widened(tone(8_800, 8_000, 1_000), 8_000, [])
    assert len(out) == 17_600
    assert level(out, 1_000) == pytest.approx(8_000, rel=0.01)
    assert level(out, 7_000) == pytest.approx(8_000 * FOLDED, rel=0.02)
    assert level(out, 3_000) < 20


def test_what_has_an_upper_band_keeps_its_own() -> None:
    out = widened(tone(26_400, 24_000, 1_000), 24_000, [])
    assert level(out, 1_000) == pytest.approx(8_000, rel=0.01)
    assert level(out, 7_000) < 20


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 700), max_size=10))
def test_cutting_changes_nothing(sizes: list[int]) -> None:
    source = tone(4_000, 8_000, 700)
    assert np.array_equal(widened(source, 8_000, sizes), widened(source, 8_000, []))


def test_what_is_loud_is_clipped_and_does_not_wrap() -> None:
    out = widened(np.full(800, 32_767, np.int16), 8_000, [])
    assert out[100:-100].min() > 25_000
    assert len(Widener(8_000).feed(np.zeros(0, np.int16))) == 0
