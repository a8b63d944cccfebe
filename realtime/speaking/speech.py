"""A clause of text to the speech lane: synthesised, resampled, and written down in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, SpeechRequest
from models.engine import Engine
from realtime.resampling import Resampler
from realtime.speaking.ledger import Ledger
from realtime.speaking.mixer import Pcm
from realtime.speaking.speaker import Speaker


@dataclass(slots=True)
class VoiceSettings:
    """How the assistant speaks. Changes take effect with the next clause."""

    name: str = ""
    language: str = "en"
    speed: float = 1.0
    normal_speed: float = 1.0  # what "normal" goes back to


def to_stereo(mono: NDArray[np.int16]) -> Pcm:
    """The same on both sides, full scale 1.0, shape (samples, 2)."""
    return np.repeat(mono[:, None].astype(np.float32) / 32768.0, 2, axis=1)


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
    resampler: Resampler | None = None
    request = SpeechRequest(text, voice=voice.name, language=voice.language, speed=voice.speed)
    try:
        async with aclosing(engine.open(request)) as stream:
            async for chunk in stream:
                resampler = resampler or Resampler(chunk.rate, SPEAKING_RATE)
                ledger.add(chunk.words)
                on_audio()
                await speaker.write(lane, to_stereo(resampler.feed(np.frombuffer(chunk.pcm, np.int16))))
        if resampler is not None:
            await speaker.write(lane, to_stereo(resampler.flush()))
        ledger.end_segment(lane.consumed + lane.buffered)
    finally:
        lane.finished = True
