"""A server for the page's tests: real HTTP, WebRTC and WebSocket, and events sent when the test likes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import fractions
import io
import json
import math
import re
import socket
import wave
from array import array
from pathlib import Path
from typing import Any, Protocol

import av
import uvicorn
from aioice import ice
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from realtime.transport.sdp import check_offer

WEB = Path(__file__).parents[3] / "client" / "web"
DIALOGUE: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "dialogue.json").read_text(encoding="utf-8")
)
RATE = 48_000
FRAME = 960
WAIT_S = 15.0
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200">'
    '<rect width="320" height="200" fill="teal"/></svg>'
)

_host_addresses = ice.get_host_addresses


def _with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice leaves 127.0.0.1 out; a test host may have nothing else."""
    return [*_host_addresses(use_ipv4, use_ipv6), *(["127.0.0.1"] if use_ipv4 else [])]


class Tone(MediaStreamTrack):
    """A 440 Hz tone whose loudness swells, paced like speech, so that a meter has something to show."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._started: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._started = self._started if self._started is not None else loop.time()
        await asyncio.sleep(max(0.0, self._started + self._sent / RATE - loop.time()))
        swell = 6000 * (1.2 + math.sin(self._sent / RATE * 9))
        samples = array(
            "h", (int(swell * math.sin(2 * math.pi * 440 * (self._sent + i) / RATE)) for i in range(FRAME))
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = RATE
        frame.pts = self._sent
        frame.time_base = fractions.Fraction(1, RATE)
        self._sent += FRAME
        return frame


def tone_file(seconds: float = 2.0, rate: int = 16_000) -> bytes:
    """A WAV file with a 440 Hz tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        count = round(seconds * rate)
        out.writeframes(
            array("h", (int(8000 * math.sin(2 * math.pi * 440 * i / rate)) for i in range(count))).tobytes()
        )
    return file.getvalue()


class Channel(Protocol):
    """What takes events to the page."""

    def send(self, text: str) -> None: ...


