"""Log-mel features as Whisper hears them (Radford et al. 2022, section 2.2; mel scale: Slaney 1998).

25 ms windows every 10 ms, 80 triangular filters of equal area from 0 to 8 kHz, the logarithm cut 80 dB under
the loudest. In numpy, because the usual extractor comes with all of transformers, for one matrix product.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from models.api import HEARING_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms
BANDS = 80
_FLOOR = 1e-10  # power; keeps the logarithm of silence finite
_RANGE = 8.0  # decades of power kept under the loudest: 80 dB


def log_mel(samples: Floats) -> Floats:
    """Features (BANDS, len(samples) // HOP) of audio at HEARING_RATE; about -1 to 1 for speech.

    Args:
        samples: one dimension, any scale (a factor only shifts the features), a whole number of HOPs.
    """
    half = WINDOW // 2
    padded = np.pad(samples, half, mode="reflect")  # the first window is centred on the first sample
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:-1:HOP]
    spectrum = np.fft.rfft(windows * _hann())
    power = spectrum.real**2 + spectrum.imag**2
    decades = np.log10(np.maximum(power @ _filters(), _FLOOR)).T
    decades = np.maximum(decades, decades.max() - _RANGE)
    features: Floats = ((decades + 4.0) / 4.0).astype(np.float32)
    return features


@cache
def _filters() -> Doubles:
    """The weights (WINDOW // 2 + 1, BANDS) with which each band sums the spectrum's power."""
    bins = np.linspace(0, HEARING_RATE / 2, WINDOW // 2 + 1)
    edges = hertz(np.linspace(0, mel(HEARING_RATE / 2), BANDS + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    weights: Doubles = np.maximum(0.0, np.minimum(rising, falling)) * 2 / (high - low)
    return weights


# Slaney's scale: 15 mels of 200/3 Hz up to 1 kHz, above that 27 mels for every factor of 6.4.
_KNEE_HZ, _KNEE_MEL, _STEP_HZ = 1_000.0, 15.0, 200 / 3
_STEP_LOG = np.log(6.4) / 27


def mel(frequency: float) -> float:
    """Place of a frequency (Hz) on Slaney's mel scale."""
    if frequency < _KNEE_HZ:
        return frequency / _STEP_HZ
    return _KNEE_MEL + float(np.log(frequency / _KNEE_HZ)) / float(_STEP_LOG)


def hertz(mels: Doubles) -> Doubles:
    """Frequencies (Hz) of places on Slaney's mel scale."""
    above = _KNEE_HZ * np.exp(_STEP_LOG * (np.maximum(mels, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mels < _KNEE_MEL, mels * _STEP_HZ, above)


@cache
def _hann() -> Doubles:
    return np.hanning(WINDOW + 1)[:-1]  # periodic: one period less its last sample
