"""A clause of text to the speech lane: synthesised, resampled, and written down in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, SpeechRequest
from models.engine import Engine
from realtime.speaking.ledger import Ledger
from realtime.speaking.mixer import Pcm
from realtime.speaking.speaker import Speaker


@dataclass(slots=True)
class VoiceSettings:
    """How the assistant speaks. Changes take effect with the next clause."""

    name: str = ""
    language: str = "en"
    speed: float = 1.0


def to_stereo(mono: NDArray[np.float32]) -> Pcm:
    """The same on both sides, shape (samples, 2)."""
    return np.repeat(mono[:, None], 2, axis=1)


class Upsampler:
    """Mono int16 at any rate to mono float32 at SPEAKING_RATE, with its state kept between chunks."""

    def __init__(self, rate: int) -> None:
        # Medium quality: 0.3 ms of delay at 16 kHz, and aliases 75 dB down, below a synthetic voice's noise.
        self._stream = (
            soxr.ResampleStream(rate, SPEAKING_RATE, 1, dtype="float32", quality="MQ")
            if rate != SPEAKING_RATE
            else None
        )

    def feed(self, pcm: bytes, *, last: bool = False) -> NDArray[np.float32]:
        """Resample a chunk; with `last`, what the filter still holds comes too."""
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768.0
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), np.float32)


async def speak(
    engine: Engine,
    speaker: Speaker,
    ledger: Ledger,
    text: str,
    voice: VoiceSettings,
    on_audio: Callable[[], None],
) -> None:
    """Say `text` on the speech lane. `on_audio` is called at the first chunk. Raises `BackendError`."""
    lane = speaker.mixer.speech
    lane.finished = False
    ledger.begin_segment(text, lane.consumed + lane.buffered)
    upsampler: Upsampler | None = None
    request = SpeechRequest(text, voice=voice.name, language=voice.language, speed=voice.speed)
    try:
        async with aclosing(engine.open(request)) as stream:
            async for chunk in stream:
                upsampler = upsampler or Upsampler(chunk.rate)
                ledger.add(chunk.words)
                on_audio()
                await speaker.write(lane, to_stereo(upsampler.feed(chunk.pcm)))
        if upsampler is not None:
            await speaker.write(lane, to_stereo(upsampler.feed(b"", last=True)))
        ledger.end_segment(lane.consumed + lane.buffered)
    finally:
        lane.finished = True
