"""`idle_timeout_ms`: a silence after the assistant's last sound is answered."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from models import api
from tests.stage import Stage, call, conversation, say
from tests.virtual_clock import play

TIMEOUT_MS = 6_000
TRIGGERED = "input_audio_buffer.timeout_triggered"


async def ask_for(stage: Stage, timeout_ms: int | None = TIMEOUT_MS, **more: Any) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": timeout_ms, **more}
    count = stage.link.types().count("session.updated") + 1
    stage.link.send_event(type="session.update", session={"audio": {"input": {"turn_detection": detection}}})
    await stage.link.wait_for("session.updated", count)


async def answered(stage: Stage, words: str = "hello") -> None:
    """A turn, and its answer heard to the end."""
    count = stage.link.types().count("output_audio_buffer.stopped") + 1
    await stage.link.speak(words)
    await stage.link.wait_for("output_audio_buffer.stopped", count)


def test_a_silence_after_our_answer_is_answered() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage)
            await answered(stage)
            over = asyncio.get_running_loop().time()
            triggered = await stage.link.wait_for(TRIGGERED)
            assert asyncio.get_running_loop().time() - over == pytest.approx(TIMEOUT_MS / 1000, abs=0.1)
            silent = triggered["audio_end_ms"] - triggered["audio_start_ms"]
            assert silent == pytest.approx(TIMEOUT_MS, abs=100)
            assert triggered["audio_end_ms"] == pytest.approx(stage.session.ears.milliseconds, abs=40)
            await stage.link.wait_for("response.done", 2)
            types = [kind for kind in stage.link.types() if not kind.startswith("audiogpt.")]
            begin = types.index(TRIGGERED)
            assert types[begin : begin + 5] == [
                TRIGGERED,
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "response.created",
            ]
            committed = await stage.link.wait_for("input_audio_buffer.committed", 2)
            assert committed["item_id"] == triggered["item_id"]
            item = next(
                event["item"]
                for event in stage.link.log
                if event["type"] == "conversation.item.added" and event["item"]["id"] == triggered["item_id"]
            )
            assert item["content"] == [{"type": "input_audio", "transcript": None}]
            plan = [one for one in stage.engine.requests if isinstance(one, api.PlanRequest)][-1]
            assert json.loads(plan.messages[-1].content) == {"event": "idle", "seconds": 6.0}

    play(dialogue())


def test_it_comes_again_after_every_answer() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage)
            await answered(stage)
            await stage.link.wait_for(TRIGGERED, 3)
            assert stage.link.types().count("response.created") >= 3

    play(dialogue())


@pytest.mark.parametrize("detection", [{}, {"idle_timeout_ms": None}])
def test_it_is_off_unless_asked_for(detection: dict[str, Any]) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            if detection:
                await ask_for(stage, None)
            await answered(stage)
            await stage.link.silence(40_000)
            assert TRIGGERED not in stage.link.types()

    play(dialogue())


def test_nothing_comes_before_the_first_answer() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage)
            await stage.link.silence(20_000)
            assert TRIGGERED not in stage.link.types()

    play(dialogue())


def test_who_speaks_is_not_idle() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage)
            await answered(stage)
            for _ in range(4):
                await stage.link.silence(TIMEOUT_MS - 1_000)
                await answered(stage)
            assert TRIGGERED not in stage.link.types()

    play(dialogue())


def test_who_listens_to_music_is_not_idle() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        if request.messages[-1].role == "tool":
            return []
        return [call("play_music", brief={"style": "waltz"})]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await ask_for(stage)
            await stage.link.speak("play")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(15_000)
            assert TRIGGERED not in stage.link.types()
            stage.link.send_event(type="output_audio_buffer.clear")
            stage.engine.plan = say("fine")
            await stage.link.wait_for(TRIGGERED)

    play(dialogue())


def test_a_change_of_the_timeout_counts_from_then_on() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage, 30_000)
            await answered(stage)
            await stage.link.silence(20_000)
            await ask_for(stage, 5_000)
            changed = asyncio.get_running_loop().time()
            await stage.link.wait_for(TRIGGERED)
            assert asyncio.get_running_loop().time() - changed == pytest.approx(5.0, abs=0.1)

    play(dialogue())


def test_who_wants_no_responses_gets_the_commit_alone() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await ask_for(stage, create_response=False)
            await stage.link.speak("hello")
            await stage.link.wait_for("conversation.item.added")
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("output_audio_buffer.stopped")
            await stage.link.wait_for(TRIGGERED)
            await stage.link.silence(3_000)
            assert stage.link.types().count("response.created") == 1

    play(dialogue())


def test_an_impossible_timeout_is_refused() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            for number, wrong in enumerate((4_999, 30_001), start=1):
                detection = {"type": "server_vad", "idle_timeout_ms": wrong}
                update = {"audio": {"input": {"turn_detection": detection}}}
                stage.link.send_event(type="session.update", session=update)
                error = (await stage.link.wait_for("error", number))["error"]
                assert error["code"] == "invalid_value"
                assert error["param"].endswith("idle_timeout_ms")

    play(dialogue())
