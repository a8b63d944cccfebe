"""What the embedded planner says about what it was given, and about a long silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.api import ChatMessage, PlanRequest, Situation, TextDelta, ToolCall
from models.planner.intent import IntentPlanner

PICTURE = {"event": "picture_kept", "artefact": "art_1", "name": "picture 2", "seen": False}
SOUND = {"event": "sound_kept", "artefact": "art_2", "name": "recording 1", "seconds": 1.5, "words": True}


@pytest.fixture(scope="module")
def planner() -> IntentPlanner:
    return IntentPlanner()


def plan(planner: IntentPlanner, *messages: dict[str, Any] | str) -> tuple[str, list[str]]:
    """Words and tools; a string is what the person said, a mapping an event."""
    chat = tuple(
        ChatMessage("user", message)
        if isinstance(message, str)
        else ChatMessage("system", json.dumps(message))
        for message in messages
    )
    outputs = planner.plan(PlanRequest(messages=chat, situation=Situation(now="")))
    words = "".join(output.text for output in outputs if isinstance(output, TextDelta))
    return words, [output.name for output in outputs if isinstance(output, ToolCall)]


@pytest.mark.parametrize("words", [None, "what is this", "describe the picture", "look at this", "zork"])
def test_it_says_that_it_sees_no_pictures_and_has_kept_this_one(
    planner: IntentPlanner, words: str | None
) -> None:
    said, tools = plan(planner, PICTURE, *([words] if words else []))
    assert said == "I can't see pictures yet, but I have kept yours as picture 2."
    assert not tools


def test_what_is_asked_for_beside_a_picture_is_done(planner: IntentPlanner) -> None:
    said, tools = plan(planner, "hello", PICTURE, SOUND, "play some jazz")
    assert "picture 2" in said
    assert tools == ["play_music"]


def test_a_picture_of_an_earlier_turn_is_no_matter_any_more(planner: IntentPlanner) -> None:
    said, _ = plan(planner, PICTURE, "look", "what is two plus two")
    assert said == "That's 4."


def test_words_in_a_sound_are_answered_like_words(planner: IntentPlanner) -> None:
    assert plan(planner, SOUND, "what is two plus two") == plan(planner, "what is two plus two")


def test_a_sound_without_words_is_said_to_be_kept(planner: IntentPlanner) -> None:
    said, tools = plan(planner, {**SOUND, "words": False})
    assert said == "I have kept your sound as recording 1. I heard no words in it."
    assert not tools
    said, _ = plan(planner, {**SOUND, "words": False, "error": "the recogniser is busy."})
    assert said.endswith("I could not listen for words in it: the recogniser is busy.")


def test_a_long_silence_is_asked_about(planner: IntentPlanner) -> None:
    assert plan(planner, "hello", {"event": "idle", "seconds": 8.0}) == ("Are you still there?", [])
