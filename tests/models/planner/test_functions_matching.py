"""Functions of a client, called from free speech.

The functions and wordings were written after the matching; of the 19 in the first table, 17 were right before
anything was changed for them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import ChatMessage, PlanRequest, Situation, TextDelta, ToolCall, ToolSchema
from models.plan import STEPS
from models.planner.functions.choice import answered, best, forced
from models.planner.intent import IntentPlanner
from models.planner.words import read

OURS = tuple(ToolSchema(step.tool, step.__doc__ or "", step.model_json_schema()) for step in STEPS)
TEXT = {"type": "string"}


def tool(name: str, description: str, *required: str, **properties: Any) -> ToolSchema:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSchema(name, description, schema, client=True)


TOOLS = (
    tool("track_parcel", "Where a parcel is.", "number", number={**TEXT, "description": "Tracking number"}),
    tool(
        "setThermostat",
        "Sets the thermostat of the house.",
        "degrees",
        degrees={"type": "number", "minimum": 5, "maximum": 30},
    ),
    tool(
        "order_coffee",
        "Order a coffee from the machine in the kitchen.",
        "size",
        size={"type": "string", "enum": ["small", "medium", "large"]},
        milk={"type": "boolean"},
        sugars={"type": "integer"},
    ),
    tool(
        "find_flights",
        "Search for flights between two cities.",
        "origin",
        "destination",
        origin=TEXT,
        destination=TEXT,
        date=TEXT,
    ),
    tool("add-todo", "Adds an entry to the to-do list.", "task", task=TEXT),
    tool("translate_text", "Translate a phrase.", "text", "language", text=TEXT, language=TEXT),
    tool("lock_doors", "Lock or unlock all the doors."),
    tool(
        "get_account_balance", "How much money is in the bank account.", kind={"enum": ["savings", "current"]}
    ),
    tool("create_calendar_event", "Put a meeting into the calendar.", "title", "day", title=TEXT, day=TEXT),
    tool(
        "convert_currency", "Convert an amount of money.", "amount", amount={"type": "number"}, currency=TEXT
    ),
    tool("getHoroscope", "The horoscope for a sign.", "sign", sign={"enum": ["aries", "leo", "virgo"]}),
    tool("call_elevator", "Call the lift to a floor.", "floor", floor={"type": "integer"}),
)


@pytest.fixture(scope="module")
def planner() -> IntentPlanner:
    return IntentPlanner()


def round_of(
    planner: IntentPlanner, *texts: str, tools: tuple[ToolSchema, ...] = TOOLS, **options: Any
) -> Any:
    """The call of a client's function as (name, arguments), or else the words; ours are ("ours", name)."""
    messages = tuple(
        ChatMessage("assistant" if number % 2 else "user", text) for number, text in enumerate(texts)
    )
    request = PlanRequest(messages, Situation(now="2026-11-22T16:07:00+00:00"), (*OURS, *tools), **options)
    out = planner.plan(request)
    calls = [one for one in out if isinstance(one, ToolCall)]
    if not calls:
        return "".join(one.text for one in out if isinstance(one, TextDelta))
    theirs = {one.name for one in tools}
    return (
        (calls[0].name, json.loads(calls[0].arguments))
        if calls[0].name in theirs
        else ("ours", calls[0].name)
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("set the thermostat to twenty one degrees", ("setThermostat", {"degrees": 21})),
        ("turn the heating to nineteen and a half please", ("setThermostat", {"degrees": 19.5})),
        ("order me a large coffee without milk", ("order_coffee", {"size": "large", "milk": False})),
        (
            "I'd like a small coffee with milk and two sugars",
            ("order_coffee", {"size": "small", "milk": True, "sugars": 2}),
        ),
        (
            "find flights from Berlin to Lisbon next friday",
            ("find_flights", {"origin": "Berlin", "destination": "Lisbon", "date": "next friday"}),
        ),
        ("is there a plane to Oslo from Rome", ("find_flights", {"origin": "Rome", "destination": "Oslo"})),
        ("add buy milk to my todo list", ("add-todo", {"task": "buy milk"})),
        ("lock the doors", ("lock_doors", {})),
        ("please lock all doors now", ("lock_doors", {})),
        ("what's my account balance", ("get_account_balance", {})),
        ("what is the balance of my savings account", ("get_account_balance", {"kind": "savings"})),
        ("what does the horoscope say for leo", ("getHoroscope", {"sign": "leo"})),
        ("call the elevator to floor seven", ("call_elevator", {"floor": 7})),
        ("send the lift to the third floor", ("call_elevator", {"floor": 3})),
        ("convert fifty dollars", ("convert_currency", {"amount": 50, "currency": "dollars"})),
        ("where is my parcel", "Which number?"),
        ("order a coffee", "Which size: small, medium or large?"),
        ("set the thermostat", "How many degrees?"),
        ("find me a flight to Madrid", "Which origin?"),
    ],
)
def test_words_that_mean_a_function_call_it(planner: IntentPlanner, words: str, expected: Any) -> None:
    got = round_of(planner, words)
    assert got == expected


