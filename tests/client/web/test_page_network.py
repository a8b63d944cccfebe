"""What the page does when the network changes, drops the call, or lets no WebRTC through."""

from __future__ import annotations

import asyncio
import base64
import re
from array import array
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
LIVE = "body[data-phase=live]"
LOUD = re.compile(r"^([2-9]\d|100)$")  # a meter, in percent
TOKEN = "rtc_1.secret"
KEEP_CHANNEL = """
    const create = RTCPeerConnection.prototype.createDataChannel;
    RTCPeerConnection.prototype.createDataChannel = function (...given) {
        return (window.channel = create.apply(this, given));
    };
"""


async def start_talking(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector(LIVE)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens outside the page."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110  the fake server tells of its counts nowhere
            await asyncio.sleep(0.02)


async def carries_on(page: Page, server: Any) -> None:
    """The same conversation, with its transcript in place."""
    await page.wait_for_selector(LIVE)
    await expect(page.locator("#link")).to_contain_text("Connected")
    await expect(page.locator(".divider")).to_have_count(0)
    await expect(page.locator(".line .firm").first).to_have_text("What time is it?")
    await server.send("replying", "replied")
    await expect(page.locator('.line[data-who="assistant"] .firm')).to_have_text("It is half past nine.")
    assert server.calls == 1
    assert server.hangups == 0


async def in_a_conversation(page: Page, server: Any) -> None:
    await start_talking(page)
    await server.send("hearing", "heard")
    await expect(page.locator(".line .firm")).to_have_text("What time is it?")


async def test_a_lost_network_is_noticed_and_the_call_taken_up(
    browser: Browser, server: Any, open_page: OpenPage, dialogue: Any
) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await in_a_conversation(page, server)
    server.lose_network()
    await until(lambda: bool(server.resumed))
    assert server.resumed == [(TOKEN, dialogue["heard"][-1]["event_id"])]
    await carries_on(page, server)
    await expect(page.locator("#level-assistant")).to_have_attribute("aria-valuenow", LOUD)


async def test_a_dropped_data_channel_is_taken_up(browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.token = TOKEN
    page = await open_page(browser, init_script=KEEP_CHANNEL)
    await in_a_conversation(page, server)
    await page.evaluate("window.channel.close()")
    await until(lambda: bool(server.resumed))
    await carries_on(page, server)


async def test_another_network_is_taken_up(browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await in_a_conversation(page, server)
    await page.evaluate("window.dispatchEvent(new Event('offline'))")
    await expect(page.get_by_role("heading", name="The network is unsteady")).to_be_visible()
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await until(lambda: bool(server.resumed))
    await carries_on(page, server)


async def test_a_conversation_that_was_let_go_begins_anew_and_says_so(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await in_a_conversation(page, server)
    server.token = "another"
    server.lose_network()
    await expect(page.locator(".divider")).to_contain_text("no longer remembered")
    await page.wait_for_selector(LIVE)
    assert server.calls == 2
    assert server.resumed == []


async def test_what_is_typed_meanwhile_is_sent_afterwards(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await in_a_conversation(page, server)
    await page.route("**/v1/realtime/calls", lambda route: route.abort())
    server.lose_network()
    await expect(page.get_by_role("heading", name="Reconnecting")).to_be_visible()
    await expect(page.locator("#banner")).to_be_hidden()
    await page.get_by_label("Message").fill("hello")
    await page.keyboard.press("Enter")
    await page.unroute("**/v1/realtime/calls")
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"][0]["text"] == "hello"
    await carries_on(page, server)


async def test_one_can_give_up_reconnecting(browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await in_a_conversation(page, server)
    await page.route("**/v1/audiogpt/config", lambda route: route.abort())
    server.lose_network()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
    await until(lambda: server.hangups == 1)  # nobody is waited for


async def test_a_closed_page_hangs_up(browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await start_talking(page)
    await page.close(run_before_unload=False)
    await until(lambda: server.hangups == 1)


async def test_without_webrtc_the_websocket_carries_the_call(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    server.unreachable = True
    page = await open_page(browser)
    await start_talking(page)
    await expect(page.locator("#link")).to_have_text("Connected (over WebSocket)")
    await expect(page.locator(".notice")).to_contain_text("no WebRTC")
    assert server.hangups == 1, "the call that never connected keeps a place"
    await until(lambda: server.heard_packets > 10)
    heard = array("h", base64.b64decode(server.heard_audio))
    assert len(heard) == 480
    assert max(map(abs, heard)) > 1000, "the microphone is silent"
    await expect(page.locator("#level-you")).to_have_attribute("aria-valuenow", LOUD)
    await server.send_tone(3)
    await expect(page.locator("#level-assistant")).to_have_attribute("aria-valuenow", LOUD)
    await server.send("hearing", "heard", "replying", "replied")
    await expect(page.locator('.line[data-who="assistant"] .firm')).to_have_text("It is half past nine.")
    await page.get_by_role("button", name="End call").click()
    await until(lambda: server.goodbyes == [1000])


async def test_a_browser_without_webrtc_uses_the_websocket(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser, init_script="delete window.RTCPeerConnection")
    await start_talking(page)
    await expect(page.locator("#link")).to_have_text("Connected (over WebSocket)")
    assert server.offers == []


async def test_an_interruption_drops_what_is_buffered(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await page.goto(f"{server.url}?transport=websocket")
    await start_talking(page)
    await expect(page.locator(".notice")).to_have_count(0)  # it was asked for
    await server.send_tone(60)
    meter = page.locator("#level-assistant")
    await expect(meter).to_have_attribute("aria-valuenow", LOUD)
    await server.send("long_reply")
    await expect(page.get_by_role("button", name="Interrupt")).to_have_attribute("aria-disabled", "false")
    await page.get_by_role("button", name="Interrupt").click()
    await server.wait_for("response.cancel")
    await server.send("interrupted")
    await expect(meter).to_have_attribute("aria-valuenow", "0")


async def over_the_websocket(page: Page, server: Any) -> None:
    """A long reply is heard over the WebSocket, with much more of it in the page's buffer."""
    await page.goto(f"{server.url}?transport=websocket")
    await start_talking(page)
    await server.send("long_reply")
    await server.send_tone(60, "resp_4", "item_a4")
    await expect(page.locator("#level-assistant")).to_have_attribute("aria-valuenow", LOUD)


async def test_the_button_silences_the_buffer_at_once_and_tells_what_was_heard(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    began = asyncio.get_running_loop().time()
    await over_the_websocket(page, server)
    await page.get_by_role("button", name="Interrupt").click()
    told = await server.wait_for("conversation.item.truncate")
    lasted_ms = (asyncio.get_running_loop().time() - began) * 1000
    assert server.types() == ["response.cancel", "output_audio_buffer.clear", "conversation.item.truncate"]
    assert (told["item_id"], told["content_index"]) == ("item_a4", 0)
    assert 0 < told["audio_end_ms"] < lasted_ms
    meter = page.locator("#level-assistant")
    await expect(meter).to_have_attribute("aria-valuenow", "0")  # the server has said nothing yet
    await server.send_tone(1, "resp_4", "item_a4")  # what was on its way
    await server.send("interrupted")
    await expect(page.locator(".remark")).to_have_text("interrupted")
    await expect(meter).to_have_attribute("aria-valuenow", "0")
    await server.wait_for("conversation.item.retrieve")
    assert server.types().count("conversation.item.truncate") == 1


async def test_who_speaks_over_it_silences_it_and_an_uh_huh_lets_it_go_on(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await over_the_websocket(page, server)
    meter = page.locator("#level-assistant")
    await server.send("agreed")
    await expect(meter).to_have_attribute("aria-valuenow", "0")
    assert server.types() == []  # nobody knows yet what was meant
    await server.send_tone(0.02, "resp_4", "item_a4")
    await expect(meter).to_have_attribute("aria-valuenow", LOUD)
    await server.send("broke_in")
    await expect(meter).to_have_attribute("aria-valuenow", "0")
    await server.send("gave_way", "interrupted")
    told = await server.wait_for("conversation.item.truncate")
    assert told["item_id"] == "item_a4"


async def test_over_webrtc_the_server_counts(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await server.send("long_reply")
    button = page.get_by_role("button", name="Interrupt")
    await expect(button).to_have_attribute("aria-disabled", "false")
    await button.click()
    await server.wait_for("output_audio_buffer.clear")
    await server.send("interrupted")
    await server.wait_for("conversation.item.retrieve")
    assert "conversation.item.truncate" not in server.types()


async def test_a_call_over_the_websocket_is_taken_up_too(
    browser: Browser, server: Any, open_page: OpenPage, dialogue: Any
) -> None:
    server.token = TOKEN
    page = await open_page(browser)
    await page.goto(f"{server.url}?transport=websocket")
    await in_a_conversation(page, server)
    await page.evaluate("window.dispatchEvent(new Event('offline'))")
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await until(lambda: server.sockets == 2)
    assert server.resumed == [(TOKEN, dialogue["heard"][-1]["event_id"])]
    await carries_on(page, server)
    assert server.goodbyes == [4000]
