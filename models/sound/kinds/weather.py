"""Rain, wind and thunder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from models.sound.dsp import (
    BLOCK,
    RATE,
    Drift,
    Filter,
    Noise,
    Random,
    Samples,
    Scatter,
    Sweep,
    bandpass,
    burst,
    highpass,
    lowpass,
    modes,
    poisson,
    resonance,
    seconds,
)
from models.sound.layer import Layer

# Surface -> what a drop excites: (modes in Hz, seconds of ring, noise band, share of ring, bed band).
_RAIN: dict[str, tuple[tuple[float, ...], float, tuple[float, float], float, tuple[float, float]]] = {
    "": ((), 0.0, (1800, 9000), 0.0, (1200, 9000)),
    "tin": ((870, 1460, 2310, 3570, 5120), 0.07, (2000, 9000), 0.55, (900, 6000)),
    "leaves": ((), 0.0, (700, 3200), 0.0, (600, 4500)),
    "glass": ((2900, 4700, 7300), 0.018, (3000, 9000), 0.5, (1500, 9000)),
    "canvas": ((210, 340, 520), 0.05, (250, 1800), 0.6, (250, 2500)),
    "wood": ((320, 610, 980), 0.03, (500, 3500), 0.6, (500, 4500)),
    "water": ((1100, 1700, 2600), 0.03, (1500, 6000), 0.7, (700, 6000)),
}


def _drop(layer: Layer, rng: Random) -> Samples:
    tones, ring, (low, high), share, _ = _RAIN.get(layer.surface, _RAIN[""])
    drop = burst(rng, rng.uniform(0.004, 0.012), low, high, attack=0.0003) * 2
    if not tones:
        return drop
    t = seconds(ring)
    if layer.surface == "water":  # a bubble: its pitch rises as it shrinks (van den Doel 2005)
        hz = rng.choice(tones) * rng.uniform(0.8, 1.25)
        body = np.sin(2 * np.pi * hz * t * (1 + 6 * t)) * np.exp(-6.91 * t / ring)
    else:
        detune = rng.uniform(0.85, 1.18)
        body = modes(t, tuple((hz * detune, rng.uniform(0.2, 1), ring) for hz in tones))
    out = body * share
    out[: len(drop)] += drop[: len(out)] * (1 - share)
    return np.asarray(out)


def rain(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Drops one by one over the wash of all those too many to tell apart; `surface` is what they fall on."""
    low, high = _RAIN.get(layer.surface, _RAIN[""])[4]
    hiss, wash, gusts = Noise(rng), bandpass(low, high, 2), Drift(rng, 0.4, 0.8, 1.0)
    rate = 110 * 2.4**layer.intensity
    bank = [_drop(layer, rng) for _ in range(24)]
    scatter = Scatter()
    while True:
        bank[int(rng.integers(len(bank)))] = _drop(
            layer, rng
        )  # the bank changes, so nothing comes round again
        for at in poisson(rng, rate):
            size = 0.1 * min(3.0, float(rng.pareto(2.2)) + 0.4)  # many small drops, a few large ones
            scatter.add(bank[int(rng.integers(len(bank)))], at, size, rng.uniform(-1, 1))
        yield scatter() + wash(hiss()) * gusts() * (0.09 * 1.6**layer.intensity)


