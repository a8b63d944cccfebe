"""Birds, crickets, frogs, bees, owls, a cuckoo, a dog, a horse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import sosfilt

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
    burst,
    faded,
    lowpass,
    modes,
    resonance,
    seconds,
)
from models.sound.layer import Layer


def _tone(hz: Samples, envelope: Samples, overtone: float = 0.12) -> Samples:
    turn = 2 * np.pi * np.cumsum(hz) / RATE
    out: Samples = (np.sin(turn) + overtone * np.sin(2 * turn)) * envelope
    return out


class _Bird:
    """One bird: a song of its own made of a few syllables, sung in phrases with pauses, from one perch."""

    def __init__(self, rng: Random, pace: float) -> None:
        self._rng, self._pace = rng, pace
        self._home = 2300 * 2 ** rng.uniform(0, 1.2)
        self._pan, self._gain = rng.uniform(-0.9, 0.9), rng.uniform(0.25, 1.0)
        self._song = [(rng.uniform(0.04, 0.16), rng.uniform(-0.7, 0.7), rng.uniform(0, 60)) for _ in range(4)]
        self._due = rng.uniform(0.0, 2.5) * RATE

    def sing(self, scatter: Scatter) -> None:
        rng = self._rng
        while self._due < BLOCK:
            at, repeats = int(self._due), int(rng.integers(1, 7))
            length, sweep, trill = self._song[int(rng.integers(len(self._song)))]
            for _ in range(repeats):
                t = seconds(length)
                p = t / length
                hz = self._home * 2 ** (sweep * (p - 0.5) + 0.05 * np.sin(2 * np.pi * trill * t))
                note = _tone(hz, np.sin(np.pi * p) ** 1.5)
                scatter.add(note, at, self._gain * rng.uniform(0.6, 1), self._pan)
                at += int((length + rng.uniform(0.03, 0.07)) / self._pace * RATE)
            self._due = at + rng.exponential(1.3) / self._pace * RATE + 0.15 * RATE
        self._due -= BLOCK


def birds(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Several birds, each with its own song, over the faintest air."""
    flock = [_Bird(rng, layer.pace) for _ in range(round(6 * 1.7**layer.intensity))]
    scatter, noise, air = Scatter(), Noise(rng, pink=True), bandpass(300, 4000, 2)
    while True:
        for bird in flock:
            bird.sing(scatter)
        yield scatter() * 0.5 + air(noise()) * 0.006


