"""Sounds that are made to be noticed: bells, sirens, alarms, horns, whistles, a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from models.sound.dsp import (
    BLOCK,
    RATE,
    Drift,
    Noise,
    Phase,
    Random,
    Samples,
    Scatter,
    bandpass,
    blocks,
    both,
    burst,
    faded,
    lowpass,
    modes,
    seconds,
    timeline,
)
from models.sound.layer import Layer

# Partials of a church bell, ratio to the prime, gain and share of the ring (Rossing, Science of Sound, 13).
_CHURCH = (
    (0.5, 0.8, 1.0),
    (1.0, 0.9, 0.7),
    (1.2, 1.0, 0.55),
    (1.5, 0.5, 0.4),
    (2.0, 1.0, 0.35),
    (2.5, 0.35, 0.2),
    (2.67, 0.3, 0.2),
    (3.0, 0.4, 0.16),
    (4.0, 0.3, 0.1),
)
_HAND = ((1.0, 1.0, 1.0), (2.76, 0.6, 0.5), (5.4, 0.4, 0.25), (8.93, 0.2, 0.12))


def _bell(
    layer: Layer,
    rng: Random,
    partials: tuple[tuple[float, float, float], ...],
    hz: float,
    ring: float,
    every: float,
) -> Iterator[Samples]:
    """Strokes `every` seconds; each partial beats slowly, as a casting that is not quite round does."""
    strokes = layer.count or 1
    every /= layer.pace
    pitch = hz * rng.uniform(0.95, 1.05)
    beat = rng.uniform(0.3, 1.1, len(partials))
    click = [burst(rng, 0.02, 1500, 7000, 0.0005) for _ in range(strokes)]
    for t in timeline((strokes - 1) * every + ring):
        mono = np.zeros(BLOCK)
        for stroke in range(strokes):
            since = t - stroke * every
            if since[-1] < 0 or since[0] > ring:
                continue
            on = np.where(since >= 0, np.minimum(1, np.maximum(0, since) / 0.002), 0.0)
            on = on * np.clip((ring - since) / 0.5, 0, 1)
            after = np.maximum(0, since)
            for (ratio, gain, share), wobble in zip(partials, beat, strict=True):
                wave = np.sin(2 * np.pi * pitch * ratio * since) + 0.3 * np.sin(
                    2 * np.pi * (pitch * ratio + wobble) * since
                )
                mono += on * gain * np.exp(-6.91 / (ring * share) * after) * wave
            at = np.round(since * RATE).astype(int)
            inside = (at >= 0) & (at < len(click[stroke]))
            mono[inside] += click[stroke][at[inside]]
        yield both(mono)


church_bell = partial(_bell, partials=_CHURCH, hz=262.0, ring=6.0, every=1.9)
bell = partial(_bell, partials=_HAND, hz=1180.0, ring=2.6, every=0.8)


def gong(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A large gong: the low partials sound at once, the high shimmer blooms after them."""
    hz = 78 * np.sort(rng.uniform(1.0, 14.0, 26))
    hz[:3] = (78.0, 117.0, 170.0)
    for t in timeline(7.0):
        mono = np.zeros(BLOCK)
        for index, partial_hz in enumerate(hz):
            bloom = 1 - np.exp(-t / (0.004 + 0.02 * index))
            mono += (
                bloom
                * np.exp(-t * (0.55 + 0.09 * index))
                * np.sin(2 * np.pi * partial_hz * t)
                / (1 + 0.12 * index)
            )
        yield both(mono * np.clip((7.0 - t) / 1.0, 0, 1))


