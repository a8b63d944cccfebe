"""Models that cost nothing, so that a benchmark measures the media path and the session, not a recogniser.

They are backends like any other, loaded by name in processes of their own:

    python -m realtime --set asr.backend=benchmarks.scripted:ScriptedAsr \
        --set planner.backend=benchmarks.scripted:ScriptedPlanner \
        --set tts.backend=benchmarks.scripted:ScriptedVoice

Voice activity detection stays the real one: it decides when a turn is over, which is part of what is
measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from benchmarks import tones
from models.api import (
    AsrRequest,
    Audio,
    EndOfUtterance,
    Hypothesis,
    Job,
    PlanDone,
    PlanRequest,
    SpeechChunk,
    SpeechRequest,
    TextDelta,
)
from models.api import Emit as EmitTo
from models.tts.embedded import EmbeddedSpeech

# What the person says: 2 s of speech, a whole request, without a pause that could end the turn early.
QUESTION = "please tell me what time it is right now"
# What the assistant says: one clause of 2 s, so that nothing waits for a second one to be synthesised.
ANSWER = "It is a quarter past seven in the evening now."
TALK = re.compile(r"talk for (\d+) answers", re.IGNORECASE)
MOST_ANSWERS = 100

SETTINGS = (
    "asr.backend=benchmarks.scripted:ScriptedAsr",
    "planner.backend=benchmarks.scripted:ScriptedPlanner",
    "tts.backend=benchmarks.scripted:ScriptedVoice",
)


class ScriptedAsr:
    """Understands `QUESTION` in everything: as a partial text at the first sound, finally when asked."""

    produces = False

    def __init__(self, *, slots: int = 0) -> None:
        del slots  # the server gives every recogniser this option; there is nothing to load ahead

    def open(self, request: AsrRequest) -> Job:
        return _Heard()


class _Heard:
    def __init__(self) -> None:
        self._samples = 0

    def feed(self, item: object, emit: EmitTo) -> bool:
        if isinstance(item, Audio):
            if not self._samples:
                emit(Hypothesis(QUESTION, len(QUESTION), len(item.pcm) // 2))
            self._samples += len(item.pcm) // 2
        if isinstance(item, EndOfUtterance):
            emit(Hypothesis(QUESTION, len(QUESTION), self._samples, final=True))
            return False
        return True

    def step(self, emit: EmitTo) -> bool:
        return False

    def close(self) -> None:
        return


class ScriptedPlanner:
    """Answers `ANSWER` to everything; typed words "talk for N answers" are answered N times over."""

    produces = True

    def open(self, request: PlanRequest) -> Job:
        asked = TALK.search(request.messages[-1].content) if request.messages else None
        return _Plan(min(int(asked[1]), MOST_ANSWERS) if asked else 1)


class _Plan:
    def __init__(self, answers: int) -> None:
        self._answers = answers

    def feed(self, item: object, emit: EmitTo) -> bool:
        return True

    def step(self, emit: EmitTo) -> bool:
        emit(TextDelta(" ".join([ANSWER] * self._answers)))
        emit(PlanDone())
        return False

    def close(self) -> None:
        return


class ScriptedVoice:
    """The embedded voice, synthesised once for each text and replayed from then on, a chunk a step."""

    produces = True

    def __init__(self) -> None:
        self._voice = EmbeddedSpeech()
        self._say = lru_cache(maxsize=64)(self._synthesise)
        self._say(ANSWER)

    def open(self, request: SpeechRequest) -> Job:
        return _Replay(iter(self._say(request.text.strip())))

    def _synthesise(self, text: str) -> tuple[SpeechChunk, ...]:
        return synthesise(self._voice, text)


class _Replay:
    def __init__(self, chunks: Iterator[SpeechChunk]) -> None:
        self._chunks = chunks

    def feed(self, item: object, emit: EmitTo) -> bool:
        return True

    def step(self, emit: EmitTo) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        emit(chunk)
        return True

    def close(self) -> None:
        self._chunks = iter(())


def synthesise(voice: EmbeddedSpeech, text: str) -> tuple[SpeechChunk, ...]:
    """All of a text's speech. Raises `BackendUnavailableError` where flite is not installed."""
    chunks: list[SpeechChunk] = []
    job = voice.open(SpeechRequest(text))
    try:
        while job.step(chunks.append):
            pass
    finally:
        job.close()
    return tuple(chunks)


COUNT = re.compile(r"count (\d+) words from (\d+)")


class CountingPlanner:
    """Says as many words of `benchmarks.tones` as asked for, "count 40 words from 3"; else the last one."""

    produces = True

    def open(self, request: PlanRequest) -> Job:
        asked = COUNT.search(request.messages[-1].content) if request.messages else None
        return _Count(*((int(asked[1]), int(asked[2])) if asked else (1, tones.WORDS - 1)))


class _Count:
    def __init__(self, count: int, first: int) -> None:
        self._numbers = [(first + step) % tones.WORDS for step in range(min(count, tones.WORDS))]

    def feed(self, item: object, emit: EmitTo) -> bool:
        return True

    def step(self, emit: EmitTo) -> bool:
        # Commas and full stops, so that there are clauses.
        marks = {3: ",", 6: "."}
        words = [f"w{number}{marks.get(step % 7, '')}" for step, number in enumerate(self._numbers)]
        emit(TextDelta(" ".join(words)))
        emit(PlanDone())
        return False

    def close(self) -> None:
        return


class ToneVoice(ScriptedVoice):
    """Says the words of `benchmarks.tones`; a text without them (the server's warm-up) in the other voice."""

    def open(self, request: SpeechRequest) -> Job:
        return _Replay(tones.chunks(request.text)) if tones.numbers(request.text) else super().open(request)
