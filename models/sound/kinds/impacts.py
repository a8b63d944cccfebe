"""Things that hit, break, blow up or fly past: explosion, gunshot, glass, laser, whoosh, hammer, coin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.sound.dsp import (
    BLOCK,
    RATE,
    Drift,
    Noise,
    Random,
    Rhythm,
    Samples,
    Scatter,
    Sweep,
    bandpass,
    blocks,
    burst,
    faded,
    lowpass,
    modes,
    seconds,
    timeline,
)
from models.sound.layer import Layer


def explosion(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A blast that saturates, a falling boom under it, then rumble and rubble."""
    noise, blast, rumble, rubble = Noise(rng), lowpass(1800, 2), lowpass(160, 2), bandpass(500, 3000, 2)
    rolling, falls = Drift(rng, 9.0, 0.4, 1.0), Drift(rng, 22.0)
    for t in timeline(4.5):
        x = noise()
        end = np.clip((4.5 - t) / 1.0, 0, 1)
        first = np.minimum(1, t / 0.003)
        boom = np.sin(2 * np.pi * (34 * t + 9 * (1 - np.exp(-t * 5)))) * np.exp(-t * 2.2) * first
        y = 2.0 * blast(x) * np.exp(-t * 3.2) * first + 2.6 * rumble(x) * np.exp(-t * 1.1) * rolling() * first
        y += 0.12 * rubble(x) * falls() ** 3 * np.exp(-t * 0.9) * np.clip(t / 0.3, 0, 1)
        yield np.tanh(1.4 * (y + 1.1 * boom)) * end


def gunshot(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A crack of some milliseconds, the muzzle's thump, and its echoes."""
    out = np.zeros(int(((layer.count or 1) * 0.45 + 1.3) * RATE))
    for shot in range(layer.count or 1):
        at = int(shot * 0.45 / layer.pace * RATE)
        for delay, gain, low, high, length in (
            (0.0, 2.4, 900, 9000, 0.07),
            (0.0, 2.6, 90, 700, 0.2),
            (0.11, 0.35, 300, 2500, 0.35),
            (0.27, 0.2, 200, 1600, 0.5),
        ):
            part = burst(rng, length, low, high, 0.0004 if not delay else 0.02)
            start = at + int(delay * RATE)
            out[start : start + len(part)] += gain * part[: len(out) - start]
    yield from blocks(faded(np.tanh(out), 0.2))


def glass(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A pane breaks: one sharp impact, then shards that ring and bounce ever more softly."""
    out = np.zeros(int(1.9 * RATE))
    impact = burst(rng, 0.14, 1500, 12000, 0.0004)
    out[: len(impact)] += 1.6 * impact
    for _ in range(70):
        start = rng.gamma(1.6, 0.19)
        hz = rng.uniform(2200, 9500)
        ring = rng.uniform(0.03, 0.2)
        shard = modes(seconds(ring), ((hz, 1.0, ring), (hz * 1.47, 0.6, ring * 0.7)))
        at = int((0.015 + start) * RATE)
        if at + len(shard) < len(out):
            out[at : at + len(shard)] += shard * rng.uniform(0.05, 0.5) * np.exp(-1.8 * start)
    yield from blocks(faded(out, 0.2, 0.0002))


def laser(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A science-fiction blaster: a tone that falls four octaves in a third of a second."""
    parts: list[Samples] = []
    for _ in range(layer.count or 2):
        length = 0.32 / layer.pace
        t = seconds(length)
        hz = 180 + rng.uniform(3200, 4200) * np.exp(-t * 11 * layer.pace)
        p = 2 * np.pi * np.cumsum(hz) / RATE
        zap = (np.sin(p + 1.5 * np.sin(2 * p)) + 0.3 * np.sin(p / 2)) * np.exp(-t * 6 * layer.pace)
        parts += [faded(zap, 0.02), np.zeros(int(0.08 / layer.pace * RATE))]
    yield from blocks(np.concatenate(parts))


def whoosh(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Something flies past from left to right."""
    noise, air = Noise(rng, 1), Sweep(1.2)
    length = 0.9 / layer.pace
    for t in timeline(length):
        p = np.clip(t / length, 0, 1)
        near = np.sin(np.pi * p) ** 3
        mono = air(noise(), 350 + 1700 * near) * near
        yield np.stack((mono * np.cos(p * np.pi / 2), mono * np.sin(p * np.pi / 2)))


def hammer(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Blows on a nail: steel that rings for a moment, and the plank below."""
    scatter, rhythm, left = Scatter(), Rhythm(rng, 0.55 / layer.pace, 0.08, 0.02), layer.count or 5
    while left > 0:
        for at in rhythm.next_block():
            if left > 0:
                ring = modes(
                    seconds(0.35), ((1320, 0.7, 0.2), (3260, 0.6, 0.3), (5480, 0.4, 0.22), (190, 1.0, 0.09))
                )
                scatter.add(faded(ring, 0.05, 0.0003), at, rng.uniform(0.7, 1.0))
                scatter.add(burst(rng, 0.012, 1000, 8000, 0.0002), at, 1.0)
                left -= 1
        yield scatter()
    for _ in range(5):
        yield scatter()


def coin(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A coin falls on a table: bounces that come faster and faster, then it lies."""
    scatter, at, gap, gain = Scatter(), 0.0, 0.28, 0.8
    hz = 4350 * rng.uniform(0.93, 1.07)
    ring = ((hz, 1.0, 0.3), (hz * 1.64, 0.7, 0.22), (hz * 2.26, 0.5, 0.15))
    while gap > 0.012:
        scatter.add(faded(modes(seconds(0.3), ring), 0.02, 0.0003), int(at * RATE), gain)
        at, gap, gain = at + gap, gap * 0.76, gain * 0.86
    for _ in range(-(-int((at + 0.3) * RATE) // BLOCK)):
        yield scatter()


def pop(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A cork leaves the bottle."""
    t = seconds(0.09)
    cork = np.sin(2 * np.pi * 420 * t * (1 + 5 * t)) * np.exp(-t * 55) + burst(rng, 0.09, 600, 5000, 0.0004)
    yield from blocks(
        np.concatenate([faded(cork, 0.01, 0.0003), np.zeros(int(0.2 * RATE))] * (layer.count or 1))
    )