def crickets(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Chirps of three or four pulses near 4.5 kHz, several insects out of step."""
    several = []
    for _ in range(5):
        chirps, pulses = rng.uniform(1.9, 2.8) * layer.pace, int(rng.integers(3, 5))
        several.append(
            (Phase(rng.random()), Phase(), rng.uniform(4200, 5000), chirps, pulses, rng.uniform(-0.9, 0.9))
        )
    gains = rng.uniform(0.3, 1.0, len(several))
    while True:
        out = np.zeros((2, BLOCK))
        for gain, (chirp, wave, hz, rate, pulses, pan) in zip(gains, several, strict=True):
            p = chirp(rate) % 1.0
            inside = p * 4.0  # the first quarter of each cycle chirps
            pulse = np.where(inside < 1, np.sin(np.pi * ((inside * pulses) % 1.0)) ** 2, 0.0)
            tone = np.sin(2 * np.pi * wave(hz)) * pulse * gain
            out[0] += tone * (1 - pan)
            out[1] += tone * (1 + pan)
        yield out * 0.3


def frogs(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A pond at night: croaks of quick pulses, some low, some high, answering each other."""
    scatter = Scatter()
    singers = [(rng.uniform(0.75, 1.5), rng.uniform(-0.9, 0.9), rng.uniform(0.3, 1)) for _ in range(6)]
    due = [rng.uniform(0, 1.2) * RATE for _ in singers]
    while True:
        for index, (size, pan, gain) in enumerate(singers):
            while due[index] < BLOCK:
                length = rng.uniform(0.22, 0.4) / size
                croak = np.zeros(int((length + 0.03) * RATE))
                gap = 1 / rng.uniform(32, 46) / size
                for number, start in enumerate(np.arange(0, length, gap)):
                    pulse = modes(seconds(0.028), ((620 * size, 1, 0.028), (1450 * size, 0.7, 0.02)))
                    at = int(start * RATE)
                    croak[at : at + len(pulse)] += pulse[: len(croak) - at] * min(1, 0.25 + number * 0.2)
                scatter.add(faded(croak), int(due[index]), 0.4 * gain, pan)
                due[index] += (length + rng.exponential(1.1) + 0.3) / layer.pace * RATE
            due[index] -= BLOCK
        yield scatter()


def bees(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A swarm: wing-beats near 230 Hz, rich in harmonics, that wander nearer and further."""
    swarm = [
        (Phase(rng.random()), Drift(rng, 1.6, 195, 265), Drift(rng, 0.8), Drift(rng, 0.6, -1, 1))
        for _ in range(8)
    ]
    soft = lowpass(2200, 2)
    while True:
        out = np.zeros((2, BLOCK))
        for wing, pitch, near, where in swarm:
            saw = 2 * (wing(pitch() * layer.pace) % 1.0) - 1
            level, pan = 0.1 + near() ** 2, where()
            out[0] += saw * level * (1 - pan)
            out[1] += saw * level * (1 + pan)
        yield soft(out) * 0.12


def owl(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A tawny owl: a long hoot, a pause, then a wavering one."""
    parts: list[Samples] = []
    for call in range(layer.count or 1):
        if call:
            parts.append(np.zeros(int(0.9 * RATE)))
        for length, gap, waver in ((0.75, 0.9, 0.0), (0.12, 0.2, 0.0), (1.3, 0.0, 0.16)):
            t = seconds(length)
            p = t / length
            hz = 370 * 2 ** (-0.12 * (p - 0.3) ** 2 + waver * 0.12 * np.sin(2 * np.pi * 13 * t))
            swing = 1 - waver * 3 * (0.5 + 0.5 * np.sin(2 * np.pi * 13 * t))
            breath = burst(rng, length, 300, 900) * 0.12
            hoot = _tone(hz, np.sin(np.pi * np.minimum(1, p * 1.05) ** 0.7) * swing, 0.08)
            parts += [faded(hoot + breath * np.sin(np.pi * p), 0.03), np.zeros(int(gap * RATE))]
    yield from blocks(np.concatenate(parts))


def cuckoo(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Cuck-oo, a falling minor third, some times over."""
    parts: list[Samples] = []
    tune = rng.uniform(0.96, 1.04)
    for _ in range(layer.count or 3):
        for hz, length, gap in ((667, 0.16, 0.12), (553, 0.26, 0.75)):
            p = seconds(length) / length
            parts += [
                _tone(hz * tune * (1 - 0.03 * p), np.sin(np.pi * p) ** 0.6, 0.1),
                np.zeros(int(gap / layer.pace * RATE)),
            ]
    yield from blocks(np.concatenate(parts))


def _bark(rng: Random, size: float) -> Samples:
    """A voiced burst: pitch jumps up and falls, the mouth opens and shuts, breath rides along."""
    length = rng.uniform(0.17, 0.22)
    t = seconds(length)
    p = t / length
    f0 = (
        330
        * size
        * (0.75 + 0.75 * np.sin(np.pi * p**0.7))
        * (1 + 0.04 * rng.standard_normal(len(t)).cumsum() / 200)
    )
    phase = np.cumsum(f0) / RATE
    voice = np.sign(np.sin(2 * np.pi * phase)) * 0.3 + (2 * (phase % 1.0) - 1)
    voice += rng.standard_normal(len(t)) * (0.25 + 0.15 * np.sin(2 * np.pi * phase))
    shape = np.minimum(1, t / 0.012) * np.sin(np.pi * p**0.6) ** 1.3
    out = sum(
        g * sosfilt(resonance(hz * size, q), voice * shape)
        for hz, q, g in ((620, 3, 1), (1250, 4, 0.9), (2600, 4, 0.4))
    )
    return faded(np.asarray(out), 0.02)


def dog(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A dog barks, twice unless told otherwise."""
    size = rng.uniform(0.85, 1.15)
    parts: list[Samples] = []
    for _ in range(layer.count or 2):
        parts += [
            _bark(rng, size * rng.uniform(0.95, 1.05)),
            np.zeros(int(rng.uniform(0.18, 0.32) / layer.pace * RATE)),
        ]
    yield from blocks(np.concatenate(parts))


def gulls(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Gulls overhead: runs of falling cries, nasal (the second harmonic leads), from several birds."""
    scatter = Scatter()
    birds_ = [(rng.uniform(0.85, 1.2), rng.uniform(-0.9, 0.9), rng.uniform(0.3, 1)) for _ in range(4)]
    due = [index * rng.uniform(0.4, 1.2) * RATE for index in range(len(birds_))]
    while True:
        for index, (size, pan, gain) in enumerate(birds_):
            while due[index] < BLOCK:
                at = due[index]
                for cry in range(int(rng.integers(2, 7))):
                    t = seconds(rng.uniform(0.22, 0.34) * (1.6 if cry == 0 else 1.0))
                    p = t / t[-1]
                    hz = 980 * size * (0.8 + 0.55 * np.sin(np.pi * p**0.5) - 0.25 * p)
                    turn = 2 * np.pi * np.cumsum(hz) / RATE
                    voice = (
                        0.5 * np.sin(turn)
                        + np.sin(2 * turn)
                        + 0.5 * np.sin(3 * turn)
                        + 0.2 * np.sin(4 * turn)
                    )
                    scatter.add(voice * np.sin(np.pi * p) ** 0.8, int(at), 0.3 * gain, pan)
                    at += len(t) + rng.uniform(0.04, 0.1) / layer.pace * RATE
                due[index] = at + (rng.exponential(3.0) + 0.8) / layer.pace * RATE
            due[index] -= BLOCK
        yield scatter()


def horse(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Hooves at a gallop (a slow pace walks): three beats and a breath, on something hard."""
    scatter, dust = Scatter(), lowpass(4000, 2)
    beats = (0.0, 0.13, 0.25) if layer.pace >= 1 else (0.0, 0.28, 0.55, 0.82)
    stride = 0.48 / layer.pace if layer.pace >= 1 else 1.1 / (layer.pace * 1.5)
    due = 0.0
    for _ in range(70):
        while due < BLOCK:
            for beat in beats:
                at = int(due + beat * RATE + rng.uniform(0, 0.012) * RATE)
                hz = rng.uniform(0.88, 1.12)
                hoof = modes(
                    seconds(0.07), ((430 * hz, 1, 0.05), (960 * hz, 0.8, 0.035), (1750 * hz, 0.4, 0.02))
                )
                scatter.add(faded(hoof), at, rng.uniform(0.5, 0.9), rng.uniform(-0.2, 0.2))
                scatter.add(burst(rng, 0.02, 800, 6000), at, 0.25)
            due += stride * RATE * rng.uniform(0.96, 1.04)
        due -= BLOCK
        yield dust(scatter())
