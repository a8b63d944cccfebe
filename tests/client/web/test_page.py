"""The page in a real Chromium that talks to a real WebRTC peer: a whole conversation by voice and by text."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
Screenshot = Callable[[Page, str], Awaitable[None]]
LIVE = "body[data-phase=live]"
LOUD = re.compile(r"^([2-9]\d|100)$")  # a meter, in percent


async def start_talking(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector(LIVE)


async def test_conversation(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser)
    await expect(page.locator("#welcome")).to_be_visible()
    await start_talking(page)
    await expect(page.get_by_role("heading", name="Listening")).to_be_visible()
    await expect(page.locator("#backends")).to_contain_text("pocketsphinx")

    await server.send("hearing")
    await expect(page.locator(".line .firm")).to_have_text("what time")
    await expect(page.locator(".line .faint")).to_have_text(" is it")
    await expect(page.get_by_role("heading", name="Hearing you")).to_be_visible()
    await expect(page.locator("#welcome")).to_be_hidden()

    await server.send("heard")
    await expect(page.locator(".line .firm")).to_have_text("What time is it?")
    await expect(page.locator(".line .faint")).to_have_text("")
    await expect(page.get_by_role("heading", name="Thinking")).to_be_visible()

    await server.send("replying")
    reply = page.locator('.line[data-who="assistant"]')
    await expect(reply.locator(".firm")).to_have_text("It is half")
    await expect(page.get_by_role("heading", name="Speaking")).to_be_visible()
    await screenshot(page, "page-speaking")

    await server.send("replied")
    await expect(reply.locator(".firm")).to_have_text("It is half past nine.")
    # Screen readers are told final lines, once each.
    await expect(page.locator("#announcer p")).to_have_text(
        ["You: What time is it?", "AudioGPT: It is half past nine."]
    )

    await expect(reply.locator(".latency-total")).to_have_text("298 ms")
    bar = reply.get_by_role("img", name="Answered in 298 milliseconds: end of your turn 212 ms")
    await expect(bar).to_be_visible()
    await expect(reply.locator(".latency-part")).to_have_count(5)
    await reply.locator(".latency summary").click()
    await expect(reply.locator("dd")).to_have_text(["212 ms", "18 ms", "6 ms", "42 ms", "20 ms"])

    await page.get_by_role("button", name="End call").click()
    await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
    await expect(page.locator(".line")).to_have_count(2)


async def test_both_voices_are_metered_and_heard(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    for meter in ("#level-you", "#level-assistant"):
        await expect(page.locator(meter)).to_have_attribute("aria-valuenow", LOUD)
    assert await page.evaluate("!document.getElementById('remote').paused")
    assert "stereo=1" in server.offers[0]
    assert server.heard_packets > 0


async def test_mute(browser: Browser, open_page: OpenPage, server: Any) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await page.get_by_role("button", name="Mute the microphone", exact=True).click()
    await expect(page.locator("#detail")).to_have_text("Your microphone is muted")
    await expect(page.locator("#level-you")).to_have_attribute("aria-valuenow", "0")
    await page.get_by_role("button", name="Unmute the microphone").click()
    await expect(page.get_by_role("heading", name="Listening")).to_be_visible()


async def test_interrupt_by_button_and_by_escape(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    button = page.get_by_role("button", name="Interrupt")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")  # nothing to stop yet: nothing is sent

    await server.send("long_reply")
    await expect(button).to_have_attribute("aria-disabled", "false")
    await button.click()
    await server.wait_for("output_audio_buffer.clear")
    assert server.types() == ["response.cancel", "output_audio_buffer.clear"]

    await server.send("interrupted")
    await expect(page.locator(".line .firm")).to_have_text("I can tell you the time, and")
    await expect(page.locator(".line .remark")).to_have_text("interrupted")
    await expect(button).to_have_attribute("aria-disabled", "true")

    server.received.clear()
    await server.send("music")
    await expect(button).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("Escape")
    await server.wait_for("output_audio_buffer.clear")


async def test_music_timers_and_notices(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, viewport={"width": 1280, "height": 800})
    await start_talking(page)
    await server.send("music", "timer_set", "notice", "error")
    music = page.get_by_role("group", name="Music playing")
    await expect(music).to_contain_text("Calm piano in A minor")
    await expect(music).to_contain_text("Bar 5")
    await expect(music).to_contain_text("A minor · 70 bpm · verse · piano, cello")
    await expect(music.locator(".chords li")).to_have_text(["Am", "F", "C", "G"])
    await expect(page.locator("#timers")).to_contain_text("Tea")
    await expect(page.locator(".artefact")).to_contain_text("Calm piano in A minor")
    await expect(page.locator(".notice")).to_have_count(2)
    await screenshot(page, "page-music")
    await server.send("music_ended", "timer_over")
    await expect(music).to_be_hidden()
    await expect(page.locator("#timers")).to_be_hidden()
    await expect(page.locator(".notice").last).to_have_text("Tea is over.")


async def test_typing_needs_no_microphone(wary_browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(wary_browser, hidden_address=True)
    await page.get_by_label("Message").fill("What time is it?")
    await page.keyboard.press("Enter")
    created = await server.wait_for("conversation.item.create")
    await server.wait_for("response.create")
    assert created["item"]["content"] == [{"type": "input_text", "text": "What time is it?"}]
    await expect(page.locator("#link")).to_have_text("Connected, typing only")
    await expect(page.locator(".line .words").first).to_contain_text("What time is it?")
    await server.send("replying")
    await expect(page.locator("#level-assistant")).to_have_attribute("aria-valuenow", LOUD)
    await page.get_by_role("button", name="Hang up").click()
    await expect(page.locator("#link")).to_have_text("Not connected")


async def test_a_typed_call_takes_a_microphone_later(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await page.get_by_role("button", name="Set a timer for ten seconds").click()
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"][0]["text"] == "Set a timer for ten seconds"
    await expect(page.locator("#link")).to_have_text("Connected, typing only")
    await start_talking(page)
    await expect(page.get_by_role("button", name="End call")).to_be_visible()
    await expect(page.locator("#level-you")).to_have_attribute("aria-valuenow", LOUD)
    assert server.calls == 1
