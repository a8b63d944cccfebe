"""What came back from a client's function, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.api import ChatMessage, ToolCall
from models.planner.functions.outputs import spoken
from models.planner.observations import answer_observations
from models.planner.tokens import count, cut


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("it is sunny in Paris", "it is sunny in Paris"),
        ("", "Done."),
        ("{not json", "{not json"),
        ({"temperature_c": 21.5, "condition": "sunny"}, "Temperature 21.5 degrees Celsius, condition sunny."),
        ({"windSpeedKmh": 12, "open": False}, "Wind speed 12 kilometres an hour, open no."),
        ({"ok": True}, "Done."),
        ({"success": False, "message": "no such city"}, "That did not work: no such city."),
        ({"error": {"message": "timed out"}}, "That did not work: timed out."),
        ({"result": "All set!"}, "All set!"),
        ({"city": "Rome", "days": [{"high": 20}, {"high": 22}]}, "City Rome, days high 20 and high 22."),
        (["a", "b", "c"], "A, b and c."),
        (list("abcdef"), "A, b, c, d and 2 more."),
        ([], "Nothing found."),
        (42, "42."),
        (True, "Yes."),
        ({"note": None, "left": 3}, "Left 3."),
        ({f"fact {chr(97 + n)}": n for n in range(10)}, None),
    ],
)
def test_outputs_in_words(output: Any, words: str | None) -> None:
    text = output if isinstance(output, str) else json.dumps(output)
    if words is None:
        assert spoken(text).endswith("and 2 more.")
    else:
        assert spoken(text) == words


@given(st.text(max_size=200) | st.recursive(st.none() | st.text(), lambda x: st.lists(x)).map(json.dumps))
def test_any_output_can_be_said(output: str) -> None:
    assert isinstance(spoken(output), str)
    assert not spoken(output).startswith("{{")


def test_outputs_of_several_calls_are_said_one_after_the_other_even_under_our_names() -> None:
    calls = (ToolCall("1", "set_timer", "{}"), ToolCall("2", "get_weather", "{}"))
    messages = (
        ChatMessage("assistant", "", calls=calls),
        ChatMessage("tool", "started", call_id="1"),
        ChatMessage("tool", '{"sky": "blue"}', call_id="2"),
    )
    assert answer_observations(messages, {"set_timer"}) == "Started. Sky blue."


@given(st.text(max_size=60), st.integers(0, 20))
def test_a_text_is_cut_to_its_tokens(text: str, most: int) -> None:
    assert count(cut(text, most)) == min(most, count(text))
    assert text.startswith(cut(text, most))
