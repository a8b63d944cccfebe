"""The history: what a planner and a client are told of what was said."""

from __future__ import annotations

import pytest

from models.api import SPEAKING_RATE, ChatMessage, PlanRequest, Situation, TextDelta, ToolCall, WordTime
from models.planner.intent import IntentPlanner
from models.planner.prompt import INTERRUPTED, MOST_UNHEARD, chat_messages
from realtime.speaking.ledger import Ledger, Spoken
from realtime.thinking.history import Entry, History

MS = SPEAKING_RATE // 1000


def spoken(text: str, until_ms: int) -> Spoken:
    """A text of which each word takes 100 ms."""
    ledger = Ledger()
    ledger.begin_segment(text, 0)
    at = 0
    for number, word in enumerate(text.split()):
        begin = text.index(word, at)
        at = begin + len(word)
        ledger.add([WordTime(begin, at, number * 100, number * 100 + 100)])
    ledger.end_segment(len(text.split()) * 100 * MS)
    return ledger.spoken(0, until_ms * MS)


def entry(text: str = "one two three four", until_ms: int = 400, unheard: str = "") -> Entry:
    words = spoken(text, until_ms)
    return Entry("item_1", "assistant", words.transcript.rstrip(), spoken_words=words, unheard=unheard)


@pytest.mark.parametrize(
    ("end_ms", "says", "text", "unheard"),
    [
        (230, 230, "one two", "three four"),
        (250, 250, "one two three", "four"),
        (0, 0, "", "one two three four"),
        (-5, 0, "", "one two three four"),
        (400, 400, "one two three four", ""),
        (9_999, 400, "one two three four", ""),
    ],
)
def test_truncating_keeps_what_was_audible_until_then(
    end_ms: int, says: int, text: str, unheard: str
) -> None:
    item = entry()
    assert item.truncate(end_ms) == says
    assert (item.text, item.unheard) == (text, unheard)
    assert item.interrupted == (says < 400)


def test_truncating_never_gives_back_what_was_taken() -> None:
    item = entry(unheard="five")
    item.truncate(230)
    assert item.truncate(400) == 230
    assert (item.text, item.unheard) == ("one two", "three four five")
    assert item.truncate(120) == 120
    assert (item.text, item.unheard) == ("one", "two three four five")


def test_an_item_that_was_interrupted_ends_where_it_was_heard() -> None:
    item = entry(until_ms=250, unheard="four")
    assert item.truncate(400) == 250
    assert (item.text, item.unheard) == ("one two three", "four")


def test_text_cannot_be_truncated() -> None:
    with pytest.raises(ValueError, match="no audio"):
        Entry("item_1", "assistant", "typed", spoken=False).truncate(100)


def conversation(item: Entry, question: str) -> tuple[ChatMessage, ...]:
    history = History()
    history.add(Entry("item_0", "user", "count"))
    history.add(item)
    history.add(Entry("item_2", "user", question))
    return history.messages()


def test_a_planner_is_told_what_was_not_heard() -> None:
    item = entry()
    item.truncate(230)
    message = conversation(item, "go on")[1]
    assert (message.content, message.unheard, message.interrupted) == ("one two", "three four", True)


def test_a_reply_of_which_nothing_was_heard_is_no_secret_to_a_planner() -> None:
    item = entry()
    item.truncate(0)
    assert [message.unheard for message in conversation(item, "go on")] == ["", "one two three four", ""]


def said(messages: tuple[ChatMessage, ...]) -> str:
    outputs = IntentPlanner().plan(PlanRequest(messages=messages, situation=Situation(now="")))
    return "".join(output.text for output in outputs if isinstance(output, TextDelta))


def test_go_on_says_the_rest_and_the_last_thing_said_is_what_was_heard() -> None:
    item = entry("It is noon, and all is well.", 700)
    item.truncate(300)
    assert item.text == "It is noon,"
    assert said(conversation(item, "go on")) == "and all is well."
    last = said(conversation(item, "what was the last thing you said"))
    assert last == "I said: It is noon. Then you interrupted me."


def test_go_on_after_nothing_was_heard_says_all_of_it() -> None:
    item = entry("It is noon.", 300)
    item.truncate(0)
    assert said(conversation(item, "go on")) == "It is noon."


def mark(item: Entry) -> str:
    request = PlanRequest(messages=conversation(item, "go on"), situation=Situation(now=""))
    return str(chat_messages(request)[2]["content"])


def test_a_language_model_is_told_too_and_briefly() -> None:
    item = entry()
    item.truncate(230)
    assert mark(item) == "one two [the person interrupted here and did not hear: three four]"
    item.unheard = "word " * 200
    assert len(mark(item)) < MOST_UNHEARD + 80
    assert mark(item).endswith("word …]")
    item.unheard = ""
    assert mark(item) == f"one two {INTERRUPTED}"


def called(call_id: str) -> Entry:
    call = ToolCall(call_id, "get_weather", "{}")
    return Entry(f"item_{call_id}", "assistant", "", spoken=False, call=call)


def output(call_id: str, text: str) -> Entry:
    return Entry(f"item_{call_id}_out", "tool", text, spoken=False, answers=call_id)


def test_a_call_stands_where_its_output_came_and_calls_answered_together_stand_together() -> None:
    history = History()
    for one in (
        Entry("u1", "user", "both"),
        called("a"),
        called("b"),
        Entry("u2", "user", "hello"),
        output("a", "A"),
        output("b", "B"),
        called("never"),
    ):
        history.add(one)
    messages = history.messages()
    assert [message.role for message in messages] == ["user", "user", "assistant", "tool", "tool"]
    assert [call.call_id for call in messages[2].calls] == ["a", "b"]
    assert [message.call_id for message in messages[3:]] == ["a", "b"]
    assert history.open_calls == ("never",)
    assert [entry["role"] for entry in chat_messages(PlanRequest(messages, Situation(now="")))] == [
        "system",
        *(message.role for message in messages),
    ]


def test_an_output_whose_call_was_deleted_is_left_out() -> None:
    history = History()
    for one in (Entry("u", "user", "hi"), called("a"), output("a", "A")):
        history.add(one)
    history.delete("item_a")
    assert [message.content for message in history.messages()] == ["hi"]
    assert history.call("a") is None
    assert history.output("a") is not None


def test_the_first_place_of_all() -> None:
    history = History()
    history.add(Entry("b", "user", "b"))
    history.add(Entry("a", "user", "a"), after="root")
    assert [message.content for message in history.messages()] == ["a", "b"]
