"""Coughs, laughter and breath from noise and pulses, and what a room does to a loudspeaker's sound.

All at HEARING_RATE, mono, seeded by the generator given; peaks are 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, fftconvolve, iirpeak, lfilter, sosfilt

from models.api import HEARING_RATE

Floats = npt.NDArray[np.float64]
Random = np.random.Generator


def peak(samples: Floats) -> Floats:
    """Scale to a peak of 1."""
    return samples / max(1e-9, float(np.abs(samples).max()))


def gain(level_db: float) -> float:
    """Linear gain."""
    return float(10 ** (level_db / 20))


def cough(rng: Random) -> Floats:
    """One to three coughs: a burst of noise, a weaker breath, and in two of three a short rough voice.

    The phases are those of Korpáš, Sadloňová and Vrabec, Pulm. Pharmacol. 9 (1996) 261.
    """
    tract = _tract(rng)
    out: list[Floats] = []
    for k in range(rng.integers(1, 4)):
        parts = [
            _breath(rng, 0.06, attack=0.004, fall=0.03),
            0.25 * _breath(rng, rng.uniform(0.08, 0.16), attack=0.01, fall=0.1),
        ]
        if rng.random() < 2 / 3:
            voice = _pulses(rng, rng.uniform(0.06, 0.14), rng.uniform(130, 300), -0.4, roughness=0.2)
            parts.append(0.5 * voice * np.exp(-np.linspace(0, 3, len(voice))))
        parts.append(np.zeros(round(rng.uniform(0.08, 0.25) * HEARING_RATE)))
        out.append(_through(tract, np.concatenate(parts)) * rng.uniform(0.6, 1.0) ** k)
    return peak(np.concatenate(out))


def clear_throat(rng: Random) -> Floats:
    """A throat is cleared: a low, rough voice in noise, once or twice."""
    tract = _tract(rng)
    out: list[Floats] = []
    for _ in range(rng.integers(1, 3)):
        seconds = rng.uniform(0.15, 0.35)
        rough = _pulses(rng, seconds, rng.uniform(70, 120), 0.1, roughness=0.35)
        rough += rng.normal(0, 0.2, len(rough))
        out += [rough * np.hanning(len(rough)), np.zeros(round(0.08 * HEARING_RATE))]
    return peak(_through(tract, np.concatenate(out)))


def laugh(rng: Random) -> Floats:
    """Three to seven short vowels with breath between them, 4 to 6 a second, the pitch falling."""
    tract = _tract(rng)
    pitch, each = rng.uniform(140, 320), 1 / rng.uniform(4, 6)
    out: list[Floats] = []
    for k in range(rng.integers(3, 8)):
        voiced = _pulses(rng, 0.45 * each, pitch * 0.95**k, -0.15, roughness=0.06)
        out += [
            0.3 * _breath(rng, 0.5 * each, attack=0.03, fall=0.2),
            voiced * np.hanning(len(voiced)) * 0.93**k,
        ]
    return peak(_through(tract, np.concatenate(out)))


def breathe(rng: Random) -> Floats:
    """A deep breath or a sigh, close to the microphone."""
    seconds = rng.uniform(0.5, 1.2)
    return peak(_through(_tract(rng), _breath(rng, seconds, attack=0.3 * seconds, fall=0.4 * seconds)))


def dishes(rng: Random) -> Floats:
    """Plates and cutlery: a few short knocks that ring high."""
    out = np.zeros(round(1.5 * HEARING_RATE))
    seconds = np.arange(round(0.25 * HEARING_RATE)) / HEARING_RATE
    for _ in range(rng.integers(3, 9)):
        ring = sum(
            rng.uniform(0.3, 1) * np.sin(2 * np.pi * hz * seconds) * np.exp(-seconds * rng.uniform(15, 80))
            for hz in rng.uniform(1_200, 6_500, 4)
        )
        at = rng.integers(0, len(out) - len(seconds))
        out[at : at + len(seconds)] += np.asarray(ring) * rng.uniform(0.2, 1)
    return peak(out)


def in_room(samples: Floats, rng: Random, *, reverberation_s: float = 0.3) -> Floats:
    """From a small loudspeaker through a room to the microphone: band-limited, a direct path, and a tail
    of noise that falls by 60 dB in `reverberation_s`.
    """
    small = sosfilt(butter(2, [180, 6_500], "bandpass", fs=HEARING_RATE, output="sos"), samples)
    seconds = np.arange(round(reverberation_s * HEARING_RATE)) / HEARING_RATE
    tail = rng.normal(0, 1, len(seconds)) * 10 ** (-3 * seconds / reverberation_s)
    answer = 0.5 * tail / np.sqrt(np.sum(np.square(tail)))
    answer[0] = 1.0
    return np.asarray(fftconvolve(small, answer)[: len(samples) + len(tail)], np.float64)


def _tract(rng: Random) -> Sequence[tuple[float, float]]:
    """(Frequency, bandwidth) of three formants, Hz, of an open mouth."""
    size = rng.uniform(0.9, 1.15)
    return [
        (hz * size * rng.uniform(0.92, 1.08), width) for hz, width in ((650, 90), (1_300, 130), (2_600, 200))
    ]


def _through(tract: Sequence[tuple[float, float]], source: Floats) -> Floats:
    out = 0.15 * source  # what goes past the formants
    for hz, width in tract:
        out = out + lfilter(*iirpeak(hz, hz / width, fs=HEARING_RATE), source)
    return np.asarray(out, np.float64)


def _breath(rng: Random, seconds: float, *, attack: float, fall: float) -> Floats:
    """Noise that rises linearly over `attack` s and falls by e in `fall` s."""
    time = np.arange(round(seconds * HEARING_RATE)) / HEARING_RATE
    envelope = np.minimum(1, time / attack) * np.exp(-np.maximum(0, time - attack) / fall)
    return np.asarray(rng.normal(0, 0.35, len(time)) * envelope, np.float64)


def _pulses(rng: Random, seconds: float, pitch: float, drift: float, *, roughness: float) -> Floats:
    """A glottis: pulses at `pitch` Hz that ends `drift` (a share) higher, each `roughness` off its time."""
    out = np.zeros(round(seconds * HEARING_RATE))
    at = 0.0
    while at < len(out):
        out[int(at)] = rng.uniform(1 - roughness, 1)
        period = HEARING_RATE / (pitch * (1 + drift * at / len(out)))
        at += period * (1 + roughness * rng.uniform(-1, 1))
    return np.asarray(3.0 * lfilter([1.0], [1.0, -0.95], out), np.float64)
