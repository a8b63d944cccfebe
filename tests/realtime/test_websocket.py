"""A WebSocket link on the virtual clock, over a socket that is a fake."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import ResponseAudioDeltaEvent
from starlette.websockets import WebSocketDisconnect

from realtime.config import SecuritySettings
from realtime.security.limits import Limits, OverLimitError
from realtime.transport.link import FRAME_SAMPLES, AudioOwner
from realtime.transport.websocket import CLOSING_S, EVENTS_WAITING, PIECES_WAITING, WebSocketLink
from tests.virtual_clock import play

OWNER = AudioOwner("resp_1", "item_1")


class FakeSocket:
    """A client: `incoming` is what it sends, `sent` what it got; it can stop reading, or leave."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[str] = []
        self.closed = False
        self.farewell: tuple[int, str | None] | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = False

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        if self.gone:
            raise WebSocketDisconnect(1006)
        self.sent.append(text)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        await self.reads.wait()
        self.closed = True
        self.farewell = (code, reason)

    def says(self, **message: Any) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", **message})


def with_link(visit: Callable[[WebSocketLink, FakeSocket], Coroutine[Any, Any, None]]) -> None:
    async def dialogue() -> None:
        socket = FakeSocket()
        link = WebSocketLink(socket)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            group.create_task(link.pump())
            await visit(link, socket)
            await link.aclose()

    play(dialogue(), seconds=60)


def base64_of(samples: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(samples.astype("<i2").tobytes()).decode("ascii")


async def heard(link: WebSocketLink) -> np.ndarray[Any, Any]:
    """Everything the link hears until it closes, which it does now."""
    await link.aclose()
    pieces = [piece.pcm async for piece in link.audio()]
    assert all(len(pcm) == 640 for pcm in pieces)
    return np.frombuffer(b"".join(pieces), np.int16)


def played(socket: FakeSocket) -> np.ndarray[Any, Any]:
    events = [ResponseAudioDeltaEvent.model_validate(json.loads(text)) for text in socket.sent]
    return np.frombuffer(b"".join(base64.b64decode(event.delta) for event in events), "<i2")


def tone(samples: int, rate: int, hertz: float = 440.0) -> np.ndarray[Any, Any]:
    return np.asarray(np.rint(8_000 * np.sin(2 * np.pi * hertz * np.arange(samples) / rate)), np.int16)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 4_000), max_size=12))
def test_audio_of_any_size_becomes_pieces_of_20_ms_and_none_is_lost(sizes: list[int]) -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        source = tone(sum(sizes), 24_000)
        at = 0
        for size in sizes:
            link.append(base64_of(source[at : at + size]))
            at += size
        out = await heard(link)
        wanted = sum(sizes) * 2 // 3
        assert wanted - 320 - 20 <= len(out) <= wanted  # less than a piece, and what the filter holds
        expected = tone(len(out), 16_000)
        inner = slice(40, max(40, len(out) - 40))
        assert np.allclose(out[inner].astype(int), expected[inner].astype(int), atol=120)

    with_link(visit)


def test_the_first_audio_is_there_with_the_second_piece() -> None:
    """A resampler that works in large blocks would keep a person waiting for 40 ms."""

    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        link.append(base64_of(tone(480, 24_000)))
        link.append(base64_of(tone(480, 24_000)))
        assert len(await heard(link)) == 320

    with_link(visit)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ("AAA", "not base64"),
        ("AA=A", "not base64"),
        ("ÄÖÜß", "not base64"),
        ("A A A A ", "not base64"),
        ("AAAA", "odd number of bytes"),
    ],
)
def test_audio_that_is_none_is_refused(audio: str, message: str) -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        with pytest.raises(ValueError, match=message):
            link.append(audio)
        assert len(await heard(link)) == 0

    with_link(visit)


def test_audio_that_nobody_hears_is_dropped_the_oldest_first() -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        second = np.concatenate([np.full(480 * 50, 1_000), np.full(480 * (PIECES_WAITING + 50), 5_000)])
        for at in range(0, len(second), 48_000):
            link.append(base64_of(second[at : at + 48_000]))
        assert (
            link.losses().dropped == link.dropped == 99
        )  # and the one piece that the filter holds a part of
        out = await heard(link)
        assert len(out) == (PIECES_WAITING - 1) * 320  # the end takes a place
        assert np.all(np.abs(out.astype(int) - 5_000) < 100)

    with_link(visit)


def test_audio_after_the_end_is_ignored() -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        await link.aclose()
        link.append(base64_of(tone(96_000, 24_000)))
        assert len(await heard(link)) == 0

    with_link(visit)


def test_what_is_played_arrives_under_its_owner() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        mono = tone(FRAME_SAMPLES * 10, 48_000)
        left_only = np.stack([mono, np.zeros_like(mono)], axis=1)
        for at in range(0, len(mono), FRAME_SAMPLES):
            link.play(left_only[at : at + FRAME_SAMPLES], OWNER)
        await asyncio.sleep(0.001)
        out = played(socket)
        assert len(out) == 480 * 10 - 16  # 0.7 ms stays in the filter
        expected = tone(len(out), 24_000) / 2
        assert np.allclose(out[40:-40], expected[40:-40], atol=120)
        event = json.loads(socket.sent[0])
        assert (event["response_id"], event["item_id"]) == ("resp_1", "item_1")
        assert len(base64.b64decode(event["delta"])) == 2 * (480 - 16)

    with_link(visit)


