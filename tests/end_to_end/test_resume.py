"""A call outlives its connection, on the real server: the headless client, and Chromium with the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, async_playwright, expect

from client.audio import load
from client.errors import ConnectionLostError
from client.headless import HeadlessClient
from tests.chromium import AUTOPLAY, CHROMIUM, FLAGS, MICROPHONE

pytestmark = pytest.mark.timeout(120)

PATIENCE = 20_000  # ms a step may take on two busy cores
KEEP_CHANNEL = """
    const create = RTCPeerConnection.prototype.createDataChannel;
    RTCPeerConnection.prototype.createDataChannel = function (...given) {
        return (window.channel = create.apply(this, given));
    };
"""


class Unplugged:
    """A UDP transport whose cable is out: what is sent goes nowhere, and nobody is told."""

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def sendto(self, data: bytes, address: object) -> None:
        return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def lose_network(client: HeadlessClient) -> None:
    """No packet of the connection under way comes or goes any more."""
    channel: Any = client._channel
    if client.transport == "websocket":
        channel._socket.transport.abort()
        return
    for transport in channel._pc._RTCPeerConnection__iceTransports:
        for protocol in transport._connection._protocols:
            protocol.datagram_received = lambda *_: None
            protocol.transport = Unplugged(protocol.transport)


async def said(client: HeadlessClient, item_of: str) -> str:
    """The whole transcript of the response with this id."""
    done = await client.log.wait_for(
        lambda e: e.type == "response.done" and e.body["response"]["id"] == item_of, within=20
    )
    return "".join(part["transcript"] for item in done.body["response"]["output"] for part in item["content"])


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_conversation_goes_on_after_the_network_went(server: Any, transport: Any) -> None:
    async with HeadlessClient(server.url, transport=transport, resume=True) as client:
        first = client.text("say one two three four five six seven eight nine ten")
        created = await client.log.wait_for("response.created", 10, first)
        await client.log.wait_for("response.output_audio_transcript.delta", 10, first)
        lose_network(client)
        again = await client.log.wait_for("session.created", 10, first)
        sessions = [e.body["session"]["id"] for e in client.log.events if e.type == "session.created"]
        assert len(sessions) == 2
        assert len(set(sessions)) == 1
        assert client.resumed == 1
        transcript = await said(client, created.body["response"]["id"])
        deltas = [
            e.body["delta"] for e in client.log.events if e.type == "response.output_audio_transcript.delta"
        ]
        assert "".join(deltas) == transcript, "a word was told twice, or never"
        assert (client.ear.last_sound_at() or 0) > again.at + 0.5, "the voice did not go on"
        ids = [e.body["event_id"] for e in client.log.events]
        assert len(set(ids)) == len(ids)


async def test_music_plays_on_and_a_spoken_turn_is_heard(server: Any, clip: Callable[[str], Path]) -> None:
    async with HeadlessClient(server.url, resume=True) as client:
        asked = client.text("play a calm piano piece")
        await client.log.wait_for("audiogpt.music.state", 15, asked)
        lose_network(client)
        again = await client.log.wait_for("session.created", 10, asked)
        await client.log.wait_for("audiogpt.music.state", 10, again.at)
        spoken = await client.speak(load(clip("stop")))
        ended = await client.log.wait_for(
            lambda e: e.type == "audiogpt.music.state" and not e.body["playing"], 15, spoken.voiced_start
        )
        assert ended.body["artefact_id"]


def sessions(url: str) -> float:
    found = re.search(r"^audiogpt_sessions (\S+)", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_who_says_goodbye_is_gone_at_once_and_who_vanishes_is_waited_for(server: Any) -> None:
    async with asyncio.timeout(60):  # pages of other tests, whose tabs were killed, are waited for
        while await asyncio.to_thread(sessions, server.url) != 0:
            pass
    before = 0
    for transport in ("webrtc", "websocket"):
        async with HeadlessClient(server.url, transport=transport, resume=True):
            assert sessions(server.url) == before + 1
        async with asyncio.timeout(5):
            while await asyncio.to_thread(sessions, server.url) != before:
                pass
    async with HeadlessClient(server.url, transport="websocket", resume=True) as client:
        await client.log.wait_for("audiogpt.session.info", 10)  # which brings the token
        client._resumption.token = None  # type: ignore[union-attr]  # it forgets how to come back
        lose_network(client)
        with pytest.raises(ConnectionLostError):
            await client.log.wait_for("never", 20)
        assert sessions(server.url) == before + 1, "its place is kept"


async def test_a_wrong_token_is_refused(server: Any) -> None:
    offer = {"Content-Type": "application/sdp", "X-AudioGPT-Resume": "rtc_0123.nonsense"}
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/v1/realtime/calls", content=b"v=0", headers=offer)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "session_gone"
    assert "without a resume token" in answer.json()["error"]["message"]


@pytest.fixture
async def page(server: Any) -> AsyncIterator[Page]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is missing: apt install chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *MICROPHONE, AUTOPLAY]
        )
        page = await chromium.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await page.add_init_script(KEEP_CHANNEL)
        await page.goto(server.url)
        yield page
        await chromium.close()


async def ask(page: Page, text: str) -> None:
    await page.get_by_role("textbox").fill(text)
    await page.get_by_role("button", name="Send").click()


async def test_the_page_takes_up_its_call_when_the_data_channel_drops(page: Page) -> None:
    await ask(page, "play a calm piano piece")
    await expect(page.get_by_text(re.compile(r"Bar [1-9]"))).to_be_visible()
    await page.evaluate("window.first = window.channel; window.first.close()")
    await page.wait_for_function("() => window.channel !== window.first", polling=50)
    await expect(page.locator("#link")).to_have_text("Connected, typing only")
    await expect(page.get_by_text(re.compile(r"Bar [4-9]"))).to_be_visible()
    await ask(page, "what's twelve times nine")
    await expect(page.get_by_role("log")).to_contain_text("108")
    await expect(page.locator(".divider")).to_have_count(0)


async def test_the_page_speaks_and_hears_over_the_websocket(page: Page, server: Any) -> None:
    await page.goto(f"{server.url}?transport=websocket")
    await ask(page, "what can you do")
    await expect(page.locator("#link")).to_have_text("Connected, typing only (over WebSocket)")
    await expect(page.locator("#level-assistant")).to_have_attribute(
        "aria-valuenow", re.compile(r"^([2-9]\d|100)$")
    )
    await page.get_by_role("button", name="Interrupt").click()
    await expect(page.locator(".line .remark").last).to_have_text("interrupted")
    await expect(page.locator("#level-assistant")).to_have_attribute("aria-valuenow", "0")
