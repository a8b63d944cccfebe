"""Does a short utterance sound like a request, like a sign of listening, or like no speech? numpy only.

A recogniser of words finds some in "uh-huh", a laugh and a cough. This one knows no words, only what such
sounds are like: a small network over the log-mel spectrum (four convolutions, the mean and the largest of
what they find, 35,000 weights). It is one piece of evidence among others; `meant.py` weighs it.

`manner.npz` holds the weights: `benchmarks.train_yield`, 26 epochs, 2026-11-22, from 16,191 utterances that
`benchmarks.yield_set`, with fewer wordings than it has now, made in five runs, some of them cut short. They
cannot be made again: a run of today's script, of half the speakers and 18 epochs, gave worse ones (held out,
7.6 % false stops instead of 5.4 %). Of 2,158 utterances of other speakers of that set 92 % were told rightly.
How well it does on voices, wordings and sounds that it has not learned from is in benchmarks/README.md: it
generalises to voices, and badly to signs of listening with other words. 1.4 ms of CPU at the most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.api import HEARING_RATE
from realtime.hearing.turn import Evidence

Floats = npt.NDArray[np.float32]

BEFORE_MS = AFTER_MS = 96  # of sound around the speech: soft consonants are outside what the VAD calls speech
LONGEST_MS = 1_500  # what comes later is not looked at; whoever speaks for so long is understood by words
BANDS = 32
STRIDES = (1, 2, 2, 1)  # of the convolutions
WEIGHTS = Path(__file__).with_name("manner.npz")
_WINDOW, _HOP, _FFT = 400, 160, 512  # samples: 25 ms every 10 ms
_LOWEST, _HIGHEST = 60.0, 7_600.0  # Hz
_BLOCK = 64  # frames: OpenBLAS wakes its threads for larger products, which cost 8 ms of CPU instead of 1
_FAINT = 1e2  # power added: of a sound of one or two steps of 16 bits
_NEPERS = 5.0  # to a unit of the features: 21.7 dB of power
_DEEPEST = 2.0  # units: what is 43 dB under the loudest fifth, or not there, is 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How likely the sound is a request (or anything else said to us), a sign of listening, or noise."""

    request: float
    listening: float
    noise: float


def judged(evidence: Evidence, pcm: bytes) -> Evidence:
    """The evidence with how the utterance sounds; see `manner`."""
    heard = manner(pcm)
    return replace(evidence, request=heard.request, listening=heard.listening)


def manner(pcm: bytes) -> Manner:
    """Judge an utterance that is over, by its first 1.5 s. Pure but for loading the weights once.

    Args:
        pcm: 16-bit mono at HEARING_RATE, from BEFORE_MS before the speech to AFTER_MS after it.
    """
    weights = _weights()
    sound = features(pcm)
    for number, stride in enumerate(STRIDES):
        sound = _convolved(sound, weights[f"w{number}"], weights[f"b{number}"], stride)
    pooled = np.concatenate([sound.mean(axis=0), sound.max(axis=0)])
    scores = weights["w"] @ pooled + weights["b"]
    odds = np.exp(scores - scores.max())
    request, listening, noise = (odds / odds.sum()).tolist()
    return Manner(request, listening, noise)


def features(pcm: bytes) -> Floats:
    """The log-mel spectrum (frames, BANDS): _DEEPEST where it is loud, 0 from 43 dB below, at any level."""
    samples = np.frombuffer(pcm, "<i2", len(pcm) // 2)[: LONGEST_MS * HEARING_RATE // 1000]
    sound = samples.astype(np.float32)
    sound = np.pad(sound, (0, max(0, _WINDOW - len(sound))))
    sound -= sound.mean()
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(windows * _hann(), _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    bands = [power[i : i + _BLOCK] @ _filters() for i in range(0, len(power), _BLOCK)]
    level = np.log(np.concatenate(bands) + _FAINT)
    highest = np.sort(level.max(axis=1))
    loud = highest[-max(1, len(highest) // 5) :].mean()
    scaled: Floats = np.maximum((level - loud) / _NEPERS + _DEEPEST, 0.0).astype(np.float32)
    return scaled


def _convolved(sound: Floats, weights: Floats, bias: Floats, stride: int) -> Floats:
    """A convolution over time with zeros around, and what is positive of it."""
    width = weights.shape[0]  # (width, channels in, channels out)
    padded = np.pad(sound, ((width // 2, width // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)[::stride]
    flat = windows.transpose(0, 2, 1).reshape(len(windows), -1)
    out: Floats = np.maximum(flat @ weights.reshape(-1, weights.shape[2]) + bias, 0)
    return out


@cache
def _weights() -> dict[str, Floats]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


@cache
def _hann() -> Floats:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Floats:
    """Triangles whose weights sum to 1, on the mel scale of O'Shaughnessy (1987)."""
    edges = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), BANDS + 2)
    bins = _mel(np.arange(_FFT // 2 + 1) * HEARING_RATE / _FFT)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles / triangles.sum(axis=0), np.float32)


def _mel(hertz: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + np.asarray(hertz) / 700), np.float64)