class SocketChannel:
    """The events of one WebSocket; `pump` sends them."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._texts: asyncio.Queue[str] = asyncio.Queue()

    def send(self, text: str) -> None:
        self._texts.put_nowait(text)

    async def pump(self) -> None:
        while True:
            await self._socket.send_text(await self._texts.get())


class FakeServer:
    """Serves the page and takes calls; `start` and `stop` may follow one another on the same port."""

    def __init__(self) -> None:
        self.port = 0
        self.full_for_s: int | None = None  # when set, calls get 503 with this Retry-After
        self.received: list[dict[str, Any]] = []  # a test may clear it
        self.everything: list[dict[str, Any]] = []
        self.heard_packets = 0
        self.heard_audio = ""  # base64 of the last piece that came over the WebSocket
        self.hangups = 0
        self.calls = 0
        self.token: str | None = None  # when set, calls can be taken up again with it
        self.resumed: list[tuple[str, str]] = []  # (token, last event) of those that were
        self.unreachable = False  # no packet gets through, either way
        self.sockets = 0
        self.goodbyes: list[int] = []  # close codes
        self.side_channel = True  # False: calls have none
        self.aside: list[str] = []  # types of events that came over side channels
        self.key = ""  # of who may have files
        self.files: list[str] = []  # that were given out
        self.offers: list[str] = []
        self._asides: list[WebSocket] = []
        self._peers: list[RTCPeerConnection] = []
        self._drains: set[asyncio.Task[None]] = set()
        self._channel: asyncio.Future[Channel] | None = None
        self._changed = asyncio.Condition()
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        ice.get_host_addresses = _with_loopback
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()  # so that the kernel holds connections until uvicorn takes them
        self.port = listener.getsockname()[1]
        app = Starlette(
            routes=[
                Route("/", lambda _: FileResponse(WEB / "index.html")),
                Route("/v1/audiogpt/config", self._config),
                Route("/v1/realtime/calls", self._call, methods=["POST"]),
                Route("/v1/realtime/calls/{id}/hangup", self._hangup, methods=["POST"]),
                WebSocketRoute("/v1/realtime", self._take_socket),
                Route("/files/{name}", self._file),
                Mount("/static", StaticFiles(directory=WEB)),
            ]
        )
        config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        # `_serve`, not `serve`: the latter takes the process's signal handlers, which are pytest's.
        self._serving = asyncio.create_task(self._server._serve([listener]))
        self._channel = asyncio.get_running_loop().create_future()

    async def stop(self) -> None:
        """Ends every call and closes the port, as a server does that is shut down."""
        await self.drop()
        if self._server and self._serving:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._serving
        self._server = self._serving = None
        ice.get_host_addresses = _host_addresses

    async def drop(self) -> None:
        """Ends every call."""
        peers, self._peers = self._peers, []
        await asyncio.gather(*(peer.close() for peer in peers))
        for drain in list(self._drains):
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)
        self._channel = asyncio.get_running_loop().create_future()

    async def send(self, *scenes: str) -> None:
        """Sends the events of these scenes of dialogue.json, once a call is up."""
        assert self._channel is not None
        channel = await asyncio.wait_for(asyncio.shield(self._channel), WAIT_S)
        for scene in scenes:
            for event in DIALOGUE[scene]:
                channel.send(json.dumps(event))

    def lose_network(self) -> None:
        """From now on no packet of the calls under way comes or goes; nobody says goodbye."""
        for peer in self._peers:
            for transport in peer._RTCPeerConnection__iceTransports:  # type: ignore[attr-defined]
                for protocol in transport._connection._protocols:
                    protocol.transport.abort()

    async def send_tone(self, seconds: float, response: str = "resp_tone", item: str = "item_tone") -> None:
        """Sends a 440 Hz tone inside events, all at once."""
        assert self._channel is not None
        channel = await asyncio.wait_for(asyncio.shield(self._channel), WAIT_S)
        place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        for piece in range(round(seconds * 50)):
            samples = [
                int(8000 * math.sin(2 * math.pi * 440 * (piece * 480 + i) / 24_000)) for i in range(480)
            ]
            delta = base64.b64encode(array("h", samples).tobytes()).decode()
            event = {"type": "response.output_audio.delta", "event_id": "event_tone", **place, "delta": delta}
            channel.send(json.dumps(event))

    async def wait_for(self, event_type: str) -> dict[str, Any]:
        """The first event of this type that the page sent."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: event_type in self.types()), WAIT_S)
        return next(event for event in self.received if event["type"] == event_type)

    async def wait_for_number(self, event_type: str, number: int) -> None:
        """Until the page has sent so many events of this type."""
        async with self._changed:
            there = lambda: self.types().count(event_type) >= number  # noqa: E731
            await asyncio.wait_for(self._changed.wait_for(there), WAIT_S)

    async def tell_everywhere(self, **event: Any) -> None:
        """Sends one event as the real server does: to the call, and mirrored to its side channels."""
        for aside in self._asides:
            await aside.send_text(json.dumps(event))
        await self.tell(**event)

    async def close_aside(self) -> None:
        """Closes the side channels."""
        for aside in self._asides:
            await aside.close()

    async def tell(self, **event: Any) -> None:
        """Sends one event, once a call is up."""
        assert self._channel is not None
        channel = await asyncio.wait_for(asyncio.shield(self._channel), WAIT_S)
        channel.send(json.dumps({"event_id": "event_told", **event}))

    def types(self) -> list[str]:
        return [event["type"] for event in self.received]

    async def _config(self, _: Request) -> Response:
        return JSONResponse({"profile": "embedded", "backends": {}, "version": "0", "ice_servers": []})

    async def _file(self, request: Request) -> Response:
        """tone.wav, shapes.svg; with a key set, only for who has it, as the calls."""
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": {"message": "This file is for who made it."}}, 401)
        self.files.append(request.path_params["name"])
        if request.path_params["name"] == "shapes.svg":
            return Response(PICTURE, media_type="image/svg+xml")
        if request.path_params["name"] != "tone.wav":
            return JSONResponse({"error": {"message": "It is not kept any longer."}}, 404)
        name = 'attachment; filename="here-we-go.wav"'
        return Response(tone_file(), media_type="audio/wav", headers={"Content-Disposition": name})

    async def _hangup(self, _: Request) -> Response:
        self.hangups += 1
        return PlainTextResponse("")

    async def _call(self, request: Request) -> Response:
        if self.full_for_s is not None:
            error = {"message": "All four places are taken.", "type": "server_error", "code": "session_limit"}
            return JSONResponse({"error": error}, 503, headers={"Retry-After": str(self.full_for_s)})
        wish = request.headers.get("X-AudioGPT-Resume", "")
        assert wish, "the page can take up calls, and says so"
        if wish not in ("new", self.token):
            error = {"message": "That conversation is over.", "code": "session_gone"}
            return JSONResponse({"error": error}, 404)
        if wish != "new":
            self.resumed.append((wish, request.headers.get("Last-Event-ID", "")))
        peer = RTCPeerConnection()
        self._peers.append(peer)
        peer.on("datachannel", self._take_channel)
        peer.on("track", self._take_track)
        offer = (await request.body()).decode()
        reachable = re.sub(r"(?m)^a=candidate:.*\r?\n", "", offer) if self.unreachable else offer
        await peer.setRemoteDescription(check_offer(reachable))
        peer.addTrack(Tone())
        await peer.setLocalDescription(await peer.createAnswer())
        self.calls += wish == "new"
        self.offers.append(offer)
        sdp = peer.localDescription.sdp
        if self.unreachable:  # TEST-NET-1, RFC 5737
            sdp = re.sub(r"(a=candidate:\S+ \d udp \d+) \S+", r"\1 192.0.2.1", sdp)
        location = f"/v1/realtime/calls/call_{self.calls}"
        return Response(sdp, 201, headers={"Location": location}, media_type="application/sdp")

    def _take_channel(self, channel: RTCDataChannel) -> None:
        assert channel.label == "oai-events"
        channel.on("message", self._take_event)
        self._greet(channel)

    def _greet(self, channel: Channel) -> None:
        assert self._channel is not None
        if self._channel.done():
            self._channel = asyncio.get_running_loop().create_future()
        self._channel.set_result(channel)
        for event in copy.deepcopy(DIALOGUE["connected"]):
            if event["type"] == "session.created":
                event["session"]["id"] = f"sess_{self.calls}"
            if event["type"] == "audiogpt.session.info":
                event.update(resume=self.token, resume_grace=20.0 if self.token else None)
            channel.send(json.dumps(event))

    async def _take_side_channel(self, websocket: WebSocket) -> None:
        if not self.side_channel:
            await websocket.close(4404)
            return
        assert websocket.query_params["call_id"] == f"call_{self.calls}"
        await websocket.accept(subprotocol="realtime")
        self._asides.append(websocket)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: we closed it
            while True:
                text = await websocket.receive_text()
                self.aside.append(json.loads(text)["type"])
                await self._take_event(text)

    async def _take_socket(self, websocket: WebSocket) -> None:
        if "call_id" in websocket.query_params:
            await self._take_side_channel(websocket)
            return
        await websocket.accept(subprotocol="realtime")
        wish = websocket.query_params["resume"]
        if wish not in ("new", self.token):
            await websocket.close(4404)
            return
        if wish != "new":
            self.resumed.append((wish, websocket.query_params.get("last_event", "")))
        self.calls += wish == "new"
        self.sockets += 1
        channel = SocketChannel(websocket)
        pump = asyncio.create_task(channel.pump())
        self._greet(channel)
        try:
            while True:
                text = await websocket.receive_text()
                if json.loads(text)["type"] == "input_audio_buffer.append":
                    self.heard_packets += 1
                    self.heard_audio = json.loads(text)["audio"]
                else:
                    await self._take_event(text)
        except WebSocketDisconnect as end:
            self.goodbyes.append(end.code)
        finally:
            pump.cancel()

    async def _take_event(self, message: str) -> None:
        async with self._changed:
            self.received.append(json.loads(message))
            self.everything.append(self.received[-1])
            self._changed.notify_all()

    def _take_track(self, track: MediaStreamTrack) -> None:
        drain = asyncio.create_task(self._drain(track))
        self._drains.add(drain)
        drain.add_done_callback(self._drains.discard)

    async def _drain(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):  # the call is over
            while True:
                await track.recv()
                self.heard_packets += 1
