"""A caller without a browser: speaks, types, interrupts, hears and records. For the shell, tests, benchmarks.

    async with HeadlessClient("http://127.0.0.1:8080") as client:
        spoken = await client.speak(load("question.wav"))
        done = await client.log.wait_for("response.done", within=10, after=spoken.voiced_end)
        first = client.ear.first_after(spoken.voiced_end)

Many clients may live in one event loop. For load, encode once with `prepare` and give the same `Speech` to
all of them, with `record=False`: then only what a first voiced sample is waited for in is decoded.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from client.audio import Pcm
from client.channel import Channel
from client.downlink import AUDIO_DELTA, Downlink, EventDownlink, RtpDownlink
from client.errors import ClientError, GarbledError, RefusedError
from client.events import EventLog, ServerEvent, lost, parse
from client.listening import Ear
from client.resumption import FIRST_PAUSE_S, LONGEST_PAUSE_S, LOOK_S, SILENT_S, Resumption
from client.signalling import RealtimeSignalling, Signalling
from client.speech import Microphone, Speech, Spoken, TransportName, Unit, prepare
from client.webrtc import WebRtcChannel
from client.websocket import WebSocketChannel
from realtime.transport.aiortc_hooks import RtpAudioPacket
from realtime.transport.audio_formats import AudioFormat

CONNECT_S = 10.0
NOT_FOUND = 404  # HTTP status of a call that cannot be taken up
SETTINGS_S = 5.0  # for `session.updated`, as stock clients wait


class HeadlessClient:
    """One call. Use it as an async context manager; leaving the block hangs up.

    Args:
        url: the server, such as `http://127.0.0.1:8080`.
        transport: `webrtc` or `websocket`.
        record: keep all that is received, for `recorded()`.
        session: what a `session.update` shall carry, sent right after connecting.
        signalling: for a server that takes offers in another way (WebRTC only); such a server need not
            speak the protocol, and no `session.created` is waited for.
        api_key: sent as a bearer token.
        connect_timeout: seconds for each step of connecting.
        resume: take up the call over a new connection when the network drops it, as the page does.
        audio_format: what the events of a WebSocket carry both ways, `audio/pcm`, or G.711 (`audio/pcmu`,
            `audio/pcma`) as on a telephone line; over WebRTC it is asked for and means nothing.

    Attributes:
        log: all events so far, and waiting for them.
        ear: the voiced stretches received.
        microphone: the open microphone (counts late packets).
        started: when the call was up, on the event loop's clock; the recording begins there.
    """

    log: EventLog
    microphone: Microphone
    started: float

    def __init__(
        self,
        url: str,
        *,
        transport: TransportName = "webrtc",
        record: bool = True,
        session: Mapping[str, Any] | None = None,
        signalling: Signalling | None = None,
        api_key: str | None = None,
        connect_timeout: float = CONNECT_S,
        resume: bool = False,
        audio_format: AudioFormat = "audio/pcm",
    ) -> None:
        self.url = url
        self.audio_format: AudioFormat = audio_format
        self.transport: TransportName = transport
        self.log = EventLog()
        self._record = record
        self._session = session
        self._signalling = signalling
        self._api_key = api_key
        self._timeout = connect_timeout
        self._ids = itertools.count(1)
        self._open: set[str] = set()  # responses under way
        self._channel: Channel | None = None
        self._resumption = Resumption() if resume else None
        self._resuming: asyncio.Task[None] | None = None
        self._packet_at = 0.0  # when the last packet of the server came
        self._look: asyncio.TimerHandle | None = None
        self.resumed = 0  # how often the call was taken up

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            UnreachableError: nothing answers, or media cannot pass.
            RefusedError: the server, or its session settings, said no.
            GarbledError: what answers does not speak the protocol.
            SilentServerError: the connection stands, but the session never began.
        """
        loop = self._loop = asyncio.get_running_loop()
        self.started = loop.time()
        self.downlink: Downlink = (
            RtpDownlink(self.started, self._record)
            if self.transport == "webrtc"
            else EventDownlink(self.started, self._record)
        )
        self._channel = await self._connect()
        self.microphone = Microphone(self.transport, self._send_audio, self.audio_format)
        coded = self.audio_format != "audio/pcm"
        try:
            if not coded:  # else nobody would know yet what it sends
                self.microphone.start()
            if self._signalling is None:
                await self.log.wait_for("session.created", self._timeout)
            if coded:
                form = {"format": {"type": self.audio_format}}
                await self.configure({"audio": {"input": form, "output": form}})
                self.microphone.start()
            if self._session:
                await self.configure(self._session)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def ear(self) -> Ear:
        """The voiced stretches received."""
        return self.downlink.ear

    @property
    def call_id(self) -> str | None:
        """The server's name for a WebRTC call."""
        return self._channel.call_id if self._channel else None

    def now(self) -> float:
        """The event loop's clock, which every time here is on (seconds)."""
        return self._loop.time()

    # -- what the person does ----------------------------------------------------------------------

    async def speak(self, speech: Pcm | Speech) -> Spoken:
        """Say mono int16 at 48 kHz, shape (n,), or something encoded by `prepare`, in real time.

        Returns when the last of it has left. Cancelling falls silent.

        Raises:
            ClientError: the call is over.
        """
        if not isinstance(speech, Speech):
            speech = await asyncio.to_thread(prepare, speech, self.transport, self.audio_format)
        elif speech.transport != self.transport:
            raise ValueError(f"this speech was prepared for {speech.transport}, not for {self.transport}")
        elif self.transport == "websocket" and speech.audio_format != self.audio_format:
            raise ValueError(f"this speech is {speech.audio_format}, and the call {self.audio_format}")
        self._check_alive()
        self.downlink.watch()
        spoken = await self.microphone.say(speech)
        self._check_alive()
        self.downlink.watch(spoken.voiced_end)
        return spoken

    def text(self, words: str) -> float:
        """Send a typed turn and ask for the answer. Returns when that was (the loop's clock)."""
        sent = self.now()
        self.downlink.watch(sent)
        content = [{"type": "input_text", "text": words}]
        self.send({"type": "conversation.item.create", "item": message(content)})
        self.send({"type": "response.create"})
        return sent

    def interrupt(self) -> None:
        """Press the interrupt button: the assistant falls silent, music included."""
        if self.transport == "webrtc":
            self.send({"type": "response.cancel"})
            self.send({"type": "output_audio_buffer.clear"})
        else:
            # There the server keeps no audio buffer; responses beside the dialogue are cancelled by name.
            for response_id in sorted(self._open):
                self.send({"type": "response.cancel", "response_id": response_id})

    async def configure(self, session: Mapping[str, Any]) -> ServerEvent:
        """Send a `session.update` and wait for the server to take it.

        Raises:
            RefusedError: the server does not take these settings.
            SilentServerError: it says nothing to them.
        """
        sent = self.send({"type": "session.update", "session": {"type": "realtime", **session}})

        def answered(event: ServerEvent) -> bool:
            if event.type == "error":
                return error_of(event).get("event_id") == sent
            return event.type == "session.updated"

        event = await self.log.wait_for(answered, SETTINGS_S)
        if event.type == "error":
            raise RefusedError(
                f"the server refused the settings: {error_of(event).get('message')}", status=400
            )
        return event

    def send(self, event: Mapping[str, Any]) -> str:
        """Send any client event; one without an `event_id` gets one. Returns the `event_id`."""
        event_id = str(event.get("event_id") or f"event_client_{next(self._ids)}")
        if self._channel is not None:
            self._channel.send(json.dumps({**event, "event_id": event_id}))
        return event_id

    def recorded(self) -> Pcm:
        """All that was received since `started`, int16 stereo at 48 kHz, shape (n, 2).

        Raises:
            RuntimeError: the client was made with `record=False`.
        """
        if self.downlink.recording is None:
            raise RuntimeError("this client keeps no recording (record=False)")
        return self.downlink.recording.render(self.now())

    async def aclose(self) -> None:
        """Hang up. Idempotent."""
        self.on_failure(lost("the client hung up"))
        if self._look is not None:
            self._look.cancel()
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.wait({self._resuming})
        if self._channel is not None:
            await self._channel.aclose()

    # -- what arrives (called by the channel) --------------------------------------------------------

    def on_event(self, text: str | bytes) -> None:
        """An event from the server."""
        try:
            event = parse(text, self._loop.time())
            if event.type == AUDIO_DELTA and isinstance(self.downlink, EventDownlink):
                self.downlink.delta(event.body, event.at)
                del event.body["delta"]  # the sound is kept as sound; the log need not hold it again
        except GarbledError as failure:
            if self._signalling is None:  # a server of another kind may say on this channel what it likes
                self.on_failure(failure)
            return
        if event.type in {"response.created", "response.done"}:
            self._follow(event)
        elif event.type.startswith("session.") and isinstance(self.downlink, EventDownlink):
            self.downlink.follow(event.body.get("session"))
        if self._resumption is not None and event.type != AUDIO_DELTA:
            self._resumption.follow(event)
        self.log.add(event)

    def on_packet(self, packet: RtpAudioPacket) -> None:
        """A packet of the server's audio."""
        self._packet_at = self._loop.time()
        if isinstance(self.downlink, RtpDownlink):
            self.downlink.packet(packet)

    def on_lost(self, reason: str) -> None:
        """The connection ended from the other side, or nothing comes any more."""
        if self._resumption is None or self._resumption.token is None or self.log.failure is not None:
            self.on_failure(lost(reason))
        elif self._resuming is None or self._resuming.done():
            self._resuming = self._loop.create_task(self._take_up(reason), name="resume")

    def on_gone(self, reason: str) -> None:
        """The call that was to be taken up is over."""
        self.on_failure(lost(reason))

    def on_failure(self, failure: ClientError) -> None:
        """The call cannot go on: fall silent and tell whoever waits."""
        self.log.fail(failure)
        if hasattr(self, "microphone"):
            self.microphone.stop(failure)

    def _follow(self, event: ServerEvent) -> None:
        """Keep account of the responses under way."""
        response = event.body.get("response")
        if not isinstance(response, dict) or not isinstance(response.get("id"), str):
            return
        if event.type == "response.created":
            self._open.add(response["id"])
            return
        self._open.discard(response["id"])
        if response.get("status") == "cancelled" and isinstance(self.downlink, EventDownlink):
            self.downlink.cut(event.at)

    def _send_audio(self, unit: Unit) -> None:
        if self._channel is not None:
            self._channel.send_audio(unit)

    async def _connect(self) -> Channel:
        resumption = self._resumption
        if self.transport == "websocket":
            return await WebSocketChannel.connect(self, self.url, self._timeout, self._api_key, resumption)
        signalling = self._signalling or RealtimeSignalling(self.url, self._api_key, resumption)
        resuming = resumption is not None and resumption.token is not None
        channel = await WebRtcChannel.connect(self, signalling, self._timeout, resuming=resuming)
        self._packet_at = self._loop.time()
        if resumption is not None:
            self._look_after()
        return channel

    def _look_after(self) -> None:
        """Notice that nothing comes any more, long before ICE does."""
        if self._look is not None:
            self._look.cancel()
        if self._loop.time() - self._packet_at > SILENT_S:
            self.on_lost("no packet comes any more")
            return
        self._look = self._loop.call_later(LOOK_S, self._look_after)

    async def _take_up(self, reason: str) -> None:
        """Connect anew and go on with the call, for as long as the server waits."""
        assert self._resumption is not None
        before = self._channel
        until = self._loop.time() + self._resumption.grace_s
        pause = FIRST_PAUSE_S
        if isinstance(self.downlink, RtpDownlink):
            self.downlink.restart()
        while True:
            try:
                self._channel = await self._connect()
                break
            except ClientError as error:
                if self._loop.time() > until or (
                    isinstance(error, RefusedError) and error.status == NOT_FOUND
                ):
                    self.on_failure(lost(f"{reason}; {error}"))
                    return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        self.resumed += 1
        if before is not None:
            await before.retire()

    def _check_alive(self) -> None:
        if self.log.failure is not None:
            raise self.log.failure


def message(content: list[dict[str, Any]]) -> dict[str, Any]:
    """A user's message item."""
    return {"type": "message", "role": "user", "content": content}


def error_of(event: ServerEvent) -> dict[str, Any]:
    """The `error` object of an `error` event."""
    error = event.body.get("error")
    return error if isinstance(error, dict) else {}
