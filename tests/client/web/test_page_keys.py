"""The page without a mouse: shortcuts, their dialog, and that they leave typing alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
LIVE = "body[data-phase=live]"


async def test_a_call_by_single_keys(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await page.keyboard.press("t")
    await page.wait_for_selector(LIVE)
    await page.keyboard.press("Space")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("m")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    for key, panel in (("2", "shelf"), ("3", "timing"), ("1", "conversation")):
        await page.keyboard.press(key)
        await expect(page.locator("body")).to_have_attribute("data-panel", panel)
    await page.keyboard.press("/")
    await expect(page.get_by_label("Message")).to_be_focused()
    await page.keyboard.type("mt/ s?")  # typing is typing
    await expect(page.get_by_label("Message")).to_have_value("mt/ s?")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    await server.send("long_reply")
    await expect(page.locator("#interrupt")).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("Escape")  # also from the text box
    await server.wait_for("response.cancel")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("t")
    await expect(page.get_by_role("button", name="Start talking")).to_be_visible()


async def test_the_keys_are_listed_and_escape_closes_the_list_only(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await page.keyboard.press("t")
    await page.wait_for_selector(LIVE)
    await server.send("long_reply")
    await expect(page.locator("#interrupt")).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog.locator("kbd")).to_have_count(12)
    await page.keyboard.press("m")  # under a dialog no key does anything
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    assert server.types() == []


async def test_keys_of_one_letter_can_be_switched_off(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await page.keyboard.press("s")
    await page.get_by_label("Keys of one letter").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("s")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_space_presses_the_button_that_has_the_focus(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await page.locator("#settings").focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
