"""Pipecat's `OpenAIRealtimeLLMService`, pointed here by `base_url`. Any error but two ends its call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stock_clients.checks import is_beginning_of
from tests.stock_clients.conftest import STORY

A_WORD_MS = 1_000  # by then the first word has been said


@pytest.mark.parametrize("played", ["pipecat voice"], indirect=True)
def test_it_greets_though_nobody_has_said_anything_and_answers_a_spoken_question(
    played: dict[str, Any],
) -> None:
    assert "twelve times nine" in played["heard"]
    assert played["said"].startswith("Hello")
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["pipecat interruption"], indirect=True)
def test_speaking_over_the_assistant_cuts_what_it_says_it_said(played: dict[str, Any]) -> None:
    # When audio comes between its truncation and its own interruption, Pipecat takes it for a new reply, and
    # takes back all but these milliseconds of the item: we obey.
    ends = played["truncated_ms"]
    assert ends == sorted(ends, reverse=True)
    assert is_beginning_of(played["kept"], STORY) or (ends[-1] < A_WORD_MS and not played["kept"])
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["pipecat music"], indirect=True)
def test_speaking_over_music_does_not_end_the_call(played: dict[str, Any]) -> None:
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["pipecat update"], indirect=True)
def test_settings_are_changed_during_the_call(played: dict[str, Any]) -> None:
    assert played["session"]["instructions"] == "Speak like a captain."
    settings = played["session"]["audio"]
    assert settings["input"]["turn_detection"]["type"] == "server_vad"
    assert settings["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert (settings["output"]["voice"], settings["output"]["speed"]) == ("slt", 1.2)
    assert "108" in played["said"]


@pytest.mark.parametrize("played", ["pipecat tool"], indirect=True)
def test_its_function_is_called_once_and_its_result_is_said(played: dict[str, Any]) -> None:
    assert played["calls"] == [{"state": "on"}]
    assert "the lights are on" in played["said"].lower()
