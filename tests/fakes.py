"""Fakes for a session on the virtual clock: an engine, a link, and speech whose samples are its words.

Scripted speech: each word is a stretch of samples of one value, WORD + its number in a table, so that a
fake recogniser reads the words from the audio, and a test reads from the played frames what was audible.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np

from models import api
from models.engine import Assignment
from realtime.transport.link import AudioOwner, InputAudio, Losses, StereoFrame

WORD = 2_000  # the value of word 0
WORD_MS = 240  # how long the assistant's fake voice takes for a word
MUSIC = 900  # the value of music's samples
PIECE_MS = 20


class Words:
    """Words to sample values and back."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def value(self, word: str) -> int:
        if word not in self._words:
            self._words.append(word)
        return WORD + 40 * self._words.index(word)

    def word(self, value: float) -> str:
        return self._words[round((value - WORD) / 40)]

    def read(self, samples: np.ndarray[Any, Any]) -> list[str]:
        """The words in the order of their samples; equal neighbours are one word."""
        out: list[str] = []
        last = 0
        for value in samples[np.flatnonzero(np.diff(samples, prepend=0))]:
            if value >= WORD and value != last:
                out.append(self.word(value))
            last = value
        return out


class FakeLink:
    """A client: `speak` and `send_event` act, `log` and `recording` remember."""

    def __init__(self, words: Words, kind: str = "webrtc") -> None:
        self.kind = kind
        self.words = words
        self.log: list[dict[str, Any]] = []
        self.recording: list[tuple[float, StereoFrame]] = []
        self.playout_delay_ms = 0.0
        self.recalled_ms = 0.0
        self.closed = False
        self._audio: asyncio.Queue[InputAudio | None] = asyncio.Queue()
        self._events: asyncio.Queue[str | None] = asyncio.Queue()
        self._changed = asyncio.Event()

    # what a session uses

    async def audio(self) -> AsyncIterator[InputAudio]:
        while (piece := await self._audio.get()) is not None:
            yield piece

    async def events(self) -> AsyncIterator[str]:
        while (event := await self._events.get()) is not None:
            yield event

    def send(self, event: str) -> None:
        self.log.append(json.loads(event))
        self._changed.set()

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        if frame is not None:
            assert owner is not None, "sound without an owner"
            self.recording.append((asyncio.get_running_loop().time(), frame))

    def flush(self) -> None:
        return

    def losses(self) -> Losses:
        return Losses()

    async def aclose(self) -> None:
        if not self.closed:
            self.closed = True
            self._audio.put_nowait(None)
            self._events.put_nowait(None)

    # what a test uses

    def send_event(self, **event: Any) -> None:
        self._events.put_nowait(json.dumps(event))

    async def silence(self, ms: int) -> None:
        await self._pieces(np.zeros(16 * ms, np.int16))

    async def speak(self, text: str, word_ms: int = 200) -> None:
        """Say words in real time, without a pause before or after."""
        values = [self.words.value(word) for word in text.split()]
        await self._pieces(np.repeat(np.array(values, np.int16), 16 * word_ms))

    async def noise(self, ms: int) -> None:
        await self._pieces(np.full(16 * ms, 1_500, np.int16))

    async def _pieces(self, samples: np.ndarray[Any, Any]) -> None:
        step = 16 * PIECE_MS
        for at in range(0, len(samples), step):
            self._audio.put_nowait(InputAudio(samples[at : at + step].tobytes()))
            await asyncio.sleep(PIECE_MS / 1000)

    async def wait_for(self, kind: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The `count`th event of this type with these fields; silence is sent meanwhile."""
        while True:
            found = [
                event
                for event in self.log
                if event["type"] == kind and all(event.get(key) == value for key, value in fields.items())
            ]
            if len(found) >= count:
                return found[count - 1]
            await self.silence(PIECE_MS)

    async def told(self, kind: str) -> None:
        """Wait for an event of this type, with a microphone that gives nothing."""
        while kind not in self.types():
            self._changed.clear()
            await self._changed.wait()

    def types(self) -> list[str]:
        return [event["type"] for event in self.log]

    def audible(self) -> np.ndarray[Any, Any]:
        """The left channel of everything played, one frame after the other."""
        return np.concatenate([frame[:, 0] for _, frame in self.recording] or [np.zeros(0, np.int16)])

    def audible_words(self) -> list[str]:
        """The assistant's words of which at least half was at full level."""
        samples = self.audible().astype(float)
        steady = np.flatnonzero(np.abs(np.diff(samples)) < 1)
        values, counts = np.unique(np.round(samples[steady]), return_counts=True)
        loud = {value for value, count in zip(values, counts, strict=True) if count > 24 * WORD_MS}
        kept = samples[[index for index in steady if round(samples[index]) in loud]]
        return self.words.read(kept)


Planned = Callable[[api.PlanRequest], list[Any]]


class FakeEngine:
    """Every role, scripted: `plan` gives the planner's items for a request; an Exception is raised."""

    def __init__(self, words: Words, plan: Planned) -> None:
        self.words = words
        self.plan = plan
        self.requests: list[api.Request] = []
        self.steered: list[api.SteerMusic] = []
        self.fail: dict[str, str] = {}
        self.delay: dict[str, float] = {}  # s before the first item
        self.speech: Callable[[api.SpeechRequest], Iterator[Any]] = self._speech
        self.assignments = {role: Assignment("fake") for role in api.ROLES if role != "turn"}

    def open(self, request: api.Request) -> Any:
        self.requests.append(request)
        role = api.ROLE_OF[type(request)]
        if role in self.fail:
            return _Produced(iter([api.BackendError(self.fail[role])]), 0)
        match request:
            case api.VadRequest():
                return _Vad()
            case api.AsrRequest():
                return _Asr(self.words)
            case api.PlanRequest():
                return _Produced(
                    iter([self.delay.get(role, 0.0), *self.plan(request), api.PlanDone()]), 0.001
                )
            case api.SpeechRequest():
                return _Produced(self.speech(request), 0.01)
            case api.VoicesRequest():
                return _Produced(iter([api.Voice("slt", "en"), api.Voice("rms", "en")]), 0)
            case api.MusicRequest():
                return _Produced(_music(request), 0.005)
            case api.SoundRequest():
                return _Produced(iter([api.SoundChunk(_tone(2_400))] * 10), 0.005)
        raise AssertionError(request)

    def _speech(self, request: api.SpeechRequest) -> Iterator[Any]:
        at = 0
        for number, word in enumerate(request.text.split()):
            begin = request.text.index(word, at)
            at = begin + len(word)
            pcm = np.full(48 * WORD_MS, self.words.value(word), np.int16).tobytes()
            start = number * WORD_MS
            yield api.SpeechChunk(pcm, 48_000, (api.WordTime(begin, at, start, start + WORD_MS),))


def _tone(samples: int) -> bytes:
    return np.full((samples, 2), MUSIC, np.int16).tobytes()


def _music(request: api.MusicRequest) -> Iterator[Any]:
    bar = 0
    while True:
        bar += 1
        state = api.MusicState(0, bar, 4, request.brief.tempo or 100.0, "C major", "a", ("C",), ("piano",))
        yield api.MusicChunk(_tone(4_800), (state,))
        for _ in range(9):
            yield api.MusicChunk(_tone(4_800))


class _Produced:
    """A producing stream: an item every `delay` s of the virtual clock. A float among them is a wait."""

    def __init__(self, items: Iterator[Any], delay: float) -> None:
        self._items = items
        self._delay = delay
        self.closed = False

    async def send(self, item: Any) -> None:
        return

    def __aiter__(self) -> _Produced:
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(self._delay)
        for item in self._items:
            if isinstance(item, float):
                await asyncio.sleep(item)
                continue
            if isinstance(item, Exception):
                raise item
            return item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


class _Fed:
    """A listening stream."""

    def __init__(self) -> None:
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    def __aiter__(self) -> _Fed:
        return self

    async def __anext__(self) -> Any:
        item = await self._out.get()
        if item is None:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        self._out.put_nowait(None)


class _Vad(_Fed):
    def __init__(self) -> None:
        super().__init__()
        self._rest = np.zeros(0, np.int16)
        self._end = 0

    async def send(self, item: api.Audio) -> None:
        self._rest = np.concatenate([self._rest, np.frombuffer(item.pcm, np.int16)])
        while len(self._rest) >= api.VAD_FRAME:
            frame, self._rest = self._rest[: api.VAD_FRAME], self._rest[api.VAD_FRAME :]
            self._end += api.VAD_FRAME
            loud = float(np.mean(np.abs(frame) > 1_000))
            self._out.put_nowait(api.SpeechProbability(loud, self._end, loud))


class _Asr(_Fed):
    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._heard = np.zeros(0, np.int16)
        self._text = ""

    async def send(self, item: api.Input) -> None:
        if isinstance(item, api.EndOfUtterance):
            self._out.put_nowait(self._hypothesis(final=True))
            self._out.put_nowait(None)
        elif isinstance(item, api.Audio):
            self._heard = np.concatenate([self._heard, np.frombuffer(item.pcm, np.int16)])
            heard = self._hypothesis(final=False)
            if heard.text != self._text:
                self._text = heard.text
                self._out.put_nowait(heard)

    def _hypothesis(self, *, final: bool) -> api.Hypothesis:
        text = " ".join(self._words.read(self._heard))
        return api.Hypothesis(text, len(text), len(self._heard), final=final)
