"""A session on its stage: scripted models, a client, and the check that every event is the protocol's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from models import api
from realtime import config
from realtime.session import Session
from realtime.telemetry import Metrics
from tests.fakes import FakeEngine, FakeLink, Planned, Words

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def say(text: str) -> Planned:
    return lambda _: [api.TextDelta(text)]


def call(tool: str, **arguments: Any) -> api.ToolCall:
    return api.ToolCall("call_1", tool, json.dumps(arguments))


class Stage:
    """A session under way, with its client."""

    def __init__(
        self, plan: Planned, kind: str, engine: type[FakeEngine] = FakeEngine, flags: Sequence[str] = ()
    ) -> None:
        words = Words()
        self.engine = engine(words, plan)
        self.link = FakeLink(words, kind)
        # Words that are levels of samples do not survive an echo canceller.
        usual = ["mixer.music_db=0", "turn.interrupt_ms=2000", "hearing.cancel_echo=false"]
        settings = config.load([*usual, *flags], environment={})
        self.session = Session(self.link, self.engine, settings, Metrics())  # type: ignore[arg-type]

    @property
    def history(self) -> list[tuple[str, str]]:
        return [
            (message.role, message.content) for message in self.session.history.messages() if message.content
        ]


@asynccontextmanager
async def conversation(
    plan: Planned,
    kind: str = "webrtc",
    engine: type[FakeEngine] = FakeEngine,
    flags: Sequence[str] = (),
) -> AsyncIterator[Stage]:
    stage = Stage(plan, kind, engine, flags)
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.session.run())
        await stage.link.wait_for("session.created")
        yield stage
        await stage.link.aclose()
    conforms(stage.link.log)


def conforms(log: list[dict[str, Any]]) -> None:
    """Every event is of the protocol or our own, and responses pair and nest."""
    created, done = [], []
    for event in log:
        if not event["type"].startswith("audiogpt."):
            SERVER_EVENT.validate_python(event)
        if event["type"] == "response.created":
            created.append(event["response"]["id"])
        elif event["type"] == "response.done":
            done.append(event["response"]["id"])
        elif event["type"].startswith("response."):
            assert event["response_id"] in created
            assert event["response_id"] not in done
    assert sorted(created) == sorted(done)
    assert len(set(done)) == len(done)
