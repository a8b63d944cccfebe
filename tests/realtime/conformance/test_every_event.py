"""Every server event that the `openai` package knows is provoked here, or never applies, and why."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from models import api
from tests.fakes import FakeEngine
from tests.realtime.conformance.caller import Caller, calling, planner
from tests.realtime.conformance.order import Transport
from tests.realtime.conformance.shapes import MODELS, faults
from tests.realtime.conformance.test_random_dialogues import FUNCTION, message
from tests.virtual_clock import play

NEVER = {
    "conversation.created": "the beta's; sessions of the GA protocol have one conversation, never announced",
    "conversation.item.created": "the beta's name of conversation.item.added",
    "input_audio_buffer.dtmf_event_received": "keys of a telephone, over SIP only",
    "conversation.item.input_audio_transcription.segment": "of models that tell speakers apart; ours do not",
    **{kind: "MCP is not offered" for kind in MODELS if "mcp" in kind},
}


class DeafEngine(FakeEngine):
    """Its recogniser breaks."""

    def open(self, request: api.Request) -> Any:
        if isinstance(request, api.AsrRequest):
            self.fail["asr"] = "the recogniser broke"
        return super().open(request)


async def spoken(caller: Caller) -> None:
    await caller.link.speak("count")
    await caller.link.wait_for("response.content_part.added")
    await caller.link.silence(600)
    await caller.link.speak("stop it now")
    await caller.link.wait_for("response.done", 2)
    await caller.link.silence(500)


async def written(caller: Caller) -> None:
    caller.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    caller.send("conversation.item.create", item=message("user", "hello"))
    caller.send("response.create")
    await caller.link.wait_for("response.done")
    item_id = (await caller.link.wait_for("conversation.item.done"))["item"]["id"]
    caller.send("conversation.item.retrieve", item_id=item_id)
    caller.send("conversation.item.delete", item_id=item_id)
    caller.send("conversation.item.delete", item_id=item_id)
    await caller.link.wait_for("error")


async def called(caller: Caller) -> None:
    caller.send("session.update", session={"type": "realtime", "tools": [FUNCTION]})
    caller.send("conversation.item.create", item=message("user", "look"))
    caller.send("response.create")
    call = (await caller.link.wait_for("response.function_call_arguments.done"))["call_id"]
    await caller.link.wait_for("response.done")
    output = {"type": "function_call_output", "call_id": call, "output": "{}"}
    caller.send("conversation.item.create", item=output)
    caller.send("response.create")
    await caller.link.wait_for("response.done", 2)


async def beside(caller: Caller) -> None:
    question = message("user", "hello")
    caller.send(
        "response.create", response={"conversation": "none", "input": [question], "metadata": {"for": "me"}}
    )
    done = await caller.link.wait_for("response.done")
    assert done["response"]["metadata"] == {"for": "me"}
    assert done["response"]["conversation_id"] is None


async def committed(caller: Caller) -> None:
    detection = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    caller.send("session.update", session=detection)
    await caller.link.silence(100)
    await caller.link.speak("hello")
    caller.send("input_audio_buffer.commit")
    await caller.link.wait_for("input_audio_buffer.committed")
    caller.send("input_audio_buffer.clear")
    await caller.link.wait_for("input_audio_buffer.cleared")


async def silent(caller: Caller) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5_000}
    caller.send(
        "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    )
    await caller.link.speak("hello")
    await caller.link.wait_for("input_audio_buffer.timeout_triggered")
    await caller.link.wait_for("response.done", 2)


async def deaf(caller: Caller) -> None:
    part = {"type": "input_audio", "audio": base64.b64encode(bytes(48_000)).decode()}
    caller.send("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    await caller.link.wait_for("conversation.item.input_audio_transcription.failed")


SCENES: list[Callable[[Caller], Awaitable[None]]] = [spoken, written, called, beside, committed, silent, deaf]


@pytest.fixture(scope="module")
def provoked() -> set[str]:
    """Fills as the scenes play."""
    return set()


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_scene_keeps_the_orders(
    provoked: set[str], scene: Callable[[Caller], Awaitable[None]], transport: Transport
) -> None:
    seen: list[str] = []

    async def dialogue() -> None:
        engine = DeafEngine if scene is deaf else FakeEngine
        async with calling(planner(), transport, engine=engine) as caller:
            try:
                await scene(caller)
            finally:
                seen.extend(caller.link.types())

    play(dialogue(), seconds=60)
    provoked.update(seen)


def test_every_event_of_the_protocol_was_provoked(provoked: set[str]) -> None:
    assert set(MODELS) - set(NEVER) - provoked == set()
    assert provoked.isdisjoint(NEVER)


def test_a_wrong_shape_is_noticed() -> None:
    cleared = {"type": "input_audio_buffer.cleared", "event_id": "event_1"}
    assert faults(cleared) == []
    assert faults({**cleared, "extra": 1}) == ["unknown field .extra"]
    assert faults({**cleared, "event_id": 1})
    assert faults({"type": "input_audio_buffer.cleaned"})
    item = {
        "id": "item_1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "txt": "x"}],
    }
    assert faults({"type": "conversation.item.added", "event_id": "event_1", "item": item})
