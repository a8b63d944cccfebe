"""A fake of the music backend that can be steered, for players on the virtual clock."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import numpy as np

from models import api
from models.plan import MusicBrief
from tests.fakes import FakeEngine

CHUNK = 4_800  # samples: 100 ms, as the composer's
UNPLAYABLE = "kazoodle"  # an instrument that nobody here can play
CHUNK_S = 0.005  # how long a chunk takes
AHEAD = 4  # chunks that the stream holds, as the engine's


class SteerableMusic:
    """Bars of four beats whose samples are their number; it takes edits as the composer does."""

    def __init__(self, request: api.MusicRequest) -> None:
        self.request = request
        self.steered: list[MusicBrief] = []
        self.closed = False
        self._brief = request.brief
        self._bars = request.brief.bars
        self._refused = self._unplayable(request.brief)
        self._made = 0  # samples
        self._bar = 0  # bars begun
        self._next_bar = 0.0  # samples
        self._waiting: deque[api.MusicChunk] = deque()

    @staticmethod
    def _unplayable(brief: MusicBrief) -> bool:
        return UNPLAYABLE in brief.instruments

    async def send(self, item: api.SteerMusic) -> None:
        while len(self._waiting) < AHEAD and not self._over:  # what had been made before the edit came
            self._waiting.append(self._chunk())
        if self._unplayable(item.brief) or self._over:
            self._waiting.append(api.MusicChunk(b""))
            return
        self.steered.append(item.brief)
        self._brief = item.brief
        self._waiting.append(api.MusicChunk(b"", (self._state(round(self._next_bar) - self._made),)))

    @property
    def _over(self) -> bool:
        return self._bars is not None and self._bar >= self._bars and self._made >= self._next_bar

    def _state(self, offset: int) -> api.MusicState:
        brief = self._brief
        key = f"{brief.tonic or 'C'} {brief.mode or 'major'}"
        playing = brief.instruments or ("piano",)
        return api.MusicState(offset, self._bar + 1, 4, brief.tempo or 100.0, key, "a", ("C",), playing)

    def _chunk(self) -> api.MusicChunk:
        samples = np.full((CHUNK, 2), 100 * self._bar, np.int16)
        states: tuple[api.MusicState, ...] = ()
        begin = round(self._next_bar) - self._made
        if begin < CHUNK and (self._bars is None or self._bar < self._bars):
            states = (self._state(begin),)
            self._bar += 1
            samples[begin:] = 100 * self._bar
            self._next_bar += 4 * 60 / (self._brief.tempo or 100.0) * api.SPEAKING_RATE
        self._made += CHUNK
        return api.MusicChunk(samples.tobytes(), states)

    def __aiter__(self) -> SteerableMusic:
        return self

    async def __anext__(self) -> api.MusicChunk:
        await asyncio.sleep(CHUNK_S)
        if self._refused:
            raise api.BackendError(f"no instrument is called {UNPLAYABLE!r}")
        if self._waiting:
            return self._waiting.popleft()
        if self._over:
            raise StopAsyncIteration
        return self._chunk()

    async def aclose(self) -> None:
        self.closed = True


class MusicEngine(FakeEngine):
    """An engine whose music can be steered; `played` are its pieces in order."""

    def __init__(self, words: Any, plan: Any) -> None:
        super().__init__(words, plan)
        self.played: list[SteerableMusic] = []

    def open(self, request: api.Request) -> Any:
        if not isinstance(request, api.MusicRequest) or "music" in self.fail:
            return super().open(request)
        self.requests.append(request)
        self.played.append(SteerableMusic(request))
        return self.played[-1]
