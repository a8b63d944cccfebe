"""G.711, the telephone's coding: 8 kHz, a byte a sample, in the µ-law and the A-law (ITU-T G.711, 1988).

Each law is a sign, a segment (3 bits) and a step in it (4 bits): the steps of a segment are twice as wide as
those of the one below, so that the error follows the level. Both ways are tables: 256 values to decode, and
one code for each of the 65,536 values of a sample to encode, the code whose value is nearest.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

RATE = 8_000  # Hz
Law = Literal["mu", "a"]

_MU_BIAS = 33  # of the 14-bit value: makes the segments of the µ-law powers of two (G.711, table 2)
_A_TOGGLED = 0x55  # even bits are inverted on the line, so that silence has transitions (G.711, section 3.1)


def _mu_values() -> NDArray[np.int16]:
    """The value of each µ-law code, 14 bits wide scaled to 16 (G.711, tables 2a and 2b)."""
    codes = ~np.arange(256) & 0xFF  # all bits are inverted on the line
    segment, step = codes >> 4 & 7, codes & 15
    size = ((2 * step + _MU_BIAS) << segment) - _MU_BIAS
    return np.asarray(np.where(codes & 0x80, -size, size) * 4, np.int16)


def _a_values() -> NDArray[np.int16]:
    """The value of each A-law code, 13 bits wide scaled to 16 (G.711, tables 1a and 1b)."""
    codes = np.arange(256) ^ _A_TOGGLED
    segment, step = codes >> 4 & 7, codes & 15
    size = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.asarray(np.where(codes & 0x80, size, -size) * 8, np.int16)


def _nearest(values: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The code of the nearest value, for each 16-bit sample from -32,768 on; the larger one for a tie."""
    # µ-law has two zeros; the positive one (0xFF, the last code with the value 0) is the one to send.
    codes = np.argsort(values, kind="stable")
    ordered = values[codes].astype(np.int32)
    borders = (ordered[:-1] + ordered[1:] + 1) // 2  # a sample from here on is nearer to the next value
    places = np.searchsorted(borders, np.arange(-32_768, 32_768), side="right")
    return np.asarray(codes[places], np.uint8)


_VALUES: dict[Law, NDArray[np.int16]] = {"mu": _mu_values(), "a": _a_values()}
_CODES: dict[Law, NDArray[np.uint8]] = {law: _nearest(values) for law, values in _VALUES.items()}


def decode(data: bytes, law: Law) -> NDArray[np.int16]:
    """The samples, int16 mono at 8 kHz."""
    return _VALUES[law][np.frombuffer(data, np.uint8)]


def encode(samples: NDArray[np.int16], law: Law) -> bytes:
    """A byte for each int16 sample at 8 kHz."""
    return _CODES[law][samples.astype(np.int32) + 32_768].tobytes()
