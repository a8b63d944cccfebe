from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.planner.completeness import completeness

UNFINISHED = [
    "",
    "um",
    "set a timer for",
    "play me",
    "play some",
    "play a calm",
    "what's",
    "what is the",
    "no drums and",
    "remind me to",
    "play me something",
    "tell me",
    "i would like",
    "could you",
    "make the sound of",
    "what's twelve times",
    "square root of",
    "set a timer for ten minutes and",
    "so",
    "put it in",
    "what time is it in",
    "add a",
    "well um",
    "play a piece with",
    "set a timer",
    "say",
    "twenty",
    "no wait",
    "play something by the",
    "it's like",
    "make it",
    "could you speak",
    "give me the sound",
    "she lives in a small",
    "i was thinking about going",
    "stop 'em",  # how recognisers hear "stop um"
    "milk, eggs, bread",
]
FINISHED = [
    "stop",
    "what time is it",
    "louder",
    "turn it up",
    "what's twelve times nine",
    "set a timer for ten seconds",
    "no drums",
    "play some jazz",
    "play a calm piano piece in a minor at seventy",
    "who are you",
    "thank you",
    "add a cello",
    "go on",
    "what is the square root of two hundred",
    "make rain on a tin roof",
    "speak slower",
    "say that again",
    "how are you",
    "cancel the timer please",
    "what can you do",
    "Book me a taxi.",
    "what's 15 percent of 80",
    "what can you do for me",
    "is it going to rain tomorrow",
    "what's the square root of one hundred and forty four",
]
WHOLE = [  # answered at once
    "hello how are you",
    "okay stop",
    "so what time is it",
    "uh huh",
    "mm hmm",
    "yeah",
    "right",
    "i see",
    "what can you do for me",
]


@pytest.mark.parametrize("text", UNFINISHED)
def test_unfinished(text: str) -> None:
    assert completeness(text) <= 0.45


@pytest.mark.parametrize("text", FINISHED)
def test_finished(text: str) -> None:
    assert completeness(text) >= 0.65


@pytest.mark.parametrize("text", WHOLE)
def test_whole(text: str) -> None:
    assert completeness(text) >= 0.8


@pytest.mark.parametrize("text", FINISHED)
@pytest.mark.parametrize("hanging", ["and", "um", "with the", "because"])
def test_whatever_follows_may_leave_it_hanging(text: str, hanging: str) -> None:
    assert completeness(f"{text.rstrip('.')} {hanging}") < 0.2


@given(st.text())
def test_any_text_has_a_probability(text: str) -> None:
    assert 0.0 <= completeness(text) <= 1.0


@given(st.sampled_from(UNFINISHED + FINISHED))
def test_case_does_not_matter(text: str) -> None:
    assert completeness(text.upper()) == completeness(text)
