"""Words as pairs of tones, so that a recording that went through Opus says by itself which words are in it.

Word `w7` is one of LOW and one of HIGH sounding together, for `length_ms(7)`. Tones a hundred hertz and more
apart are told from each other in windows of 20 ms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, SpeechChunk, WordTime

WORDS = 64
LOW = tuple(500 + 110 * step for step in range(8))  # Hz
HIGH = tuple(1_600 + 170 * step for step in range(8))
LEVEL = 0.2  # of full scale, each of the two
EDGE = SPEAKING_RATE * 4 // 1000  # samples: how a word begins and ends without a click
CHUNK_MS = 40

WINDOW = SPEAKING_RATE * 20 // 1000
HOP_MS = 5
HOP = SPEAKING_RATE * HOP_MS // 1000
PRESENT = 0.01  # of a tone: libopus needs up to 200 ms of a talkspurt until a high one has its level
OVER_OTHERS = 4.0  # how many times the power of its next rival

_WORD = re.compile(r"w(\d+)")


def numbers(text: str) -> list[int]:
    """The words of a text."""
    return [int(found[1]) for found in _WORD.finditer(text)]


def length_ms(number: int) -> int:
    """How long a word is: 120 to 420 ms, as words are."""
    return 120 + number * 97 % 11 * 30


def sound(number: int) -> NDArray[np.int16]:
    """A word's samples, mono at SPEAKING_RATE."""
    count = SPEAKING_RATE * length_ms(number) // 1000
    time = np.arange(count) / SPEAKING_RATE
    tones = sum(np.sin(2 * np.pi * tone * time) for tone in (LOW[number % 8], HIGH[number // 8 % 8]))
    ramp = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / EDGE)
    return np.round(32767 * LEVEL * tones * ramp).astype(np.int16)


def chunks(text: str) -> Iterator[SpeechChunk]:
    """A text as a voice would give it, CHUNK_MS at a time."""
    now = 0
    size = SPEAKING_RATE * CHUNK_MS // 1000
    for found in _WORD.finditer(text):
        number = int(found[1])
        samples = sound(number)
        times = (WordTime(found.start(), found.end(), now, now + length_ms(number)),)
        for at in range(0, len(samples), size):
            yield SpeechChunk(samples[at : at + size].tobytes(), SPEAKING_RATE, times if at == 0 else ())
        now += length_ms(number)


def read(pcm: NDArray[np.int16]) -> Counter[int]:
    """How many ms of each word sound in mono int16 at SPEAKING_RATE."""
    padded = np.concatenate([np.zeros(WINDOW // 2, np.int16), pcm, np.zeros(WINDOW // 2, np.int16)])
    if len(padded) < WINDOW:
        return Counter()
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP].astype(np.float32) / 32767
    low, high = (_strongest(windows, tones) for tones in (LOW, HIGH))
    both = (low >= 0) & (high >= 0)
    found = Counter((low + 8 * high)[both].tolist())
    return Counter({number: hops * HOP_MS for number, hops in found.items()})


def heard(pcm: NDArray[np.int16]) -> list[int]:
    """The words of which at least half sounds, in the order of their numbers."""
    # A window that is half in the next word is of two minds: one at each border may be lost.
    return sorted(n for n, ms in read(pcm).items() if ms >= length_ms(n) / 2 - HOP_MS)


def _strongest(windows: NDArray[np.floating[Any]], tones: tuple[int, ...]) -> NDArray[np.int64]:
    """Which tone sounds in each window, -1 where none does clearly."""
    time = np.arange(WINDOW) / SPEAKING_RATE
    shape = np.hanning(WINDOW)
    waves = np.exp(-2j * np.pi * np.outer(time, tones)) * shape[:, None] * 2 / shape.sum()
    power = np.abs(windows @ waves.astype(np.complex64)) ** 2
    ranked = np.sort(power, axis=1)
    clear = (ranked[:, -1] > PRESENT * LEVEL**2) & (ranked[:, -1] > OVER_OTHERS * ranked[:, -2])
    return np.where(clear, power.argmax(axis=1), -1)
