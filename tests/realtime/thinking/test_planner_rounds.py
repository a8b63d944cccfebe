"""Rounds of planning, and the history a planner is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from models import api
from realtime.thinking.history import PLANNER_MESSAGES, Entry, History, calls_message, observation_message
from realtime.thinking.planner import MOST_ROUNDS, Planner, Request
from tests.fakes import FakeEngine, Planned, Words
from tests.virtual_clock import play


class Tools:
    """A toolbox that observes what it is told to, a call after the other."""

    def __init__(self, *observations: dict[str, Any]) -> None:
        self.calls: list[api.ToolCall] = []
        self._observations = iter(observations)

    async def run(self, call: api.ToolCall) -> str:
        self.calls.append(call)
        await asyncio.sleep(0.01)
        return json.dumps(next(self._observations, {"ok": True}))


class Conversation:
    """A planner after one word of the person."""

    def __init__(self, plan: Planned, *observations: dict[str, Any]) -> None:
        self.engine = FakeEngine(Words(), plan)
        self.history = History()
        self.history.add(Entry("item_1", "user", "hello"))
        self.tools = Tools(*observations)
        self.asked = Request("item_1")
        self.asked.decided.set()
        self._planner = Planner(
            self.engine,  # type: ignore[arg-type]
            self.history,
            self.tools,  # type: ignore[arg-type]
            lambda: api.Situation(now="2026-01-01T00:00:00+00:00"),
        )
        self._planner.instructions = "be kind"

    def run(self) -> str:
        async def dialogue() -> str:
            async with aclosing(self._planner.plan(self.asked)) as words:
                return "".join([delta async for delta in words])

        return play(dialogue())

    @property
    def requests(self) -> list[api.PlanRequest]:
        return [request for request in self.engine.requests if isinstance(request, api.PlanRequest)]


def rounds(*answers: list[Any]) -> Planned:
    """One answer after the other."""
    left: Iterator[list[Any]] = iter(answers)
    return lambda _: next(left)


def call(number: int = 1) -> api.ToolCall:
    return api.ToolCall(f"call_{number}", "set_pace", '{"change": "faster"}')


def test_words_alone_take_one_round() -> None:
    talk = Conversation(rounds([api.TextDelta("good "), api.TextDelta("day"), api.PlanDone(3, 2)]))
    assert talk.run() == "good day"
    assert talk.asked.notes == []
    usage = talk.asked.usage.as_event()
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (3, 2, 5)
    (request,) = talk.requests
    assert request.messages == (api.ChatMessage("user", "hello"),)
    assert request.instructions == "be kind"
    assert {tool.name for tool in request.tools} >= {"play_music", "set_timer"}


def test_what_was_observed_goes_into_the_next_round() -> None:
    talk = Conversation(rounds([call(1), call(2)], [api.TextDelta("done")]), {"ok": True, "pace": 1.2})
    assert talk.run() == "done"
    assert talk.tools.calls == [call(1), call(2)]
    assert talk.asked.notes == [
        calls_message("", (call(1), call(2))),
        observation_message(call(1), '{"ok": true, "pace": 1.2}'),
        observation_message(call(2), '{"ok": true}'),
    ]
    assert talk.requests[1].messages == (api.ChatMessage("user", "hello"), *talk.asked.notes)


def test_words_with_a_call_that_worked_are_the_end() -> None:
    talk = Conversation(rounds([api.TextDelta("Faster it is."), call()]))
    assert talk.run() == "Faster it is."
    assert len(talk.requests) == 1
    assert talk.asked.notes[0].content == "Faster it is."


def test_words_with_a_call_that_failed_are_not() -> None:
    answers = rounds([api.TextDelta("Faster it is."), call()], [api.TextDelta("It cannot be.")])
    talk = Conversation(answers, {"ok": False, "error": "no"})
    assert talk.run() == "Faster it is. It cannot be."


def test_a_blank_between_rounds_is_put_in_only_where_there_is_none() -> None:
    failed = {"ok": False, "error": "no"}
    answers = rounds(
        [api.TextDelta("One. "), call()],
        [api.TextDelta(""), api.TextDelta("Two."), call()],
        [call()],
        [api.TextDelta("\nThree.")],
    )
    assert Conversation(answers, *[failed] * 3).run() == "One. Two.\nThree."


def test_a_planner_that_only_calls_is_stopped_and_says_so() -> None:
    talk = Conversation(lambda _: [call()])
    with pytest.raises(api.BackendError, match="came to no end"):
        talk.run()
    assert len(talk.requests) == MOST_ROUNDS == len(talk.tools.calls)
    assert len(talk.asked.notes) == 2 * MOST_ROUNDS


def test_a_planner_that_fails_fails_the_plan() -> None:
    talk = Conversation(rounds([call()], [api.TextDelta("so"), api.BackendError("the model is gone")]))
    with pytest.raises(api.BackendError, match="the model is gone"):
        talk.run()
    assert len(talk.asked.notes) == 2  # what was done stays known


# -- history ----------------------------------------------------------------------------------------


def test_items_as_the_protocol_shows_them() -> None:
    def content(entry: Entry) -> Any:
        return entry.as_item()["content"][0]

    assert content(Entry("i", "user", "hi")) == {"type": "input_audio", "transcript": "hi"}
    assert content(Entry("i", "user", "hi", spoken=False)) == {"type": "input_text", "text": "hi"}
    assert content(Entry("i", "system", "be kind")) == {"type": "input_text", "text": "be kind"}
    assert content(Entry("i", "assistant", "hi")) == {"type": "output_audio", "transcript": "hi"}
    assert content(Entry("i", "assistant", "hi", spoken=False)) == {"type": "output_text", "text": "hi"}
    assert Entry("i", "assistant", "hi", interrupted=True).as_item()["status"] == "incomplete"


def test_items_are_found_and_forgotten() -> None:
    history = History()
    history.add(Entry("a", "user", "one"))
    history.add(Entry("b", "assistant", "two", interrupted=True))
    assert history.last_id == "b"
    assert len(history) == 2
    assert history.messages(until="a") == (api.ChatMessage("user", "one"),)
    with pytest.raises(KeyError):
        history.add(Entry("a", "user", "again"))
    assert history.messages()[1] == api.ChatMessage("assistant", "two", interrupted=True)
    assert history.delete("b")
    assert not history.delete("b")
    assert history.find("b") is None
    assert history.last_id == "a"


def test_notes_stand_before_the_words_they_led_to() -> None:
    history = History()
    notes = [calls_message("", (call(),)), observation_message(call(), '{"ok": true}')]
    history.add(Entry("a", "assistant", "done", notes=list(notes)))
    history.add(Entry("b", "assistant", "", notes=list(notes)))
    assert history.messages() == (*notes, api.ChatMessage("assistant", "done"), *notes)


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_long_history_never_begins_with_an_answer_whose_call_was_cut_off(calls: int) -> None:
    history = History()
    for number in range(PLANNER_MESSAGES):
        asked = tuple(call(index) for index in range(calls))
        notes = [calls_message("", asked), *(observation_message(one, "{}") for one in asked)]
        history.add(Entry(f"item_{number}", "assistant", "done", notes=notes))
        messages = history.messages()
        assert len(messages) <= PLANNER_MESSAGES
        assert messages[0].role != "tool"
