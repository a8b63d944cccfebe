"""The server says a full turn to itself before it takes calls, so that the first caller meets no cold code.

A synthetic voice asks; the whole way is used: VAD, ASR, planner, voice, mixer, and music and sound besides.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np

from models.api import HEARING_RATE, SpeechRequest
from models.engine import Engine
from realtime.config import Settings
from realtime.resampling import Resampler
from realtime.session import Session
from realtime.telemetry import Metrics
from realtime.transport.link import AudioOwner, InputAudio, Losses, StereoFrame

log = logging.getLogger(__name__)

QUESTION = "What time is it?"
TIMEOUT = 30.0  # s; a turn takes under 2
PIECE = HEARING_RATE // 50  # samples: 20 ms
LEAD_S, TAIL_S = 0.5, 2.5  # silence before and after the question


class WarmupError(Exception):
    """The synthetic turn was not answered."""


class MirrorLink:
    """A link to ourselves: gives the question in real time, and keeps what comes back."""

    kind = "websocket"
    playout_delay_ms = 0.0
    recalled_ms = 0.0

    def __init__(self, question: bytes) -> None:
        self.heard = ""
        self.said = ""
        self.stages: dict[str, float] = {}
        self.notices: list[str] = []
        self.done = asyncio.Event()
        self._question = question
        self._closed = asyncio.Event()
        self._loud = False

    async def audio(self) -> AsyncIterator[InputAudio]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for at in range(0, len(self._question), PIECE * 2):
            yield InputAudio(self._question[at : at + PIECE * 2])
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))
        await self._closed.wait()

    async def events(self) -> AsyncIterator[str]:
        await self._closed.wait()
        nothing: tuple[str, ...] = ()
        for event in nothing:
            yield event

    def send(self, event: str) -> None:
        data = json.loads(event)
        match data["type"]:
            case "conversation.item.input_audio_transcription.completed":
                self.heard = data["transcript"]
            case "response.output_audio_transcript.done":
                self.said = data["transcript"]
            case "audiogpt.turn.latency":
                self.stages = data["stages_ms"]
            case "audiogpt.notice":
                self.notices.append(data["message"])
                self.done.set()
            case "response.done":
                self.done.set()

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        self._loud = self._loud or (frame is not None and bool(np.abs(frame).max() > 300))

    @property
    def loud(self) -> bool:
        """Whether anything audible was played."""
        return self._loud

    def flush(self) -> None:
        return

    def losses(self) -> Losses:
        return Losses()

    async def aclose(self) -> None:
        self._closed.set()


async def warm_up(engine: Engine, settings: Settings) -> MirrorLink:
    """Hold the synthetic turn. Raises `WarmupError` that says what did not come."""
    link = MirrorLink(await _say(engine, QUESTION))
    session = Session(link, engine, settings, Metrics())
    async with asyncio.TaskGroup() as group:
        group.create_task(session.run(), name="warm-up")
        try:
            async with asyncio.timeout(TIMEOUT):
                await link.done.wait()
        except TimeoutError:
            raise WarmupError(f"no answer within {TIMEOUT:.0f} s; heard {link.heard!r}") from None
        finally:
            await link.aclose()
    if link.notices or not (link.heard and link.loud):
        problem = "; ".join(link.notices) or f"heard {link.heard!r}, said {link.said!r}"
        raise WarmupError(f"the synthetic turn failed: {problem}")
    return link


async def _say(engine: Engine, text: str) -> bytes:
    """Speech for our own ears: int16 at HEARING_RATE with silence around it."""
    pcm = b""
    rate = HEARING_RATE
    async with aclosing(engine.open(SpeechRequest(text))) as stream:
        async for chunk in stream:
            pcm, rate = pcm + chunk.pcm, chunk.rate
    samples = np.frombuffer(pcm, np.int16)
    if rate != HEARING_RATE:
        resampler = Resampler(rate, HEARING_RATE)
        samples = np.concatenate([resampler.feed(samples), resampler.flush()])
    lead, tail = (np.zeros(round(s * HEARING_RATE), np.int16) for s in (LEAD_S, TAIL_S))
    return np.concatenate([lead, samples, tail]).tobytes()
