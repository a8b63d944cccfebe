"""Conversations whose connection drops, on the virtual clock: what was heard, said, played and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from models import api
from realtime import config
from realtime.session import Session
from realtime.telemetry import Metrics
from realtime.transport.resumable import ResumableLink
from tests.fakes import MUSIC, FakeEngine, FakeLink, Planned, Words
from tests.virtual_clock import play

LONG = "one two three four five six seven eight"


class Line(FakeLink):
    """One connection of a client whose network can go: from then on nothing arrives, either way."""

    def __init__(self, words: Words, kind: str = "webrtc") -> None:
        super().__init__(words, kind)
        self.farewell = False
        self.gone_at: float | None = None

    @property
    def last_sign(self) -> float:
        return asyncio.get_running_loop().time() if self.gone_at is None else self.gone_at

    async def ready(self) -> bool:
        return True

    def lose_network(self) -> None:
        self.gone_at = asyncio.get_running_loop().time()

    def play(self, frame: Any, owner: Any) -> None:
        if self.gone_at is None:
            super().play(frame, owner)

    def send(self, event: str) -> None:
        if self.gone_at is None:
            super().send(event)


class Stage:
    """A session under way over a link that its client can lose."""

    def __init__(self, plan: Planned, grace: float = 20.0) -> None:
        self.words = Words()
        self.engine = FakeEngine(self.words, plan)
        self.line = Line(self.words)
        self.link = ResumableLink(self.line, "token", grace)
        settings = config.load(["mixer.music_db=0"], environment={})
        self.session = Session(self.link, self.engine, settings, Metrics())  # type: ignore[arg-type]

    async def come_back(self, after: float = 1.0, kind: str = "webrtc") -> Line:
        """The network goes, is found to be gone after a second, and the client is back some time later."""
        before = self.line
        before.lose_network()
        await asyncio.sleep(1.0)
        await before.aclose()
        await asyncio.sleep(after)
        self.line = Line(self.words, kind)
        assert self.link.resume(self.line, before.log[-1]["event_id"])
        await self.line.wait_for("session.created")
        self.line.log[:0] = before.log
        return self.line


def conversation(plan: Planned, dialogue: Any, **options: Any) -> Stage:
    """Hold `dialogue(stage)` in a session; returns the stage after its end."""

    @asynccontextmanager
    async def running() -> AsyncIterator[Stage]:
        stage = Stage(plan, **options)
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.session.run())
            await stage.line.wait_for("session.created")
            yield stage
            await stage.link.aclose()

    async def hold() -> Stage:
        async with running() as stage:
            await dialogue(stage)
        return stage

    return play(hold())


def say(text: str) -> Planned:
    return lambda _: [api.TextDelta(text)]


def call(tool: str, **arguments: Any) -> Planned:
    made = api.ToolCall("call_1", tool, json.dumps(arguments))
    return lambda request: [] if request.messages[-1].role in ("tool", "system") else [made]


def test_a_reply_goes_on_where_the_client_stopped_hearing_it() -> None:
    async def dialogue(stage: Stage) -> None:
        await stage.line.speak("count")
        await stage.line.wait_for("response.output_audio_transcript.delta", 3)
        before = stage.line
        line = await stage.come_back()
        await line.wait_for("response.done")
        heard = np.concatenate([before.audible(), line.audible()]).astype(float)
        assert stage.words.read(heard[np.flatnonzero(np.abs(np.diff(heard)) < 1)]) == LONG.split()
        said = [event["delta"] for event in line.log if event["type"].endswith("transcript.delta")]
        assert "".join(said) == LONG
        ids = [event["event_id"] for event in line.log]
        assert len(set(ids)) == len(ids)
        assert [m.content for m in stage.session.history.messages()] == ["count", LONG]

    conversation(say(LONG), dialogue)


def test_who_came_back_is_told_that_it_is_the_same_conversation() -> None:
    async def dialogue(stage: Stage) -> None:
        line = await stage.come_back()
        await line.wait_for("audiogpt.activity", 2, state="listening")
        created = [event for event in line.log if event["type"] == "session.created"]
        assert len(created) == 2
        assert created[0]["session"]["id"] == created[1]["session"]["id"] == stage.session.id
        infos = [event for event in line.log if event["type"] == "audiogpt.session.info"]
        assert [info["resume"] for info in infos] == ["token", "token"]
        assert infos[0]["resume_grace"] == 20.0

    conversation(say("yes"), dialogue)


def test_music_waits_and_goes_on() -> None:
    async def dialogue(stage: Stage) -> None:
        await stage.line.speak("play")
        await stage.line.wait_for("audiogpt.music.state", 3)
        before = stage.session.mixer.music.consumed
        line = await stage.come_back(after=10)
        assert stage.session.mixer.music.consumed - before < 48_000 * 2.2, "it went on without a listener"
        bar = (await line.wait_for("audiogpt.music.state", 4))["bar"]
        assert (await line.wait_for("audiogpt.music.state", 6))["bar"] > bar
        assert np.abs(line.audible()).max() == MUSIC

    conversation(call("play_music", brief={"style": "waltz"}), dialogue)


def test_a_timer_that_rang_meanwhile_is_told_of() -> None:
    async def dialogue(stage: Stage) -> None:
        await stage.line.speak("timer")
        await stage.line.wait_for("audiogpt.timer", state="set")
        await stage.line.silence(500)
        line = await stage.come_back(after=8)
        await line.wait_for("audiogpt.timer", state="over")

    conversation(call("set_timer", seconds=5, label="tea"), dialogue)


def test_it_may_come_back_over_a_websocket_and_append_audio_there() -> None:
    class Socket(Line):
        appended = ""

        def append(self, audio: str) -> None:
            self.appended += audio

        def set_formats(self, incoming: str, outgoing: str) -> None:
            """No audio is looked at."""

    async def dialogue(stage: Stage) -> None:
        await stage.line.aclose()
        await asyncio.sleep(0.1)
        line = Socket(stage.words, "websocket")
        assert stage.link.resume(line)
        line.send_event(type="input_audio_buffer.append", audio="AAAA")
        await line.speak("hello")
        await line.wait_for("response.done")
        assert line.appended == "AAAA"
        assert "output_audio_buffer.started" not in line.types()

    conversation(say("yes"), dialogue)


def test_who_does_not_come_back_ends_the_session() -> None:
    async def dialogue() -> float:
        stage = Stage(say("yes"), grace=7)
        running = asyncio.create_task(stage.session.run())
        await stage.line.wait_for("session.created")
        began = asyncio.get_running_loop().time()
        await stage.line.aclose()
        await running
        return asyncio.get_running_loop().time() - began

    assert round(play(dialogue()), 1) == 7.0
