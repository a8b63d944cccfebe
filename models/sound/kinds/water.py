"""Sea, stream, waterfall, drips, bubbles, splash; and fire, which is made the same way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.sound.dsp import (
    RATE,
    Drift,
    Noise,
    Random,
    Rhythm,
    Samples,
    Scatter,
    bandpass,
    blocks,
    burst,
    faded,
    highpass,
    lowpass,
    poisson,
    seconds,
)
from models.sound.layer import Layer


def _bubble(rng: Random, hz: float, ring: float, rise: float) -> Samples:
    """A bubble of air: a sine whose pitch rises as it nears the surface (van den Doel, 2005)."""
    t = seconds(ring)
    return faded(np.sin(2 * np.pi * hz * t * (1 + rise * t / ring / 2)) * np.exp(-5 * t / ring), 0.002)


def sea(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Waves, two at a time: each swells, breaks bright across the stereo field, and hisses away."""
    noise = Noise(rng)
    deep, surf, foam = lowpass(260, 2), bandpass(250, 1600, 2), bandpass(1500, 5000, 2)
    period = 7.5 / layer.pace
    # (start of the wave in seconds from now, its length, its size, where it breaks)
    waves = [
        (-0.35 * period, 1.5 * period, 0.9, -0.3)
    ]  # the first is about to break, so that it is heard at once
    ahead = 0.7 * period
    clock = seconds(0.1)
    while True:
        while ahead < 0.1:
            waves.append(
                (ahead, period * rng.uniform(1.3, 1.7), rng.uniform(0.65, 1.0), rng.uniform(-0.5, 0.5))
            )
            ahead += period * rng.uniform(0.75, 1.2)
        x = noise()
        y = 0.35 * deep(x)
        bodies, bright = np.zeros((2, len(clock))), np.zeros((2, len(clock)))
        for start, length, size, pan in waves:
            p = (clock - start) / length  # 0 the wave forms, 0.35 it breaks, 1 it has run out
            side = np.array([[1 - 0.6 * pan], [1 + 0.6 * pan]]) * size
            before = np.clip(p / 0.35, 0, 1)
            after = np.maximum(0, p - 0.35)
            last = np.clip((1 - p) / 0.3, 0, 1)  # ends at nothing, not at what the exponential has left
            bodies += side * before**2 * np.exp(-6 * after) * last
            bright += side * before**5 * np.exp(-3.2 * after) * last
        power = 1 + 0.5 * layer.intensity
        y += surf(x) * bodies * 0.9 * power + foam(x) * bright * 0.5 * power + 0.006 * x
        waves = [
            (start - 0.1, length, size, pan) for start, length, size, pan in waves if start + length > 0.1
        ]
        ahead -= 0.1
        yield y


def stream(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A brook: bubbles of every size, over a soft rush."""
    scatter, noise, rush = Scatter(), Noise(rng, pink=True), bandpass(350, 2200, 2)
    flow, swirl = Drift(rng, 1.2, 0.7, 1.0), Drift(rng, 3.0, 0.3, 1.0)
    rate = 75 * 2.0**layer.intensity * layer.pace
    while True:
        gurgle = swirl()
        for at in poisson(rng, rate):
            hz = 420 * 2 ** float(rng.triangular(0, 0.9, 2.7))
            bubble = _bubble(rng, hz, float(rng.uniform(4, 16)) / hz + 0.015, rng.uniform(0.05, 0.5))
            scatter.add(bubble, at, 0.22 * float(gurgle[at]) * rng.random() ** 2, rng.uniform(-0.8, 0.8))
        yield scatter() + rush(noise()) * flow() * 0.05


def waterfall(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A steady roar from low to high, with no single drop in it."""
    noise, body, spray = Noise(rng, pink=True), lowpass(3200, 2, order=1), highpass(90, 2)
    surge = Drift(rng, 1.5, 0.9, 1.0)
    while True:
        yield spray(body(noise())) * surge()


def drip(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Drops into a basin, one after the other, each with its own plink."""
    scatter, rhythm = Scatter(), Rhythm(rng, 0.8 / layer.pace, 0.35, 0.02)
    while True:
        for at in rhythm.next_block():
            hz = rng.uniform(700, 1500)
            scatter.add(burst(rng, 0.008, 1500, 8000), at, 0.6, 0.0)
            delay = int(rng.uniform(0.012, 0.03) * RATE)
            scatter.add(
                _bubble(rng, hz, 0.09, 0.45), at + delay, rng.uniform(0.5, 0.9), rng.uniform(-0.2, 0.2)
            )
        yield scatter()


def bubbles(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Boiling or bubbling: low, round blobs, much lower than a brook's."""
    scatter = Scatter()
    while True:
        for at in poisson(rng, 28 * layer.pace * 1.8**layer.intensity):
            hz = 150 * 2 ** float(rng.triangular(0, 0.8, 2.3))
            blob = _bubble(rng, hz, rng.uniform(0.04, 0.11), rng.uniform(0.4, 1.4))
            scatter.add(blob, at, 0.4 * rng.random() ** 1.5, rng.uniform(-0.6, 0.6))
        yield scatter()


def splash(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Something falls into water: a slap, the spray, then bubbles."""
    t = seconds(1.8)
    out = np.zeros(len(t))
    slap, spray = burst(rng, 0.25, 120, 900, 0.004), burst(rng, 1.1, 900, 6500, 0.05)
    out[: len(slap)] += 1.6 * slap
    out[2000 : 2000 + len(spray)] += 0.9 * spray
    for _ in range(45):
        bubble = _bubble(rng, 350 * 2 ** rng.uniform(0, 2.2), rng.uniform(0.03, 0.08), 0.5)
        at = int(rng.gamma(2.0, 0.2) * RATE) + 3000
        if at + len(bubble) < len(out):
            out[at : at + len(bubble)] += bubble * rng.uniform(0.03, 0.16)
    yield from blocks(faded(out, 0.2))


def fire(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Crackles in flurries, now and then a pop, over the flutter of the flames."""
    scatter, noise = Scatter(), Noise(rng, pink=True)
    flames, hiss = bandpass(60, 380, 2), highpass(3500, 2, order=1)
    flutter, flurry, breath = Drift(rng, 8.0, 0.4, 1.0), Drift(rng, 1.6), Drift(rng, 0.6, 0.3, 1.0)
    rate = 40 * 2.0**layer.intensity
    while True:
        busy = flurry()
        for at in poisson(rng, rate * (0.15 + 1.6 * float(busy[0]) ** 3)):
            low = 900 * 2 ** rng.uniform(0, 2)
            crackle = burst(rng, rng.uniform(0.002, 0.012), low, low * 2.5, attack=0.0002)
            scatter.add(crackle, at, min(1.5, 0.25 * float(rng.pareto(1.6)) + 0.08), rng.uniform(-0.6, 0.6))
        for at in poisson(rng, 0.7):
            scatter.add(
                burst(rng, 0.06, 180, 1500, attack=0.0005), at, rng.uniform(1, 2.2), rng.uniform(-0.4, 0.4)
            )
        x = noise()
        yield scatter() + flames(x) * flutter() * 0.22 * 1.5**layer.intensity + hiss(x) * breath() * 0.025
