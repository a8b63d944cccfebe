"""A real Chromium, with a recorded voice as its microphone, speaks to the real server."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.chromium import CHROMIUM, FLAGS, microphone_flags
from tests.end_to_end.conftest import DATA, ROOT

sys.path.insert(0, str(DATA))
from make_voices import fake_microphone

SCREENSHOTS = ROOT / "tests" / "output"
PATIENCE = 20_000  # ms a step may take on two busy cores

# The peer connection of the page, so that a test can read its statistics as a user's chrome://webrtc-internals.
KEEP_PEER = """
    const Native = RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
        constructor(...given) { super(...given); window.peer = this; }
    };
"""
RECEIVED_ENERGY = """async () => {
    let energy = 0;
    (await window.peer.getStats()).forEach((entry) => {
        if (entry.type === 'inbound-rtp' && entry.kind === 'audio') energy += entry.totalAudioEnergy;
    });
    return energy;
}"""


@asynccontextmanager
async def browser(url: str, microphone: Path, **page_options: Any) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *microphone_flags(microphone)]
        )
        try:
            page = await chromium.new_page(**page_options)
            await page.add_init_script(KEEP_PEER)
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            await page.goto(url)
            yield page
        finally:
            await chromium.close()


async def grows(page: Page, by: float) -> bool:
    """Whether the energy of what is received rises: somebody can be heard."""
    before = await page.evaluate(RECEIVED_ENERGY)
    handle = await page.wait_for_function(
        f"async () => await ({RECEIVED_ENERGY})() > {before + by}", polling=200
    )
    return bool(handle)


@pytest.fixture
def microphone(tmp_path: Path) -> Callable[[Sequence[str | float]], Path]:
    def write(parts: Sequence[str | float]) -> Path:
        path = tmp_path / "microphone.wav"
        fake_microphone(path, [*parts, 60.0])
        return path

    return write


async def test_a_spoken_question_is_shown_and_audibly_answered(server: Any, microphone: Any) -> None:
    async with browser(server.url, microphone([2.0, "twelve_times_nine"])) as page:
        await page.get_by_role("button", name="Start talking").click()
        transcript = page.get_by_role("log")
        await expect(transcript).to_contain_text(re.compile("what's twelve times nine", re.IGNORECASE))
        await expect(transcript).to_contain_text("108")
        assert await grows(page, 1e-6)
        await expect(page.get_by_text(re.compile(r"^\d+ ms$")).first).to_be_visible()


async def test_music_on_request_is_heard_and_the_button_stops_it(server: Any, microphone: Any) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    size = {"width": 1440, "height": 900}
    said = microphone([2.0, "twelve_times_nine", 3.0, "play_piano"])
    async with browser(server.url, said, viewport=size) as page:
        await page.get_by_role("button", name="Start talking").click()
        await expect(page.get_by_text(re.compile(r"Bar [2-9]"))).to_be_visible()
        assert await grows(page, 1e-4)
        await page.screenshot(path=SCREENSHOTS / "conversation.png")
        await page.get_by_role("button", name="Interrupt").click()
        await expect(page.get_by_text(re.compile(r"Bar \d"))).to_be_hidden()
        await expect(page.get_by_text("Listening")).to_be_visible()


async def test_a_typed_turn_is_answered_on_a_phone(server: Any, microphone: Any) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    size = {"width": 390, "height": 844}
    async with browser(server.url, microphone([]), viewport=size, has_touch=True) as page:
        await page.get_by_role("textbox").fill("what's twelve times nine")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("log")).to_contain_text("108")
        assert await grows(page, 1e-6)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.screenshot(path=SCREENSHOTS / "phone.png")


async def test_speaking_over_the_assistant_interrupts_it(server: Any, microphone: Any) -> None:
    async with browser(server.url, microphone([2.0, "hello", 1.2, "twelve_times_nine"])) as page:
        await page.get_by_role("button", name="Start talking").click()
        await expect(page.get_by_role("log")).to_contain_text("108")


DROP = """async ({ name, type, data }) => {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    for (const kind of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(
        new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
PICTURE = """() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 32 });
    canvas.getContext("2d").fillRect(8, 8, 20, 20);
    return canvas.toDataURL("image/png").split(",")[1];
}"""
KEEP_TOLD = """
    window.told = [];
    const Native = WebSocket;
    window.WebSocket = class extends Native {
        send(text) {
            window.told.push(JSON.parse(text));
            super.send(text);
        }
    };
"""


@pytest.mark.parametrize("name", ["twelve_times_nine", "long_story"])  # the second needs the side channel
async def test_a_dropped_sound_is_understood_kept_and_answered(
    server: Any, microphone: Any, clip: Any, name: str
) -> None:
    words = {"twelve_times_nine": "twelve times nine", "long_story": "once upon a time"}[name]
    async with browser(server.url, microphone([]), viewport={"width": 1440, "height": 900}) as page:
        await page.get_by_role("button", name="Start talking").click()
        await page.wait_for_selector("body[data-phase=live]")
        data = base64.b64encode(clip(name).read_bytes()).decode()
        await page.evaluate(DROP, {"name": f"{name}.flac", "type": "audio/flac", "data": data})
        line = page.locator(".attachment")
        await expect(line.locator(".quote")).to_contain_text(re.compile(words, re.IGNORECASE))
        await expect(line.get_by_role("img", name="Number 1")).to_be_visible()
        await expect(page.locator('.line[data-who="assistant"] .firm').first).not_to_be_empty()
        if name == "twelve_times_nine":
            await expect(page.locator("#entries")).to_contain_text("108")
        shelf = page.get_by_role("region", name="Shelf")
        async with page.expect_download() as download:
            await shelf.get_by_role("button", name="Download number 1").click()
        assert (await (await download.value).path()).stat().st_size > 10_000
        await shelf.get_by_role("button", name="Play number 1").click()
        await expect(shelf.locator(".progress:visible")).to_contain_text(" of 0:0")
        await shelf.get_by_role("button", name="Stop number 1").click()
        await expect(page.locator(".notice")).to_have_count(0)


async def test_a_dropped_picture_is_kept_and_shown(server: Any, microphone: Any) -> None:
    async with browser(server.url, microphone([]), viewport={"width": 1440, "height": 900}) as page:
        await page.get_by_role("button", name="Start talking").click()
        await page.wait_for_selector("body[data-phase=live]")
        data = await page.evaluate(PICTURE)
        await page.evaluate(DROP, {"name": "shapes.png", "type": "image/png", "data": data})
        await expect(page.locator('.line[data-who="assistant"] .firm')).not_to_be_empty()
        await page.wait_for_function("() => document.querySelector('.shelf-item img')?.naturalWidth === 64")
        await expect(page.locator(".attachment .remark")).to_have_text("")


async def test_over_the_websocket_the_history_holds_what_this_page_played(
    server: Any, microphone: Any
) -> None:
    async with browser(server.url, microphone([])) as page:
        await page.add_init_script(KEEP_TOLD)
        await page.goto(f"{server.url}?transport=websocket")
        await page.get_by_role("textbox").fill("what can you do")
        await page.get_by_role("button", name="Send").click()
        reply = page.locator('.line[data-who="assistant"]')
        await expect(reply.locator(".firm")).to_contain_text("music")
        await page.get_by_role("button", name="Interrupt").click()
        told = await page.wait_for_function(
            "() => window.told.find(({ type }) => type === 'conversation.item.truncate')"
        )
        event = await told.json_value()
        await expect(reply.locator(".remark")).to_have_text("interrupted")
        # The server counts what it sent, and takes the page's word that less of it was heard.
        assert 0 < event["audio_end_ms"] < 5_000
        await expect(reply.locator(".firm")).to_have_text(re.compile(r"^I can play\b[^.]{0,30}$"))
        await expect(page.locator(".notice")).to_have_count(0)
