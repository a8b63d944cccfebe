"""Telephone speech for ears that expect more: 8 kHz to HEARING_RATE, with something in the upper band.

A recogniser that learned from 16 kHz takes the empty band above 4 kHz of telephone speech for what no voice
has. Spectral folding (Makhoul and Berouti, 1979) fills it: the lower band mirrored at 4 kHz, softly, so that
what hisses below hisses above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.api import HEARING_RATE
from realtime.resampling import Resampler

FOLDED = 0.1  # amplitude of the mirrored band


class Widener:
    """Int16 mono at `rate` to HEARING_RATE, piece by piece; what is above 8 kHz is only resampled."""

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate, HEARING_RATE)
        self._narrow = 2 * rate <= HEARING_RATE
        self._sign = 1.0  # of the next sample's image: every other sample is inverted, which mirrors the band

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Convert int16 samples, shape (n,), as many as there are."""
        return self._folded(self._resampler.feed(samples))

    def flush(self) -> NDArray[np.int16]:
        """What the filter still holds; the stream is over."""
        return self._folded(self._resampler.flush())

    def _folded(self, wide: NDArray[np.int16]) -> NDArray[np.int16]:
        if not self._narrow or not len(wide):
            return wide
        gain = np.full(len(wide), 1.0 + FOLDED * self._sign, np.float32)
        gain[1::2] = 1.0 - FOLDED * self._sign
        if len(wide) % 2:
            self._sign = -self._sign
        return np.asarray(np.clip(np.rint(wide * gain), -32_768, 32_767), np.int16)
