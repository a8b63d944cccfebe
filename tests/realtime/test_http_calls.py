"""Calls over HTTP as stock clients make them, in front of scripted models."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from openai import APIStatusError, AsyncOpenAI, OpenAI
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from realtime.transport.aiortc_hooks import offer_addresses
from tests.realtime.edge import KEY, OTHER_KEY, Edge, edge

CALLS = "/v1/realtime/calls"
SESSION = {"type": "realtime", "instructions": "be brief", "audio": {"output": {"speed": 1.25}}}


@pytest.fixture(scope="module")
def open_edge() -> Iterator[Edge]:
    with edge("server.max_sessions=64") as made:
        yield made


@pytest.fixture(scope="module")
def guarded() -> Iterator[Edge]:
    with edge("security.sessions_per_key=2", environment={"AUDIOGPT_API_KEYS": f"{KEY},{OTHER_KEY}"}) as made:
        yield made


def bearer(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class Peer:
    """A WebRTC client that only looks at its events."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.connection = RTCPeerConnection()
        self.connection.addTransceiver("audio", direction="recvonly")
        self.channel = self.connection.createDataChannel("oai-events")
        self.channel.on("message", lambda text: self.events.put_nowait(json.loads(text)))

    async def offer(self) -> str:
        description = await self.connection.createOffer()
        offer_addresses(self.connection, ("127.0.0.1",), None)
        await self.connection.setLocalDescription(description)
        return str(self.connection.localDescription.sdp)

    async def connect(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def next(self, kind: str) -> dict[str, Any]:
        while (event := await asyncio.wait_for(self.events.get(), 20))["type"] != kind:
            pass
        return event


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    try:
        yield made
    finally:
        await made.connection.close()


def raw(sdp: str) -> dict[str, Any]:
    return {"content": sdp, "headers": {"Content-Type": "application/sdp"}}


def as_json(sdp: str) -> dict[str, Any]:
    return {"json": {"sdp": sdp, "session": SESSION}}


def as_form_fields(sdp: str) -> dict[str, Any]:
    return {"files": {"sdp": (None, sdp), "session": (None, json.dumps(SESSION))}}


def as_form_files(sdp: str) -> dict[str, Any]:
    session = ("session.json", json.dumps(SESSION), "application/json")
    return {"files": {"sdp": ("offer.sdp", sdp, "application/sdp"), "session": session}}


@pytest.mark.parametrize(
    ("body", "instructions", "speed"),
    [
        (raw, "", 1.0),
        (as_json, "be brief", 1.25),
        (as_form_fields, "be brief", 1.25),
        (as_form_files, "be brief", 1.25),
    ],
)
async def test_a_call_begins_with_the_session_of_its_body(
    open_edge: Edge, body: Callable[[str], dict[str, Any]], instructions: str, speed: float
) -> None:
    async with peer() as caller, httpx.AsyncClient(base_url=open_edge.url) as http:
        answer = await http.post(f"{CALLS}?model=gpt-realtime-99", **body(await caller.offer()))
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"] == "application/sdp"
        assert "a=msid:" in answer.text
        location = answer.headers["location"]
        assert location.startswith(f"{CALLS}/rtc_")
        await caller.connect(answer.text)
        session = (await caller.next("session.created"))["session"]
        assert session["instructions"] == instructions
        assert session["audio"]["output"]["speed"] == speed
        assert session["model"] == "gpt-realtime-99"
        over = await http.post(f"{location}/hangup")
        assert over.status_code == 200
        assert (await http.post(f"{location}/hangup")).status_code == 404


@pytest.mark.parametrize(
    ("session", "param", "words"),
    [
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed", "between 0.25 and 1.5"),
        ({"audio": 5}, "session.audio", ""),
        ("quick", "session", ""),
        ([], "session", ""),
        ({"type": "realtime", "instructions": "\ud800"}, "session", "surrogate"),
    ],
)
def test_a_session_that_cannot_be_is_refused_before_there_is_a_call(
    open_edge: Edge, session: Any, param: str, words: str
) -> None:
    with httpx.Client(base_url=open_edge.url) as http:
        answer = http.post(
            CALLS,
            content=json.dumps({"sdp": "v=0", "session": session}),
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["type"] == "invalid_request_error"
    assert error["param"].startswith(param)
    assert words in error["message"]


def test_a_session_of_a_form_that_is_no_json(open_edge: Edge) -> None:
    with httpx.Client(base_url=open_edge.url) as http:
        answer = http.post(CALLS, files={"sdp": (None, "v=0"), "session": (None, "{")})
    assert answer.status_code == 400
    assert "session is not JSON" in answer.json()["error"]["message"]


async def test_openai_python_calls_and_hangs_up(guarded: Edge) -> None:
    client = AsyncOpenAI(api_key=KEY, base_url=f"{guarded.url}/v1", max_retries=0)
    async with client, peer() as caller:
        response = await client.realtime.calls.with_raw_response.create(
            sdp=await caller.offer(), session={"type": "realtime", "instructions": "be brief"}
        )
        call_id = response.headers["location"].rpartition("/")[2]
        await caller.connect(response.text)
        assert (await caller.next("session.created"))["session"]["instructions"] == "be brief"
        await client.realtime.calls.hangup(call_id)
        with pytest.raises(APIStatusError) as gone:
            await client.realtime.calls.hangup(call_id)
        assert (gone.value.status_code, gone.value.code, gone.value.param) == (
            404,
            "call_not_found",
            "call_id",
        )


# openai 3.54 with websockets 17.4
@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")
def test_a_client_secret_is_what_the_protocol_says(guarded: Edge) -> None:
    before = int(time.time())
    with OpenAI(api_key=KEY, base_url=f"{guarded.url}/v1", max_retries=0) as client:
        plain = client.realtime.client_secrets.create()
        assert plain.value.startswith("ek_")
        assert 600 <= plain.expires_at - before <= 602
        secret = client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 7_200},
            session={"type": "realtime", "instructions": "be brief", "audio": {"output": {"voice": "marin"}}},
        )
        assert 7_200 <= secret.expires_at - before <= 7_202
        shown = secret.session.to_dict()
        assert shown["object"] == "realtime.session"
        assert str(shown["id"]).startswith("sess_")
        assert shown["instructions"] == "be brief"
    with OpenAI(api_key=secret.value, base_url=f"{guarded.url}/v1").realtime.connect(
        model="any"
    ) as connection:
        created = connection.recv()
        assert created.type == "session.created"
        assert created.session.to_dict()["instructions"] == "be brief"
        assert created.session.to_dict()["model"] == "any"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"anchor": "created_at", "seconds": 9}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "created_at", "seconds": 7_201}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "birth", "seconds": 60}}, "expires_after.anchor"),
        ({"expires_after": {"seconds": "60"}}, "expires_after.seconds"),
        ({"session": []}, "session"),
        ({"session": {"audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
        ([], None),
    ],
)
def test_a_client_secret_that_cannot_be_is_explained(guarded: Edge, body: Any, param: str | None) -> None:
    with httpx.Client(base_url=guarded.url, headers=bearer()) as http:
        answer = http.post("/v1/realtime/client_secrets", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param
        too_large = http.post("/v1/realtime/client_secrets", content=b" " * 70_000)
        assert too_large.status_code == 413


def next_event(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while (event := json.loads(socket.recv(20)))["type"] != kind:
        pass
    found: dict[str, Any] = event
    return found


async def test_a_side_channel_shares_the_call_of_a_browser(guarded: Edge) -> None:
    """As a server does that gave the browser its token: it holds the tools, the browser the audio."""
    server = AsyncOpenAI(api_key=KEY, base_url=f"{guarded.url}/v1", max_retries=0)
    secret = await server.realtime.client_secrets.create(session={"type": "realtime"})
    browser = httpx.AsyncClient(base_url=guarded.url, headers=bearer(secret.value))
    async with server, browser, peer() as caller:
        answer = await browser.post(CALLS, **raw(await caller.offer()))
        call_id = answer.headers["location"].rpartition("/")[2]
        await caller.connect(answer.text)
        created = await caller.next("session.created")
        async with server.realtime.connect(call_id=call_id) as side:
            first = await side.recv()
            assert first.type == "session.created"
            assert first.session.to_dict()["id"] == created["session"]["id"]
            await side.session.update(session={"type": "realtime", "instructions": "from the side"})
            assert (await caller.next("session.updated"))["session"]["instructions"] == "from the side"
            while (event := await side.recv()).type != "session.updated":
                pass
            caller.channel.send('{"type": "response.cancel", "event_id": "mine"}')
            while (event := await side.recv()).type != "error":
                pass
            assert event.error.event_id == "mine"
            await caller.next("error")
            await side.input_audio_buffer.append(audio="AAAA")
            assert (await caller.next("error"))["error"]["code"] == "unsupported_event"
            await browser.post(f"{CALLS}/{call_id}/hangup")
            async for _ in side:  # ends in good order, or raises
                pass


async def test_nobody_else_reaches_a_call(guarded: Edge) -> None:
    async with peer() as caller, httpx.AsyncClient(base_url=guarded.url, headers=bearer()) as http:
        answer = await http.post(CALLS, **raw(await caller.offer()))
        location = answer.headers["location"]
        call_id = location.rpartition("/")[2]
        token = (await http.post("/v1/realtime/client_secrets")).json()["value"]
        for stranger in (OTHER_KEY, token):
            assert (await http.post(f"{location}/hangup", headers=bearer(stranger))).status_code == 404
            with pytest.raises(InvalidStatus) as refused:
                connect(f"{guarded.ws}/v1/realtime?call_id={call_id}", additional_headers=bearer(stranger))
            assert refused.value.response.status_code == 404
            body = json.loads(bytes(refused.value.response.body or b""))
            assert body["error"]["code"] == "call_not_found"
        assert (await http.post(f"{location}/hangup")).status_code == 200


def test_a_key_has_so_many_calls_and_no_more(guarded: Edge) -> None:
    url = f"{guarded.ws}/v1/realtime"
    with connect(url, additional_headers=bearer()) as one, connect(url, additional_headers=bearer()) as two:
        for socket in (one, two):
            next_event(socket, "session.created")
        with pytest.raises(InvalidStatus) as refused:
            connect(url, additional_headers=bearer())
        response = refused.value.response
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 0
        assert json.loads(bytes(response.body or b""))["error"]["type"] == "rate_limit_error"
        with connect(url, additional_headers=bearer(OTHER_KEY)) as other:
            next_event(other, "session.created")
        with connect(url, additional_headers={**bearer(), "Origin": guarded.url}) as browser:
            assert next_event(browser, "error")["error"]["code"] == "rate_limit_exceeded"
            with pytest.raises(ConnectionClosedError, match="1013"):
                browser.recv(20)


def test_the_subprotocols_of_a_browser(guarded: Edge) -> None:
    offered: list[Any] = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.1.0"]
    with connect(f"{guarded.ws}/v1/realtime", subprotocols=offered, origin=guarded.url) as socket:  # type: ignore[arg-type]
        assert socket.subprotocol == "realtime"
        next_event(socket, "session.created")


def test_an_event_that_is_too_large_is_refused_and_the_session_goes_on() -> None:
    with edge("server.max_event=2000") as made, connect(f"{made.ws}/v1/realtime") as socket:
        next_event(socket, "session.created")
        socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": "A" * 3_000}))
        assert next_event(socket, "error")["error"]["code"] == "event_too_large"
        socket.send('{"type": "session.update", "session": {}}')
        next_event(socket, "session.updated")
        socket.send("A" * 4_001)
        with pytest.raises(ConnectionClosedError, match="1009"):
            next_event(socket, "nothing more")


def test_a_page_of_another_origin_on_the_same_machine_may_call_where_no_key_is_needed(
    open_edge: Edge,
) -> None:
    page = {"Origin": "http://localhost:5173"}
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-openai-agents-sdk",
    }
    with httpx.Client(base_url=open_edge.url, headers=page) as http:
        preflight = http.options(CALLS, headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "*"
        answer = http.post(CALLS, json={})
        assert "Location" in answer.headers["access-control-expose-headers"].split(", ")
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_plain_request_to_the_websocket_is_told_so(open_edge: Edge) -> None:
    answer = httpx.get(f"{open_edge.url}/v1/realtime")
    assert answer.status_code == 426
    assert "ws://" in answer.json()["error"]["message"]
