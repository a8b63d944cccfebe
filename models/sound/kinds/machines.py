"""Engines, trains, helicopters, aeroplanes, clocks and the hum of the mains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
    Sweep,
    bandpass,
    both,
    burst,
    faded,
    highpass,
    lowpass,
    modes,
    resonance,
    seconds,
)
from models.sound.layer import Layer


def engine(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Four cylinders idling near 800 rpm (a fast pace revs): uneven firings through exhaust and body."""
    crank, noise = Phase(), Noise(rng, 1)
    rpm, strength = Drift(rng, 1.5, 0.97, 1.03), rng.uniform(0.75, 1.0, 4)
    exhaust, body, hiss = Filter(resonance(95, 1.5)), Filter(resonance(310, 2.0)), bandpass(600, 2500)
    firing = 27.0 * layer.pace * 1.25 ** max(0.0, layer.intensity)
    while True:
        fired = crank(firing * rpm())
        since = fired % 1.0
        pulse = strength[fired.astype(int) % 4] * np.exp(-5 * since) * np.minimum(1, since * 25)
        grain = 1 + 0.35 * noise()
        push = pulse * grain
        yield both(1.2 * exhaust(push) + 1.8 * body(push) + 0.8 * hiss(push))


def train(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A carriage on jointed rails: wheels in pairs over every joint, over rumble and the hiss of steel."""
    scatter, noise = Scatter(), Noise(rng, pink=True)
    rumble, steel = lowpass(170, 2), bandpass(1200, 3600, 2)
    sway, rhythm = Drift(rng, 0.8, 0.7, 1.0), Rhythm(rng, 1.05 / layer.pace, 0.02, 0.1)
    while True:
        for at in rhythm.next_block():
            for delay, gain in ((0.0, 1.0), (0.13, 0.8), (0.42, 0.9), (0.55, 0.7)):
                clack = modes(
                    seconds(0.12), ((185, 1.0, 0.09), (430, 0.8, 0.06), (1250, 0.4, 0.04), (2700, 0.2, 0.03))
                )
                later = at + int(delay / layer.pace * RATE)
                scatter.add(
                    faded(clack, 0.02), later, 0.5 * gain * rng.uniform(0.85, 1.0), rng.uniform(-0.3, 0.3)
                )
                scatter.add(burst(rng, 0.03, 500, 4000), later, 0.3 * gain)
        x = noise()
        yield scatter() + (0.55 * rumble(x) + 0.1 * steel(x)) * sway()


def helicopter(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Blades that slap the air eleven times a second, and a turbine's whine behind them."""
    blade, whine, noise = Phase(), Phase(), Noise(rng, 1)
    chop, air, wash = lowpass(260), bandpass(300, 1800), bandpass(80, 900)
    wander = Drift(rng, 0.7, 0.98, 1.02)
    while True:
        p = blade(11.0 * layer.pace * wander()) % 1.0
        slap = np.exp(-9 * p) * np.minimum(1, p * 40)
        x = noise()
        turbine = np.sin(2 * np.pi * whine(1480.0 * layer.pace)) * 0.012
        yield both(3.2 * chop(x * slap) + 0.9 * air(x * slap**2) + 0.12 * wash(x) + turbine)


def aeroplane(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A jet overhead: a broad roar whose tone wanders, over a low drone."""
    noise, roar, drone = Noise(rng, pink=True), Sweep(0.8, 2), lowpass(140, 2)
    wander, tremble = Drift(rng, 0.25, -0.5, 0.5), Drift(rng, 5.0, 0.75, 1.0)
    whine = Phase()
    while True:
        x, bend = noise(), wander()
        tone = both(np.sin(2 * np.pi * whine(2300 * 2 ** (0.1 * bend))) * 0.02)
        yield (roar(x, 420 * 2**bend * layer.pace) * 1.2 + 0.7 * drone(x)) * tremble() + tone


def clock(layer: Layer, rng: Random) -> Iterator[Samples]:
    """Tick, tock: two small knocks of wood and brass, each half a second."""
    scatter, rhythm, tock = Scatter(), Rhythm(rng, 0.5 / layer.pace, 0.0, 0.02), False
    while True:
        for at in rhythm.next_block():
            tune = 0.82 if tock else 1.0
            body = (
                (2650 * tune, 1.0, 0.03),
                (4300 * tune, 0.6, 0.02),
                (980 * tune, 0.7, 0.045),
                (410 * tune, 0.4, 0.05),
            )
            scatter.add(faded(modes(seconds(0.08), body), 0.01, 0.0002), at, rng.uniform(0.92, 1.0))
            scatter.add(burst(rng, 0.006, 3000, 10000, 0.0002), at, 0.5)
            tock = not tock
        yield scatter()


def hum(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A transformer or a refrigerator: 50 Hz and its even harmonics, barely wavering."""
    turn, waver = Phase(), Drift(rng, 0.4, 0.85, 1.0)
    noise, air = Noise(rng, pink=True), bandpass(90, 700, 2)
    parts = ((1, 0.5), (2, 1.0), (3, 0.2), (4, 0.5), (6, 0.3), (8, 0.15), (12, 0.06))
    while True:
        p = 2 * np.pi * turn(50.0)
        tone = np.zeros(BLOCK)
        for harmonic, gain in parts:
            tone += gain * np.sin(harmonic * p + harmonic)
        yield both(tone * waver()) + 0.05 * air(noise())


def traffic(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A street: cars go by from side to side, tyres hissing, over the rumble of the town."""
    noise, town, tyres, motor = (
        Noise(rng, pink=True),
        lowpass(190, 2),
        bandpass(450, 2600, 2),
        bandpass(70, 260, 2),
    )
    cars: list[list[float]] = [[-1.0, 1.0, 0.8]]  # (seconds until it is beside us, direction, size)
    ahead = 2.0
    clock_ = seconds(0.1)
    while True:
        while ahead < 0.1:
            cars.append([4.6 / layer.pace, float(rng.choice((-1.0, 1.0))), rng.uniform(0.4, 1.0)])
            ahead += rng.exponential(2.6 / layer.pace / 1.8**layer.intensity) + 0.4
        level = np.zeros((2, BLOCK))
        for until, way, size in cars:
            x = (clock_ - until) * 14 * layer.pace  # metres past us at some 50 km/h
            near = size * np.maximum(0, 1 / (1 + (x / 9) ** 2) - 0.02)  # nothing beyond 63 m, 4.5 s
            pan = np.clip(way * x / 25, -0.9, 0.9)
            level += np.stack((near * (1 - pan), near * (1 + pan)))
        for car in cars:
            car[0] -= 0.1
        cars = [car for car in cars if car[0] > -4.6 / layer.pace]
        ahead -= 0.1
        x = noise()
        yield 0.4 * town(x) + (0.55 * tyres(x) + 0.6 * motor(x)) * level


def vacuum(layer: Layer, rng: Random) -> Iterator[Samples]:
    """A vacuum cleaner: a motor's whine and its harmonics in a rush of air."""
    turn, waver, noise, air = Phase(), Drift(rng, 2.0, 0.985, 1.01), Noise(rng), bandpass(400, 5000, 2)
    cut = highpass(120, 2)
    while True:
        p = 2 * np.pi * turn(310.0 * layer.pace * waver())
        tone = 0.3 * np.sin(p) + 0.35 * np.sin(2 * p) + 0.2 * np.sin(3 * p) + 0.15 * np.sin(5 * p)
        yield cut(both(0.5 * tone) + 0.35 * air(noise()))
