"""Interruptions at random moments, on the virtual clock: the history is what the client's recording holds.

Each seed is a scene: a voice with words of random lengths, with or without their times, music behind it or
none, a noise that paused it before or none, a path to the client with its delays, and somebody who
interrupts, by speech or by an event. AUDIOGPT_INTERRUPTIONS asks for another number of scenes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from models import api
from realtime import config
from realtime.session import Session
from realtime.speaking.ledger import LETTERS_A_SECOND
from realtime.telemetry import Metrics
from realtime.transport.link import FRAME_SAMPLES, AudioOwner, StereoFrame
from tests.fakes import MUSIC, FakeEngine, FakeLink, Words, _Produced
from tests.virtual_clock import play

SCENES = int(os.environ.get("AUDIOGPT_INTERRUPTIONS", "200"))
BATCH = 25
RATE = api.SPEAKING_RATE
FRAME_S = FRAME_SAMPLES / RATE
MEANS = ("speech", "speech", "response.cancel", "conversation.item.truncate")
# A voice that gives no times is estimated by its letters: this one speaks at the expected rate, each word
# up to a tenth faster or slower. (How well real voices keep to their letters is no question of the ledger.)
UNEVEN = 0.1


@dataclass(frozen=True)
class Scene:
    """What happens."""

    kind: str
    means: str
    text: str
    word_ms: dict[str, int]
    timed: bool
    music: bool
    noise_at: int | None  # ms after the first sound
    moment: int  # ms after the first sound, or after the noise
    interruption: int  # words of it
    waiting: int  # frames that leave late
    network: float  # s
    buffer: float  # s, in the client


def scene(seed: int) -> Scene:
    rng = random.Random(seed)
    timed = rng.random() < 0.7
    words = ["abcdefghi"[: rng.randint(1, 9)] + str(number) for number in range(rng.randint(6, 24))]
    words = [word + rng.choice(["", "", "", ",", ". "]).strip() for word in words]
    return Scene(
        kind := rng.choice(["webrtc", "websocket"]),
        rng.choice(MEANS[: 4 if kind == "websocket" else 3]),
        " ".join(words),
        {
            word: rng.randint(100, 450)
            if timed
            else round(len(word) / LETTERS_A_SECOND * 1000 * rng.uniform(1 - UNEVEN, 1 + UNEVEN))
            for word in words
        },
        timed,
        rng.random() < 0.3,
        rng.randint(50, 1_500) if rng.random() < 0.4 else None,
        rng.randint(0, 3_500),
        rng.randint(2, 8),
        rng.choice([0, 0, 1, 3]),
        rng.uniform(0, 0.25),
        rng.uniform(0, 0.25),
    )


class Voice(FakeEngine):
    """Words as long as the scene says; music in opposite phase, so that the middle holds the voice alone."""

    def __init__(self, scene: Scene, words: Words) -> None:
        super().__init__(words, self._plan)
        self.scene = scene

    def _plan(self, request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role != "user" or last.content != "begin":
            return [api.TextDelta("fine")] if last.role == "user" else []
        begun = [api.ToolCall("call_1", "play_music", json.dumps({"brief": {"style": "waltz"}}))]
        return [api.TextDelta(self.scene.text), *(begun if self.scene.music else [])]

    def open(self, request: api.Request) -> Any:
        if isinstance(request, api.MusicRequest):
            return _Produced(_antiphase(), 0.005)
        return super().open(request)

    def _speech(self, request: api.SpeechRequest) -> Iterator[Any]:
        at, now = 0, 0
        for word in request.text.split():
            begin = request.text.index(word, at)
            at = begin + len(word)
            length = self.scene.word_ms.get(word, 200)
            times = (api.WordTime(begin, at, now, now + length),) if self.scene.timed else ()
            value = self.words.value(word)
            yield api.SpeechChunk(np.full(48 * length, value, np.int16).tobytes(), RATE, times)
            now += length


def _antiphase() -> Iterator[Any]:
    state = api.MusicState(0, 1, 4, 100.0, "C major", "a", ("C",), ("piano",))
    yield api.MusicChunk(np.tile(np.array([MUSIC, -MUSIC], np.int16), 4_800).tobytes(), (state,))
    while True:
        yield api.MusicChunk(np.tile(np.array([MUSIC, -MUSIC], np.int16), 4_800).tobytes())


@dataclass
class Heard:
    """A frame on its way to somebody's ear."""

    at: float  # when it is heard
    sent: float
    middle: Any  # its samples, as many as are heard
    item_id: str


