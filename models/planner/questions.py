"""Short questions for what is unclear, and their answers.

A question names what it would do as a command that the grammar understands ("Shall I play a waltz?"), so the
history is all that has to be remembered: the answer "yes" is planned as that command.
"""

from __future__ import annotations

import re

from models.planner.rules import Candidate, Context, whole
from models.planner.words import FUNCTION_WORDS, Reading, read

AGAIN = "Sorry, I didn't catch that. Could you say it again?"

_QUESTION = re.compile(r"Shall I (?P<first>[^?]+?)(?:, or (?P<second>[^?]+))?\?$")
_YES = (
    r"(?:yes|yeah|yep|yup|sure|okay|right|of course|do it|do that|please do|go ahead"
    r"|exactly|correct|that is right|that one|absolutely|definitely|fine|please|why"
    r" not|go for it|sounds good|both| )+"
)
_NO = (
    r"(?:no|nope|nah|do not|neither|never mind|forget it|none|leave it|not really"
    r"|not that|no thanks|no thank you| )+"
)
_FIRST = r"(?:the )?(?:first|former)(?: one)?|one"
_SECOND = r"(?:the )?(?:second|latter|last|other)(?: one)?|two"


def question(candidate: Candidate, rival: Candidate | None) -> str:
    """What to ask before doing what a candidate would do; empty when it can simply be done."""
    if not candidate.gist:
        return ""
    if rival is not None and rival.gist and rival.gist != candidate.gist:
        return f"Shall I {candidate.gist}, or {rival.gist}?"
    return f"Shall I {candidate.gist}?"


def answered(reading: Reading, context: Context) -> str | None:
    """The command that an answer to our last question chooses; "" for a no, None when it answers nothing."""
    asked = _QUESTION.search(context.last_said)
    if not asked:
        return None
    first, second = asked["first"], asked["second"]
    if whole(reading, _NO):
        return ""
    if whole(reading, _YES) or whole(reading, _FIRST):
        return first
    if second is None:
        return None
    if whole(reading, _SECOND):
        return second
    # "the music": words that only one of the two holds.
    said = set(reading.words) - FUNCTION_WORDS
    own, other = (
        said & (set(read(a).words) - set(read(b).words)) for a, b in ((first, second), (second, first))
    )
    if len(reading) <= 4 and bool(own) != bool(other):
        return first if own else second
    return None
