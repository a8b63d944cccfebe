"""Whole dialogues on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models import api
from tests.fakes import MUSIC, WORD
from tests.stage import Stage, call, conversation, say
from tests.virtual_clock import play

LONG = "one two three four five six seven eight nine ten eleven twelve"


def music_on_request(request: api.PlanRequest) -> list[Any]:
    """Plays music when asked to, obeys "stop" and "louder", answers everything else with a word."""
    last = request.messages[-1]
    if last.role == "tool":
        return []
    match last.content:
        case "play":
            return [call("play_music", brief={"style": "waltz"})]
        case "stop":
            return [call("stop_playing")]
        case "louder":
            return [call("set_volume", change="louder")]
        case _:
            return [api.TextDelta("answer")]


def test_a_spoken_turn_is_answered_and_its_events_come_in_the_protocols_order() -> None:
    async def dialogue() -> None:
        async with conversation(say("it is noon")) as stage:
            await stage.link.speak("what time")
            await stage.link.wait_for("output_audio_buffer.stopped")
            assert stage.history == [("user", "what time"), ("assistant", "it is noon")]
            assert stage.link.audible_words() == ["it", "is", "noon"]
            types = [kind for kind in stage.link.types() if not kind.startswith("audiogpt.")]
            assert types == [
                "session.created",
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "conversation.item.input_audio_transcription.delta",
                "conversation.item.input_audio_transcription.completed",
                "response.created",
                "response.output_item.added",
                "conversation.item.added",
                "response.content_part.added",
                "output_audio_buffer.started",
                *["response.output_audio_transcript.delta"] * 3,
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "response.output_item.done",
                "conversation.item.done",
                "response.done",
                "output_audio_buffer.stopped",
            ]
            partials = [e["text"] for e in stage.link.log if e["type"] == "audiogpt.input_transcript.partial"]
            assert partials == ["what", "what time"]
            latency = await stage.link.wait_for("audiogpt.turn.latency")
            assert list(latency["stages_ms"]) == ["endpoint", "asr", "plan", "speech", "send"]
            assert latency["total_ms"] == round(sum(latency["stages_ms"].values()), 1)

    play(dialogue())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2_900))
def test_after_an_interruption_the_history_holds_what_was_audible(delay_ms: int) -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(delay_ms // 20 * 20)
            stage.engine.plan = say("fine")
            words_so_far = len(stage.link.recording)
            await stage.link.speak("stop it now")
            await stage.link.wait_for("response.done", 2)
            first = await stage.link.wait_for("response.done")
            said = " ".join(text for role, text in stage.history[1:-2] if role == "assistant").split()
            # What was interrupted before a word of it was heard belongs to the same sentence.
            asked = "stop it now" if said else "count stop it now"
            assert stage.history[-2:] == [("user", asked), ("assistant", "fine")]
            if first["response"]["status"] == "completed":
                assert said == LONG.split()
                return
            assert first["response"]["status_details"]["reason"] == "turn_detected"
            audible = [word for word in stage.link.audible_words() if word != "fine"]
            assert said == LONG.split()[: len(said)]
            assert abs(len(said) - len(audible)) <= 1
            # It fell silent within onset_ms and two frames, and stayed so until the answer.
            assert len(stage.link.recording) - words_so_far < 3 + 6 + 240 // 20 + 2

    play(dialogue())


def test_a_noise_pauses_the_assistant_and_no_sample_is_lost() -> None:
    async def dialogue(*, noise: bool) -> tuple[list[str], int]:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(700)
            if noise:
                await stage.link.noise(70)
            await stage.link.wait_for("output_audio_buffer.stopped")
            values = stage.link.audible()
            return stage.link.audible_words(), int(np_count(values))

    def np_count(values: Any) -> int:
        return int((values >= WORD).sum())

    quiet = play(dialogue(noise=False))
    noisy = play(dialogue(noise=True))
    assert noisy[0] == quiet[0] == LONG.split()
    # The pause fades out a copy of 20 ms and fades in over 5 ms: nothing else changes in number.
    assert abs(noisy[1] - quiet[1]) < 48 * 25


def test_music_outlives_its_reply_steps_back_for_the_person_and_obeys_stop() -> None:
    async def dialogue() -> None:
        async with conversation(music_on_request) as stage:
            await stage.link.speak("play")
            artefact = await stage.link.wait_for("audiogpt.artefact.created")
            assert artefact["name"] == "waltz in C major, 100 beats a minute"
            await stage.link.wait_for("audiogpt.music.state", 3)
            assert int(stage.link.recording[-1][1].max()) == MUSIC
            await stage.link.speak("louder")
            await stage.link.wait_for("response.done", 2)
            await stage.link.silence(800)
            assert int(stage.link.recording[-1][1].max()) == round(MUSIC * 10 ** (6 / 20))
            await stage.link.speak("stop")
            await stage.link.wait_for("audiogpt.music.state", playing=False)
            frames = len(stage.link.recording)
            await stage.link.silence(500)
            assert len(stage.link.recording) == frames

    play(dialogue())


def test_a_failing_backend_fails_its_reply_and_the_next_is_answered() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            stage.engine.fail["tts"] = "the voice is gone; install libvoice1"
            await stage.link.speak("hello")
            done = await stage.link.wait_for("response.done")
            assert done["response"]["status"] == "failed"
            notice = await stage.link.wait_for("audiogpt.notice")
            assert notice["message"] == "the voice is gone; install libvoice1"
            stage.engine.fail.clear()
            await stage.link.speak("again")
            await stage.link.wait_for("response.done", 2)
            assert stage.history[-1] == ("assistant", "fine")

    play(dialogue())


def test_a_failing_tool_is_an_observation() -> None:
    seen: list[dict[str, Any]] = []

    def plan(request: api.PlanRequest) -> list[Any]:
        if request.messages[-1].role == "tool":
            seen.append(json.loads(request.messages[-1].content))
            return [api.TextDelta("sorry")]
        return [call("play_music", brief={"tempo": 9_000})]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("play")
            await stage.link.wait_for("response.done")
            assert stage.history[-1] == ("assistant", "sorry")

    play(dialogue())
    assert seen[0]["ok"] is False
    assert "brief.tempo: Input should be less than or equal to 300" in seen[0]["error"]


def test_a_timer_is_announced() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role == "system":
            return [api.TextDelta(f"over {json.loads(last.content)['label']}")]
        return [] if last.role == "tool" else [call("set_timer", seconds=10, label="tea")]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("timer")
            await stage.link.wait_for("audiogpt.timer", state="set")
            began = asyncio.get_running_loop().time()
            await stage.link.wait_for("audiogpt.timer", state="over")
            assert round(asyncio.get_running_loop().time() - began) == 10
            await stage.link.wait_for("response.done", 2)
            assert stage.history[-1] == ("assistant", "over tea")

    play(dialogue())


def test_a_timer_waits_until_the_person_has_spoken() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role == "system":
            return [api.TextDelta("over")]
        if last.content == "timer":
            return [call("set_timer", seconds=5)]
        return [] if last.role == "tool" else [api.TextDelta("fine")]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("timer")
            await stage.link.wait_for("audiogpt.timer", state="set")
            await stage.link.silence(3_000)
            await stage.link.speak("one two three four five six", word_ms=700)
            await stage.link.wait_for("response.done", 3)
            assert "over" in stage.link.audible_words()
            done = [
                event["response"]["status"] for event in stage.link.log if event["type"] == "response.done"
            ]
            assert done == ["completed"] * 3

    play(dialogue())


def test_typed_turns_are_answered_and_the_button_stops_everything() -> None:
    async def dialogue() -> None:
        async with conversation(music_on_request) as stage:
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "play"}]}
            stage.link.send_event(type="conversation.item.create", item=item)
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("audiogpt.music.state", 2)
            stage.link.send_event(type="output_audio_buffer.clear")
            await stage.link.wait_for("audiogpt.music.state", playing=False)
            assert stage.history[0] == ("user", "play")

    play(dialogue())


def test_wrong_events_get_an_error_and_harm_nothing() -> None:
    wrong: list[tuple[Any, str]] = [
        ({"type": "nonsense", "event_id": "mine"}, "unknown_event_type"),
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_not_found"),
        ({"type": "conversation.item.create", "item": {"type": "message"}}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "unsupported_event"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "session.update", "session": {"audio": {"output": {"speed": 9}}}}, "invalid_value"),
        ([1, 2], "invalid_event"),
        ("x" * 7_000_000, "event_too_large"),
    ]

    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            for number, (event, code) in enumerate(wrong, start=1):
                stage.link._events.put_nowait(json.dumps(event))
                error = (await stage.link.wait_for("error", number))["error"]
                assert (error["code"], bool(error["message"])) == (code, True)
            assert stage.link.log[-1]["type"] == "error"
            first = next(event for event in stage.link.log if event["type"] == "error")
            assert first["error"]["event_id"] == "mine"
            await stage.link.speak("hello")
            await stage.link.wait_for("response.done")

    play(dialogue())


def test_session_update_changes_the_session() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine words")) as stage:
            update = {
                "instructions": "be brief",
                "output_modalities": ["text"],
                "audio": {"output": {"voice": "rms", "speed": 1.25}, "input": {"turn_detection": None}},
            }
            stage.link.send_event(type="session.update", session=update)
            session = (await stage.link.wait_for("session.updated"))["session"]
            assert session["audio"]["output"]["voice"] == "rms"
            assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
            assert session["audio"]["input"]["turn_detection"] is None
            await stage.link.speak("no turn is detected")
            await stage.link.silence(3_000)
            assert "response.created" not in stage.link.types()
            stage.link.send_event(type="input_audio_buffer.commit")
            await stage.link.wait_for("input_audio_buffer.committed")
            await stage.link.silence(1_000)
            assert "response.created" not in stage.link.types()
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.output_text.done")
            assert stage.link.recording == []
            request = next(r for r in stage.engine.requests if isinstance(r, api.PlanRequest))
            assert request.instructions == "be brief"

    play(dialogue())


def test_a_session_nobody_uses_ends() -> None:
    async def dialogue() -> float:
        stage = Stage(say("fine"), "webrtc")
        began = asyncio.get_running_loop().time()
        await stage.session.run()
        return asyncio.get_running_loop().time() - began

    assert round(play(dialogue(), seconds=2_000)) == 900
