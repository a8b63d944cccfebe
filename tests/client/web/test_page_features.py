"""What the page shows beyond the words: time, barge-in, work, capture, artefacts, the connection."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
Screenshot = Callable[[Page, str], Awaitable[None]]
LIVE = "body[data-phase=live]"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

# How many pixels of the trace are nearest to the colour that the style sheet calls NAME.
INK = """(name) => {
    const trace = document.getElementById("trace");
    const probe = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    probe.fillStyle = getComputedStyle(trace).getPropertyValue(`--${name}`);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = trace.getContext("2d").getImageData(0, 0, trace.width, trace.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
        const [dr, dg, db] = [data[at] - r, data[at + 1] - g, data[at + 2] - b].map(Math.abs);
        count += data[at + 3] > 100 && dr + dg + db < 12;
    }
    return count;
}"""


async def start_talking(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector(LIVE)


@pytest.mark.parametrize("view", ["waveform", "spectrogram"])
async def test_both_voices_go_by(browser: Browser, open_page: OpenPage, view: str) -> None:
    choose = f"localStorage.setItem('audiogpt.view', '{view}')"
    page = await open_page(browser, init_script=choose)
    await start_talking(page)
    for voice in ("you", "it"):
        await page.wait_for_function(f"() => ({INK})('{voice}') > 30")


async def test_the_trace_is_drawn_without_motion_too(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser, reduced_motion="reduce")
    await start_talking(page)
    for voice in ("you", "it"):
        await page.wait_for_function(f"() => ({INK})('{voice}') > 100")


async def test_barge_in_is_seen_and_only_what_was_heard_is_shown(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, viewport={"width": 1280, "height": 800})
    await start_talking(page)
    await server.send("long_reply", "agreed")
    aside = page.locator('.line[data-status="aside"]')
    await expect(aside.locator(".words")).to_have_text("uh-huhheard, and went on")
    await server.send("broke_in", "gave_way", "interrupted")
    asked = await server.wait_for("conversation.item.retrieve")
    assert asked["item_id"] == "item_a4"
    await server.send("retrieved")
    reply = page.locator('.line[data-who="assistant"]')
    await expect(reply.locator(".firm")).to_have_text("I can tell you the time,")
    await expect(reply.locator(".remark")).to_have_text("interrupted")
    await screenshot(page, "page-barge-in")


async def test_work_that_takes_long_says_so(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await server.send("working")
    await expect(page.locator("#detail")).to_have_text(re.compile(r"^composing… [3-6] s$"))
    await server.send("worked")
    await expect(page.locator("#detail")).to_have_text("")


async def test_what_is_written_down_is_seen_to_be(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, viewport=PHONE)
    await start_talking(page)
    await server.send("capturing")
    await expect(page.get_by_role("heading", name="Writing down what you say…")).to_be_visible()
    await screenshot(page, "page-writing-down")
    await server.send("captured")
    note = page.locator(".artefact")
    await expect(note).to_contain_text("note 1")
    await expect(note.locator(".quote")).to_have_text("buy milk and eggs")
    await expect(page.locator(".line")).to_have_count(0)
    await page.get_by_role("button", name="Shelf").click()
    await expect(page.locator(".shelf-item .quote")).to_have_text("buy milk and eggs")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download number 1").click()
    assert (await download.value).suggested_filename == "1-note-1.txt"
    await page.get_by_role("button", name="Read number 1").click()
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"][0]["text"] == "read number one"
    await server.send("capture_empty")
    await expect(page.locator(".notice")).to_have_text("Nothing was recorded.")
    await expect(page.get_by_role("heading", name="Writing down")).to_have_count(0)


async def test_the_shelf_plays_stops_and_asks(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, viewport=DESKTOP)
    await start_talking(page)
    await server.send("hearing", "heard", "decided", "replying", "replied", "more_turns")
    await server.send("shelf", "music_outside")
    shelf = page.get_by_role("region", name="Shelf")
    await expect(shelf.locator(".number")).to_have_text(["4", "1", "2"])

    await shelf.get_by_role("button", name="Play number 1").click()  # it has an address: played here
    await expect(shelf.get_by_role("button", name="Stop number 1")).to_be_visible()
    await expect(shelf.locator(".progress:visible")).to_contain_text("of 0:02")
    assert server.types() == []
    await expect(shelf.get_by_role("button", name="Play number 1")).to_be_visible()  # it is over
    await expect(shelf.locator(".progress:visible")).to_have_count(0)
    await expect(shelf.get_by_text("say “play number one”")).to_be_visible()
    await expect(shelf.get_by_role("button", name="Download")).to_have_count(1)  # the others have no file

    await shelf.get_by_role("button", name="Stop number 4").click()
    assert (await server.wait_for("response.cancel"))["response_id"] == "resp_9"
    await shelf.get_by_role("button", name="Play number 2").click()
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"] == [{"type": "input_text", "text": "play number two"}]
    await screenshot(page, "page-desktop")


async def test_files_are_had_with_the_key_of_the_call(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    server.key = "sesame"
    key = "if (!sessionStorage.length) sessionStorage.setItem('audiogpt.key', 'sesame')"
    page = await open_page(browser, init_script=key, viewport=DESKTOP)
    await start_talking(page)
    await server.send("shelf")
    picture = {"id": "art_p", "kind": "image", "name": "shapes", "number": 3, "response_id": None}
    await server.tell(
        type="audiogpt.artefact.created",
        **picture,
        url="files/shapes.svg",
    )
    shelf = page.get_by_role("region", name="Shelf")
    size = "({ naturalWidth, naturalHeight }) => naturalWidth / naturalHeight"
    thumbnail = shelf.get_by_role("img", name="shapes")
    await page.wait_for_function("() => document.querySelector('.shelf-item img')?.naturalWidth > 0")
    assert await thumbnail.evaluate(size) == 1.6
    await expect(shelf.get_by_role("button", name="Show")).to_have_count(0)  # it is there to see

    async with page.expect_download() as download:
        await shelf.get_by_role("button", name="Download number 1").click()
    assert (await download.value).suggested_filename == "here-we-go.wav"
    await shelf.get_by_role("button", name="Play number 1").click()
    await expect(shelf.locator(".progress:visible")).to_contain_text("of 0:02")
    await shelf.get_by_role("button", name="Stop number 1").click()
    assert server.files == ["shapes.svg", "tone.wav", "tone.wav"]

    server.key = "another"
    await shelf.get_by_role("button", name="Download number 1").click()
    await expect(page.locator("#toast")).to_have_text("This file is for who made it.")
    await shelf.get_by_role("button", name="Play number 1").click()
    await expect(page.locator("#toast")).to_contain_text("Number 1 could not be played. This file is")
    await expect(shelf.get_by_role("button", name="Play number 1")).to_be_visible()


async def test_what_is_not_for_it_the_page_leaves_alone(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    place = {"response_id": "resp_f", "item_id": "item_f", "output_index": 0, "call_id": "c"}
    call = {
        "id": "item_f",
        "type": "function_call",
        "name": "weather",
        "arguments": "{}",
        "call_id": "call_f",
    }
    await server.tell(type="response.created", response={"id": "resp_f", "conversation_id": "conv_1"})
    await server.tell(type="response.output_item.added", response_id="resp_f", output_index=0, item=call)
    await server.tell(type="conversation.item.added", previous_item_id=None, item=call)
    await server.tell(type="response.function_call_arguments.delta", **place, delta="{}")
    await server.tell(type="response.function_call_arguments.done", **place, name="weather", arguments="{}")
    await server.tell(type="response.output_item.done", response_id="resp_f", output_index=0, item=call)
    output = {"id": "item_o", "type": "function_call_output", "call_id": "c", "output": "rain"}
    await server.tell(type="conversation.item.added", previous_item_id="item_f", item=output)
    await server.tell(
        type="response.done", response={"id": "resp_f", "status": "completed", "output": [call]}
    )
    for unknown in ("mcp_list_tools.completed", "audiogpt.from_the_future", "toString", "__proto__"):
        await server.tell(type=unknown, item=None)
    await server.send("hearing", "heard", "replying", "replied")
    await expect(page.locator(".line .firm")).to_have_text(["What time is it?", "It is half past nine."])
    await expect(page.locator("#entries > li")).to_have_count(2)


async def test_where_the_milliseconds_went(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser, viewport=PHONE, color_scheme="dark")
    await start_talking(page)
    await server.send("hearing", "heard", "decided", "replying", "replied", "more_turns")
    await page.get_by_role("button", name="Timing").click()
    timing = page.get_by_role("region", name="Where the milliseconds went")
    await expect(timing.locator("h3")).to_have_text("Last 4 turns, median 326 ms")
    await expect(timing.locator(".waterfall dt")).to_have_text(
        ["end of your turn", "words", "thinking", "first sound", "sending", "until it sounded"]
    )
    await timing.get_by_role("button", name="What time is it?").click()
    await expect(timing.locator(".waterfall dd")).to_have_text(
        ["212 ms", "18 ms", "6 ms", "42 ms", "20 ms", "298 ms"]
    )
    await expect(timing.locator(".reason")).to_contain_text(
        "complete (192 ms of silence, words complete 90 %"
    )
    await expect(timing.locator('[aria-pressed="true"]')).to_be_focused()
    await screenshot(page, "page-timing")


async def test_how_good_the_connection_is(browser: Browser, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    button = page.get_by_role("button", name=re.compile("^Connection: good, [0-9]+ ms round trip$"))
    await button.click()
    rows = page.locator("#quality-rows")
    await expect(rows).to_contain_text("WebRTC (UDP)")
    await expect(rows).to_contain_text(re.compile(r"Lost[\d.]+ %"))
    await expect(rows).to_contain_text(re.compile(r"Jitter buffer\d+ ms"))
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="End call").click()
    await expect(button).to_be_hidden()


async def test_the_conversation_is_kept_on_paper_and_as_text(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(
        browser, init_script="window.print = () => { window.printed = true }", color_scheme="dark"
    )
    await start_talking(page)
    await server.send("hearing", "heard", "replying", "replied", "shelf", "long_reply", "interrupted")
    await expect(page.locator(".line")).to_have_count(3)
    await page.get_by_role("button", name="Keep the conversation").click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download as text").click()
    text = (await (await download.value).path()).read_text(encoding="utf-8")
    assert text.splitlines()[2:] == [
        "You: What time is it?",
        "AudioGPT: It is half past nine.",
        "[Number 2] rain on a tin roof",
        "[Number 1] recording 1: here we go again",
        "AudioGPT: I can tell you the time, and [interrupted]",
    ]
    await page.get_by_role("button", name="Keep the conversation").click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download the events").click()
    events = (await (await download.value).path()).read_text(encoding="utf-8").splitlines()
    ways = [(line["way"], line["event"]["type"]) for line in map(json.loads, events)]
    assert ways[0] == ("received", "session.created")
    assert ("sent", "conversation.item.retrieve") in ways
    await page.get_by_role("button", name="Keep the conversation").click()
    await page.get_by_role("button", name="Print the conversation").click()
    assert await page.evaluate("window.printed")
    await page.emulate_media(media="print")
    for gone in ("#talk", "#figure", "#text", "#settings", "#trace"):
        await expect(page.locator(gone)).to_be_hidden()
    await expect(page.locator("#print-title")).to_contain_text("AudioGPT Live, ")
    await expect(page.locator(".line").first).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.querySelector('.firm')).color") == "rgb(0, 0, 0)"
    await screenshot(page, "page-print")


async def test_copied_as_text(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser, permissions=["clipboard-read", "clipboard-write", "microphone"])
    await start_talking(page)
    await server.send("hearing", "heard")
    await expect(page.locator(".line .firm")).to_have_text("What time is it?")
    await page.get_by_role("button", name="Keep the conversation").click()
    await page.get_by_role("button", name="Copy as text").click()
    await expect(page.locator("#toast")).to_have_text("Copied.")
    assert "You: What time is it?" in await page.evaluate("navigator.clipboard.readText()")


async def test_stock_events_are_enough(
    browser: Browser, server: Any, open_page: OpenPage, dialogue: Any
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    for scene in ("hearing", "heard", "replying", "replied", "long_reply", "interrupted"):
        for event in dialogue[scene]:
            if not event["type"].startswith("audiogpt."):
                await server.tell(**event)
    await expect(page.locator(".line .firm")).to_have_text(
        ["What time is it?", "It is half past nine.", "I can tell you the time, and"]
    )
    await expect(page.locator(".latency")).to_have_count(0)
