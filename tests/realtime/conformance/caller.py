"""A caller on the virtual clock, over either transport, whose every event passes the checker of orders."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from models import api
from realtime import config
from realtime.protocol import new_id
from realtime.security.limits import Limits
from realtime.session import Session
from realtime.telemetry import Metrics
from realtime.transport.link import AudioOwner, InputAudio, StereoFrame
from tests.fakes import FakeEngine, FakeLink, Planned, Words
from tests.realtime.conformance.items import Item
from tests.realtime.conformance.order import OWN, Order, Transport
from tests.realtime.conformance.shapes import faults

FRAME = base64.b64encode(bytes(960)).decode()  # 20 ms of audio/pcm


class CheckedLink(FakeLink):
    """A fake link that feeds the checker, and over the WebSocket has the sound in the events."""

    def __init__(self, words: Words, transport: Transport) -> None:
        super().__init__(words, transport)
        self.order = Order(transport)
        self.faults: list[str] = []
        if transport == "websocket":
            self.append = self._append

    def send(self, event: str) -> None:
        super().send(event)
        told = self.log[-1]
        self.order.feed(told)
        if not told["type"].startswith(OWN):
            self.faults += [f"{told['type']}: {fault}" for fault in faults(told)]

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        super().play(frame, owner)
        if self.kind == "websocket" and frame is not None and owner is not None:
            place = {
                "response_id": owner.response_id,
                "item_id": owner.item_id,
                "output_index": owner.output_index,
                "content_index": owner.content_index,
            }
            event = {
                "type": "response.output_audio.delta",
                "event_id": new_id("event"),
                "delta": FRAME,
                **place,
            }
            self.send(json.dumps(event))

    def send_event(self, **event: Any) -> None:
        event.setdefault("event_id", new_id("mine"))
        self.order.sent(event)
        super().send_event(**event)

    def _append(self, audio: str) -> None:
        """Base64 PCM at 24 kHz; of three samples two are kept, so that words stay words."""
        pcm = base64.b64decode(audio, validate=True)
        if len(pcm) % 2:
            raise ValueError("the audio has an odd number of bytes; send whole 16-bit samples")
        samples = np.frombuffer(pcm, np.int16)
        self._audio.put_nowait(InputAudio(samples[np.arange(len(samples)) % 3 != 2].tobytes()))


class Caller:
    """A session under way, and its client."""

    def __init__(self, plan: Planned, transport: Transport, *flags: str, engine: type[FakeEngine]) -> None:
        words = Words()
        self.engine = engine(words, plan)
        self.link = CheckedLink(words, transport)
        settings = config.load(
            ["mixer.music_db=0", "turn.interrupt_ms=2000", "hearing.cancel_echo=false", *flags],
            environment={},
        )
        meter = Limits(settings.security, asyncio.get_running_loop().time).meter("")
        self.session = Session(self.link, self.engine, settings, Metrics(), meter=meter)  # type: ignore[arg-type]

    @property
    def order(self) -> Order:
        return self.link.order

    def send(self, kind: str, **fields: Any) -> None:
        self.link.send_event(type=kind, **fields)


class _Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@asynccontextmanager
async def calling(
    plan: Planned, transport: Transport, *flags: str, engine: type[FakeEngine] = FakeEngine
) -> AsyncIterator[Caller]:
    """A call; when it is over nothing may be wrong, and nothing may be left of it."""
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.seen.append(str(context)))
    before = asyncio.all_tasks()
    caller = Caller(plan, transport, *flags, engine=engine)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(caller.session.run())
            await caller.link.wait_for("session.created")
            yield caller
            await caller.link.aclose()
    finally:
        logging.getLogger().removeHandler(errors)
    found = [str(violation) for violation in caller.order.end()]
    assert found == [], told(caller)
    assert caller.link.faults == []
    assert errors.seen == []
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert left == set()
    shown, kept = sorted(listed(caller)), sorted(remembered(caller))
    assert shown == kept, f"the client has {shown}\nthe server has {kept}\n{told(caller)}"


def told(caller: Caller) -> str:
    """The stream with its violations, for whoever reads a failed test."""
    wrong = {violation.number: violation.rule for violation in caller.order.violations}
    lines = [
        f"{n:4} {e['type']}  {'<== ' + wrong[n] if n in wrong else ''}"
        for n, e in enumerate(caller.link.log, 1)
    ]
    return "\n".join([*lines, *([f"at the end: {wrong[0]}"] if 0 in wrong else [])])


def text_of(item: dict[str, Any]) -> str:
    """The words of an item."""
    parts = [part.get("transcript") or part.get("text") or "" for part in item.get("content") or []]
    return (
        " ".join(part.strip() for part in parts if part) or item.get("output") or item.get("arguments") or ""
    )


def _cut(item: Item) -> bool:
    """Whether the words may differ: cut to what was heard, or, without transcription, never told."""
    untold = item.body.get("role") == "user" and not item.transcribed and not text_of(item.body)
    return item.truncated_ms is not None or item.body.get("status") == "incomplete" or untold


def listed(caller: Caller) -> list[tuple[str, str]]:
    """The conversation as the client's events tell it: (id, words). Of what was truncated, only the id."""
    items = caller.order.items
    out = []
    for item_id in items.order:
        item = items.known[item_id]
        out.append((item_id, "" if _cut(item) else item.heard.strip() or text_of(item.body)))
    return out


def remembered(caller: Caller) -> list[tuple[str, str]]:
    """The same by the history, without what the server noted for itself (a timer, what it did)."""
    items = caller.order.items
    out = []
    for entry in list(caller.session.history._entries.values()):  # the whole of it, as it is kept
        item = items.known.get(entry.id)
        if entry.private:
            continue
        cut = item is not None and _cut(item)
        if cut and item is not None:
            said = text_of(item.body)
            assert not said or said.startswith(entry.text.strip()), (item.body, entry.text)
        out.append((entry.id, "" if cut else text_of(entry.as_item())))
    return out


def planner(*, tools: Callable[[api.PlanRequest], list[Any]] | None = None) -> Planned:
    """A planner that does what the last words say."""

    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1] if request.messages else None
        words = last.content if last is not None and last.role != "tool" else ""
        offered = [tool.name for tool in request.tools if tool.client]
        if last is not None and last.role == "tool":
            return [api.TextDelta("so it is")]
        if offered and "look" in words:
            return [
                api.TextDelta("wait"),
                api.ToolCall(f"call_{len(request.messages)}", offered[0], '{"at": 1}'),
            ]
        found: list[Any] = [item for word, items in PLANS.items() if word in words for item in items]
        return found or [api.TextDelta("one two three")]

    return plan


def _tool(name: str, **arguments: Any) -> api.ToolCall:
    return api.ToolCall(f"call_{name}", name, json.dumps(arguments))


PLANS: dict[str, list[Any]] = {
    "play": [api.TextDelta("listen"), _tool("play_music", brief={"style": "waltz"})],
    "bell": [_tool("play_sound", description="a bell")],
    "timer": [_tool("set_timer", seconds=2, label="tea")],
    "fail": [api.BackendError("the planner broke")],
    "count": [api.TextDelta("one two three four, five six seven eight. Nine ten, eleven twelve.")],
    "nothing": [],
}
