"""Sounds and pictures dropped into the conversation."""

from __future__ import annotations

import base64
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

OpenPage = Callable[..., Awaitable[Page]]
Screenshot = Callable[[Page, str], Awaitable[None]]
LIVE = "body[data-phase=live]"

DROP = """async ({ name, type, data }) => {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    const send = (kind) => document.body.dispatchEvent(
        new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    send("dragenter");
    const veiled = !document.getElementById("veil").hidden;
    send("dragover");
    send("drop");
    return veiled && document.getElementById("veil").hidden;
}"""
PICTURE = """async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 2000, height: 1000 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#2a6f77"; pen.fillRect(0, 0, 2000, 1000);
    pen.fillStyle = "#f3a477"; pen.fillRect(400, 300, 700, 500);
    return canvas.toDataURL("image/png").split(",")[1];
}"""


def wav(seconds: float, rate: int = 16_000) -> str:
    """Base64 of a stereo WAV file: a square wave left, silence right."""
    frames = b"".join(
        struct.pack("<hh", 16_000 if i // 20 % 2 else -16_000, 0) for i in range(round(seconds * rate))
    )
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(frames), b"WAVE", b"fmt ", 16, 1, 2, rate, rate * 4, 4, 16, b"data", len(frames)),
    )
    return base64.b64encode(head + frames).decode()


async def drop(page: Page, name: str, kind: str, data: str) -> None:
    assert await page.evaluate(DROP, {"name": name, "type": kind, "data": data})


async def start_talking(page: Page) -> None:
    await page.get_by_role("button", name="Start talking").click()
    await page.wait_for_selector(LIVE)


