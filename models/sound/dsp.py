"""Signal building blocks with carried state: whatever is cut into blocks joins without a seam.

Everything is float64 at `RATE`, in blocks of `BLOCK` samples: mono is `(BLOCK,)`, stereo `(2, BLOCK)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from models.api import SPEAKING_RATE

RATE = SPEAKING_RATE
BLOCK = RATE // 10  # 100 ms: half the 200 ms a chunk may hold; filter calls cost more than samples below that

Samples = NDArray[np.float64]
Random = np.random.Generator


class Filter:
    """A cascade of biquads over mono or stereo blocks, its state carried from one to the next."""

    def __init__(self, sos: Samples, channels: int = 1) -> None:
        self._sos = sos
        shape = (len(sos), 2) if channels == 1 else (len(sos), channels, 2)
        self._state = np.zeros(shape)

    def __call__(self, x: Samples) -> Samples:
        y, self._state = sosfilt(self._sos, x, zi=self._state)
        out: Samples = y
        return out


@lru_cache(maxsize=512)  # a Butterworth design takes 0.3 ms; kinds ask for the same few again and again
def _butter(kind: str, order: int, *edges: float) -> Samples:
    sos: Samples = butter(order, edges if len(edges) > 1 else edges[0], kind, fs=RATE, output="sos")
    return sos


def lowpass(hz: float, channels: int = 1, order: int = 2) -> Filter:
    """Butterworth low-pass with its -3 dB point at `hz`."""
    return Filter(_butter("lowpass", order, hz), channels)


def highpass(hz: float, channels: int = 1, order: int = 2) -> Filter:
    """Butterworth high-pass with its -3 dB point at `hz`."""
    return Filter(_butter("highpass", order, hz), channels)


def bandpass(low: float, high: float, channels: int = 1, order: int = 1) -> Filter:
    """Butterworth band-pass between `low` and `high` Hz."""
    return Filter(_butter("bandpass", order, low, high), channels)


def resonance(hz: float, q: float) -> Samples:
    """One section of a band-pass with unit gain at its centre (R. Bristow-Johnson, Audio EQ Cookbook)."""
    w = 2 * np.pi * hz / RATE
    alpha = np.sin(w) / (2 * q)
    a0 = 1 + alpha
    return np.array([[alpha / a0, 0.0, -alpha / a0, 1.0, -2 * np.cos(w) / a0, (1 - alpha) / a0]])


class Sweep:
    """A resonance whose centre moves. It is retuned every 10 ms, in steps too small to be heard in noise."""

    _STEPS = 10

    def __init__(self, q: float, channels: int = 1) -> None:
        self._q = q
        self._state = np.zeros((1, 2) if channels == 1 else (1, channels, 2))

    def __call__(self, x: Samples, hz: Samples) -> Samples:
        out = np.empty_like(x)
        width = BLOCK // self._STEPS
        for at in range(0, BLOCK, width):
            sos = resonance(float(hz[at]), self._q)
            out[..., at : at + width], self._state = sosfilt(sos, x[..., at : at + width], zi=self._state)
        return out


class Noise:
    """White noise of unit variance, or `pink` (-3 dB an octave) of about the same, `channels` independent."""

    # J. O. Smith, Spectral Audio Signal Processing, "Synthesis of 1/F Noise"; x6.6: unit variance.
    _B = np.array([0.049922035, -0.095993537, 0.050612699, -0.004408786]) * 6.6
    _A = np.array([1, -2.494956002, 2.017265875, -0.522189400])

    def __init__(self, rng: Random, channels: int = 2, pink: bool = False) -> None:
        self._rng = rng
        self._shape = (BLOCK,) if channels == 1 else (channels, BLOCK)
        self._pink = pink
        self._state = np.zeros((3,) if channels == 1 else (channels, 3))

    def __call__(self) -> Samples:
        white = self._rng.standard_normal(self._shape)
        if not self._pink:
            return white
        y, self._state = lfilter(self._B, self._A, white, zi=self._state)
        out: Samples = y
        return out


class Drift:
    """A smooth random walk between `low` and `high`: a new goal `hz` times a second, eased in between."""

    def __init__(self, rng: Random, hz: float, low: float = 0.0, high: float = 1.0) -> None:
        self._rng, self._step, self._low, self._span = rng, hz / RATE, low, high - low
        self._goals = list(rng.random(2))
        self._phase = float(rng.random())

    def __call__(self) -> Samples:
        at = self._phase + self._step * np.arange(BLOCK + 1)
        while len(self._goals) < int(at[-1]) + 2:
            self._goals.append(float(self._rng.random()))
        whole = at[:-1].astype(int)
        part = at[:-1] - whole
        goals = np.array(self._goals)
        y = goals[whole] + (goals[whole + 1] - goals[whole]) * part * part * (3 - 2 * part)
        done = int(at[-1])
        del self._goals[:done]
        self._phase = float(at[-1]) - done
        out: Samples = self._low + self._span * y
        return out


class Phase:
    """The running phase, in cycles, of an oscillator whose frequency may change with every sample."""

    def __init__(self, start: float = 0.0) -> None:
        self._cycles = start

    def __call__(self, hz: Samples | float) -> Samples:
        steps = np.cumsum(np.broadcast_to(np.asarray(hz, dtype=np.float64), (BLOCK,))) / RATE
        out: Samples = self._cycles + steps - steps[0]
        # Kept small, so that hours of it lose no precision; 64 is a multiple of every cycle count in use.
        self._cycles = (self._cycles + float(steps[-1])) % 64.0
        return out


class Scatter:
    """Sums short mono grains into a stereo stream. A grain may last longer than the block it begins in."""

    def __init__(self) -> None:
        self._ahead = np.zeros((2, 2 * BLOCK))

    def add(self, grain: Samples, at: int, gain: float = 1.0, pan: float = 0.0) -> None:
        """Let `grain` begin `at` samples into the next block; `pan` is -1 (left) to 1, equal power."""
        end = at + len(grain)
        if end > self._ahead.shape[1]:
            room = np.zeros((2, end + BLOCK))
            room[:, : self._ahead.shape[1]] = self._ahead
            self._ahead = room
        angle = (pan + 1) * np.pi / 4
        self._ahead[0, at:end] += grain * (gain * np.cos(angle))
        self._ahead[1, at:end] += grain * (gain * np.sin(angle))

    def __call__(self) -> Samples:
        out = self._ahead[:, :BLOCK].copy()
        self._ahead[:, :-BLOCK] = self._ahead[:, BLOCK:].copy()
        self._ahead[:, -BLOCK:] = 0.0
        return out


class Rhythm:
    """Times of events: `next_block()` lists the samples of the next block at which one is due."""

    def __init__(self, rng: Random, every: float, jitter: float = 0.0, first: float = 0.0) -> None:
        """One `every` that many seconds, off by up to `jitter` of that; the first after `first` s."""
        self._rng, self._every, self._jitter = rng, every, jitter
        self._due = first * RATE

    def next_block(self) -> list[int]:
        out: list[int] = []
        while self._due < BLOCK:
            out.append(int(self._due))
            self._due += self._every * RATE * (1 + self._jitter * self._rng.uniform(-1, 1))
        self._due -= BLOCK
        return out


def poisson(rng: Random, rate: float) -> list[int]:
    """Where in a block events fall that come `rate` a second on average, independently of each other."""
    return [int(at) for at in rng.integers(0, BLOCK, rng.poisson(rate * BLOCK / RATE))]


def seconds(length: float) -> Samples:
    """The times, in seconds, of `length` seconds of samples."""
    return np.arange(max(1, int(length * RATE))) / RATE


def modes(t: Samples, partials: tuple[tuple[float, float, float], ...]) -> Samples:
    """A struck body: (Hz, gain, seconds to fall 60 dB) a partial, each an exponentially decaying sine."""
    hz, gain, decay = np.array(partials, dtype=np.float64).T
    t = t[None, :]
    waves = gain[:, None] * np.exp(-6.91 / decay[:, None] * t) * np.sin(2 * np.pi * hz[:, None] * t)
    out: Samples = waves.sum(0)
    return out


def burst(rng: Random, length: float, low: float, high: float, attack: float = 0.001) -> Samples:
    """A burst of noise between `low` and `high` Hz that decays 60 dB over its `length` in seconds."""
    t = seconds(length)
    # To the nearest semitone, so that random edges find designs that are already made.
    low, high = (440.0 * 2 ** (round(12 * np.log2(hz / 440)) / 12) for hz in (low, high))
    noise: Samples = sosfilt(_butter("bandpass", 1, low, high), rng.standard_normal(len(t)))
    return noise * np.minimum(1, t / attack) * np.exp(-6.91 / length * t)


def faded(grain: Samples, end: float = 0.005, start: float = 0.001) -> Samples:
    """The grain with `start` seconds of fade-in and `end` seconds of fade-out, so that it cannot click."""
    out = grain.copy()
    head, tail = min(len(out), int(start * RATE)), min(len(out), int(end * RATE))
    out[:head] *= np.linspace(0, 1, head)
    out[len(out) - tail :] *= np.linspace(1, 0, tail)
    return out


def blocks(grain: Samples, pan: float = 0.0) -> Iterator[Samples]:
    """A whole mono sound as stereo blocks."""
    scatter = Scatter()
    scatter.add(grain, 0, pan=pan)
    for _ in range(-(-len(grain) // BLOCK)):
        yield scatter()


def timeline(length: float) -> Iterator[Samples]:
    """The times of each block of a sound of `length` seconds, for kinds that are formulas of time."""
    for start in range(0, int(length * RATE), BLOCK):
        yield (start + np.arange(BLOCK)) / RATE


def both(mono: Samples) -> Samples:
    """Mono as stereo, in the middle, with the loudness `Scatter` gives a centred grain."""
    return np.broadcast_to(mono * np.sqrt(0.5), (2, len(mono)))
