"""`@openai/agents-realtime` in Node: its WebSocket, its session, its history and its function tools."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stock_clients.checks import is_beginning_of
from tests.stock_clients.conftest import SPOKEN, STORY


@pytest.mark.parametrize("played", ["node voice"], indirect=True)
def test_a_spoken_question_is_understood_and_audibly_answered(played: dict[str, Any]) -> None:
    assert played["heard"] == SPOKEN["question"]
    assert "108" in played["said"]
    assert [(item["role"], item["status"]) for item in played["history"]] == [
        ("user", "completed"),
        ("assistant", "completed"),
    ]
    assert played["audioBytes"] > 24_000


@pytest.mark.parametrize("played", ["node interruption"], indirect=True)
def test_speaking_over_the_assistant_cuts_what_it_says_it_said(played: dict[str, Any]) -> None:
    assert played["interruptions"] == 1
    assert played["status"] == "cancelled"
    assert played["truncatedMs"] > 0
    assert is_beginning_of(played["kept"], STORY)
    assert "108" in played["said"]
    assert [item["role"] for item in played["history"]] == ["user", "assistant", "user", "assistant"]
    assert played["history"][1]["text"] == played["kept"]


@pytest.mark.parametrize("played", ["node music"], indirect=True)
def test_speaking_over_music_is_answered_without_an_error(played: dict[str, Any]) -> None:
    assert played["interruptions"] == 1


@pytest.mark.parametrize("played", ["node button"], indirect=True)
def test_the_applications_own_button_interrupts(played: dict[str, Any]) -> None:
    assert played["status"] == "cancelled"
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["node update"], indirect=True)
def test_settings_are_changed_during_the_call(played: dict[str, Any]) -> None:
    assert played["session"]["instructions"] == "Speak like a captain."
    settings = played["session"]["audio"]
    assert settings["input"]["turn_detection"]["type"] == "server_vad"
    assert settings["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert settings["output"]["voice"] == "rms"
    assert settings["output"]["speed"] == 1.2
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["node tool"], indirect=True)
def test_its_function_is_called_once_and_its_result_is_said(played: dict[str, Any]) -> None:
    assert played["calls"] == [{"state": "on"}]
    assert "the lights are on" in played["said"].lower()
