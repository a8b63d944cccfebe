"""`openai` for Python, unmodified: WebSocket, calls with a plain aiortc peer, client secrets, hanging up."""

from __future__ import annotations

import asyncio
import base64
import fractions
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from openai import AsyncOpenAI, AuthenticationError, NotFoundError
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from client.audio import RATE, Pcm
from realtime.transport.aiortc_hooks import offer_addresses
from tests.end_to_end.voices import said
from tests.stock_clients.checks import is_beginning_of
from tests.stock_clients.conftest import KEY, LOUD, SPOKEN, STORY, pcm24

PATIENCE = 40.0  # s for one step, on a machine that is busy with other tests
PIECE_MS = 40
PIECE = 24 * PIECE_MS  # samples


@pytest.fixture
async def openai(server: Any) -> AsyncIterator[AsyncOpenAI]:
    base = f"{server.url}/v1"
    socket = base.replace("http", "ws")
    async with AsyncOpenAI(api_key=KEY, base_url=base, websocket_base_url=socket, max_retries=0) as client:
        yield client


class Conversation:
    """A connection of the package's with an open microphone, everything that came, and waiting for it."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.events: list[Any] = []
        self._come = asyncio.Condition()
        self._spoken = bytearray()
        self._microphone: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        async for event in self.connection:
            async with self._come:
                self.events.append(event)
                self._come.notify_all()

    async def microphone(self) -> None:
        """Send what is said, and silence while nothing is, at the pace of time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            piece, self._spoken = self._spoken[: 2 * PIECE], self._spoken[2 * PIECE :]
            piece = piece.ljust(2 * PIECE, b"\0")
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
            due += PIECE_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))

    def say(self, voice: Pcm) -> None:
        self._spoken += voice.tobytes()

    async def event(self, kind: str, fits: Callable[[Any], bool] = lambda _: True, after: int = 0) -> Any:
        """The first event of this type that `fits`, from the `after`th on."""

        def found() -> list[Any]:
            return [one for one in self.events[after:] if one.type == kind and fits(one)]

        async with self._come:
            try:
                await asyncio.wait_for(self._come.wait_for(found), PATIENCE)
            except TimeoutError:
                raise AssertionError(
                    f"waited in vain for {kind}, saw {[one.type for one in self.events]}"
                ) from None
            return found()[0]

    async def answer(self, after: int = 0) -> str:
        """The words of an answer that was not broken off."""
        done = await self.event(
            "response.done",
            lambda event: event.response.status == "completed" and words(event.response),
            after,
        )
        return words(done.response)

    def count(self, kind: str) -> int:
        return sum(one.type == kind for one in self.events)

    @property
    def audio(self) -> np.ndarray[Any, Any]:
        deltas = [one.delta for one in self.events if one.type == "response.output_audio.delta"]
        return np.frombuffer(b"".join(map(base64.b64decode, deltas)), np.int16)


def words(response: Any) -> str:
    parts = [part for item in response.output or [] for part in getattr(item, "content", None) or []]
    return " ".join(part.transcript or part.text or "" for part in parts).strip()


@pytest.fixture
async def conversation(openai: AsyncOpenAI) -> AsyncIterator[Conversation]:
    async with openai.realtime.connect(model="gpt-realtime") as connection:
        conversation = Conversation(connection)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(conversation.listen()), group.create_task(conversation.microphone())]
            yield conversation
            for task in tasks:
                task.cancel()
    assert not conversation.count("error"), conversation.events
    assert conversation.count("response.created") == conversation.count("response.done")


async def test_a_spoken_question_is_understood_and_audibly_answered(conversation: Conversation) -> None:
    conversation.say(pcm24(said(SPOKEN["question"])))
    heard = await conversation.event("conversation.item.input_audio_transcription.completed")
    assert heard.transcript == SPOKEN["question"]
    assert "108" in await conversation.answer()
    assert np.abs(conversation.audio).max() > LOUD


async def test_a_real_recording_is_heard_and_answered(
    conversation: Conversation, recording: Callable[[str], Pcm]
) -> None:
    conversation.say(recording("something"))
    heard = await conversation.event("conversation.item.input_audio_transcription.completed")
    assert "something" in heard.transcript
    assert await conversation.answer()


async def test_speaking_over_the_assistant_cuts_what_it_says_it_said(conversation: Conversation) -> None:
    await conversation.connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"say {STORY}"}]}
    )
    await conversation.connection.response.create()
    first = await conversation.event(
        "response.output_audio_transcript.delta", lambda event: "house" in event.delta
    )
    conversation.say(pcm24(said(SPOKEN["question"])))
    await conversation.event("input_audio_buffer.speech_started")
    cut = await conversation.event("response.done", lambda event: event.response.id == first.response_id)
    assert cut.response.status == "cancelled"
    assert "108" in await conversation.answer()
    # A player that had played less than was sent: it says so afterwards.
    at = len(conversation.events)
    await conversation.connection.conversation.item.truncate(
        item_id=first.item_id, content_index=0, audio_end_ms=900
    )
    truncated = await conversation.event("conversation.item.truncated", after=at)
    assert 0 < truncated.audio_end_ms <= 900
    await conversation.connection.conversation.item.retrieve(item_id=first.item_id)
    retrieved = await conversation.event("conversation.item.retrieved", after=at)
    assert is_beginning_of(retrieved.item.content[0].transcript, STORY)


