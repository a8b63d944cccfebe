"""Measure how loud every kind is, and print the gain its row of the catalogue should have.

python -m models.sound.calibrate [kind ...]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import islice

import numpy as np

from models.sound.catalogue import KINDS
from models.sound.dsp import BLOCK, RATE, Samples
from models.sound.layer import Kind, Layer
from models.sound.space import Place, rng_for

TEXTURE, EVENT = (
    -20.0,
    -16.0,
)  # dBFS RMS: of the whole; of the loudest 400 ms, the momentary window of EBU R128
PEAK = 0.6  # what 0.05 % of the samples may exceed; the limiter begins at 0.7


def loudness(sound: Samples, texture: bool) -> float:
    """dBFS RMS over both channels `(2, n)` of all of a texture, or of the loudest 400 ms of an event."""
    power = (sound**2).mean(axis=0)
    if not texture:
        window = min(len(power), int(0.4 * RATE))
        sums = np.cumsum(np.concatenate(([0.0], power)))
        power = (sums[window:] - sums[:-window]) / window
    return float(10 * np.log10((power.mean() if texture else power.max()) + 1e-12))


def measured(kind: Kind, seconds: float = 30.0, seeds: int = 3) -> float:
    """The gain in dB that brings `kind` to its goal, over several seeds."""
    plain = replace(kind, gain=0.0)
    gains = []
    for seed in range(seeds):
        place, layer = Place(Layer(kind.name), plain), Layer(kind.name)
        made = islice(plain.make(layer, rng_for(seed, 0)), int(seconds * RATE / BLOCK))
        sound = np.concatenate([place(block) for block in made], axis=1)
        goal = TEXTURE if kind.texture else EVENT
        # Sparse sounds (a clock) are all peaks: they stay quieter, or the limiter would flatten every tick.
        peak = 20 * np.log10(PEAK / float(np.quantile(np.abs(sound), 0.9995)))
        gains.append(min(goal - loudness(sound, kind.texture), peak))
    return float(np.mean(gains))


def main(names: list[str]) -> None:
    """Print a line a kind: what its row says and what it should say."""
    for kind in KINDS.values():
        if not names or kind.name in names:
            print(f"{kind.name:16s} has {kind.gain:6.1f}  wants {measured(kind):6.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
