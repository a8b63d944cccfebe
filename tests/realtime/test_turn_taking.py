"""Turn-taking on the virtual clock: what is prepared, held, taken back, and carried on with."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from models import api
from tests.fakes import MUSIC, WORD_MS
from tests.stage import call, conversation, say
from tests.virtual_clock import play

LONG = "one two three four five six seven eight nine ten eleven twelve"


PAUSE_MS = 150  # long enough to prepare an answer, too short to end any turn


def echoing(request: api.PlanRequest) -> list[Any]:
    """Answers with what it understood."""
    last = request.messages[-1]
    return [] if last.role == "tool" else [api.TextDelta(f"heard {last.content}")]


def statuses(log: list[dict[str, Any]]) -> list[str]:
    return [event["response"]["status"] for event in log if event["type"] == "response.done"]


def decisions(log: list[dict[str, Any]]) -> list[str]:
    return [event["decision"] for event in log if event["type"] == "audiogpt.turn.decision"]


def test_an_answer_is_prepared_in_the_pause_and_heard_once_the_turn_is_decided() -> None:
    async def dialogue() -> None:
        async with conversation(echoing) as stage:
            await stage.link.speak("what now")
            await stage.link.silence(PAUSE_MS)
            assert any(isinstance(request, api.PlanRequest) for request in stage.engine.requests)
            assert any(isinstance(request, api.SpeechRequest) for request in stage.engine.requests)
            assert "response.created" not in stage.link.types()
            assert stage.link.recording == []
            await stage.link.wait_for("response.done")
            latency = await stage.link.wait_for("audiogpt.turn.latency")
            assert latency["stages_ms"]["plan"] == latency["stages_ms"]["speech"] == 0
            planned = [request for request in stage.engine.requests if isinstance(request, api.PlanRequest)]
            assert len(planned) == 1
            assert stage.history == [("user", "what now"), ("assistant", "heard what now")]

    play(dialogue())


def test_what_was_prepared_is_forgotten_when_the_person_goes_on() -> None:
    async def dialogue() -> None:
        async with conversation(echoing) as stage:
            await stage.link.speak("what now")
            await stage.link.silence(PAUSE_MS)
            await stage.link.speak("my friend")
            await stage.link.wait_for("response.done")
            assert stage.link.audible_words() == ["heard", "what", "now", "my", "friend"]
            assert stage.history[0] == ("user", "what now my friend")
            assert statuses(stage.link.log) == ["completed"]

    play(dialogue())


def test_nothing_is_done_before_the_turn_is_decided() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        return [] if request.messages[-1].role == "tool" else [call("set_timer", seconds=5)]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("timer five")
            await stage.link.silence(PAUSE_MS)
            assert any(isinstance(request, api.PlanRequest) for request in stage.engine.requests)
            await stage.link.speak("or six")
            await stage.link.silence(PAUSE_MS)
            assert "audiogpt.timer" not in stage.link.types()
            await stage.link.wait_for("audiogpt.timer", state="set")
            assert stage.link.types().count("audiogpt.timer") == 1

    play(dialogue())


def test_an_answer_prepared_in_vain_is_tried_again() -> None:
    async def dialogue() -> None:
        async with conversation(echoing) as stage:
            stage.engine.fail["planner"] = "the planner is gone"
            await stage.link.speak("what now")
            await stage.link.silence(PAUSE_MS)
            stage.engine.fail.clear()
            await stage.link.wait_for("response.done")
            assert statuses(stage.link.log) == ["completed"]
            assert "audiogpt.notice" not in stage.link.types()

    play(dialogue())


@pytest.mark.parametrize("sign", ["uh-huh", "yeah", "mm"])
def test_a_backchannel_does_not_interrupt_and_nothing_is_lost(sign: str) -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(700)
            await stage.link.speak(sign)
            await stage.link.wait_for("output_audio_buffer.stopped")
            assert statuses(stage.link.log) == ["completed"]
            assert decisions(stage.link.log) == ["answer", "backchannel"]
            assert stage.history == [("user", "count"), ("assistant", LONG)]
            # Silent at once, back within 300 ms of the end of the sign, and every sample is there.
            times = [at for at, _ in stage.link.recording]
            gap = max(later - earlier for earlier, later in itertools.pairwise(times))
            assert gap < 0.2 + 0.3
            voice = int((stage.link.audible() > 1_000).sum())
            assert abs(voice - 48 * WORD_MS * 12) < 48 * 25

    play(dialogue())


def test_yes_answers_a_question() -> None:
    async def dialogue() -> None:
        async with conversation(say("shall I go on and count ?")) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(900)
            stage.engine.plan = say("fine")
            await stage.link.speak("yes")
            await stage.link.wait_for("response.done", 2)
            assert stage.history[-2:] == [("user", "yes"), ("assistant", "fine")]
            assert statuses(stage.link.log) == ["cancelled", "completed"]

    play(dialogue())


def test_music_goes_on_in_the_distance_while_the_person_speaks() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role == "tool":
            return []
        return (
            [call("play_music", brief={"style": "waltz"})]
            if last.content == "play"
            else [api.TextDelta("noon")]
        )

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("play")
            await stage.link.wait_for("audiogpt.music.state", 2)
            await stage.link.speak("what time is it", word_ms=300)
            level = int(stage.link.recording[-1][1].max())
            assert 0 < level <= round(MUSIC * 10 ** (-24 / 20)) + 1
            await stage.link.wait_for("response.done", 2)
            assert stage.history[-1] == ("assistant", "noon")
            await stage.link.silence(1_500)
            assert int(stage.link.recording[-1][1].max()) == MUSIC
            assert stage.session.music.playing

    play(dialogue())


def test_words_that_follow_before_anything_was_heard_belong_to_the_same_sentence() -> None:
    async def dialogue() -> None:
        async with conversation(echoing) as stage:
            stage.engine.delay["planner"] = 1.2
            await stage.link.speak("play some jazz")
            await stage.link.wait_for("response.created")
            await stage.link.speak("by the sea")
            await stage.link.wait_for("response.done", 2)
            assert stage.link.audible_words() == ["heard", "play", "some", "jazz", "by", "the", "sea"]
            assert stage.history[0] == ("user", "play some jazz by the sea")

    play(dialogue())


def test_a_long_silence_is_broken_by_a_few_words_and_shown() -> None:
    async def dialogue() -> None:
        async with conversation(say("at last")) as stage:
            stage.engine.delay["planner"] = 6.0
            await stage.link.speak("think")
            created = await stage.link.wait_for("response.created")
            at = asyncio.get_running_loop().time()
            progress = await stage.link.wait_for("audiogpt.progress")
            assert asyncio.get_running_loop().time() - at == pytest.approx(1.5, abs=0.05)
            assert progress["response_id"] == created["response"]["id"]
            assert (progress["message"], progress["elapsed_ms"]) == ("thinking", 1_500)
            await stage.link.wait_for("response.done")
            assert stage.history[-1] == ("assistant", "One moment. at last")
            assert stage.link.types().count("audiogpt.progress") > 1

    play(dialogue())


def test_a_voice_that_stalls_is_asked_for_the_rest() -> None:
    def stalling(request: api.SpeechRequest) -> Iterator[Any]:
        yield from list(whole(request))[:4]
        stage_engine.speech = whole
        yield 20.0  # s of nothing

    async def dialogue() -> None:
        nonlocal stage_engine, whole
        async with conversation(say("one two three four five six")) as stage:
            stage_engine, whole = stage.engine, stage.engine.speech
            stage.engine.speech = stalling
            await stage.link.speak("count")
            await stage.link.wait_for("response.done")
            assert statuses(stage.link.log) == ["completed"]
            assert stage.history[-1] == ("assistant", "one two three four five six")
            assert stage.link.audible_words() == ["one", "two", "three", "four", "five", "six"]

    stage_engine: Any = None
    whole: Any = None
    play(dialogue())


def test_a_microphone_that_falls_dead_ends_the_turn() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            await stage.link.speak("hello and")
            async with asyncio.timeout(2):
                await stage.link.told("input_audio_buffer.speech_stopped")  # no audio comes meanwhile
            await stage.link.wait_for("response.done")
            decided = await stage.link.wait_for("audiogpt.turn.decision")
            assert decided["why"] == "no audio"

    play(dialogue())
