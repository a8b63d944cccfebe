"""Messages with sound and pictures in them, as a client creates them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from models import api
from realtime.transport.audio_formats import RATES, AudioFormat, bytes_of
from tests.fakes import FakeEngine
from tests.stage import Stage, call, conversation, say
from tests.virtual_clock import play

LEVEL = 6_000  # of the sound; a recogniser of these tests hears one word a second of it
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20)


class Recogniser:
    """Hears a "word" for each second of sound, after `delay` s."""

    def __init__(self, engine: UploadEngine) -> None:
        self._engine = engine
        self._seconds = 0.0
        self._over = asyncio.Event()

    async def send(self, item: api.Input) -> None:
        if isinstance(item, api.Audio):
            samples = np.frombuffer(item.pcm, np.int16)
            self._seconds += float(np.mean(np.abs(samples) > LEVEL / 2)) * len(samples) / api.HEARING_RATE
        else:
            self._over.set()

    async def __aiter__(self) -> AsyncIterator[api.Hypothesis]:
        await self._over.wait()
        await asyncio.sleep(self._engine.delay.get("asr", 0.5))
        if "upload" in self._engine.fail:
            raise api.BackendError(self._engine.fail["upload"])
        text = " ".join(["word"] * round(self._seconds))
        yield api.Hypothesis(text, len(text), 0, final=True)

    async def aclose(self) -> None:
        return


class UploadEngine(FakeEngine):
    """Its recogniser understands uploads."""

    def open(self, request: api.Request) -> Any:
        if isinstance(request, api.AsrRequest):
            self.requests.append(request)
            return Recogniser(self)
        return super().open(request)


def sound(seconds: float, form: AudioFormat = "audio/pcm", level: int = LEVEL) -> dict[str, Any]:
    samples = np.full(round(RATES[form] * seconds), level, np.int16)
    return {"type": "input_audio", "audio": base64.b64encode(bytes_of(samples, form)).decode("ascii")}


def picture(data: bytes, kind: str = "image/png") -> dict[str, Any]:
    return {"type": "input_image", "image_url": f"data:{kind};base64,{base64.b64encode(data).decode()}"}


def create(stage: Stage, *content: dict[str, Any], **more: Any) -> None:
    item = {"type": "message", "role": "user", "content": list(content), **more}
    stage.link.send_event(type="conversation.item.create", event_id="mine", item=item)


def last_messages(stage: Stage) -> list[tuple[str, str]]:
    """What the planner was asked last."""
    request = [one for one in stage.engine.requests if isinstance(one, api.PlanRequest)][-1]
    return [(message.role, message.content) for message in request.messages]


def test_a_sound_is_transcribed_beside_the_conversation_and_the_answer_waits_for_it() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, sound(1.0), id="item_mine")
            stage.link.send_event(type="response.create")
            done = await stage.link.wait_for("response.done")
            assert done["response"]["status"] == "completed"
            types = [kind for kind in stage.link.types() if not kind.startswith("audiogpt.")]
            assert types[:3] == ["session.created", "conversation.item.added", "conversation.item.done"]
            added = await stage.link.wait_for("conversation.item.added")
            assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
            place = {"item_id": "item_mine", "content_index": 0}
            delta = await stage.link.wait_for("conversation.item.input_audio_transcription.delta", **place)
            assert delta["delta"] == "word"
            completed = await stage.link.wait_for(
                "conversation.item.input_audio_transcription.completed", **place
            )
            assert completed["usage"] == {"type": "duration", "seconds": 1.0}
            assert ("user", "word") in last_messages(stage)
            kept = await stage.link.wait_for("audiogpt.artefact.created")
            assert (kept["kind"], kept["text"], kept["duration_ms"]) == ("speech", "word", 1000.0)
            stage.link.send_event(type="conversation.item.retrieve", item_id="item_mine")
            shown = await stage.link.wait_for("conversation.item.retrieved")
            assert shown["item"]["content"] == [{"type": "input_audio", "transcript": "word"}]

    play(dialogue())


def test_a_response_that_waits_for_words_can_be_cancelled() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            stage.engine.delay["asr"] = 5.0
            create(stage, sound(1.0))
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.created")
            stage.link.send_event(type="response.cancel")
            done = await stage.link.wait_for("response.done")
            assert done["response"]["status"] == "cancelled"
            assert not any(isinstance(request, api.PlanRequest) for request in stage.engine.requests)
            await stage.link.wait_for("conversation.item.input_audio_transcription.completed")

    play(dialogue())


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
def test_a_sound_is_read_in_the_sessions_format(form: AudioFormat) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), "websocket", UploadEngine) as stage:
            stage.link.send_event(
                type="session.update", session={"audio": {"input": {"format": {"type": form}}}}
            )
            await stage.link.wait_for("session.updated")
            create(stage, sound(2.0, form))
            completed = await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            assert (completed["transcript"], completed["usage"]["seconds"]) == ("word word", 2.0)

    play(dialogue())


def test_the_sound_can_be_played_again() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, sound(1.0))
            await stage.link.wait_for("conversation.item.input_audio_transcription.completed")
            played = [[call("play_artefact", name="that")], []]
            stage.engine.plan = lambda _: played.pop(0)
            create(stage, {"type": "input_text", "text": "play that back"})
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("output_audio_buffer.stopped")
            out = stage.link.audible()
            assert np.count_nonzero(np.abs(out - LEVEL) < 100) > 0.95 * 48_000

    play(dialogue())


def test_mixed_contents_keep_their_order() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            text = {"type": "input_text", "text": "listen"}
            known = {**sound(0.3), "transcript": "known words"}
            create(stage, text, sound(1.0), picture(PNG), known, {"type": "input_text", "text": "so"})
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")
            assert last_messages(stage)[-1] == ("user", "listen\nword\nknown words\nso")
            completed = [e for e in stage.link.log if e["type"].endswith("transcription.completed")]
            assert [event["content_index"] for event in completed] == [1]
            kinds = [e["kind"] for e in stage.link.log if e["type"] == "audiogpt.artefact.created"]
            assert sorted(kinds) == ["image", "speech", "speech"]
            stage.link.send_event(type="conversation.item.retrieve", item_id=completed[0]["item_id"])
            shown = await stage.link.wait_for("conversation.item.retrieved")
            assert [part["type"] for part in shown["item"]["content"]] == [
                "input_text",
                "input_audio",
                "input_image",
                "input_audio",
                "input_text",
            ]
            assert shown["item"]["content"][3]["transcript"] == "known words"

    play(dialogue())


@pytest.mark.parametrize(("data", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
def test_a_picture_is_kept_and_the_planner_is_told_that_nobody_saw_it(data: bytes, kind: str) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, picture(data, "image/jpg"))
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")
            kept = await stage.link.wait_for("audiogpt.artefact.created")
            assert kept["kind"] == "image"
            role, told = last_messages(stage)[-1]
            assert role == "system"
            assert json.loads(told) == {
                "event": "picture_kept",
                "artefact": kept["id"],
                "name": kept["name"],
                "seen": False,
            }
            added = await stage.link.wait_for("conversation.item.added")
            assert added["item"]["content"] == [{"type": "input_image", "detail": "auto"}]

    play(dialogue())


def test_a_sound_without_words_is_told_as_one() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, sound(1.0, level=100))
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")
            told = json.loads(last_messages(stage)[-1][1])
            assert (told["event"], told["words"]) == ("sound_kept", False)

    play(dialogue())


def test_a_recogniser_that_fails_harms_nothing_else() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            stage.engine.fail["upload"] = "out of memory"
            create(stage, sound(1.0))
            stage.link.send_event(type="response.create")
            failed = await stage.link.wait_for("conversation.item.input_audio_transcription.failed")
            assert failed["error"]["message"] == "out of memory"
            done = await stage.link.wait_for("response.done")
            assert done["response"]["status"] == "completed"
            assert json.loads(last_messages(stage)[-1][1])["error"] == "out of memory"
            await stage.link.wait_for("audiogpt.artefact.created")

    play(dialogue())


def test_nothing_is_told_to_a_client_that_wants_no_transcription() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            stage.link.send_event(
                type="session.update", session={"audio": {"input": {"transcription": None}}}
            )
            create(stage, sound(1.0))
            stage.link.send_event(type="response.create")
            await stage.link.wait_for("response.done")
            assert not any("transcription" in kind for kind in stage.link.types())
            assert ("user", "word") in last_messages(stage)

    play(dialogue())


WRONG: list[tuple[list[dict[str, Any]], str, str]] = [
    ([{"type": "input_audio", "audio": ""}], "empty_audio", "item.content.0.audio"),
    ([sound(0.05)], "empty_audio", "item.content.0.audio"),
    ([{"type": "input_audio"}], "empty_audio", "item.content.0.audio"),
    ([{"type": "input_audio", "audio": "AAAA"}], "invalid_audio", "item.content.0.audio"),
    ([{"type": "input_audio", "audio": "***"}], "invalid_audio", "item.content.0.audio"),
    ([sound(0.5)] * 3, "audio_too_long", "item.content"),
    ([{"type": "input_text", "text": " "}], "empty_item", "item.content"),
    ([], "empty_item", "item.content"),
    ([{"type": "input_text", "text": "x"}] * 17, "item_too_long", "item.content"),
    ([{"type": "input_text", "text": "x" * 8_001}], "item_too_long", "item.content"),
    ([{"type": "input_image"}], "invalid_image", "item.content.0.image_url"),
    (
        [{"type": "input_image", "image_url": "https://example.org/a.png"}],
        "invalid_image",
        "item.content.0.image_url",
    ),
    ([picture(b"GIF89a" + bytes(30))], "invalid_image", "item.content.0.image_url"),
    (
        [{"type": "input_text", "text": "x"}, picture(PNG + bytes(2_000))],
        "image_too_large",
        "item.content.1.image_url",
    ),
]


@pytest.mark.parametrize(("content", "code", "param"), WRONG)
def test_what_cannot_be_used_is_refused_and_adds_nothing(
    content: list[dict[str, Any]], code: str, param: str
) -> None:
    async def dialogue() -> None:
        flags = ("hearing.max_upload_seconds=1.4", "hearing.max_image=1024")
        async with conversation(say("fine"), engine=UploadEngine, flags=flags) as stage:
            create(stage, *content)
            error = (await stage.link.wait_for("error"))["error"]
            assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
            assert len(stage.session.history) == len(stage.session.artefacts) == 0

    play(dialogue())


def test_no_more_sounds_wait_than_may() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            for _ in range(5):
                create(stage, sound(0.2))
            error = (await stage.link.wait_for("error"))["error"]
            assert error["code"] == "too_many_uploads"
            await stage.link.wait_for("conversation.item.input_audio_transcription.completed", 4)
            create(stage, sound(0.2))
            await stage.link.wait_for("conversation.item.input_audio_transcription.completed", 5)

    play(dialogue())


def test_an_item_that_was_deleted_meanwhile_is_not_spoken_of() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, sound(1.0), id="gone")
            stage.link.send_event(type="conversation.item.delete", item_id="gone")
            await stage.link.wait_for("audiogpt.artefact.created")
            assert not any("transcription" in kind for kind in stage.link.types())

    play(dialogue())


def test_an_item_goes_where_it_is_asked_to_go() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine"), engine=UploadEngine) as stage:
            create(stage, {"type": "input_text", "text": "second"}, id="b")
            item = {
                "type": "message",
                "role": "user",
                "id": "a",
                "content": [{**sound(1.0), "transcript": "first"}],
            }
            stage.link.send_event(type="conversation.item.create", previous_item_id="root", item=item)
            await stage.link.wait_for("conversation.item.done", 2)
            assert [text for role, text in stage.history if role == "user"] == ["first", "second"]

    play(dialogue())
