"""Clients that send what they should not, until their time is up. Whatever comes back is looked at."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from aiortc import RTCPeerConnection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client.errors import ClientError
from client.signalling import RealtimeSignalling
from client.webrtc import EVENTS_LABEL, WebRtcChannel
from realtime.transport.aiortc_hooks import RtpAudioPacket, offer_addresses
from tests.fuzz.findings import Findings
from tests.fuzz.mutation import SESSION, Mutator
from tests.realtime.conformance.order import OWN
from tests.realtime.conformance.shapes import faults

EVENTS = 40  # of one session
ALIVE_S = 15.0  # a session that does not answer `session.update` for so long is broken
# Closes that a wrong client may meet: our own, RFC 6455's for no UTF-8 and for too much, and its own leaving.
CLOSES = {1000, 1002, 1003, 1007, 1008, 1009, 1013, 3000, 4404}
STATUSES = {200, 201, 400, 401, 403, 404, 405, 413, 415, 422, 429, 503}


class Reader:
    """What a server sends to an offender."""

    def __init__(self, findings: Findings, ids: list[str]) -> None:
        self.findings = findings
        self.ids = ids
        self.updated = asyncio.Event()
        self.ended = asyncio.Event()

    def on_event(self, text: str | bytes) -> None:
        event = json.loads(text)
        kind = event["type"]
        if kind == "session.updated":
            self.updated.set()
        elif kind == "conversation.item.added":
            self.ids.append(event["item"]["id"])
            del self.ids[:-5]
        elif kind == "error":
            error = event["error"]
            self.findings.answers[f"error {error['code'] or error['type']}"] += 1
            if error["type"] == "server_error":
                self.findings.add("a server_error", event=event)
        if not kind.startswith(OWN) and kind != "response.output_audio.delta":
            for fault in faults(event):
                self.findings.add("an event of a wrong shape", fault=fault, event=event)

    def on_packet(self, packet: RtpAudioPacket) -> None:
        return

    def on_lost(self, reason: str) -> None:
        self.ended.set()

    def on_gone(self, reason: str) -> None:
        self.ended.set()


ALIVE = json.dumps({"type": "session.update", "event_id": "alive", "session": {"type": "realtime"}})
RIGHT_AGAIN = json.dumps({"type": "session.update", "event_id": "alive", "session": {**SESSION, "audio": {}}})


async def over_websocket(url: str, mutator: Mutator, findings: Findings, until: float) -> None:
    """Sessions over WebSockets, some of which break off in the middle of a message."""
    address = url.replace("http", "ws", 1) + "/v1/realtime?model=any"
    while time.monotonic() < until:
        try:
            async with connect(address, compression=None, proxy=None, max_size=None) as socket:
                await _session(socket, mutator, findings, until)
        except InvalidStatus as refusal:
            _status(findings, refusal.response.status_code, "a WebSocket")
            await asyncio.sleep(0.2)
        except (ConnectionClosed, OSError, TimeoutError) as error:
            findings.answers[f"websocket {type(error).__name__}"] += 1


async def _session(socket: ClientConnection, mutator: Mutator, findings: Findings, until: float) -> None:
    reader = Reader(findings, mutator.ids)

    async def read() -> None:
        async for text in socket:
            reader.on_event(text)

    reading = asyncio.create_task(read())
    try:
        for _ in range(EVENTS):
            if time.monotonic() > until:
                break
            message = mutator.event()
            findings.sent("events over WebSocket", message)
            await socket.send(message)
            if mutator.random.random() < 0.3:
                await asyncio.sleep(mutator.random.choice([0.0, 0.02, 0.2]))
        if mutator.random.random() < 0.2:
            findings.sent("half messages", "half a message")
            await _break_off(socket, mutator)
            return
        reader.updated.clear()
        await socket.send(ALIVE)
        await asyncio.wait_for(reader.updated.wait(), ALIVE_S)
    except TimeoutError:
        if socket.close_code is None:
            findings.add("a session does not answer any more")
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        findings.answers[f"close {code}"] += 1
        if code not in CLOSES:
            findings.add("a session was closed", code=code, reason=str(closed))
    finally:
        reading.cancel()
        done = (await asyncio.gather(reading, return_exceptions=True))[0]
        if isinstance(done, Exception) and not isinstance(done, ConnectionClosed):
            findings.add("an event that cannot be read", error=repr(done))


async def _break_off(socket: ClientConnection, mutator: Mutator) -> None:
    """Leave without a word, inside a message or a frame."""
    transport = socket.transport
    match mutator.random.randrange(3):
        case 0:
            transport.write(b"\x01\xfe\x01\x00\x00\x00\x00\x00" + b'{"type":')  # a text frame that never ends
        case 1:
            transport.write(b"\x01\x83\x00\x00\x00\x00abc")  # a first fragment, and no more
        case 2:
            transport.write(mutator.random.randbytes(64))
    await asyncio.sleep(0.01)
    transport.abort()


async def over_data_channel(url: str, mutator: Mutator, findings: Findings, until: float) -> None:
    """Calls over WebRTC, whose data channel carries the wrong events."""
    while time.monotonic() < until:
        reader = Reader(findings, mutator.ids)
        try:
            channel = await WebRtcChannel.connect(reader, RealtimeSignalling(url), 10.0)
        except ClientError as error:
            findings.answers[f"webrtc {type(error).__name__}"] += 1
            await asyncio.sleep(0.2)
            continue
        try:
            for _ in range(EVENTS):
                if time.monotonic() > until or channel._events.readyState != "open":
                    break
                message = mutator.event()
                findings.sent("events over a data channel", message)
                if len(message) < 60_000:  # aiortc's own bound for a message
                    channel._events.send(message)
                await asyncio.sleep(0.01)
            reader.updated.clear()
            channel.send(ALIVE)
            await asyncio.wait_for(_either(reader), ALIVE_S)
            if reader.ended.is_set():
                findings.answers["webrtc link ended"] += 1
        except TimeoutError:
            findings.add("a call does not answer any more")
        finally:
            await (channel.aclose() if mutator.random.random() < 0.5 else channel.retire())


async def _either(reader: Reader) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (reader.updated, reader.ended)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def right_offer() -> str:
    """An offer as aiortc makes it."""
    pc = RTCPeerConnection()
    try:
        pc.addTransceiver("audio")
        pc.createDataChannel(EVENTS_LABEL)
        offer_addresses(pc, ["127.0.0.1"])
        await pc.setLocalDescription(await pc.createOffer())
        return str(pc.localDescription.sdp)
    finally:
        await pc.close()


async def with_offers(url: str, mutator: Mutator, findings: Findings, until: float) -> None:
    """Wrong SDP in all three bodies, wrong settings beside it, and nobody who then connects."""
    offer = await right_offer()
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http:
        while time.monotonic() < until:
            sdp = mutator.offer(offer)
            body = mutator.random.choice(["sdp", "json", "form"])
            session = mutator.value(SESSION, mutator.random.choice([0, 0, 1, 3]))
            findings.sent(f"offers as {body}", {"sdp": sdp, "session": session})
            try:
                answer = await http.post("/v1/realtime/calls", **_body(body, sdp, session))
            except httpx.TransportError as error:
                findings.add("an offer was not answered", error=repr(error))
                continue
            _status(findings, answer.status_code, "an offer", answer.text)
            if answer.status_code == 201 and mutator.random.random() < 0.8:
                await http.post(f"{answer.headers['Location']}/hangup")
            if answer.status_code == 503:
                await asyncio.sleep(0.2)


def _body(kind: str, sdp: str, session: object) -> dict[str, Any]:
    text = json.dumps(session)
    if kind == "sdp":
        return {
            "content": sdp.encode("utf-8", "surrogatepass"),
            "headers": {"Content-Type": "application/sdp"},
        }
    if kind == "json":
        body = f'{{"sdp": {json.dumps(sdp)}, "session": {text}}}'
        return {"content": body.encode(), "headers": {"Content-Type": "application/json"}}
    return {"files": {"sdp": (None, sdp), "session": (None, text)}}


def _status(findings: Findings, status: int, what: str, body: str = "") -> None:
    findings.answers[f"HTTP {status}"] += 1
    if status not in STATUSES:
        findings.add(f"{what} got the status {status}", body=body[:500])


Offender = Callable[[str, Mutator, Findings, float], Any]
