"""Where a layer is: its loudness, its distance, its side and the room around it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from models.sound.dsp import BLOCK, RATE, Random, Samples, highpass, lowpass
from models.sound.layer import Kind, Layer

_TAIL = 12  # blocks of reverberation: 1.2 s


@lru_cache(maxsize=1)
def _response() -> NDArray[np.complex128]:
    """Spectra of a room's answer in pieces of BLOCK: decorrelated noise that falls 60 dB in 1.1 s."""
    rng = np.random.default_rng(1)  # one room for all: the seed is part of the design
    t = np.arange(_TAIL * BLOCK) / RATE
    answer = rng.standard_normal((2, len(t))) * np.exp(-6.91 * t / 1.1) * np.minimum(1, t / 0.012)
    for start in range(0, len(t), BLOCK):  # walls take the highs first
        cut = lowpass(max(900.0, 6000.0 - 450.0 * start / BLOCK), 2, order=1)
        answer[:, start : start + BLOCK] = cut(answer[:, start : start + BLOCK])
    answer /= np.sqrt((answer**2).sum(axis=1, keepdims=True))
    pieces = answer.reshape(2, _TAIL, BLOCK).transpose(1, 0, 2)
    out: NDArray[np.complex128] = rfft(pieces, 2 * BLOCK)
    return out


class Reverb:
    """Uniformly partitioned overlap-save convolution (Gardner 1995, without the small first blocks)."""

    def __init__(self) -> None:
        self._past = np.zeros((2, BLOCK))
        self._spectra = np.zeros((_TAIL, 2, BLOCK + 1), dtype=np.complex128)
        self._at = 0

    def __call__(self, x: Samples) -> Samples:
        self._spectra[self._at] = rfft(np.concatenate((self._past, x), axis=1))
        self._past = x
        order = (self._at - np.arange(_TAIL)) % _TAIL
        response = _response()
        total = self._spectra[order[0]] * response[0]
        for piece in range(1, _TAIL):
            total += self._spectra[order[piece]] * response[piece]
        self._at = (self._at + 1) % _TAIL
        out: Samples = irfft(total, 2 * BLOCK)[:, BLOCK:]
        return out


class Place:
    """Puts a layer's blocks at their loudness, distance and side. `tail` blocks of it remain afterwards."""

    def __init__(self, layer: Layer, kind: Kind) -> None:
        far, near = max(0.0, layer.distance), max(0.0, -layer.distance)
        # 6 dB for "far away" is less than the distance would cost, so that small speakers still play it.
        self._gain = 10 ** ((kind.gain + 2.5 * layer.intensity - 6 * far + 4 * near) / 20)
        # Air and obstacles take the highs: a far sound has little left over 1.4 kHz.
        self._air = lowpass(16_000 * (1_400 / 16_000) ** far, 2, order=1) if far else None
        self._body = highpass(25, 2)  # what no speaker plays only eats headroom
        self._wet = min(
            1.0, kind.room * (1 - 0.5 * near) + (0.0 if kind.texture and not kind.room else 0.5 * far)
        )
        self._reverb = Reverb() if self._wet else None
        self.tail = _TAIL if self._wet else 1
        self._width = 1 - 0.6 * far - 0.3 * abs(layer.pan)
        angle = (layer.pan + 1) * np.pi / 4
        self._sides = np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])

    def __call__(self, x: Samples) -> Samples:
        y = self._body(x * self._gain)
        if self._air:
            y = self._air(y)
        if self._reverb:
            y = y * (1 - 0.6 * self._wet) + self._reverb(y) * self._wet
        middle, side = (y[0] + y[1]) / 2, (y[0] - y[1]) / 2 * self._width
        out: Samples = np.stack((middle + side, middle - side)) * self._sides
        return out


def limited(x: Samples) -> Samples:
    """Below 0.7 untouched, above bent so that nothing exceeds 0.98. Without memory, so it cannot pump."""
    size = np.abs(x)
    if float(size.max()) <= 0.7:
        return x
    bent = 0.7 + 0.28 * np.tanh((size - 0.7) / 0.28)
    out: Samples = np.where(size > 0.7, np.sign(x) * bent, x)
    return out


def rng_for(seed: int, index: int) -> Random:
    """The random numbers of layer `index`, independent of every other layer's."""
    return np.random.default_rng((seed % 2**64, index))
