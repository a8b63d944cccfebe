"""What people and their hands and feet do: a crowd, applause, steps, knocks, typing, a heart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import sosfilt

from models.sound.dsp import (
    BLOCK,
    RATE,
    Drift,
    Filter,
    Noise,
    Phase,
    Random,
    Rhythm,
    Samples,
    Scatter,
    bandpass,
    blocks,
    both,
    burst,
    faded,
    lowpass,
    modes,
    resonance,
    seconds,
    timeline,
)
from models.sound.layer import Layer

# First three formants in Hz of i, e, a, o, u and schwa (Peterson and Barney 1952, men).
_VOWELS = (
    (270, 2290, 3010),
    (530, 1840, 2480),
    (730, 1090, 2440),
    (570, 840, 2410),
    (300, 870, 2240),
    (500, 1500, 2500),
)


def _syllable(rng: Random, f0: float, tract: float) -> Samples:
    """A consonant-like puff of breath, then a vowel: a buzz through three formants."""
    t = seconds(rng.uniform(0.12, 0.26))
    p = t / t[-1]
    hz = f0 * 2 ** (rng.uniform(-0.25, 0.25) * p + rng.uniform(-0.1, 0.1))
    buzz = 2 * ((np.cumsum(hz) / RATE) % 1.0) - 1
    formants = _VOWELS[int(rng.integers(len(_VOWELS)))]
    vowel = np.zeros(len(t))
    for formant, gain in zip(formants, (1.0, 0.55, 0.3), strict=True):
        vowel += gain * sosfilt(resonance(formant * tract, 6.0), buzz)
    out = vowel * np.sin(np.pi * p) ** 0.8
    puff = burst(rng, rng.uniform(0.02, 0.06), 1800, 6000, 0.004)
    out[: len(puff)] += puff * rng.uniform(0, 0.12)
    return faded(out)


def crowd(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Babble: voices each with its pitch, place and pauses, saying nothing, before the murmur of the rest."""
    scatter, noise, murmur = Scatter(), Noise(rng, pink=True), bandpass(250, 1100, 2)
    swell, lilt = Drift(rng, 0.5, 0.7, 1.0), Drift(rng, 5.0, 0.5, 1.0)
    voices = []
    for _ in range(round(6 * 1.6**layer.intensity)):
        woman = rng.random() < 0.5
        f0 = rng.uniform(170, 240) if woman else rng.uniform(95, 140)
        voices.append(
            [
                f0,
                1.17 if woman else 1.0,
                rng.uniform(-0.95, 0.95),
                rng.uniform(0.3, 1),
                rng.uniform(0, 1) * RATE,
            ]
        )
    while True:
        for voice in voices:
            f0, tract, pan, gain, due = voice
            while due < BLOCK:
                syllable = _syllable(rng, f0, tract)
                scatter.add(syllable, int(due), 0.5 * gain * rng.uniform(0.5, 1), pan)
                due += len(syllable) * rng.uniform(0.85, 1.15) + (
                    rng.exponential(0.7) * RATE if rng.random() < 0.16 else 0
                )
            voice[4] = due - BLOCK
        yield scatter() + murmur(noise()) * swell() * lilt() * 0.12