async def test_settings_are_changed_during_the_call(conversation: Conversation) -> None:
    await conversation.event("session.created")
    await conversation.connection.session.update(
        session={
            "type": "realtime",
            "instructions": "Speak like a captain.",
            "audio": {
                "input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}},
                "output": {"voice": "rms", "speed": 1.2},
            },
        }
    )
    updated = await conversation.event("session.updated")
    assert updated.session.instructions == "Speak like a captain."
    assert updated.session.audio.input.turn_detection.silence_duration_ms == 700
    assert (updated.session.audio.output.voice, updated.session.audio.output.speed) == ("rms", 1.2)
    conversation.say(pcm24(said(SPOKEN["question"])))
    assert "108" in await conversation.answer()


async def test_its_function_is_called_once_and_its_result_is_said(conversation: Conversation) -> None:
    lights = {
        "type": "function",
        "name": "set_lights",
        "description": "Switch the lights on or off.",
        "parameters": {
            "type": "object",
            "properties": {"state": {"type": "string", "enum": ["on", "off"]}},
            "required": ["state"],
        },
    }
    await conversation.connection.session.update(session={"type": "realtime", "tools": [lights]})
    await conversation.event("session.updated")
    conversation.say(pcm24(said(SPOKEN["request"])))
    called = await conversation.event("response.output_item.done")
    await conversation.event("response.done")
    assert (called.item.type, called.item.name) == ("function_call", "set_lights")
    assert json.loads(called.item.arguments) == {"state": "on"}
    at = len(conversation.events)
    await conversation.connection.conversation.item.create(
        item={"type": "function_call_output", "call_id": called.item.call_id, "output": "the lights are on"}
    )
    await conversation.connection.response.create()
    assert "the lights are on" in (await conversation.answer(at)).lower()
    assert conversation.count("response.function_call_arguments.done") == 1


async def test_no_key_no_conversation(server: Any) -> None:
    async with AsyncOpenAI(api_key="sk-somebody-elses", base_url=f"{server.url}/v1") as stranger:
        with pytest.raises(AuthenticationError, match="API key"):
            await stranger.realtime.client_secrets.create()


class Voice(MediaStreamTrack):
    """A microphone that says something after a while, and is silent then."""

    kind = "audio"
    FRAME = RATE // 50

    def __init__(self, voice: Pcm) -> None:
        super().__init__()
        self._voice = voice
        self._began = 0.0
        self._sent = 0
        self.open = asyncio.Event()  # nothing is said before this

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - loop.time()))
        samples = np.zeros(self.FRAME, np.int16)
        if self.open.is_set():
            spoken, self._voice = self._voice[: self.FRAME], self._voice[self.FRAME :]
            samples[: len(spoken)] = spoken
        frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, fractions.Fraction(1, RATE)
        self._sent += self.FRAME
        return frame


@asynccontextmanager
async def peer(
    voice: Voice,
) -> AsyncIterator[tuple[RTCPeerConnection, asyncio.Queue[dict[str, Any]], list[int]]]:
    """A plain aiortc peer: its connection, the events of the data channel, and how loud what came was."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loudness: list[int] = []
    hearing: list[asyncio.Task[None]] = []

    async def hear(track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            loudness.append(int(np.abs(frame.to_ndarray()).max()))

    connection.addTrack(voice)
    channel = connection.createDataChannel("oai-events")
    channel.on("message", lambda text: events.put_nowait(json.loads(text)))
    channel.on("open", voice.open.set)
    connection.on("track", lambda track: hearing.append(asyncio.create_task(hear(track))))
    try:
        yield connection, events, loudness
    finally:
        await connection.close()
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)


async def until(events: asyncio.Queue[dict[str, Any]], kind: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while (event := await events.get())["type"] != kind:
            assert event["type"] != "error", event
    return event


@pytest.mark.parametrize("ephemeral", [False, True], ids=["key", "token"])
async def test_a_call_over_webrtc_is_answered_watched_and_hung_up(
    openai: AsyncOpenAI, server: Any, ephemeral: bool
) -> None:
    session: Any = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "rms"}}}
    caller = openai
    if ephemeral:
        secret = await openai.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60}, session=session
        )
        assert secret.session.audio.output.voice == "rms"
        caller = openai.with_options(api_key=secret.value)
    voice = Voice(said(SPOKEN["question"]))
    async with peer(voice) as (connection, events, loudness):
        offer_addresses(
            connection, ["127.0.0.1"]
        )  # aioice leaves out loopback, and a test host may have no other
        await connection.setLocalDescription(await connection.createOffer())
        call: dict[str, Any] = {"sdp": connection.localDescription.sdp}
        answer = await caller.realtime.calls.create(**call if ephemeral else {**call, "session": session})
        call_id = answer.response.headers["Location"].rpartition("/")[2]
        await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        created = await until(events, "session.created")
        assert created["session"]["instructions"] == "Be brief."
        assert created["session"]["audio"]["output"]["voice"] == "rms"
        async with openai.realtime.connect(call_id=call_id) as side:
            heard = await until(events, "conversation.item.input_audio_transcription.completed")
            assert heard["transcript"] == SPOKEN["question"]
            done = await until(events, "response.done")
            assert "108" in json.dumps(done["response"]["output"])
            async with asyncio.timeout(PATIENCE):
                while (await side.recv()).type != "response.done":
                    pass
        await until(events, "output_audio_buffer.stopped")
        assert max(loudness) > LOUD
        await openai.realtime.calls.hangup(call_id)
        with pytest.raises(NotFoundError):
            await openai.realtime.calls.hangup(call_id)