def test_nothing_of_one_sound_is_left_for_the_next() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        link.play(np.full((FRAME_SAMPLES, 2), 9_000, np.int16), OWNER)
        link.play(None, None)
        await asyncio.sleep(0.001)
        socket.sent.clear()
        link.play(np.zeros((FRAME_SAMPLES, 2), np.int16), AudioOwner("resp_2", "item_2"))
        await asyncio.sleep(0.001)
        assert not played(socket).any()

    with_link(visit)


def test_silence_is_not_sent() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        link.play(None, None)
        link.play(None, OWNER)
        await asyncio.sleep(0.001)
        assert socket.sent == []

    with_link(visit)


def test_events_come_as_text_or_bytes_until_the_client_leaves() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        socket.says(text='{"type": "ä"}')
        socket.says(bytes=b'{"type": "b"}')
        socket.says(bytes=b"\xff")
        socket.says(text=None, bytes=b"last")
        socket.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        events = [event async for event in link.events()]
        assert events == ['{"type": "ä"}', '{"type": "b"}', "\ufffd", "last"]
        assert [piece async for piece in link.audio()] == []

    with_link(visit)


def test_closing_sends_what_is_queued_and_ends_everything() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        reading = asyncio.create_task(anext(link.events(), None))
        listening = asyncio.create_task(anext(link.audio(), None))
        await asyncio.sleep(0.001)
        link.send("one")
        link.send("two")
        await link.aclose()
        await link.aclose()
        link.send("late")
        assert await reading is None
        assert await listening is None
        await asyncio.sleep(0.001)
        assert socket.sent == ["one", "two"]
        assert socket.closed

    with_link(visit)


def test_a_client_that_reads_nothing_is_closed() -> None:
    async def dialogue() -> None:
        socket = FakeSocket()
        socket.reads.clear()
        link = WebSocketLink(socket)  # type: ignore[arg-type]
        pumping = asyncio.create_task(link.pump())
        reading = asyncio.create_task(anext(link.events(), None))
        await asyncio.sleep(0.001)
        began = asyncio.get_running_loop().time()
        for number in range(EVENTS_WAITING + 2):
            link.send(str(number))
        assert await reading is None
        await pumping
        assert asyncio.get_running_loop().time() - began <= CLOSING_S + 0.1
        assert socket.sent == []

    play(dialogue())


def test_a_client_that_leaves_while_something_is_sent() -> None:
    async def dialogue() -> None:
        socket = FakeSocket()
        socket.gone = True
        link = WebSocketLink(socket)  # type: ignore[arg-type]
        pumping = asyncio.create_task(link.pump())
        reading = asyncio.create_task(anext(link.events(), None))
        link.send("one")
        await pumping
        assert await reading is None

    play(dialogue())


def test_how_a_link_ends_is_told_by_its_close_code() -> None:
    async def dialogue(unread: bool) -> tuple[int, str | None] | None:
        socket = FakeSocket()
        link = WebSocketLink(socket)  # type: ignore[arg-type]
        for number in range(EVENTS_WAITING + 1 if unread else 1):
            link.send(str(number))
        if not unread:
            link.goodbye = (1011, "the session failed")
            await link.aclose()
        await link.pump()
        return socket.farewell

    assert play(dialogue(unread=False)) == (1011, "the session failed")
    assert play(dialogue(unread=True)) == (1008, "events were left unread")


def test_a_client_that_sends_too_many_events_waits_and_loses_none() -> None:
    async def dialogue() -> None:
        loop = asyncio.get_running_loop()
        socket = FakeSocket()
        meter = Limits(SecuritySettings(events_per_second=10), loop.time).meter("")
        link = WebSocketLink(socket, meter)  # type: ignore[arg-type]
        began = loop.time()
        for number in range(300):
            socket.says(text=str(number))
        socket.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        assert [event async for event in link.events()] == [str(number) for number in range(300)]
        assert loop.time() - began == pytest.approx(20.0, abs=0.1)  # 100 at once, then 10 a second

    play(dialogue())


def test_audio_beyond_the_limit_is_refused() -> None:
    async def dialogue() -> None:
        meter = Limits(SecuritySettings(audio_per_minute=60), asyncio.get_running_loop().time).meter("")
        link = WebSocketLink(FakeSocket(), meter)  # type: ignore[arg-type]
        for _ in range(60):
            link.append(base64_of(tone(24_000, 24_000)))
        with pytest.raises(OverLimitError, match="60 s of audio"):
            link.append(base64_of(tone(24_000, 24_000)))
        await asyncio.sleep(1)
        link.append(base64_of(tone(24_000, 24_000)))
        assert meter.remaining()[1].remaining == 0
        await link.aclose()

    play(dialogue())


def test_a_link_that_is_closed_before_it_is_pumped() -> None:
    async def dialogue() -> None:
        socket = FakeSocket()
        link = WebSocketLink(socket)  # type: ignore[arg-type]
        await link.aclose()
        await link.pump()
        assert socket.closed

    play(dialogue())


def test_sound_that_the_connection_has_not_taken_would_not_be_heard() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        sound = np.full((FRAME_SAMPLES, 2), 1_000, np.int16)
        link.play(sound, OWNER)
        await asyncio.sleep(0.02)
        clear = link.playout_delay_ms
        assert link.recalled_ms == 0
        socket.reads.clear()
        for _ in range(5):
            link.play(sound, OWNER)
            link.send("{}")
            await asyncio.sleep(0.02)
        assert link.recalled_ms == 100
        assert link.playout_delay_ms == clear + 100
        socket.reads.set()
        await asyncio.sleep(0.02)
        assert link.recalled_ms == 0

    with_link(visit)
