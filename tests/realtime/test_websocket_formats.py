"""G.711 over a WebSocket link: both directions, each with its own format, changed on the way."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.config import SecuritySettings
from realtime.security.limits import Limits
from realtime.transport.audio_formats import RATES, AudioFormat, bytes_of, samples_of
from realtime.transport.link import FRAME_SAMPLES
from realtime.transport.websocket import WebSocketLink
from tests.realtime.test_websocket import OWNER, FakeSocket, heard, tone, with_link
from tests.virtual_clock import play

FORMATS: list[AudioFormat] = ["audio/pcm", "audio/pcmu", "audio/pcma"]


def coded(samples: np.ndarray[Any, Any], form: AudioFormat) -> str:
    return base64.b64encode(bytes_of(samples, form)).decode("ascii")


def low(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The lower half of the band: telephone speech gets an upper one (`narrowband.py`)."""
    return np.convolve(samples.astype(float), [0.25, 0.5, 0.25], mode="same") if len(samples) else samples


def deltas(socket: FakeSocket, form: AudioFormat) -> np.ndarray[Any, Any]:
    pieces = [base64.b64decode(json.loads(text)["delta"]) for text in socket.sent]
    return np.concatenate([samples_of(piece, form) for piece in pieces])


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(FORMATS), st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_what_is_said_in_any_format_is_heard(form: AudioFormat, sizes: list[int]) -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        link.set_formats(form, "audio/pcm")
        source, at = tone(sum(sizes), RATES[form]), 0
        for size in sizes:
            link.append(coded(source[at : at + size], form))
            at += size
        out = await heard(link)
        wanted = sum(sizes) * 16_000 // RATES[form]
        assert wanted - 320 - 40 <= len(out) <= wanted
        inner = slice(80, max(80, len(out) - 80))
        # G.711's steps are 256 wide at this level, so that it may be wrong by half of that.
        expected = low(tone(len(out), 16_000))
        assert np.allclose(low(out)[inner], expected[inner], atol=300)

    with_link(visit)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_played_arrives_in_any_format(form: AudioFormat) -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        link.set_formats("audio/pcm", form)
        mono = tone(FRAME_SAMPLES * 10, 48_000)
        for at in range(0, len(mono), FRAME_SAMPLES):
            link.play(np.stack([mono[at : at + FRAME_SAMPLES]] * 2, axis=1), OWNER)
        await asyncio.sleep(0.001)
        out = deltas(socket, form)
        rate = RATES[form]
        assert rate // 5 - 20 <= len(out) <= rate // 5
        expected = tone(len(out), rate).astype(int)
        assert np.allclose(out[40:-40].astype(int), expected[40:-40], atol=300)

    with_link(visit)


def test_formats_change_on_the_way_and_independently() -> None:
    async def visit(link: WebSocketLink, socket: FakeSocket) -> None:
        frame = np.full((FRAME_SAMPLES, 2), 4_000, np.int16)
        link.append(coded(np.full(24_000, 4_000, np.int16), "audio/pcm"))
        link.play(frame, OWNER)
        link.set_formats("audio/pcmu", "audio/pcm")
        link.append(coded(np.full(8_000, 4_000, np.int16), "audio/pcmu"))
        link.play(frame, OWNER)
        link.set_formats("audio/pcma", "audio/pcmu")
        link.append(coded(np.full(8_000, 4_000, np.int16), "audio/pcma"))
        link.play(frame, OWNER)
        await asyncio.sleep(0.001)
        sizes = [len(base64.b64decode(text.split('"delta":"')[1].split('"')[0])) for text in socket.sent]
        assert sizes == [2 * (480 - 16), 2 * 480, 160 - 16]
        out = await heard(link)
        assert 3 * 16_000 - 400 <= len(out) <= 3 * 16_000
        assert np.median(np.abs(low(out) - 4_000)) < 130

    with_link(visit)


def test_a_second_is_a_second_in_every_format() -> None:
    async def dialogue() -> None:
        meter = Limits(SecuritySettings(audio_per_minute=60), asyncio.get_running_loop().time).meter("")
        link = WebSocketLink(FakeSocket(), meter)  # type: ignore[arg-type]
        for number, form in enumerate(FORMATS, start=1):
            link.set_formats(form, "audio/pcm")
            link.append(coded(np.zeros(RATES[form] * 10, np.int16), form))
            assert meter.remaining()[1].remaining == (60 - 10 * number) * 10
        await link.aclose()

    play(dialogue())


def test_an_odd_number_of_bytes_is_right_for_g711() -> None:
    async def visit(link: WebSocketLink, _: FakeSocket) -> None:
        link.set_formats("audio/pcmu", "audio/pcmu")
        link.append("AAAA")
        assert len(await heard(link)) == 0

    with_link(visit)