class Receiver(FakeLink):
    """A client that plays what left, a network and a buffer later.

    Over WebRTC nothing calls back what has left. Over a WebSocket the client drops what waits in its buffer
    when it learns that the response is over, or at once when it is the one who wants it over.
    """

    def __init__(self, scene: Scene, words: Words) -> None:
        super().__init__(words, scene.kind)
        self.scene = scene
        self.frames: list[Heard] = []
        self.muted = ""  # the item that the client itself has stopped
        self._pending: deque[float] = deque()  # when each frame leaves

    @property
    def waiting_ms(self) -> float:
        now = asyncio.get_running_loop().time()
        return 20.0 * sum(leaves > now for leaves in self._pending)

    @property
    def playout_delay_ms(self) -> float:
        return self.waiting_ms + (self.scene.network + self.scene.buffer) * 1000

    @playout_delay_ms.setter
    def playout_delay_ms(self, value: float) -> None:
        """The fake's own constant is not wanted."""

    @property
    def recalled_ms(self) -> float:
        return self.waiting_ms + (self.scene.buffer * 1000 if self.kind == "websocket" else 0)

    @recalled_ms.setter
    def recalled_ms(self, value: float) -> None:
        """As above."""

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        super().play(frame, owner)
        if frame is None or owner is None:
            return
        leaves = asyncio.get_running_loop().time() + self.scene.waiting * FRAME_S
        self._pending.append(leaves)
        if owner.item_id != self.muted:
            middle = frame.astype(float).mean(axis=1)
            at = leaves + self.scene.network + self.scene.buffer
            self.frames.append(Heard(at, leaves, middle, owner.item_id))

    def flush(self) -> None:
        now = asyncio.get_running_loop().time()
        self.frames = [frame for frame in self.frames if frame.sent <= now]
        self._pending.clear()

    def send(self, event: str) -> None:
        super().send(event)
        body = self.log[-1]
        over = body["type"] == "response.done" and body["response"]["status"] == "cancelled"
        if self.kind == "websocket" and (over or body["type"] == "conversation.item.truncated"):
            self.drop(asyncio.get_running_loop().time() + self.scene.network)

    def drop(self, now: float) -> None:
        """Play nothing more of what came before `now`."""
        for frame in self.frames:
            frame.middle = frame.middle[: max(0, round((now - frame.at) * RATE))]

    def press(self) -> float:
        """Stop the item that sounds; returns how much of it was played, ms."""
        now = asyncio.get_running_loop().time()
        self.muted = self.frames[0].item_id
        self.drop(now)
        return 1000 * sum(len(frame.middle) for frame in self.frames) / RATE

    def words_of(self, item_id: str, scene: Scene) -> list[str]:
        """The words of which at least half was heard at full level."""
        parts = [frame.middle for frame in self.frames if frame.item_id == item_id]
        values = Counter(np.round(np.concatenate(parts)).tolist()) if parts else Counter()
        return [
            word
            for word in scene.text.split()
            if values[self.words.value(word)] >= 48 * scene.word_ms[word] / 2 - 48 * 20
        ]


def typed(link: FakeLink, text: str) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    link.send_event(type="conversation.item.create", item=item)
    link.send_event(type="response.create")


