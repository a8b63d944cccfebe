"""What the page says, and does, when something stands in the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
Screenshot = Callable[[Page, str], Awaitable[None]]
LIVE = "body[data-phase=live]"


def failing_microphone(name: str) -> str:
    """A script that makes getUserMedia fail as it does for real with this DOMException."""
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('x', '{name}') }}"


async def press_talk(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()


async def test_microphone_refused(
    wary_browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(wary_browser)
    await press_talk(page)
    await expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked")
    await screenshot(page, "page-refused")
    assert server.calls == 0
    await page.get_by_role("button", name="Type instead").click()
    await expect(page.get_by_label("Message")).to_be_focused()
    await expect(page.locator("#banner")).to_be_hidden()
    await press_talk(page)
    await expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked")
    await page.context.grant_permissions(["microphone"])
    await page.get_by_role("button", name="Try again").click()
    await page.wait_for_selector(LIVE)
    await expect(page.locator("#banner")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "The microphone is in use"),
        ("OverconstrainedError", "no longer there"),
    ],
)
async def test_microphone_missing_or_busy(
    wary_browser: Browser, open_page: OpenPage, name: str, words: str
) -> None:
    page = await open_page(wary_browser, init_script=failing_microphone(name))
    await press_talk(page)
    await expect(page.get_by_role("alert")).to_contain_text(words)


async def test_insecure_page_can_still_type(wary_browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(wary_browser)
    await page.goto(server.url.replace("127.0.0.1", "page.test"))
    assert not await page.evaluate("isSecureContext")
    await press_talk(page)
    await expect(page.get_by_role("alert")).to_contain_text("The microphone needs a secure page")
    await page.get_by_label("Message").fill("hello")
    async with page.expect_response("**/v1/realtime/calls") as answer:
        await page.get_by_role("button", name="Send").click()
    assert (await answer.value).status == 201


async def test_full_server_counts_down_and_tries_again(
    wary_browser: Browser, server: Any, open_page: OpenPage
) -> None:
    server.full_for_s = 3
    page = await open_page(wary_browser, hidden_address=True)
    await page.get_by_label("Message").fill("hello")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("All four places are taken.")
    await expect(page.locator("#banner-countdown")).to_have_text("Trying again in 2 s.")
    await expect(page.get_by_role("heading", name="Waiting for a place")).to_be_visible()
    server.full_for_s = None
    # The line typed before there was a place is sent when there is one.
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"][0]["text"] == "hello"
    await expect(page.locator("#banner")).to_be_hidden()


async def test_one_can_stop_trying(wary_browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.full_for_s = 600
    page = await open_page(wary_browser)
    await page.get_by_role("button", name="What time is it?").click()
    await page.get_by_role("button", name="Stop trying").click()
    await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
    await expect(page.locator("#banner")).to_be_hidden()


async def test_server_vanishes_and_returns(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser)
    await press_talk(page)
    await page.wait_for_selector(LIVE)
    await server.send("hearing", "heard", "long_reply")
    await expect(page.locator(".line")).to_have_count(2)
    await server.stop()
    await expect(page.get_by_role("alert")).to_contain_text("The server can’t be reached")
    await expect(page.locator("#banner-countdown")).to_contain_text("Trying again")
    await expect(page.locator(".line .remark").last).to_have_text("cut off")
    await screenshot(page, "page-unreachable")
    await server.start()
    await page.get_by_role("button", name="Try now").click()
    await page.wait_for_selector(LIVE)
    await expect(page.locator(".divider")).to_contain_text("no longer remembered")
    await expect(page.locator("#banner")).to_be_hidden()


async def test_an_answer_that_is_no_answer(wary_browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(wary_browser, hidden_address=True)

    async def refuse(route: Any) -> None:
        await route.fulfill(
            status=400, json={"error": {"message": "The offer has no audio.", "code": "bad_sdp"}}
        )

    await page.route("**/v1/realtime/calls", refuse)
    await page.get_by_role("button", name="What time is it?").click()
    await expect(page.get_by_role("alert")).to_contain_text("The offer has no audio. (HTTP 400)")
    await page.unroute("**/v1/realtime/calls")
    await page.get_by_role("button", name="Reconnect").click()
    await page.wait_for_selector(LIVE)


async def test_autoplay_blocked_needs_a_tap(browser: Browser, open_page: OpenPage) -> None:
    hold = """
        const play = HTMLMediaElement.prototype.play;
        let held = true;
        HTMLMediaElement.prototype.play = function () {
            if (held) { held = false; return Promise.reject(new DOMException('tap', 'NotAllowedError')); }
            return play.call(this);
        };
    """
    page = await open_page(browser, init_script=hold)
    await press_talk(page)
    await expect(page.get_by_role("alert")).to_contain_text("The browser holds the sound back")
    await page.get_by_role("button", name="Let me hear it").click()
    await expect(page.locator("#banner")).to_be_hidden()


async def test_microphone_unplugged(browser: Browser, open_page: OpenPage) -> None:
    spy = """
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wish) => (window.opened = await open(wish));
    """
    page = await open_page(browser, init_script=spy)
    await press_talk(page)
    await page.wait_for_selector(LIVE)
    await page.evaluate("opened.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    await expect(page.get_by_role("alert")).to_contain_text("The microphone went away")
    await expect(page.locator("#link")).to_have_text("Connected, typing only")
