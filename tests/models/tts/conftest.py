from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from models.api import Backend, PhoneTime, SpeechChunk, SpeechRequest, WordTime
from models.tts.espeak import EspeakSpeech
from models.tts.flite import FliteSpeech


@dataclass
class Utterance:
    """Everything a speech stream gave."""

    request: SpeechRequest
    chunks: list[SpeechChunk] = field(default_factory=list)

    @property
    def rate(self) -> int:
        return self.chunks[0].rate

    @property
    def pcm(self) -> np.ndarray:
        return np.frombuffer(b"".join(chunk.pcm for chunk in self.chunks), "<i2").astype(np.float64)

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) * 1000 / self.rate if self.chunks else 0.0

    @property
    def words(self) -> list[WordTime]:
        return [word for chunk in self.chunks for word in chunk.words]

    @property
    def phones(self) -> list[PhoneTime]:
        return [phone for chunk in self.chunks for phone in chunk.phones]

    def said(self) -> list[str]:
        return [self.request.text[word.begin : word.end] for word in self.words]

    def loudness(self, start_ms: float, end_ms: float) -> float:
        """The root mean square of the samples between two moments."""
        piece = self.pcm[int(start_ms * self.rate / 1000) : int(end_ms * self.rate / 1000)]
        return float(np.sqrt((piece**2).mean())) if len(piece) else 0.0

    def pitch(self) -> float:
        """The median f0 of the voiced frames in Hz, by autocorrelation (60 to 500 Hz)."""
        size, found = int(0.04 * self.rate), []
        for at in range(0, len(self.pcm) - size, size // 2):
            frame = self.pcm[at : at + size]
            frame = frame - frame.mean()
            energy = float(frame @ frame)
            if energy < size * 500**2:
                continue
            spectrum = np.fft.rfft(frame, 2 * size)
            correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:size]
            low, high = self.rate // 500, self.rate // 60
            lag = low + int(np.argmax(correlation[low:high]))
            if correlation[lag] > 0.5 * energy:
                found.append(self.rate / lag)
        return float(np.median(found))


def check_times(utterance: Utterance) -> None:
    """What holds of every stream: times ordered, inside it, and never later than their sound."""
    sent = 0.0
    for chunk in utterance.chunks:
        assert len(chunk.pcm) % 2 == 0
        assert 0 < len(chunk.pcm) // 2 <= 0.1 * chunk.rate
        end = sent + len(chunk.pcm) // 2 * 1000 / chunk.rate
        assert all(sent - 1e-6 <= time.start_ms < end for time in (*chunk.words, *chunk.phones))
        sent = end
    words = utterance.words
    for before, after in pairwise(words):
        assert before.end_ms <= after.start_ms + 1e-6
        assert before.end <= after.begin
    for word in words:
        assert word.start_ms < word.end_ms <= utterance.duration_ms + 1e-6
        assert 0 <= word.begin < word.end <= len(utterance.request.text)


Speak = Callable[..., Utterance]


@pytest.fixture
def speak() -> Speak:
    """Run a stream to its end and check what holds of all: `speak(backend, text, **request)`."""

    def run(backend: Backend, text: str, **settings: object) -> Utterance:
        utterance = Utterance(SpeechRequest(text=text, **settings))
        job = backend.open(utterance.request)
        try:
            while job.step(utterance.chunks.append):
                pass
        finally:
            job.close()
        check_times(utterance)
        return utterance

    return run


@pytest.fixture(scope="session")
def flite() -> FliteSpeech:
    return FliteSpeech()


@pytest.fixture(scope="session")
def espeak() -> EspeakSpeech:
    return EspeakSpeech()