async def interrupted(scene: Scene) -> tuple[list[str], list[str], str]:
    """Play a scene. Returns the words of the history, those of the recording, and how the reply ended."""
    words = Words()
    link = Receiver(scene, words)
    settings = config.load(["mixer.music_db=0"], environment={})
    session = Session(link, Voice(scene, words), settings, Metrics())  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        group.create_task(session.run())
        await link.wait_for("session.created")
        typed(link, "begin")
        begun = await link.wait_for("response.created")
        added = await link.wait_for("response.output_item.added", response_id=begun["response"]["id"])
        item_id = added["item"]["id"]
        if scene.noise_at is not None:
            await link.silence(scene.noise_at)
            await link.noise(70)
        until = loop.time() + scene.moment / 1000
        await link.silence(scene.moment // 20 * 20)
        await asyncio.sleep(max(0.0, until - loop.time()))
        match scene.means:
            case "speech":
                said = ["no", "wait", "I", "want", "something", "else", "now", "please"]
                await link.speak(" ".join(said[: scene.interruption]))
            case "response.cancel":
                link.send_event(type="response.cancel")
            case "conversation.item.truncate":
                if link.frames:
                    link.send_event(
                        type="conversation.item.truncate",
                        item_id=item_id,
                        content_index=0,
                        audio_end_ms=round(link.press()),
                    )
        while not (done := _done(link, added["response_id"])):
            await link.silence(20)
        entry = session.history.find(item_id)
        if scene.means == "conversation.item.truncate" and link.muted and entry is not None:
            await link.wait_for("conversation.item.truncated")
        await asyncio.sleep(1)
        await link.aclose()
    history = entry.text.split() if entry is not None else []
    return history, link.words_of(item_id, scene), done["response"]["status"]


def _done(link: FakeLink, response_id: str) -> dict[str, Any] | None:
    return next(
        (e for e in link.log if e["type"] == "response.done" and e["response"]["id"] == response_id), None
    )


@pytest.mark.parametrize("first", range(0, SCENES, BATCH))
def test_the_history_is_what_the_recording_holds(first: int) -> None:
    ends = Counter()
    for seed in range(first, first + BATCH):
        played = scene(seed)
        history, recording, status = play(interrupted(played))
        assert history == played.text.split()[: len(history)], (seed, played)
        assert abs(len(history) - len(recording)) <= 1, (seed, played, history, recording)
        if status == "completed":
            assert history == played.text.split(), seed
        ends[status] += 1
    assert ends["cancelled"] > BATCH / 3  # enough were in time to interrupt


LONG = "one two three four five six, seven eight nine ten eleven twelve"


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[FakeLink, Session]]:
    """A call over a WebSocket, in which the assistant has begun to say LONG, 240 ms a word."""
    words = Words()
    link = FakeLink(words, "websocket")
    engine = FakeEngine(words, lambda request: [api.TextDelta(LONG)])
    session = Session(link, engine, config.load([], environment={}), Metrics())  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        group.create_task(session.run())
        await link.wait_for("session.created")
        typed(link, "count")
        await link.wait_for("response.output_item.added")
        yield link, session
        await link.aclose()


def truncate(link: FakeLink, audio_end_ms: int) -> str:
    item_id = next(e["item"]["id"] for e in link.log if e["type"] == "response.output_item.added")
    link.send_event(
        type="conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms
    )
    return str(item_id)


async def retrieved(link: FakeLink, item_id: str) -> str:
    link.send_event(type="conversation.item.retrieve", item_id=item_id)
    event = await link.wait_for("conversation.item.retrieved")
    return str(event["item"]["content"][0]["transcript"])


def test_a_client_that_truncates_what_sounds_stops_it() -> None:
    async def dialogue() -> None:
        async with counting() as (link, session):
            await link.silence(1_500)
            item_id = truncate(link, 1_000)
            done = await link.wait_for("response.done")
            assert done["response"]["status"] == "cancelled"
            await link.wait_for("conversation.item.truncated", audio_end_ms=1_000)
            assert await retrieved(link, item_id) == "one two three four"
            frames = len(link.recording)
            await link.silence(500)
            assert len(link.recording) <= frames + 1  # the cut's own 10 ms
            heard = session.history.messages()[-1]
            assert (heard.content, heard.interrupted) == ("one two three four", True)
            assert heard.unheard.split() == LONG.split()[4:]

    play(dialogue())


def test_a_client_may_truncate_what_is_over_but_not_lengthen_it() -> None:
    async def dialogue() -> None:
        async with counting() as (link, _):
            await link.wait_for("response.done")
            for number, (asked, told, words) in enumerate(
                [(99_999, 12 * 240, 12), (1_000, 1_000, 4), (2_000, 1_000, 4)], start=1
            ):
                item_id = truncate(link, asked)
                truncated = await link.wait_for("conversation.item.truncated", number)
                assert truncated["audio_end_ms"] == told
                link.log = [e for e in link.log if e["type"] != "conversation.item.retrieved"]
                assert await retrieved(link, item_id) == " ".join(LONG.split()[:words])

    play(dialogue())


def test_only_the_assistants_voice_is_truncated() -> None:
    async def dialogue() -> None:
        async with counting() as (link, session):
            typed_item = next(iter(session.history.messages()))
            assert typed_item.role == "user"
            first = next(e["item"]["id"] for e in link.log if e["type"] == "conversation.item.added")
            link.send_event(
                type="conversation.item.truncate", item_id=first, content_index=0, audio_end_ms=10
            )
            assert (await link.wait_for("error"))["error"]["code"] == "invalid_item"

    play(dialogue())
