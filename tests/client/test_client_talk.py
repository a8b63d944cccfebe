"""The library against a server that speaks the protocol for real, over both transports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from client.audio import RATE, load
from client.dialogue import Dialogue, Line, Manner, TurnReport
from client.errors import (
    ClientError,
    ConnectionLostError,
    GarbledError,
    RefusedError,
    SilentServerError,
    UnreachableError,
)
from client.headless import HeadlessClient, prepare
from client.signalling import Answer, RealtimeSignalling

BOTH = pytest.mark.parametrize("transport", ["webrtc", "websocket"])


async def talk(client: HeadlessClient, lines: list[Any], **manner: Any) -> list[TurnReport]:
    prepared = [
        Line(str(line), line if isinstance(line, str) else prepare(load(line), client.transport))
        for line in lines
    ]
    manner = {"wait": 10.0, "listen": 0.3, **manner}
    return [report async for report in Dialogue(client, Manner(**manner)).run(prepared)]


@BOTH
async def test_a_spoken_turn(server: Any, question: Path, transport: Any) -> None:
    async with HeadlessClient(server.url, transport=transport) as client:
        (report,) = await talk(client, [question])
        whole = client.recorded()
    assert (report.heard, report.said, report.answered) == ("play something", "here it is", True)
    # The server waits for 160 ms of quiet; three seconds would mean that the wrong sound was measured.
    assert report.voice_to_voice_ms is not None
    assert 120 < report.voice_to_voice_ms < 3000
    assert report.latency_from == "audio"
    assert list(report.stages_ms or {}) == ["endpoint", "asr", "plan", "speech", "send"]
    assert 200 < report.voiced_ms < 400
    assert report.errors == []
    assert json.dumps(report.as_json())
    assert whole.shape[1] == 2
    loud = np.abs(whole.astype(int)).max(axis=1) > 3000
    assert 0.2 < loud.sum() / RATE < 0.4
    assert server.seen.closed.wait(5)
    if transport == "webrtc":
        assert server.seen.hangups == [client.call_id]


@BOTH
async def test_a_typed_turn_and_settings(server: Any, transport: Any) -> None:
    session = {"instructions": "be brief", "audio": {"output": {"voice": "slt"}}}
    async with HeadlessClient(server.url, transport=transport, session=session) as client:
        (report,) = await talk(client, ["hello"])
    assert report.said == "here it is"
    assert report.voice_to_voice_ms is None
    assert report.text_to_voice_ms is not None
    update, item, create = server.seen.events
    assert update["session"] == {"type": "realtime", **session}
    assert item["item"]["content"] == [{"type": "input_text", "text": "hello"}]
    assert create["type"] == "response.create"


@BOTH
async def test_music_is_left_after_listening_and_stopped_by_the_button(server: Any, transport: Any) -> None:
    server.script.music = True
    async with HeadlessClient(server.url, transport=transport) as client:
        playing, stopped = await talk(client, ["play", "again"])
        assert playing.artefacts[0]["name"] == "calm piano"
        assert playing.music is not None
        assert playing.music["playing"] is True
        assert not playing.interrupted
        # Both pieces sound now: the second turn began while the first piece went on.
        assert stopped.artefacts
        client.interrupt()
        after = client.now()
        await client.log.wait_for("response.done", within=10, after=after)
    assert server.seen.events[-1]["type"] in {"output_audio_buffer.clear", "response.cancel"}


@BOTH
async def test_the_interrupt_button_silences_an_answer(server: Any, question: Path, transport: Any) -> None:
    server.script.answer_s = 5.0
    async with HeadlessClient(server.url, transport=transport) as client:
        (report,) = await talk(client, [question], interrupt_after=0.2)
    assert report.interrupted
    assert report.replies[0]["status"] == "cancelled"
    assert report.silent_after_ms is not None
    assert report.silent_after_ms < 3000
    assert report.voiced_ms < 2000


async def test_speaking_over_an_answer(server: Any, question: Path) -> None:
    server.script.answer_s = 1.2
    async with HeadlessClient(server.url) as client:
        first, second = await talk(client, [question, question], barge_in_after=0.2)
    assert (first.turn, second.turn) == (1, 2)
    assert first.interrupted
    assert first.silent_after_ms is not None
    assert first.silent_after_ms < 3000
    assert not second.interrupted
    assert second.said == "here it is"
    assert second.latency_from == "audio"
    assert first.voiced_ms < 1000 < second.voiced_ms


async def test_a_server_without_buffer_events_is_understood_by_ear(server: Any, question: Path) -> None:
    server.script.stopped_events = False
    async with HeadlessClient(server.url) as client:
        (report,) = await talk(client, [question])
    assert 200 < report.voiced_ms < 400


async def test_many_clients_share_one_encoded_speech_and_record_nothing(server: Any, question: Path) -> None:
    speech = prepare(load(question), "webrtc")

    async def call() -> float:
        async with HeadlessClient(server.url, record=False) as client:
            spoken = await client.speak(speech)
            await client.log.wait_for("response.done", within=10, after=spoken.voiced_end)
            sound = client.ear.first_after(spoken.voiced_end)
            assert sound is not None
            with pytest.raises(RuntimeError, match="keeps no recording"):
                client.recorded()
            return sound.start - spoken.voiced_end

    latencies = await asyncio.gather(*(call() for _ in range(4)))
    assert all(0.1 < latency < 5.0 for latency in latencies)


async def test_a_server_of_another_kind_needs_only_media(server: Any, question: Path) -> None:
    class Envelope(RealtimeSignalling):
        async def offer(self, sdp: str, within: float) -> Answer:
            answer = await super().offer(sdp, within)
            return Answer(answer.sdp)  # such a server names no call

    server.script.greet = False
    async with HeadlessClient(server.url, signalling=Envelope(server.url)) as client:
        client.on_event("pong")
        spoken = await client.speak(load(question))
        await client.log.wait_for("response.done", within=10, after=spoken.voiced_end)
        assert client.ear.first_after(spoken.voiced_end) is not None


async def test_silence_after_words_is_an_answer_that_did_not_arrive(server: Any, question: Path) -> None:
    server.script.mute = True
    async with HeadlessClient(server.url) as client:
        (report,) = await talk(client, [question])
    assert not report.answered
    assert "no voiced sample arrived" in report.errors[-1]


async def test_a_server_that_never_answers(server: Any, question: Path) -> None:
    server.script.ignore = True
    async with HeadlessClient(server.url) as client:
        (report,) = await talk(client, [question], wait=0.3)
    assert (report.answered, report.heard) == (False, "play something")


@BOTH
async def test_a_refusal_says_why_and_when_to_come_back(server: Any, transport: Any) -> None:
    body = {"error": {"message": "the server is full", "type": "server_error", "code": "full"}}
    server.script.offer_answer = JSONResponse(body, 503, headers={"Retry-After": "7"})
    with pytest.raises(RefusedError, match=r"503 the server is full \(Retry-After: 7 s\)") as caught:
        async with HeadlessClient(server.url, transport=transport):
            pass
    assert (caught.value.status, caught.value.retry_after) == (503, 7)


async def test_a_refusal_without_json_is_quoted(server: Any) -> None:
    server.script.offer_answer = PlainTextResponse("no such\n page", 404)
    with pytest.raises(RefusedError, match="404 no such page"):
        async with HeadlessClient(server.url):
            pass


@pytest.mark.parametrize("answer", ["<html>hello</html>", "", "v=0\r\n", "v=0\r\nm=audio 9 X 111\r\na=x"])
async def test_an_answer_that_is_no_sdp(server: Any, answer: str) -> None:
    server.script.offer_answer = Response(answer, 201, media_type="application/sdp")
    with pytest.raises((GarbledError, UnreachableError)):
        async with HeadlessClient(server.url, connect_timeout=0.5):
            pass


@BOTH
@pytest.mark.parametrize("event", ["not json", '{"no": "type"}'])
async def test_events_that_are_garbage_end_the_call(
    server: Any, question: Path, transport: Any, event: str
) -> None:
    server.script.garbage_event = event
    async with HeadlessClient(server.url, transport=transport) as client:
        with pytest.raises(GarbledError):
            await talk(client, [question])


async def test_audio_events_that_hold_no_audio_end_the_call(server: Any) -> None:
    server.script.garbage_event = '{"type": "response.output_audio.delta", "delta": "***"}'
    async with HeadlessClient(server.url, transport="websocket") as client:
        with pytest.raises(GarbledError, match="without audio/pcm"):
            await talk(client, ["hello"])


async def test_settings_that_are_refused(server: Any) -> None:
    server.script.refuse_settings = True
    with pytest.raises(RefusedError, match="no such voice"):
        async with HeadlessClient(server.url, session={"audio": {"output": {"voice": "nobody"}}}):
            pass


@BOTH
async def test_a_session_that_never_begins(server: Any, transport: Any) -> None:
    server.script.greet = False
    with pytest.raises(SilentServerError, match=r"no session\.created"):
        async with HeadlessClient(server.url, transport=transport, connect_timeout=1.0):
            pass


@BOTH
async def test_a_server_that_hangs_up(server: Any, question: Path, transport: Any) -> None:
    server.script.hang_up_on_speech = True
    async with HeadlessClient(server.url, transport=transport) as client:
        with pytest.raises(ConnectionLostError, match="connection to the server was lost"):
            await talk(client, [question])
        with pytest.raises(ConnectionLostError):
            await client.speak(load(question))


async def test_speech_for_the_other_transport_is_refused(server: Any, question: Path) -> None:
    speech = prepare(load(question), "webrtc")
    async with HeadlessClient(server.url, transport="websocket") as client:
        with pytest.raises(ValueError, match="prepared for webrtc"):
            await client.speak(speech)


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1", "http://"])
@BOTH
async def test_an_address_that_is_none(url: str, transport: Any) -> None:
    with pytest.raises(ClientError, match="not an address"):
        async with HeadlessClient(url, transport=transport):
            pass