def wind(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Gusts: noise through two wandering resonances, rougher and higher as it blows harder, over a rumble."""
    noise, low = Noise(rng, pink=True), lowpass(180, 2)
    moan, whistle = Sweep(3.0, 2), Sweep(14.0, 2)
    gust, flutter = Drift(rng, 0.35 * layer.pace), Drift(rng, 2.5 * layer.pace, 0.75, 1.0)
    bend, side = Drift(rng, 0.5), Drift(rng, 0.2, -0.5, 0.5)
    rustle = bandpass(2500, 8000, 2) if layer.surface == "leaves" else None
    shimmer = Drift(rng, 9.0, 0.3, 1.0)
    while True:
        x, g = noise(), gust()
        blow = (0.25 + 0.75 * g) * flutter()
        hz = 340 * 2 ** (1.2 * g + 0.4 * layer.intensity + 0.3 * bend())
        pitch = 760 * 2 ** (1.0 * g + 0.3 * layer.intensity)
        y = 0.15 * low(x) + moan(x, hz) * blow
        y += whistle(x, pitch) * (blow**2 * (0.5 + 0.7 * max(0.0, layer.intensity)))
        if rustle:
            y += rustle(x) * blow**2 * shimmer() * 1.2
        pan = side()
        yield np.stack((y[0] * (1 - pan), y[1] * (1 + pan)))


def thunder(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A crack (unless far away), then claps that roll into each other, each from further off and duller."""
    far = max(0.0, layer.distance)
    length = rng.uniform(7.0, 9.0)
    t = np.arange(int(length * RATE)) / RATE
    strikes = 5 + int(rng.integers(4))
    at = np.sort(rng.exponential(1.3, strikes))
    at[0] = 0.02 + 0.35 * far
    # Echoes come in groups; each swells for up to 0.3 s and dies over some seconds.
    swell = np.zeros(len(t) // 480 + 1)
    coarse = np.arange(len(swell)) * 480 / RATE
    for index, start in enumerate(at):
        since = np.maximum(0, coarse - start)
        rise = rng.uniform(0.02, 0.08) + 0.25 * far
        size = rng.uniform(0.5, 1.0) * (0.75**index)
        swell += size * (1 - np.exp(-since / rise)) * np.exp(-since / rng.uniform(0.6, 1.5))
    swell *= np.clip((length - coarse) / 1.5, 0, 1)
    noise, rolling = Noise(rng), Drift(rng, 7.0, 0.35, 1.0)
    warm, deep = lowpass(420 - 230 * far, 2), bandpass(45, 130, 2)
    tear, crack = bandpass(700, 5000, 2), Drift(rng, 60.0)
    for start in range(0, len(t), BLOCK):
        now = (start + np.arange(BLOCK)) / RATE
        level = np.interp(now, coarse, swell)
        x = noise()
        y = (2.2 * warm(x) + 2.5 * deep(x)) * level * rolling() * (1 + 0.7 * far)  # for what the cut took
        if far < 0.5:
            sharp = np.minimum(1, now / 0.004) * np.exp(-now * 5.5) + 0.15 * level * np.exp(-now)
            y += tear(x) * sharp * crack() ** 2 * (1.6 - 2.5 * far)
        yield y


def _coloured(layer: Layer, rng: Random, colour: str) -> Iterator[Samples]:
    noise = Noise(rng, pink=colour == "pink")
    leak = Filter(np.array([[0.05, 0, 0, 1, -0.9985, 0]]), 2) if colour == "brown" else None
    cut = highpass(25, 2)
    while True:
        yield cut(leak(noise()) if leak else noise())


white_noise = partial(_coloured, colour="white")
pink_noise = partial(_coloured, colour="pink")
brown_noise = partial(_coloured, colour="brown")


def static(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A radio between stations: crackling hiss with a whistle that wanders through."""
    noise, body = Noise(rng, 1), bandpass(500, 3800)
    swish, fade, tune = Sweep(25.0), Drift(rng, 3.0, 0.4, 1.0), Drift(rng, 0.7)
    scatter = Scatter()
    while True:
        x = noise()
        for at in poisson(rng, 14):
            scatter.add(burst(rng, rng.uniform(0.002, 0.02), 600, 5000), at, rng.pareto(2.5) * 1.2)
        whistle = swish(x, 700 * 2 ** (2 * tune())) * 0.8
        mono = body(x) * fade() + whistle
        yield scatter() + np.broadcast_to(mono * 0.7, (2, BLOCK))


def fan(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A room fan: steady air through blades that pass some fourteen times a second, and its motor's hum."""
    noise, air, body = Noise(rng, pink=True), bandpass(150, 2500, 2), Filter(resonance(240, 2.0), 2)
    angle = 0.0
    step = 14.0 * layer.pace / RATE
    while True:
        turn = angle + step * np.arange(BLOCK)
        angle = (angle + step * BLOCK) % 64
        hum = 0.06 * np.sin(2 * np.pi * turn * 8) + 0.03 * np.sin(2 * np.pi * turn * 16)
        x = noise()
        yield (air(x) + 0.8 * body(x)) * (1 + 0.22 * np.sin(2 * np.pi * turn)) + hum
