"""A small server that speaks the protocol for real: HTTP, WebSocket, an aiortc peer, Opus, a crude VAD.

It runs in a thread with its own event loop, so that the command line can be tested as it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import uvicorn
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from realtime.transport.aiortc_hooks import (
    PacketTrack,
    RtpAudioPacket,
    offer_addresses,
    receive_inline,
    send_packets,
)
from realtime.transport.opus import OpusDecoder, OpusEncoder

RATE = 48_000
FRAME = 960
LOUD = 10 ** (-40 / 20) * 32768
PAUSE_FRAMES = 8  # 160 ms of quiet end a turn


def tone(seconds: float, hertz: float = 440.0, rate: int = RATE, level: float = 0.3) -> np.ndarray[Any, Any]:
    time = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * time) * level * 32767).astype(np.int16)


@dataclass
class Script:
    """How the server behaves; a test changes what it needs."""

    heard: str = "play something"
    said: str = "here it is"
    answer_s: float = 0.3
    delay_s: float = 0.0  # from the end of the turn to the answer
    music: bool = False  # unbounded, until cleared
    mute: bool = False  # answers in words, sends no sound
    ignore: bool = False  # hears, never answers
    hang_up_on_speech: bool = False
    garbage_event: str | None = None  # sent instead of an answer
    offer_answer: Response | None = None  # instead of an SDP
    refuse_settings: bool = False
    greet: bool = True  # session.created
    stopped_events: bool = True  # output_audio_buffer.*


@dataclass
class Seen:
    """What the server got."""

    events: list[dict[str, Any]] = field(default_factory=list)
    hangups: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


class Session:
    """The conversation, whatever carries it."""

    def __init__(
        self,
        script: Script,
        seen: Seen,
        send: Callable[[str], None],
        play: Callable[[Any, str], None],
        rtc: bool,
    ) -> None:
        self.script, self.seen, self.rtc = script, seen, rtc
        self._send, self._play = send, play
        self._count = 0
        self._quiet = 0
        self._talking = False
        self._item = ""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cut: set[asyncio.Task[None] | None] = set()

    def send(self, event_type: str, /, **body: Any) -> None:
        self._count += 1
        self._send(json.dumps({"type": event_type, "event_id": f"event_{self._count}", **body}))

    def greet(self) -> None:
        if self.script.greet:
            self.send("session.created", session={"id": "sess_1"})
            self.send("audiogpt.activity", state="listening")

    def event(self, text: str) -> None:
        event = json.loads(text)
        if event["type"] == "input_audio_buffer.append":
            pcm = np.frombuffer(base64.b64decode(event["audio"]), np.int16)
            assert len(pcm) == 480
            self.hear(pcm)
            return
        self.seen.events.append(event)
        match event["type"]:
            case "session.update" if self.script.refuse_settings:
                error = {"type": "invalid_request_error", "code": "invalid_value", "message": "no such voice"}
                self.send("error", error={**error, "event_id": event["event_id"]})
            case "session.update":
                self.send("session.updated", session=event["session"])
            case "response.create":
                self.start(self.answer())
            case "response.cancel" | "output_audio_buffer.clear":
                self.cut()

    def hear(self, pcm: np.ndarray[Any, Any]) -> None:
        loud = float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2))) > LOUD
        self._quiet = 0 if loud else self._quiet + 1
        if loud and not self._talking:
            self._talking = True
            self._item = f"item_{self._count}"
            self.send("input_audio_buffer.speech_started", item_id=self._item, audio_start_ms=0)
            self.cut()
            if self.script.hang_up_on_speech:
                raise WebSocketDisconnect
        if self._talking and self._quiet >= PAUSE_FRAMES:
            self._talking = False
            item = self._item
            self.send("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=0)
            self.send("input_audio_buffer.committed", item_id=item)
            transcription = "conversation.item.input_audio_transcription"
            self.send(
                f"{transcription}.completed", item_id=item, content_index=0, transcript=self.script.heard
            )
            if not self.script.ignore:
                self.start(self.answer())

    def start(self, work: Any) -> None:
        self._count += 1
        name = f"task_{self._count}"
        self._tasks[name] = asyncio.get_running_loop().create_task(work)
        self._tasks[name].add_done_callback(lambda _: self._tasks.pop(name, None))

    def cut(self) -> None:
        for task in list(self._tasks.values()):
            self._cut.add(task)
            task.cancel()

    async def answer(self) -> None:
        script = self.script
        await asyncio.sleep(script.delay_s)
        if script.garbage_event is not None:
            self._send(script.garbage_event)
            return
        response, music = f"resp_{self._count}", f"resp_music_{self._count}"
        if script.said:
            await self.respond(response, {}, script.said, script.answer_s, 440)
            task = asyncio.current_task()
            if task in self._cut or (task is not None and task.cancelling()):
                return
        if script.music:
            artefact = {"id": "art_1", "kind": "music", "name": "calm piano", "duration_ms": None}
            self.send("audiogpt.artefact.created", response_id=music, **artefact)
            state = {"playing": True, "bar": 1, "tempo": 70, "key": "A minor", "instruments": ["piano"]}
            self.send("audiogpt.music.state", artefact_id="art_1", **state)
            await self.respond(music, {"audiogpt": "music"}, "", 60, 220)

    async def respond(
        self, name: str, metadata: dict[str, str], words: str, seconds: float, hertz: float
    ) -> None:
        ids = {"response_id": name, "item_id": f"item_{name}", "output_index": 0, "content_index": 0}
        status = "completed"
        self.send("response.created", response={"id": name, "metadata": metadata, "status": "in_progress"})
        try:
            if self.rtc and self.script.stopped_events:
                self.send("output_audio_buffer.started", response_id=name)
            if words:
                self.send("response.output_audio_transcript.delta", delta=words, **ids)
                stages = {"endpoint": 160.0, "asr": 1.0, "plan": 2.0, "speech": 3.0, "send": 4.0}
                self.send(
                    "audiogpt.turn.latency",
                    item_id=self._item,
                    response_id=name,
                    stages_ms=stages,
                    total_ms=170.0,
                )
            if not self.script.mute:
                await self._sound(name, seconds, hertz)
        except asyncio.CancelledError:
            status = "cancelled"
        if words:
            self.send("response.output_audio_transcript.done", transcript=words, **ids)
        self.send("response.done", response={"id": name, "status": status, "metadata": metadata})
        if self.rtc and self.script.stopped_events:
            ending = "cleared" if status == "cancelled" else "stopped"
            self.send(f"output_audio_buffer.{ending}", response_id=name)

    async def _sound(self, response: str, seconds: float, hertz: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        wave = tone(1.0, hertz)  # whole periods, so that it can go round
        for index in range(round(seconds * 50)):
            await asyncio.sleep(max(0.0, start + index * 0.02 - loop.time()))
            at = index * FRAME % RATE
            self._play(wave[at : at + FRAME], response)


class FakeServer:
    def __init__(self) -> None:
        self.script, self.seen = Script(), Seen()
        self._peers: dict[str, RTCPeerConnection] = {}
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        routes = [
            Route("/v1/realtime/calls", self.call, methods=["POST"]),
            Route("/v1/realtime/calls/{id}/hangup", self.hang_up, methods=["POST"]),
            WebSocketRoute("/v1/realtime", self.websocket),
        ]
        app = Starlette(routes=routes)
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="fake server")
        self._thread.start()

    def _run(self) -> None:
        async def serve() -> None:
            await self._server.serve(sockets=[self._socket])
            for peer in list(self._peers.values()):
                with suppress(TimeoutError):
                    await asyncio.wait_for(peer.close(), 3)

        asyncio.run(serve())

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def call(self, request: Request) -> Response:
        self.seen.paths.append(request.url.path)
        self.seen.headers.append(dict(request.headers))
        if self.script.offer_answer is not None:
            return self.script.offer_answer
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        name = f"rtc_{len(self._peers) + 1}"
        self._peers[name] = peer
        track = PacketTrack()
        encoder, decoder = OpusEncoder(channels=2), OpusDecoder(RATE, 1)

        @peer.on("datachannel")
        def opened(channel: RTCDataChannel) -> None:
            assert channel.label == "oai-events"

            def send(text: str) -> None:
                if channel.readyState == "open":
                    channel.send(text)

            def play(pcm: np.ndarray[Any, Any], _response: str) -> None:
                track.push(encoder.encode(np.column_stack([pcm, pcm])))

            session = sessions["it"] = Session(self.script, self.seen, send, play, rtc=True)
            channel.on("message", session.event)
            session.greet()

        @peer.on("connectionstatechange")
        async def changed() -> None:
            if peer.connectionState in {"closed", "failed"}:
                self.seen.closed.set()

        sessions: dict[str, Session] = {}

        def packet(packet: RtpAudioPacket) -> None:
            if "it" not in sessions:
                return
            try:
                sessions["it"].hear(np.frombuffer(decoder.decode(packet.payload), np.int16))
            except WebSocketDisconnect:
                closing.append(asyncio.ensure_future(peer.close()))

        closing: list[asyncio.Future[None]] = []
        await peer.setRemoteDescription(RTCSessionDescription((await request.body()).decode(), "offer"))
        transceiver = peer.getTransceivers()[0]
        transceiver.direction = "sendrecv"
        send_packets(transceiver.sender, track)
        receive_inline(transceiver.receiver, packet)
        offer_addresses(peer, ["127.0.0.1"])
        await peer.setLocalDescription(await peer.createAnswer())
        headers = {"Location": f"/v1/realtime/calls/{name}"}
        sdp = peer.localDescription.sdp
        return Response(sdp, status_code=201, media_type="application/sdp", headers=headers)

    async def hang_up(self, request: Request) -> Response:
        name = request.path_params["id"]
        self.seen.hangups.append(name)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._peers.pop(name).close(), 3)
        return Response(status_code=200)

    async def websocket(self, socket: WebSocket) -> None:
        self.seen.paths.append(str(socket.url.path))
        if self.script.offer_answer is not None:
            await socket.send_denial_response(self.script.offer_answer)
            return
        await socket.accept(subprotocol="realtime")
        queue: asyncio.Queue[str] = asyncio.Queue(1000)

        async def write() -> None:
            while True:
                await socket.send_text(await queue.get())

        def play(pcm: np.ndarray[Any, Any], response: str) -> None:
            delta = base64.b64encode(pcm[::2].tobytes()).decode()
            ids = {
                "response_id": response,
                "item_id": f"item_{response}",
                "output_index": 0,
                "content_index": 0,
            }
            session.send("response.output_audio.delta", delta=delta, **ids)

        session = Session(self.script, self.seen, queue.put_nowait, play, rtc=False)
        writer = asyncio.create_task(write())
        session.greet()
        try:
            while True:
                session.event(await socket.receive_text())
        except WebSocketDisconnect:
            self.seen.closed.set()
        finally:
            session.cut()
            writer.cancel()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """0.3 s of voice in 0.5 s, the rest silence, at a rate and with channels that need converting."""
    path = tmp_path / "question.wav"
    mono = np.concatenate([np.zeros(3200, np.int16), tone(0.3, 300, 32_000), np.zeros(3200, np.int16)])
    soundfile.write(path, np.column_stack([mono, mono]), 32_000)
    return path
