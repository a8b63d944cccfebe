"""What a person may say (acceptance lines 2, 3, 16, 19, 24 to 27): virtual clock, real planner.

The same lines are spoken over a real connection in tests/end_to_end/test_acceptance.py.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

from models import api
from models.plan import MusicBrief
from models.planner.intent import IntentPlanner
from tests.fakes import MUSIC, WORD_MS, FakeLink
from tests.music import MusicEngine
from tests.stage import Stage, conversation, say
from tests.virtual_clock import play

LONG = "one two three four five six seven eight nine ten eleven twelve"
PLANNER = IntentPlanner()


def plan(request: api.PlanRequest) -> list[Any]:
    return [item for item in PLANNER.plan(request) if not isinstance(item, api.PlanDone)]


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask(link: FakeLink, words: str) -> None:
    """Say something and wait until the assistant has answered."""
    turns = sum(event["type"] == "audiogpt.turn.latency" for event in link.log)
    await link.speak(words)
    await link.wait_for("audiogpt.turn.latency", turns + 1)
    while link.log[-1].get("state") not in ("listening", "playing"):
        await link.silence(20)


def calls(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """The tools called so far, with their arguments."""
    return [
        (call.name, json.loads(call.arguments))
        for message in stage.session.history.messages()
        for call in message.calls
    ]


def test_2_what_is_dictated_is_kept_and_not_obeyed() -> None:
    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await ask(stage.link, "write down what i say next")
            await stage.link.silence(1_000)
            await stage.link.speak("set a timer for ten minutes")
            await stage.link.silence(1_500)  # one thinks
            await stage.link.speak("and stop the music")
            kept = await stage.link.wait_for("audiogpt.capture", state="done")
            assert kept["text"] == "set a timer for ten minutes and stop the music"
            made = await stage.link.wait_for("audiogpt.artefact.created")
            assert (made["id"], made["kind"]) == (kept["artefact_id"], "text")
            await stage.link.wait_for("response.done", 2)
            assert [name for name, _ in calls(stage)] == ["capture"]
            assert kept["text"] in stage.history[-1][1]
            artefact = stage.session.artefacts.find("the note")
            assert artefact is not None
            assert artefact.text == kept["text"]

    play(dialogue())


def test_3_what_cannot_be_done_with_the_material_is_said() -> None:
    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await ask(stage.link, "transcribe what i say then sing it")
            await stage.link.silence(600)
            await stage.link.speak("happy birthday to you")
            kept = await stage.link.wait_for("audiogpt.capture", state="done")
            assert kept["text"] == "happy birthday to you"
            await stage.link.wait_for("response.done", 2)
            assert calls(stage) == [("capture", {"kind": "dictation", "then": "sing it"})]
            said = stage.history[-1][1].lower()
            assert "sing" in said
            assert "can't" in said or "cannot" in said

    play(dialogue())


def test_16_music_without_end_stops_within_300_ms_of_the_word() -> None:
    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await ask(stage.link, "play a slow waltz")
            await ask(stage.link, "keep it going until i say stop")
            await stage.link.silence(60_000)
            assert int(stage.link.recording[-1][1].max()) == MUSIC
            await stage.link.speak("stop")
            stopped = now()
            await stage.link.wait_for("audiogpt.music.state", playing=False)
            music = max(at for at, frame in stage.link.recording if 0 < int(frame.max()) <= MUSIC)
            assert music - stopped < 0.3

    play(dialogue())


def test_19_music_is_corrected_while_it_plays_and_carries_on() -> None:
    async def dialogue() -> None:
        async with conversation(plan, engine=MusicEngine) as stage:
            assert isinstance(stage.engine, MusicEngine)
            await ask(stage.link, "play a calm piano piece in c major at seventy")
            await stage.link.wait_for("audiogpt.music.state", 3)
            first = len(stage.link.recording)
            await ask(stage.link, "no wait minor")
            await stage.link.wait_for("audiogpt.music.state", key="C minor")
            (_, begun), (_, changed) = calls(stage)
            assert changed["change"] == "edit"
            before, after = (MusicBrief.model_validate(brief["brief"]) for brief in (begun, changed))
            assert after.mode == "minor"
            unheard = {"mode": None, "description": ""}
            assert after.model_copy(update=unheard) == before.model_copy(update=unheard)
            (piece,) = stage.engine.played  # the same stream, steered
            assert [brief.mode for brief in piece.steered] == ["minor"]
            times = [at for at, _ in stage.link.recording[first - 1 :]]
            assert max(b - a for a, b in itertools.pairwise(times)) < 0.021

    play(dialogue())


def test_24_a_sign_of_listening_is_none_of_stopping() -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            for _ in range(3):
                await stage.link.silence(600)
                await stage.link.speak("uh-huh")
            await stage.link.wait_for("output_audio_buffer.stopped")
            assert stage.history[-1] == ("assistant", LONG)
            assert stage.link.audible_words() == LONG.split()

    play(dialogue())


def test_25_a_noise_is_passed_over_within_300_ms() -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(700)
            await stage.link.noise(160)
            over = now()
            await stage.link.silence(400)
            back = min(at for at, _ in stage.link.recording if at > over)
            assert back - over < 0.3
            await stage.link.wait_for("output_audio_buffer.stopped")
            assert stage.link.audible_words() == LONG.split()

    play(dialogue())


def test_26_stop_is_obeyed_at_once_and_the_history_holds_what_was_heard() -> None:
    async def dialogue() -> None:
        async with conversation(plan) as stage:
            stage.engine.plan = say(LONG)
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(1_000)
            stage.engine.plan = plan
            began = now()
            await stage.link.speak("stop")
            await stage.link.wait_for("response.done", 2)
            voice = [at for at, frame in stage.link.recording if at > began and int(frame.max()) > 1_000]
            assert min(voice) < began + 0.25
            silent = next(a for a, b in zip(voice, [*voice[1:], 1e9], strict=True) if b - a > 0.1)
            assert silent - began < 0.25
            heard = stage.history[1][1].split()
            assert heard == LONG.split()[: len(heard)]
            assert abs(len(heard) - 1_000 / WORD_MS) <= 1

    play(dialogue())


def test_27_a_pause_in_a_sentence_is_waited_for() -> None:
    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("play me")
            await stage.link.silence(1_200)
            await stage.link.speak("something by the sea with harp")
            await stage.link.wait_for("response.done")
            assert stage.history[0] == ("user", "play me something by the sea with harp")
            ((tool, arguments),) = calls(stage)
            assert tool == "play_music"
            assert "harp" in json.dumps(arguments["brief"])

    play(dialogue())
