"""The receiving half by itself: packets made here, on the running loop's clock."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from realtime.transport.aiortc_hooks import RtpAudioPacket
from realtime.transport.microphone import Microphone
from realtime.transport.opus import OpusEncoder


def tone(number: int) -> np.ndarray:
    t = np.arange(960) + number * 960
    return (8000 * np.sin(2 * np.pi * 300 * t / 48_000)).astype(np.int16)


class Sender:
    def __init__(self, microphone: Microphone, ssrc: int = 1) -> None:
        self.microphone = microphone
        self.ssrc = ssrc
        self.encoder = OpusEncoder(1)
        self.start = asyncio.get_running_loop().time()

    def send(self, number: int, payload: bytes | None = None) -> None:
        if payload is None:
            payload = self.encoder.encode(tone(number))
        arrival = self.start + number * 0.02
        packet = RtpAudioPacket(payload, number & 0xFFFF, number * 960, 111, False, arrival, self.ssrc)
        self.microphone.receive(packet)


@pytest.fixture
async def microphone() -> AsyncIterator[Microphone]:
    microphone = Microphone()
    yield microphone
    microphone.close()


async def test_a_hole_is_filled_by_the_timer_and_marked(microphone: Microphone) -> None:
    sender = Sender(microphone)
    for number in (0, 1, 3):
        sender.send(number)
    async with asyncio.timeout(5):
        pieces = [await anext(microphone.audio) for _ in range(4)]
    assert [piece.concealed for piece in pieces] == [False, False, True, False]
    assert {len(piece.pcm) for piece in pieces} == {640}


async def test_a_packet_that_is_no_opus_is_counted_and_concealed(microphone: Microphone) -> None:
    sender = Sender(microphone)
    sender.send(0)
    sender.send(1, b"\x03")  # a code 3 packet without its count: known as broken before it is decoded
    sender.send(1, b"\x7b\x42\xff")  # padding longer than the packet: only libopus finds out
    assert microphone.malformed == 2
    pieces = microphone.audio.take_all()
    assert pieces[-1].concealed


async def test_a_new_source_starts_afresh(microphone: Microphone) -> None:
    first, second = Sender(microphone), Sender(microphone, ssrc=2)
    first.send(0)
    second.send(70)
    assert microphone.jitter.stats.restarts == 1
    assert len(microphone.audio.take_all()) == 2


async def test_the_oldest_audio_is_dropped_when_nobody_listens(microphone: Microphone) -> None:
    sender = Sender(microphone)
    payload = sender.encoder.encode(tone(0))
    for number in range(300):
        sender.send(number, payload)
    assert len(microphone.audio) == 250
    assert microphone.audio.dropped == 50


async def test_nothing_is_taken_after_close(microphone: Microphone) -> None:
    sender = Sender(microphone)
    sender.send(0)
    microphone.close()
    sender.send(1)
    assert len([piece async for piece in microphone.audio]) == 1
