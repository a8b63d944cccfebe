"""What a person says in a test: words in a voice of flite's, made when the test runs."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.scripted import synthesise
from client.audio import RATE, Pcm, resample
from models.tts.embedded import EmbeddedSpeech


@cache
def _voice() -> EmbeddedSpeech:
    return EmbeddedSpeech()


@cache
def said(text: str) -> Pcm:
    """The words as int16 mono at 48 kHz."""
    chunks = synthesise(_voice(), text)
    return resample(np.frombuffer(b"".join(chunk.pcm for chunk in chunks), np.int16), chunks[0].rate, RATE)


def pause(milliseconds: int) -> Pcm:
    """Silence, int16 mono at 48 kHz."""
    return np.zeros(milliseconds * RATE // 1000, np.int16)