async def test_a_dropped_picture_is_an_item_of_the_conversation(
    browser: Browser, server: Any, open_page: OpenPage, screenshot: Screenshot
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await drop(page, "shapes.png", "image/png", await page.evaluate(PICTURE))
    created = await server.wait_for("conversation.item.create")
    (part,) = created["item"]["content"]
    assert part["type"] == "input_image"
    assert part["image_url"].startswith("data:image/jpeg;base64,")
    line = page.locator(".attachment")
    size = "({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]"
    assert await line.locator("img").evaluate(size) == [1024, 512]
    await expect(line.locator(".remark")).to_have_text("sending")
    await server.tell(type="conversation.item.added", previous_item_id=None, item=created["item"])
    await expect(line.locator(".remark")).to_have_text("")
    await server.wait_for("response.create")
    assert server.types() == ["conversation.item.create", "response.create"]
    await screenshot(page, "page-picture")


async def test_a_dropped_sound_is_24_khz_mono(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await drop(page, "siren.wav", "audio/wav", wav(2))
    created = await server.wait_for("conversation.item.create")
    (part,) = created["item"]["content"]
    assert (part["type"], part["transcript"]) == ("input_audio", None)
    samples = memoryview(base64.b64decode(part["audio"])).cast("h")
    assert len(samples) == 2 * 24_000
    assert 7_000 < max(samples[1000:-1000]) < 12_000  # half of the one channel that sounds
    line = page.locator(".attachment")
    await expect(line).to_contain_text("siren.wav · 0:02")
    assert server.aside == []
    assert "response.create" not in server.types()  # the server has not taken it yet
    await server.tell(type="conversation.item.added", previous_item_id=None, item=created["item"])
    await server.wait_for("response.create")
    await expect(line.locator(".quote")).to_be_hidden()
    await server.tell(
        type="conversation.item.input_audio_transcription.completed",
        item_id=created["item"]["id"],
        content_index=0,
        transcript="Fire in the kitchen.",
        usage={"type": "duration", "seconds": 2.0},
    )
    await expect(line.locator(".quote")).to_have_text("Fire in the kitchen.")
    await expect(page.locator(".line")).to_have_count(1)


async def test_a_long_sound_is_cut_and_takes_the_side_channel(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await drop(page, "long.wav", "audio/wav", wav(61, rate=8_000))
    created = await server.wait_for("conversation.item.create")
    assert len(base64.b64decode(created["item"]["content"][0]["audio"])) == 60 * 48_000
    assert server.aside == ["conversation.item.create"]
    await expect(page.locator(".notice")).to_have_text("Only the first 60 seconds of long.wav were taken.")
    # Everything of a call is mirrored on its side channel, and told by its own: nothing is done twice.
    added = {"type": "conversation.item.added", "event_id": "event_1", "previous_item_id": None}
    item = {**created["item"], "content": [{"type": "input_audio", "transcript": None}]}
    await server.tell_everywhere(**added, item=item)
    await server.wait_for("response.create")
    await server.send("replying", "replied")
    reply = page.locator('.line[data-who="assistant"] .firm')
    await expect(reply).to_have_text("It is half past nine.")
    assert server.types() == ["conversation.item.create", "response.create"]
    await expect(page.locator(".attachment .remark")).to_have_text("")
    await server.close_aside()  # it has had its answer: nothing is lost with it
    await server.send("timer_set")
    await expect(page.locator(".timers")).to_be_visible()
    await expect(page.locator(".attachment .remark")).to_have_text("")


async def test_two_things_at_once_are_answered_once_and_no_one_is_interrupted(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await server.send("long_reply")
    await drop(page, "one.wav", "audio/wav", wav(1))
    await drop(page, "two.wav", "audio/wav", wav(1))
    await server.wait_for_number("conversation.item.create", 2)
    for event in list(server.received):
        await server.tell(type="conversation.item.added", previous_item_id=None, item=event["item"])
    await expect(page.locator(".attachment .remark")).to_have_text(["", ""])
    assert server.types() == ["conversation.item.create"] * 2
    await server.send("interrupted")
    await server.wait_for("response.create")
    assert server.types().count("response.create") == 1


async def test_what_gets_through_nowhere_says_so(browser: Browser, server: Any, open_page: OpenPage) -> None:
    server.side_channel = False
    page = await open_page(browser)
    await start_talking(page)
    await drop(page, "long.wav", "audio/wav", wav(20, rate=8_000))
    await expect(page.locator(".attachment .remark")).to_contain_text("too large for the server (1.3 MB)")
    assert server.types() == []
    await expect(page.locator(".notice")).to_have_count(0)


async def test_what_the_server_refuses_is_said_at_the_thing_itself(
    browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(browser)
    await start_talking(page)
    await drop(page, "siren.wav", "audio/wav", wav(1))
    created = await server.wait_for("conversation.item.create")
    error = {
        "type": "invalid_request_error",
        "code": "unsupported_item",
        "message": "This server hears no files.",
        "event_id": created["event_id"],
    }
    await server.tell(type="error", error=error)
    await expect(page.locator(".attachment .remark")).to_have_text("This server hears no files.")
    await expect(page.locator(".notice")).to_have_count(0)
    await server.send("timer_set")
    await expect(page.locator(".timers")).to_be_visible()
    assert server.types() == ["conversation.item.create"]  # there is nothing to answer


async def test_what_is_no_sound_and_no_picture(browser: Browser, server: Any, open_page: OpenPage) -> None:
    page = await open_page(browser)
    await drop(page, "letter.txt", "text/plain", base64.b64encode(b"hello").decode())
    await expect(page.locator(".notice")).to_have_text("letter.txt is neither a sound nor a picture.")
    await drop(page, "broken.wav", "audio/wav", base64.b64encode(b"not a sound").decode())
    await expect(page.locator(".notice").last).to_contain_text("broken.wav cannot be decoded here.")
    await drop(page, "broken.png", "image/png", base64.b64encode(b"not a picture").decode())
    await expect(page.locator(".notice").last).to_contain_text("broken.png cannot be opened here.")
    assert server.calls == 0


async def test_files_are_chosen_with_the_button_before_there_is_a_call(
    wary_browser: Browser, server: Any, open_page: OpenPage
) -> None:
    page = await open_page(wary_browser, hidden_address=True)
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach a sound or a picture").click()
    file = {"name": "siren.wav", "mimeType": "audio/wav", "buffer": base64.b64decode(wav(1))}
    await (await chooser.value).set_files([file])
    created = await server.wait_for("conversation.item.create")
    assert created["item"]["content"][0]["type"] == "input_audio"
