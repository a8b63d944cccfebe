"""The page for everyone: small screens, keyboards, screen readers, weak eyes, those whom motion makes ill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
Screenshot = Callable[[Page, str], Awaitable[None]]

# Every visible text whose contrast with what is painted behind it is under AA.
LOW_CONTRAST = """() => {
  const rgb = (css) => (css.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].reduce((sum, value, index) => {
    const part = value / 255;
    const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    return sum + linear * [0.2126, 0.7152, 0.0722][index];
  }, 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.closest(".hidden, .skip, option")) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(rgb(style.color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) low.push(`${node.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""


async def full_page(page: Page, server: Any) -> None:
    """Brings the page into a state in which nearly everything it can show is shown."""
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector("body[data-phase=live]")
    await server.send("hearing", "heard", "replying", "replied", "timer_set", "notice", "error", "music")
    await expect(page.locator("#music")).to_be_visible()
    await expect(page.locator(".artefact")).to_be_attached()


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (640, 360), (768, 1024)])
async def test_small_screens_do_not_scroll_sideways(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot, width: int, height: int
) -> None:
    page = await open_page(browser, viewport={"width": width, "height": height}, has_touch=True)
    fits = "document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
    assert await page.evaluate(fits)
    await full_page(page, server)
    assert await page.evaluate(fits)
    assert await page.evaluate("document.getElementById('scroll').clientHeight") >= 80
    for name in ("End call", "Interrupt", "Send"):
        box = await page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44  # a finger's width
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert height / 2 < box["y"] + box["height"] <= height
    await screenshot(page, f"page-{width}x{height}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrast(
    browser: Browser, server: Any, open_page: OpenPage, scheme: str, screenshot: Screenshot
) -> None:
    page = await open_page(browser, color_scheme=scheme, reduced_motion="reduce")
    assert await page.evaluate(LOW_CONTRAST) == []
    await full_page(page, server)
    assert await page.evaluate(LOW_CONTRAST) == []
    server.full_for_s = 60
    await server.drop()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await page.evaluate(LOW_CONTRAST) == []


async def test_every_control_has_a_name(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser, viewport={"width": 1440, "height": 900})  # everything at once
    await full_page(page, server)
    await page.get_by_role("button", name="Settings").click()
    await nameless_controls(page, "combobox", "slider", "checkbox", "dialog", "textbox")
    await page.keyboard.press("Escape")
    await nameless_controls(page, "main", "banner", "button", "textbox", "meter", "form", "image")


async def nameless_controls(page: Page, *expected: str) -> None:
    """Fails for a control without a name, or a kind of it that is not there at all."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    roles = {
        "button",
        "textbox",
        "combobox",
        "link",
        "meter",
        "region",
        "form",
        "image",
        "DisclosureTriangle",
        "slider",
        "checkbox",
        "dialog",
    }
    nameless = [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node["ignored"]
        and node.get("role", {}).get("value") in roles
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    found = {node.get("role", {}).get("value") for node in tree["nodes"]}
    assert set(expected) <= found


async def test_keyboard_reaches_everything_in_reading_order(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    seen = []
    focused = "document.activeElement.id || document.activeElement.textContent.trim()"
    for _ in range(24):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(focused))
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1] == "Send":
            break
    assert seen[:8] == [
        *("Skip to the text box", "menu", "help", "settings"),
        *("Conversation", "Shelf", "Timing", "scroll"),
    ]
    assert seen[8].startswith("What time")
    assert seen[-5:] == ["talk", "interrupt", "attach", "text", "Send"]


async def test_a_conversation_by_keyboard_alone(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await page.locator("#talk").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_selector("body[data-phase=live]")
    await server.send("long_reply")
    await expect(page.locator("#interrupt")).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("Tab")
    await expect(page.locator("#mute")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await server.wait_for("response.cancel")
    await server.send("interrupted")
    await expect(page.locator("#interrupt")).to_be_focused()  # it is named disabled, yet keeps the focus


async def test_reduced_motion_draws_a_still_figure(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser, reduced_motion="reduce")
    drawn = "document.getElementById('figure').toDataURL()"
    frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    await page.evaluate(frame)
    first = await page.evaluate(drawn)
    for _ in range(5):
        await page.evaluate(frame)
    assert await page.evaluate(drawn) == first
    assert len(first) > 5_000  # and not an empty one
