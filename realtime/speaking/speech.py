"""A clause of text to the speech lane: synthesised, resampled, and written down in the ledger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, BackendError, SpeechChunk, SpeechRequest, Stream, VoicesRequest
from models.engine import Engine
from realtime.resampling import Resampler
from realtime.speaking.ledger import Ledger
from realtime.speaking.mixer import Pcm
from realtime.speaking.speaker import Speaker

log = logging.getLogger(__name__)

FIRST_S = 10.0  # a voice that has said nothing for so long will not
# Between two chunks. The lane holds 0.5 s, so that 1.5 s without a chunk is 1 s of silence in mid-sentence.
STALLED_S = 1.5


@dataclass(slots=True)
class VoiceSettings:
    """How the assistant speaks. Changes take effect with the next clause."""

    name: str = ""
    language: str = "en"
    speed: float = 1.0
    normal_speed: float = 1.0  # what "normal" goes back to


async def list_voices(engine: Engine, first: str = "") -> tuple[str, ...]:
    """Name the voices to choose from, `first` (or else the backend's own choice) in front.

    None where the backend cannot tell; nobody has to choose.
    """
    try:
        async with aclosing(engine.open(VoicesRequest())) as stream:
            names = [voice.name async for voice in stream]
    except BackendError as error:
        log.info("the voices are not known: %s", error)
        return ()
    return tuple(dict.fromkeys([first, *names] if first else names))


def to_stereo(mono: NDArray[np.int16]) -> Pcm:
    """The same on both sides, full scale 1.0, shape (samples, 2)."""
    return np.repeat(mono[:, None].astype(np.float32) / 32768.0, 2, axis=1)


class VoiceStalledError(BackendError):
    """The synthesiser gave nothing for long while it was heard. `spoken`: characters whose sound is there."""

    def __init__(self, spoken: int) -> None:
        super().__init__(
            f"the voice gave nothing for {STALLED_S:.1f} s in the middle of a sentence; try again"
        )
        self.spoken = spoken


async def speak(
    engine: Engine,
    speaker: Speaker,
    ledger: Ledger,
    text: str,
    voice: VoiceSettings,
    begin: Callable[[], Awaitable[None]],
) -> None:
    """Say `text` on the speech lane. `begin` is awaited once the first sound is there, before it is heard.

    Raises `BackendError`, as `VoiceStalledError` when the voice stops in the middle.
    """
    lane = speaker.mixer.speech
    resampler: Resampler | None = None
    spoken = 0
    request = SpeechRequest(text, voice=voice.name, language=voice.language, speed=voice.speed)
    try:
        async with aclosing(engine.open(request)) as stream:
            while True:
                chunk = await _next(stream, FIRST_S if resampler is None else STALLED_S)
                if chunk is None:
                    break
                if resampler is None:
                    await begin()
                    resampler = Resampler(chunk.rate, SPEAKING_RATE)
                    lane.finished = False
                    ledger.begin_segment(text, lane.consumed + lane.buffered)
                pcm = to_stereo(resampler.feed(np.frombuffer(chunk.pcm, np.int16)))
                ledger.add(chunk.words, len(pcm))
                spoken = max([spoken, *(word.end for word in chunk.words)])
                await speaker.write(lane, pcm)
        if resampler is not None:
            await speaker.write(lane, to_stereo(resampler.flush()))
            ledger.end_segment(lane.consumed + lane.buffered)
    except TimeoutError:
        if resampler is None:
            raise BackendError(f"the voice gave nothing for {FIRST_S:.0f} s; try again") from None
        raise VoiceStalledError(spoken) from None
    finally:
        lane.finished = True


async def _next(stream: Stream[SpeechChunk], seconds: float) -> SpeechChunk | None:
    """The next chunk, None at the end. Raises TimeoutError when none comes for so long."""
    async with asyncio.timeout(seconds):
        return await anext(stream, None)
