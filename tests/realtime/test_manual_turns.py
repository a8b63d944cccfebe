"""`turn_detection` null: the client says when a turn is over, on either transport."""

from __future__ import annotations

import asyncio

import pytest

from realtime.hearing import ears
from tests.stage import Stage, conversation, say
from tests.virtual_clock import play

BUFFER = "input_audio_buffer."


async def take_over(stage: Stage) -> None:
    stage.link.send_event(type="session.update", session={"audio": {"input": {"turn_detection": None}}})
    await stage.link.wait_for("session.updated")
    stage.link.send_event(type="input_audio_buffer.clear")
    await stage.link.wait_for("input_audio_buffer.cleared")


def buffer_events(stage: Stage) -> list[str]:
    return [kind.removeprefix(BUFFER) for kind in stage.link.types() if kind.startswith(BUFFER)]


@pytest.mark.parametrize("kind", ["webrtc", "websocket"])
def test_what_is_committed_is_one_turn_whatever_the_pauses(kind: str) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), kind) as stage:
            await take_over(stage)
            await stage.link.speak("one two")
            await stage.link.silence(4_000)
            await stage.link.speak("three")
            stage.link.send_event(type="input_audio_buffer.commit")
            added = await stage.link.wait_for("conversation.item.added")
            assert buffer_events(stage) == ["cleared", "committed"]
            completed = await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            assert (completed["transcript"], completed["item_id"]) == ("one two three", added["item"]["id"])
            assert completed["usage"]["seconds"] == pytest.approx(4.6, abs=0.1)
            await stage.link.silence(2_000)
            assert "response.created" not in stage.link.types()
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")
            assert stage.history[-2:] == [("user", "one two three"), ("assistant", "fine")]

    play(dialogue())


@pytest.mark.parametrize("kind", ["webrtc", "websocket"])
def test_what_is_cleared_is_forgotten(kind: str) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), kind) as stage:
            await take_over(stage)
            await stage.link.speak("never mind")
            await stage.link.silence(100)
            stage.link.send_event(type="input_audio_buffer.clear")
            await stage.link.wait_for("input_audio_buffer.cleared", 2)
            await stage.link.speak("this")
            await stage.link.silence(100)
            stage.link.send_event(type="input_audio_buffer.commit")
            completed = await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            assert completed["transcript"] == "this"
            assert completed["usage"]["seconds"] < 0.7

    play(dialogue())


def test_a_commit_is_a_turn_also_where_no_word_was_understood() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await take_over(stage)
            await stage.link.silence(700)
            stage.link.send_event(type="input_audio_buffer.commit")
            completed = await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            assert completed["transcript"] == ""
            assert buffer_events(stage) == ["cleared", "committed"]
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")

    play(dialogue())


def test_a_microphone_left_open_is_forgotten_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "MOST_MANUAL_S", 5)

    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await take_over(stage)
            await stage.link.speak("old")
            await stage.link.silence(5_000)
            notice = await stage.link.wait_for("audiogpt.notice")
            assert "nothing was committed" in notice["message"]
            await stage.link.speak("new")
            stage.link.send_event(type="input_audio_buffer.commit")
            completed = await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            assert completed["transcript"] == "new"

    play(dialogue())


def test_an_empty_buffer_cannot_be_committed() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), "websocket") as stage:
            stage.link.send_event(
                type="session.update", session={"audio": {"input": {"turn_detection": None}}}
            )
            await stage.link.told("session.updated")
            stage.link.send_event(type="input_audio_buffer.clear")
            stage.link.send_event(type="input_audio_buffer.commit", event_id="mine")
            await stage.link.told("error")
            error = (await stage.link.wait_for("error"))["error"]
            assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "mine")

    play(dialogue())


def test_nobody_is_interrupted_by_what_is_said_meanwhile() -> None:
    async def dialogue() -> None:
        async with conversation(say("one two three four five six")) as stage:
            await take_over(stage)
            await stage.link.speak("hello")
            stage.link.send_event(type="input_audio_buffer.commit")
            await stage.link.wait_for("conversation.item.added")
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.speak("stop it now")
            done = await stage.link.wait_for("response.done")
            assert done["response"]["status"] == "completed"

    play(dialogue())


def test_a_client_that_takes_over_again_gets_its_turns_found() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await take_over(stage)
            await stage.link.speak("not committed")
            await stage.link.silence(200)
            stage.link.send_event(
                type="session.update",
                session={"audio": {"input": {"turn_detection": {"type": "server_vad"}}}},
            )
            await stage.link.wait_for("session.updated", 2)
            await stage.link.silence(1_500)
            await stage.link.speak("hello")
            await stage.link.wait_for("response.done")
            assert stage.history[-2:] == [("user", "hello"), ("assistant", "fine")]
            await asyncio.sleep(0)

    play(dialogue())
