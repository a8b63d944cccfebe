"""Audio files as the client speaks them, and the rule that says which of their samples are voiced.

**Voiced**, on the sending side: the sound is cut into blocks of 5 ms; a block is loud when the RMS of the
20 ms window that ends with it is above a threshold, and voiced when it is in a run of loud windows that is
longer than a click (a 1 ms click fills four windows of 20 ms, so five in a row are asked for). The
threshold follows the recording: 12 dB above its noise floor (the 10th percentile of the window levels),
but never more than 45 dB and never less than 20 dB below its loudest window. A clean file is so judged at
-45 dB of its own peak, and a noisy one does not count its hiss as voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from client.errors import AudioFileError

RATE = 48_000  # Hz; what WebRTC's Opus clock counts, and what recordings are written in
WS_RATE = 24_000  # Hz; the protocol's `audio/pcm`

FULL_SCALE = 32768.0

BLOCK_MS = 5
WINDOW_BLOCKS = 4  # 20 ms
LEAST_RUN = 5  # windows; one more than a click fills
BELOW_PEAK_DB = 45.0
LEAST_BELOW_PEAK_DB = 20.0
ABOVE_FLOOR_DB = 12.0
SILENCE_DB = -120.0  # what an all-zero window counts as
LOWEST_PEAK_DB = -60.0  # dBFS; a file that is nowhere louder than this holds no voice

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Span:
    """Samples `start` to `stop` (exclusive)."""

    start: int
    stop: int


def resample(pcm: Pcm, rate: int, to: int) -> Pcm:
    """Resample whole int16 audio, mono (n,) or multichannel (n, channels), with soxr."""
    if rate == to or not len(pcm):
        return pcm
    # In floating point: soxr dithers 16-bit audio, and silence is to stay silence.
    return to_pcm(soxr.resample(pcm.astype(np.float32) / FULL_SCALE, rate, to))


def to_pcm(samples: NDArray[np.floating[Any]]) -> Pcm:
    """Floating point in -1 to 1 as int16; what is beyond is clipped."""
    return cast(Pcm, np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16))


def load(path: str | Path) -> Pcm:
    """Read a sound file (WAV, FLAC, Ogg and whatever else libsndfile knows) as mono int16 at `RATE`.

    Raises:
        AudioFileError: the file is missing, unreadable, empty, or holds no voice that could be heard.
    """
    if not Path(path).is_file():
        raise AudioFileError(f"{path}: no such file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as cause:
        raise AudioFileError(f"{path}: not a sound file that libsndfile can read ({cause})") from cause
    if not len(samples):
        raise AudioFileError(f"{path}: the file has no samples")
    # Files in floating point may hold NaN or exceed full scale; neither may reach the encoder.
    mono = np.clip(np.nan_to_num(samples.mean(axis=1)), -1.0, 1.0)
    pcm = to_pcm(mono if rate == RATE else soxr.resample(mono, rate, RATE))
    if voiced_span(pcm, RATE) is None:
        raise AudioFileError(f"{path}: there is only silence in it")
    return pcm


def block_energies(pcm: NDArray[np.int16], rate: int) -> NDArray[np.float64]:
    """Mean square of each whole 5 ms block of mono int16 audio, full scale = 1."""
    size = rate * BLOCK_MS // 1000
    count = len(pcm) // size
    blocks = pcm[: count * size].astype(np.float64).reshape(count, size) / FULL_SCALE
    return cast(NDArray[np.float64], np.mean(blocks * blocks, axis=1))


def decibels(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square to dBFS, with `SILENCE_DB` for nothing."""
    return cast(NDArray[np.float64], 10 * np.log10(np.maximum(energy, 10 ** (SILENCE_DB / 10))))


def window_levels(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """dBFS of the 20 ms window that ends with each block; the first ones count silence before the file."""
    padded = np.concatenate([np.zeros(WINDOW_BLOCKS - 1), energies])
    sums = np.convolve(padded, np.ones(WINDOW_BLOCKS), mode="valid")
    return decibels(sums / WINDOW_BLOCKS)


def threshold_db(levels: NDArray[np.float64]) -> float:
    """The level above which a window of this recording is voiced (see the module's text)."""
    peak = float(levels.max())
    floor = float(np.percentile(levels, 10))
    return min(max(floor + ABOVE_FLOOR_DB, peak - BELOW_PEAK_DB), peak - LEAST_BELOW_PEAK_DB)


def voiced_span(pcm: Pcm, rate: int) -> Span | None:
    """From the first to the last voiced sample of a whole recording, to 5 ms. None when it holds no voice."""
    energies = block_energies(pcm, rate)
    if not len(energies):
        return None
    levels = window_levels(energies)
    if levels.max() < LOWEST_PEAK_DB:
        return None
    threshold = threshold_db(levels)
    loud = levels > threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= LEAST_RUN]
    if not runs:
        return None
    # A window is loud up to 15 ms after its last loud block, so the ends are settled block by block.
    blocks = decibels(energies) > threshold
    first, last = runs[0][0], runs[-1][1] - 1
    start = max(0, first - WINDOW_BLOCKS + 1)
    while start < first and not blocks[start]:
        start += 1
    while last > start and not blocks[last]:
        last -= 1
    size = rate * BLOCK_MS // 1000
    return Span(start * size, (last + 1) * size)


def write_wav(path: str | Path, pcm: Pcm, rate: int) -> None:
    """Write int16 audio, shape (n,) or (n, channels), as a 16-bit WAV.

    Raises:
        AudioFileError: the file cannot be written.
    """
    try:
        soundfile.write(path, pcm, rate, subtype="PCM_16", format="WAV")
    except (soundfile.LibsndfileError, OSError) as cause:
        raise AudioFileError(f"{path}: cannot be written ({cause})") from cause
