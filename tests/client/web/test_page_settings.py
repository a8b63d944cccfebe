"""What the person chooses: kept over a reload, and told to the server in the protocol's own words."""

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
DARK = "rgb(14, 23, 29)"


async def start_talking(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector(LIVE)


async def test_settings_survive_a_reload(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, color_scheme="light", viewport={"width": 1280, "height": 800})
    await start_talking(page)
    await expect(page.locator("#voice option")).to_have_text(["Default (slt)", "slt", "rms"])
    await page.get_by_role("button", name="Settings").click()
    sheet = page.get_by_role("dialog", name="Settings")
    await expect(sheet.locator("#microphone option").nth(1)).to_be_attached()
    chosen = await sheet.locator("#microphone option").nth(1).get_attribute("value") or ""
    loud = await sheet.locator("#speaker option").all()
    speaker = (await loud[1].get_attribute("value") or "") if len(loud) > 1 else ""
    await sheet.get_by_label("Microphone").select_option(chosen)
    await sheet.get_by_label("Loudspeaker").select_option(speaker)
    await sheet.get_by_label("Voice", exact=True).select_option("rms")
    await sheet.get_by_label("Speed").fill("1.25")
    await sheet.get_by_label("AudioGPT answers").select_option("low")
    await sheet.get_by_label("Instructions").fill("Answer in one sentence.")
    await sheet.get_by_label("Theme").select_option("dark")
    await sheet.get_by_label("The two voices as").select_option("spectrogram")
    await screenshot(page, "page-settings")
    await sheet.get_by_role("button", name="Done").click()
    await expect(sheet).to_be_hidden()
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
    server.received.clear()
    await start_talking(page)
    update = await server.wait_for("session.update")
    assert server.types() == ["session.update"]
    assert update["session"] == {
        "type": "realtime",
        "instructions": "Answer in one sentence.",
        "audio": {
            "input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
            "output": {"voice": "rms", "speed": 1.25},
        },
    }
    for name, value in (
        ("microphone", chosen),
        ("speaker", speaker),
        ("voice", "rms"),
        ("speed", "1.25"),
        ("eagerness", "low"),
        ("instructions", "Answer in one sentence."),
        ("theme", "dark"),
        ("view", "spectrogram"),
    ):
        await expect(page.locator(f"#{name}")).to_have_value(value)


async def test_a_change_takes_effect_at_once(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    assert server.types() == []  # nothing is chosen: nothing is said
    await page.keyboard.press("s")
    await page.get_by_label("Voice", exact=True).select_option("rms")
    update = await server.wait_for("session.update")
    assert update["session"] == {"type": "realtime", "audio": {"output": {"voice": "rms"}}}
    server.received.clear()
    await page.get_by_label("Voice", exact=True).select_option("")
    update = await server.wait_for("session.update")
    assert update["session"]["audio"] == {"output": {"voice": "slt"}}  # what the default is called


async def test_storage_may_be_forbidden(browser: Browser, open_page: OpenPage) -> None:
    forbid = """
        for (const name of ['localStorage', 'sessionStorage'])
            Object.defineProperty(window, name, {get() { throw new DOMException('no') }});
    """
    page = await open_page(browser, init_script=forbid, color_scheme="light")
    await page.keyboard.press("s")
    await page.get_by_label("Theme").select_option("dark")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK


async def push_to_talk(page: Page, server: Any) -> None:
    await page.keyboard.press("s")
    await page.get_by_label("Push to talk").check()
    await page.keyboard.press("Escape")
    await start_talking(page)
    update = await server.wait_for("session.update")
    assert update["session"]["audio"]["input"]["turn_detection"] is None
    server.received.clear()
    await expect(page.locator("#detail")).to_have_text("Hold the button or Space while you talk")


async def test_a_turn_is_held_with_space(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await push_to_talk(page, server)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.down("Space")
    await server.wait_for("input_audio_buffer.clear")
    await expect(page.locator("#hold")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#level-you")).to_have_attribute("aria-valuenow", LOUD)
    await page.keyboard.up("Space")
    await server.wait_for("input_audio_buffer.commit")
    assert "response.create" not in server.types()  # the turn is answered when the server has taken it
    await server.send("heard")
    await server.wait_for("response.create")
    await expect(page.locator("#hold")).to_have_attribute("aria-pressed", "false")


async def test_a_turn_is_held_with_a_finger_and_interrupts(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser, viewport={"width": 360, "height": 640}, has_touch=True)
    await push_to_talk(page, server)
    await server.send("long_reply")
    await expect(page.locator("#interrupt")).to_have_attribute("aria-disabled", "false")
    await page.locator("#hold").dispatch_event("pointerdown")
    await server.wait_for("input_audio_buffer.clear")
    assert server.types()[:3] == ["response.cancel", "output_audio_buffer.clear", "input_audio_buffer.clear"]
    await page.locator("#hold").dispatch_event("pointerup")


async def test_a_key_is_asked_for_where_one_is_needed(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser)
    keys = []

    async def guard(route: Any) -> None:
        keys.append(route.request.headers.get("authorization"))
        if keys[-1] == "Bearer sesame":
            await route.continue_()
        else:
            await route.fulfill(status=401, json={"error": {"message": "This server wants a key."}})

    await page.route("**/v1/realtime/calls", guard)
    await page.get_by_role("button", name="What time is it?").click()
    await expect(page.get_by_role("alert")).to_contain_text("This server wants a key.")
    await page.get_by_role("button", name="Enter the key").click()
    await page.get_by_label("Access key").fill("sesame")
    await page.get_by_role("button", name="Done").click()
    await page.get_by_role("button", name="Reconnect").click()
    await page.wait_for_selector(LIVE)
    assert keys == [None, "Bearer sesame"]
    assert "sesame" not in str(await page.evaluate("JSON.stringify(localStorage)"))