@pytest.mark.parametrize(
    "words",
    [
        "play some calm jazz",
        "set a timer for ten minutes",
        "what time is it",
        "stop",
        "louder",
        "what's twelve times nine",
        "make the sound of rain",
        "speak slower",
        "say here we go",
        "hello",
        "thank you",
        "call me later",
        "I like my house in the summer",
        "the quick brown fox jumps over the lazy dog",
        "where are you from",
        "that was a lovely meeting with her",
    ],
)
def test_words_that_mean_no_function_call_none(planner: IntentPlanner, words: str) -> None:
    got = round_of(planner, words)
    assert isinstance(got, str) or got[0] == "ours"
    bare = round_of(planner, words, tools=())
    assert got == bare or isinstance(got, str)


def test_what_is_missing_is_asked_for_until_there_is_all(planner: IntentPlanner) -> None:
    said = ["find me a flight", "Which origin?"]
    assert round_of(planner, said[0]) == said[1]
    said += ["from Berlin", "Which destination?"]
    assert round_of(planner, *said[:3]) == said[3]
    assert round_of(planner, *said, "Lisbon please") == (
        "find_flights",
        {"origin": "Berlin", "destination": "Lisbon"},
    )


@pytest.mark.parametrize(
    ("asked", "question", "answer", "expected"),
    [
        (
            "order a coffee",
            "Which size: small, medium or large?",
            "a large one",
            ("order_coffee", {"size": "large"}),
        ),
        ("set the thermostat", "How many degrees?", "twenty", ("setThermostat", {"degrees": 20})),
        ("where is my parcel", "Which number?", "it's 4 4 7", ("track_parcel", {"number": "4 4 7"})),
        ("order a coffee", "Which size: small, medium or large?", "never mind", "Okay."),
        ("order a coffee", "Which size: small, medium or large?", "stop the music", "Nothing is playing."),
    ],
)
def test_an_answer_to_the_question(
    planner: IntentPlanner, asked: str, question: str, answer: str, expected: Any
) -> None:
    assert round_of(planner, asked, question, answer) == expected


def test_an_answer_that_says_no_value_is_no_answer() -> None:
    said = ("order a coffee", "Which size: small, medium or large?", "purple")
    messages = [ChatMessage("assistant" if n % 2 else "user", text) for n, text in enumerate(said)]
    assert answered(messages, TOOLS) is None


def test_a_forced_function_is_called_whatever_was_said(planner: IntentPlanner) -> None:
    assert round_of(planner, "buy some bread", forced_tool="add-todo") == (
        "add-todo",
        {"task": "buy some bread"},
    )
    assert round_of(planner, "hello", forced_tool="lock_doors") == ("lock_doors", {})
    assert round_of(planner, "hello", forced_tool="setThermostat") == "How many degrees?"


def test_a_call_is_made_where_one_is_required(planner: IntentPlanner) -> None:
    got = round_of(planner, "hello", tools=TOOLS[6:7], tool_choice="required")
    assert got == ("lock_doors", {})
    assert round_of(planner, "play some jazz", tool_choice="required") == ("ours", "play_music")


def test_a_tool_of_ours_with_the_clients_name_is_called_with_the_clients_parameters(
    planner: IntentPlanner,
) -> None:
    mine = tool("set_timer", "Starts a kitchen timer", "minutes", minutes={"type": "integer"})
    ours = tuple(one for one in OURS if one.name != "set_timer")
    message = ChatMessage("user", "set a timer for ten minutes")
    out = planner.plan(PlanRequest((message,), Situation(now=""), (*ours, mine)))
    [call] = [one for one in out if isinstance(one, ToolCall)]
    assert (call.name, json.loads(call.arguments)) == ("set_timer", {"minutes": 10})


def test_no_tool_at_all_where_none_may_be_called(planner: IntentPlanner) -> None:
    request = PlanRequest((ChatMessage("user", "play jazz"),), Situation(now=""), tool_choice="none")
    out = planner.plan(request)
    assert not [one for one in out if isinstance(one, ToolCall)]
    assert isinstance(out[0], TextDelta)
    assert "can't play music" in out[0].text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SCHEMAS = JSON.map(lambda body: body if isinstance(body, dict) else {"properties": {"a": body}}) | st.builds(
    lambda properties, required: {"type": "object", "properties": properties, "required": required},
    st.dictionaries(
        st.text(max_size=8),
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(
                    ["string", "integer", "boolean", "array", "object", 3, ["null", "number"]]
                )
            },
            optional={"enum": JSON, "items": JSON, "minimum": JSON, "anyOf": JSON, "description": JSON},
        ),
        max_size=4,
    ),
    JSON,
)


@settings(max_examples=200)
@given(
    st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), st.text(max_size=40), SCHEMAS
)
def test_any_schema_gives_arguments_that_are_a_json_object(
    words: str, name: str, description: str, schema: dict[str, Any]
) -> None:
    offered = ToolSchema(name, description, schema, client=True)
    reading = read(words)
    for wanted in (best(reading, (offered,)), forced(reading, offered)):
        assert wanted is not None
        assert 0 <= wanted.score <= 1
        assert isinstance(json.loads(wanted.arguments), dict)
        assert isinstance(wanted.question, str)
