"""Was that meant for us? What to make of an utterance, above all of one that came while we could be heard. Pure.

A person who listens says "uh-huh"; they cough, a door slams, a microphone hears our own voice. None of that
is a turn: the assistant goes on at the sample where it fell silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from realtime.hearing.turn import Evidence

Over = Literal["nothing", "speech", "music"]
Verdict = Literal["answer", "backchannel", "noise", "echo", "unsure"]

BACKCHANNELS = frozenset(
    "uh-huh|uh huh|mm-hmm|mm hmm|mhm|mm|hmm|hm|yeah|yes|yep|right|okay|ok|i see|sure|really|oh|ah|wow|cool".split(
        "|"
    )
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was heard, and what we were doing when it began.

    `final`: it is over, and `text` is the recogniser's last word. `asked`: what we were saying, or said last,
    is a question, so that a "yes" answers it. `said`: our words of the last seconds, for our own echo.
    """

    text: str
    evidence: Evidence
    final: bool
    over: Over = "nothing"
    asked: bool = False
    said: str = ""


def meant(utterance: Utterance) -> tuple[Verdict, str]:
    """What to make of it, and why. "unsure" is only said before the end: wait for more."""
    words = re.findall(r"[\w'-]+", utterance.text.lower())
    if not words:
        return ("noise", "no words") if utterance.final else ("unsure", "no words yet")
    if utterance.over == "nothing" or utterance.asked:
        return "answer", "nothing else could be heard"
    if " ".join(words) in BACKCHANNELS:
        return ("backchannel", "a sign of listening") if utterance.final else ("unsure", "may be a backchannel")
    return "answer", "words"
