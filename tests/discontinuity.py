"""A detector of clicks in a signal that should be a sine with slow changes of level.

A click is a jump of the value or of the slope; the second difference of the samples shows both. A sine of
amplitude A and angular frequency w has second differences of at most A * w**2, however long it lasts; a
fade of n samples adds up to 2 * A * w / n inside and A * (1 / n + w / n) where it begins and ends. Two
samples of a sine that do not belong together differ by up to 2 * A: some hundred times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 48_000


def sine(samples: int, *, hertz: float = 200.0, amplitude: float = 0.25) -> NDArray[np.float32]:
    """A stereo sine that swells in the first 10 ms, shape (samples, 2), full scale 1.0."""
    at = np.arange(samples)
    swell = np.sin(np.pi / 2 * np.minimum(at / 480, 1)) ** 2
    wave = amplitude * swell * np.sin(2 * np.pi * hertz * at / RATE)
    return np.repeat(wave.astype(np.float32)[:, None], 2, axis=1)


def bound(
    *, hertz: float = 200.0, amplitude: float = 0.25, fade_samples: int = 240, sounds: int = 1
) -> float:
    """The largest second difference that `sounds` overlapping sines in fades can have."""
    w = 2 * np.pi * hertz / RATE
    return float(sounds * amplitude * (w**2 + 3 * w / fade_samples + 1 / fade_samples))


def clicks(signal: NDArray[Any], most: float) -> list[int]:
    """Samples at which the second difference of a signal of one channel is above `most`."""
    return [int(at) + 1 for at in np.flatnonzero(np.abs(np.diff(signal, 2)) > most)]