def chimes(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Wind chimes: tubes of a pentatonic scale that touch in the rhythm of the wind."""
    scatter, gust = Scatter(), Drift(rng, 0.4)
    tubes = [587.3 * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12, 14)]
    while True:
        for at in poisson_gusts(rng, gust):
            hz = tubes[int(rng.integers(len(tubes)))]
            tube = modes(seconds(2.2), ((hz, 1.0, 2.2), (2.76 * hz, 0.45, 1.1), (5.4 * hz, 0.2, 0.5)))
            scatter.add(faded(tube, 0.05, 0.001), at, 0.35 * rng.uniform(0.2, 1.0), rng.uniform(-0.8, 0.8))
        yield scatter()


def poisson_gusts(rng: Random, gust: Drift) -> list[int]:
    """Where in the block tubes touch: some four times a second in a gust, hardly ever in a lull."""
    return [int(at) for at in rng.integers(0, BLOCK, rng.poisson(0.45 * float(gust()[0]) ** 1.5 + 0.03))]


def doorbell(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Ding-dong."""
    parts = np.zeros(int((0.75 + 1.9 + 2.2 * ((layer.count or 1) - 1)) * RATE))
    tune = rng.uniform(0.96, 1.04)
    for ring in range(layer.count or 1):
        for hz, start in ((659.3, 0.0), (523.3, 0.7)):
            hz *= tune
            bar = modes(seconds(1.9), ((hz, 1.0, 1.9), (hz * 3.0, 0.25, 0.7), (hz * 6.2, 0.1, 0.25)))
            at = int((start + 2.2 * ring) * RATE)
            parts[at : at + len(bar)] += faded(bar, 0.1)[: len(parts) - at]
    yield from blocks(parts)


def _siren(layer: Layer, rng: Random, shape: str) -> Iterator[Samples]:
    turn, sweep, horn = Phase(), Phase(), lowpass(3200)
    tune = rng.uniform(0.96, 1.04)
    while True:
        if shape == "two-tone":  # the European ambulance: 435 and 580 Hz, 0.6 s each
            p = sweep(0.85 * layer.pace) % 1.0
            hz = np.where(p < 0.5, 580.0, 435.0)
        elif shape == "rotor":  # a civil-defence siren: rises and falls over ten seconds
            hz = 430 * (1 - 0.45 * np.cos(2 * np.pi * sweep(0.1 * layer.pace)))
        else:  # the American wail, 650 to 1500 Hz and back each 4.5 s; a fast pace yelps
            p = sweep(0.22 * layer.pace**3) % 1.0
            hz = 650 * 2 ** (
                1.2 * np.where(p < 0.4, np.sin(np.pi * p / 0.8), np.cos(np.pi * (p - 0.4) / 1.2))
            )
        p = 2 * np.pi * turn(hz * tune)
        wave = np.sin(p) + 0.5 * np.sin(2 * p) + 0.35 * np.sin(3 * p) + 0.15 * np.sin(5 * p)
        yield both(horn(wave))


siren = partial(_siren, shape="wail")
ambulance = partial(_siren, shape="two-tone")
air_raid = partial(_siren, shape="rotor")


def alarm(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A digital alarm clock: four quick beeps, a rest, again; about six seconds."""
    turn, pitch = Phase(), 2050.0 * rng.uniform(0.95, 1.05)
    cycle = 1.0 / layer.pace
    for t in timeline((layer.count or 6) * cycle):
        p = (t % cycle) / cycle
        beep = np.where(p < 0.5, (p * 8) % 1.0, 1.0)
        on = np.clip(np.minimum(beep, 0.6 - beep) * 40, 0, 1)
        x = 2 * np.pi * turn(pitch)
        yield both((np.sin(x) + 0.3 * np.sin(3 * x)) * on)


def smoke_alarm(layer: Layer, rng: Random) -> Iterator[Samples]:
    """The temporal-three pattern of ISO 8201 at 3.1 kHz: three half-second tones, a pause."""
    turn, pitch = Phase(), 3100.0 * rng.uniform(0.97, 1.03)
    for t in timeline(4.0 * (layer.count or 2)):
        p = t % 4.0
        inside = np.where(p < 3.0, p % 1.0, 1.0)
        on = np.clip(np.minimum(inside, 0.5 - inside) * 200, 0, 1)
        x = 2 * np.pi * turn(pitch)
        yield both((np.sin(x) + 0.4 * np.sin(3 * x)) * on)


def phone(layer: Layer, rng: Random) -> Iterator[Samples]:
    """An old telephone: a clapper between two small bells, two rings."""
    scatter, rings = Scatter(), layer.count or 2
    for block in range(rings * 30):
        if block % 30 < 17:
            for strike in range(2):
                hz = (1240.0, 1480.0)[strike]
                cup = modes(seconds(0.35), ((hz, 1, 0.35), (hz * 2.4, 0.6, 0.2), (hz * 4.1, 0.35, 0.1)))
                scatter.add(faded(cup, 0.02, 0.0003), strike * BLOCK // 2 + int(rng.integers(60)), 0.4)
        yield scatter()


def beep(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A plain tone of 1 kHz, a fifth of a second."""
    tone = faded(np.sin(2 * np.pi * 1000 * seconds(0.2)), 0.01, 0.005)
    gap = np.zeros(int(0.2 / layer.pace * RATE))
    yield from blocks(np.concatenate([tone, gap] * (layer.count or 1)))


def horn(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A car's horn: two reeds a third apart."""
    parts: list[Samples] = []
    tune = rng.uniform(0.95, 1.05)
    for _ in range(layer.count or 2):
        t = seconds(0.45 / layer.pace if layer.count != 1 else 0.9)
        reeds = np.zeros(len(t))
        for hz in (405.0, 505.0):
            for harmonic in range(1, 9):
                reeds += np.sin(2 * np.pi * hz * tune * harmonic * t + harmonic) / harmonic**0.7
        parts += [faded(reeds, 0.03, 0.01), np.zeros(int(0.15 / layer.pace * RATE))]
    yield from blocks(np.concatenate(parts))


def foghorn(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A ship's horn: a low reed that takes a moment to speak and drops as the air runs out."""
    turn, noise, breath, bore = Phase(), Noise(rng, 1), bandpass(150, 900), lowpass(700)
    for t in timeline(3.4):
        shape = np.clip(t / 0.25, 0, 1) * np.clip((3.3 - t) / 0.35, 0, 1)
        p = turn(98 * (1 - 0.05 * np.exp(-t / 0.12) - 0.06 * np.clip(t - 2.9, 0, 1))) % 1.0
        reed = np.tanh(3 * np.sin(2 * np.pi * p) + 0.8 * np.sin(4 * np.pi * p))
        yield both((bore(reed) + 0.12 * breath(noise())) * shape)


def whistle(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A referee's whistle: two close tones broken up by the pea."""
    turn, pea, noise, air = Phase(), Phase(), Noise(rng, 1), bandpass(2000, 5000)
    blow = 0.9 / layer.pace
    for t in timeline((layer.count or 1) * (blow + 0.3)):
        p = t % (blow + 0.3)
        on = np.clip(np.minimum(p / 0.02, (blow - p) / 0.04), 0, 1)
        rattle = 0.5 + 0.5 * np.sin(2 * np.pi * pea(37.0))
        x = 2 * np.pi * turn(2850 + 160 * rattle)
        yield both((np.sin(x) * (0.35 + 0.65 * rattle) + 0.15 * air(noise())) * on)