def applause(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Many people clap, each at a steady rate of their own; it holds, then thins out, nine seconds in all."""
    people = round(45 * 2.0**layer.intensity)
    every = RATE / rng.uniform(2.6, 4.6, people) / layer.pace
    due = rng.uniform(0, 0.7, people) * RATE
    stop = rng.uniform(5.5, 8.7, people) * RATE
    pan, gain, pitch = (
        rng.uniform(-1, 1, people),
        rng.uniform(0.2, 1.0, people),
        rng.uniform(800, 2300, people),
    )
    # Cupped hands ring low, flat ones high; a clap lasts about 10 ms, and the hall adds a short tail.
    hands = [burst(rng, 0.035, hz * 0.7, hz * 1.7, 0.0006) + _tail(rng, hz) for hz in pitch]
    scatter = Scatter()
    for _ in range(90):
        for one in range(people):
            while due[one] < BLOCK:
                if stop[one] > 0:
                    scatter.add(hands[one], int(due[one]), 0.5 * gain[one] * rng.uniform(0.7, 1), pan[one])
                due[one] += every[one] * rng.uniform(0.93, 1.07)
        due -= BLOCK
        stop -= BLOCK
        yield scatter()


def _tail(rng: Random, hz: float) -> Samples:
    return burst(rng, 0.035, hz * 0.5, hz * 2.5, 0.01) * 0.15


_SHOES = {  # surface -> (heel modes, grit bursts a step, grit band, heel gain)
    "": (((95, 1.0, 0.08), (240, 0.6, 0.05), (900, 0.25, 0.02)), 2, (1500, 6000), 1.0),
    "wood": (((110, 1.0, 0.12), (195, 0.9, 0.1), (420, 0.6, 0.06)), 1, (900, 3500), 1.1),
    "gravel": (((90, 0.5, 0.05),), 26, (1400, 7500), 0.4),
    "snow": (((80, 0.4, 0.06),), 34, (900, 3200), 0.35),
    "leaves": (((80, 0.3, 0.05),), 20, (2200, 9000), 0.25),
    "tin": (((310, 1.0, 0.25), (745, 0.8, 0.3), (1630, 0.5, 0.2)), 2, (2000, 8000), 0.8),
    "water": (((100, 0.5, 0.06),), 14, (500, 4500), 0.4),
}


def steps(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Somebody walks by: heel, then sole, left and right; `surface` is what is underfoot."""
    heel, grit, (low, high), weight = _SHOES.get(layer.surface, _SHOES[""])
    scatter, soft = Scatter(), lowpass(7000, 2)
    loud = 3.5 if grit > 5 else 1.0  # many small stones against one heel
    number = layer.count or round(10 * layer.pace)
    rhythm = Rhythm(rng, 0.54 / layer.pace, 0.04, 0.03)
    done = 0
    while done < number:
        for at in rhythm.next_block():
            side = 0.18 if done % 2 else -0.18
            tune = rng.uniform(0.92, 1.08)
            thud = modes(seconds(0.2), tuple((hz * tune, g, ring) for hz, g, ring in heel))
            scatter.add(faded(thud, 0.02), at, weight * rng.uniform(0.8, 1), side)
            for _ in range(grit):
                later = int(rng.gamma(2.0, 0.028) * RATE)
                scatter.add(
                    burst(rng, rng.uniform(0.006, 0.03), low, high),
                    at + later,
                    loud * rng.uniform(0.1, 0.45),
                    side,
                )
            done += 1
        yield soft(scatter())
    for _ in range(5):
        yield soft(scatter())


def knock(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Knuckles on a door, three times unless told otherwise."""
    glass = layer.surface in ("glass", "tin")
    body = ((820, 1, 0.05), (2100, 0.8, 0.06), (3900, 0.5, 0.04)) if glass else (
        (118, 1.0, 0.16), (205, 0.9, 0.13), (362, 0.7, 0.09), (640, 0.4, 0.05), (1150, 0.2, 0.03)
    )  # fmt: skip
    scatter, rhythm = Scatter(), Rhythm(rng, 0.27 / layer.pace, 0.06, 0.01)
    left = layer.count or 3
    while left > 0:
        for at in rhythm.next_block():
            if left > 0:
                tune = rng.uniform(0.97, 1.03)
                hit = modes(seconds(0.3), tuple((hz * tune, g, ring) for hz, g, ring in body))
                force = rng.uniform(0.8, 1.0)
                scatter.add(faded(hit, 0.05), at, force)
                scatter.add(burst(rng, 0.012, 700, 4500, 0.0004), at, 0.9 * force)
                left -= 1
        yield scatter()
    for _ in range(4):
        yield scatter()


def typing(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Fingers on a keyboard: clicks in bursts, each with its release, a deeper space bar now and then."""
    scatter, due = Scatter(), 0.05 * RATE
    while True:
        while due < BLOCK:
            at, space = int(due), rng.random() < 0.16
            low = 600 if space else rng.uniform(1700, 2600)
            pan = rng.uniform(-0.4, 0.4)
            scatter.add(burst(rng, 0.022, low, low * 2.4, 0.0005), at, rng.uniform(0.6, 1.0), pan)
            scatter.add(modes(seconds(0.03), ((230.0, 0.4, 0.03), (410.0, 0.25, 0.02))), at, 0.8, pan)
            scatter.add(
                burst(rng, 0.01, low * 1.5, low * 3.0), at + int(rng.uniform(0.05, 0.09) * RATE), 0.3, pan
            )
            gap = rng.uniform(0.07, 0.17) if rng.random() > 0.09 else rng.uniform(0.35, 1.0)
            due += gap / layer.pace * RATE
        due -= BLOCK
        yield scatter()


def heartbeat(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Lub-dub at 68 beats a minute."""
    scatter, rhythm = Scatter(), Rhythm(rng, 60 / 68 / layer.pace, 0.02, 0.02)
    while True:
        for at in rhythm.next_block():
            for delay, hz, gain in ((0.0, 58.0, 1.0), (0.29, 74.0, 0.65)):
                t = seconds(0.22)
                thump = np.sin(2 * np.pi * hz * t * (1 - 0.5 * t)) + 0.4 * np.sin(2 * np.pi * 2.1 * hz * t)
                thump *= np.minimum(1, t / 0.012) * np.exp(-t * 22)
                later = at + int(delay * RATE / max(1.0, layer.pace))
                scatter.add(faded(thump, 0.03), later, gain)
                scatter.add(burst(rng, 0.05, 120, 420, 0.01), later, 0.6 * gain)
        yield scatter()


def slam(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A door falls shut: the latch, the thud of the leaf, the frame's rattle."""
    out = np.zeros(int(1.3 * RATE))
    thud = modes(
        seconds(0.7), ((62, 1.0, 0.5), (97, 0.9, 0.4), (158, 0.7, 0.3), (271, 0.5, 0.2), (480, 0.3, 0.12))
    )
    latch, slap = burst(rng, 0.03, 1500, 6000), burst(rng, 0.3, 90, 1800, 0.001)
    at = int(0.05 * RATE)
    out[: len(latch)] += 0.25 * latch
    out[at : at + len(thud)] += thud * np.minimum(1, seconds(0.7) / 0.001)
    out[at : at + len(slap)] += 1.3 * slap
    for _ in range(5):
        rattle = burst(rng, 0.03, 400, 3000)
        start = at + int(rng.uniform(0.06, 0.3) * RATE)
        out[start : start + len(rattle)] += rattle * rng.uniform(0.05, 0.2)
    yield from blocks(faded(out, 0.1))


def creak(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A hinge: it sticks and slips up to 200 times a second, and the wood sings with it."""
    length = 2.2 / layer.pace
    effort, phase, last = Drift(rng, 3.5 * layer.pace), Phase(), 0.0
    wood = [
        (Filter(resonance(hz, q)), gain)
        for hz, q, gain in ((520, 14, 1), (910, 18, 0.9), (1580, 22, 0.8), (2650, 24, 0.5))
    ]
    for t in timeline(length):
        swing = np.sin(np.pi * np.clip(t / length, 0, 1))
        turns = np.floor(phase((38 + 160 * effort() ** 2 + 40 * swing) * rng.uniform(0.9, 1.1, BLOCK)))
        slips = np.where(np.diff(turns, prepend=last) != 0, rng.uniform(0.5, 1.0, BLOCK), 0.0)
        last = float(turns[-1]) % 64
        yield both(sum((gain * mode(slips) for mode, gain in wood), np.zeros(BLOCK)) * np.sqrt(swing) * 30)
