"""`@openai/agents-realtime` in Chromium: WebRTC, from a page of another origin, with an ephemeral key."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from openai import AsyncOpenAI
from playwright.async_api import async_playwright

from client.audio import RATE
from tests.chromium import CHROMIUM, FLAGS, microphone_flags
from tests.end_to_end.voices import pause, said
from tests.stock_clients.checks import is_beginning_of
from tests.stock_clients.conftest import KEY, SPOKEN, STORY

PATIENCE = 60_000  # ms for the page to load, on two busy cores
# ms of silence before and after what the microphone says, over and over: whoever was not connected yet the
# first time, or lost a word to a busy machine, says it again.
BEFORE, AFTER = 4_000, 10_000

Played = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
def play(server: Any, page_url: str, tmp_path: Path) -> Played:
    """Plays one stage in a browser whose microphone says `words`."""

    async def play(stage: str, words: str = "", before: int = BEFORE, **session: Any) -> dict[str, Any]:
        microphone = tmp_path / "microphone.wav"
        voice = said(words) if words else pause(0)
        soundfile.write(microphone, np.concatenate([pause(before), voice, pause(AFTER)]), RATE)
        async with AsyncOpenAI(api_key=KEY, base_url=f"{server.url}/v1") as openai:
            secret = await openai.realtime.client_secrets.create(session={"type": "realtime", **session})
        assert secret.value.startswith("ek_")
        arguments = {"url": server.url, "key": secret.value, "story": STORY}
        complaints: list[str] = []
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*FLAGS, *microphone_flags(microphone)]
            )
            try:
                page = await chromium.new_page()
                page.set_default_timeout(PATIENCE)
                page.on("pageerror", lambda error: complaints.append(str(error)))
                page.on(
                    "console", lambda line: complaints.append(line.text) if line.type == "error" else None
                )
                await page.goto(f"{page_url}/page.html")
                await page.wait_for_function("() => Boolean(window.play)")
                found: dict[str, Any] = await page.evaluate(
                    "([stage, given]) => window.play(stage, given)", [stage, arguments]
                )
            finally:
                await chromium.close()
        assert not complaints
        assert not found["errors"]
        assert found["created"] == found["done"]
        assert found["callId"].startswith("rtc")
        assert found["energy"][-1] > found["energy"][0]
        return found

    return play


async def test_a_spoken_question_is_understood_and_audibly_answered(play: Played) -> None:
    found = await play("voice", SPOKEN["question"])
    assert found["heard"] == SPOKEN["question"]
    assert "108" in found["said"]


async def test_speaking_over_the_assistant_cuts_what_it_says_it_said(play: Played) -> None:
    found = await play("interruption", SPOKEN["question"], before=8_000)  # by then it has said "house"
    assert found["status"] == "cancelled"
    assert found["truncatedMs"] > 0
    assert is_beginning_of(found["kept"], STORY)
    assert "108" in found["said"]


async def test_the_applications_own_button_interrupts(play: Played) -> None:
    found = await play("button")
    assert found["status"] == "cancelled"
    assert "108" in found["said"]


async def test_settings_are_changed_during_the_call(play: Played) -> None:
    found = await play("update", audio={"output": {"voice": "slt"}})
    settings = found["session"]["audio"]
    assert settings["input"]["turn_detection"]["type"] == "server_vad"
    assert settings["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert settings["output"]["voice"] == "rms"
    assert "108" in found["said"]


async def test_its_function_is_called_once_and_its_result_is_said(play: Played) -> None:
    found = await play("tool", SPOKEN["request"])
    assert found["calls"] == [{"state": "on"}]
    assert "the lights are on" in found["said"].lower()
