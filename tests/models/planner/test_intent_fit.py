"""How well a person's words made sense, which `PlanDone` carries."""

from __future__ import annotations

import pytest

from models.api import ChatMessage, PlanDone, PlanRequest, Situation
from models.planner.intent import IntentPlanner

NOW = "2026-11-22T16:07:00+00:00"


def fit(planner: IntentPlanner, *messages: ChatMessage) -> float | None:
    done = planner.plan(PlanRequest(messages=messages, situation=Situation(now=NOW)))[-1]
    assert isinstance(done, PlanDone)
    return done.fit


def person(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


@pytest.mark.parametrize(
    "text", ["set a timer for five minutes", "what time is it", "stop", "play some jazz"]
)
def test_a_request_fits(planner: IntentPlanner, text: str) -> None:
    found = fit(planner, person(text))
    assert found is not None
    assert found > 0.8


@pytest.mark.parametrize("text", ["f f f f a", "pa to suit on with the case", ""])
def test_what_makes_no_sense_fits_badly(planner: IntentPlanner, text: str) -> None:
    found = fit(planner, person(text))
    assert found is not None
    assert 0 <= found < 0.5


def test_the_answer_to_our_question_fits(planner: IntentPlanner) -> None:
    asked = ChatMessage(role="assistant", content="Shall I play a waltz?")
    for answer in ("yes", "no"):
        assert fit(planner, person("something slow"), asked, person(answer)) == 1.0


def test_what_is_no_persons_words_has_no_fit(planner: IntentPlanner) -> None:
    assert fit(planner) is None
    assert fit(planner, ChatMessage(role="system", content="the timer tea is over")) is None
    assert fit(planner, person("hello"), ChatMessage(role="assistant", content="Hello.")) is None
