"""What is too large for a data channel goes over a WebSocket: a minute of sound, over a real one."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from client.headless import HeadlessClient
from client.speech import prepare
from realtime.config import Settings
from realtime.transport.audio_formats import AudioFormat
from tests.realtime.edge import Edge, edge
from tests.realtime.test_http_calls import CALLS, peer, raw

MINUTE = base64.b64encode(np.zeros(60 * 24_000, np.int16).tobytes()).decode("ascii")


@pytest.fixture(scope="module")
def server() -> Iterator[Edge]:
    with edge() as made:
        yield made


def message(audio: str, **more: Any) -> str:
    content = [{"type": "input_audio", "audio": audio, **more}]
    item = {"type": "message", "role": "user", "content": content}
    return json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": item})


def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads(socket.recv(timeout=20))
        if event["type"] == kind:
            return event


def test_a_minute_of_sound_fits_and_more_is_an_error_that_ends_nothing(server: Edge) -> None:
    assert len(message(MINUTE)) < Settings().server.max_event
    with connect(f"{server.ws}/v1/realtime") as socket:
        info = until(socket, "audiogpt.session.info")
        assert info["voices"] == ["slt", "rms"]
        socket.send(message(MINUTE))
        assert until(socket, "conversation.item.added")["item"]["content"][0]["transcript"] is None
        completed = until(socket, "conversation.item.input_audio_transcription.completed")
        assert completed["usage"] == {"type": "duration", "seconds": 60.0}
        socket.send(message(MINUTE + "AAAAAAAA"))
        error = until(socket, "error")["error"]
        assert (error["code"], error["event_id"]) == ("audio_too_long", "mine")
        socket.send("x" * 7_000_000)
        assert until(socket, "error")["error"]["code"] == "event_too_large"
        socket.send(message("", transcript="still here"))
        until(socket, "error")  # there is no sound in it; but it was read
        socket.send(json.dumps({"type": "input_audio_buffer.clear"}))
        until(socket, "input_audio_buffer.cleared")


def upload(url: str) -> None:
    with connect(url) as side:
        side.send(message(MINUTE))
        until(side, "conversation.item.done")
        side.send("x" * 7_000_000)
        assert until(side, "error")["error"]["code"] == "event_too_large"


async def test_a_webrtc_call_takes_it_over_its_side_channel(server: Edge) -> None:
    async with peer() as caller, httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post(CALLS, **raw(await caller.offer()))
        await caller.connect(answer.text)
        await caller.next("session.created")
        call_id = answer.headers["Location"].rsplit("/", 1)[1]
        await asyncio.to_thread(upload, f"{server.ws}/v1/realtime?call_id={call_id}")
        await caller.next("conversation.item.input_audio_transcription.completed")


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
async def test_the_headless_client_talks_g711(server: Edge, form: AudioFormat) -> None:
    """The scripted voice says words as levels of samples, which G.711 moves by half a step."""
    async with HeadlessClient(server.url, transport="websocket", audio_format=form) as client:
        shown = client.log.events[-1].body["session"]["audio"]
        assert shown["input"]["format"] == shown["output"]["format"] == {"type": form}
        spoken = await client.speak(np.zeros(48_000, np.int16))
        assert spoken.voiced_end > spoken.voiced_start
        client.text("hello")
        done = await client.log.wait_for("response.done", within=20)
        assert done.body["response"]["status"] == "completed"
        await asyncio.sleep(0)
        loud = np.abs(client.recorded()[:, 0])
        assert 0.5 < np.count_nonzero(loud > 1_000) / 48_000 < 0.9  # three words of 240 ms
        with pytest.raises(ValueError, match="audio/pcm"):
            await client.speak(prepare(np.zeros(960, np.int16), "websocket"))
