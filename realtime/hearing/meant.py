"""Was that meant for us? What to make of an utterance, above all of one said over our own voice. Pure.

A person who listens says "uh-huh"; they cough, laugh, a door slams, a microphone hears our own voice. None of
that is a turn: the assistant goes on at the sample where it fell silent.

A recogniser finds words in all of it, and mishears every second one-word utterance. So nothing short is
believed before its end: we are silent by then, and waiting costs nothing. A voice that goes on is meant. At
the end a word that asks for something ("stop", "wait", "no") counts, and one that only says "I'm listening"
does not; of everything else that is short, two judges say whether it sounds like a request: a network that
knows what such sounds are like (`manner.py`), and the recogniser's grammar (`Utterance.listening`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from realtime.hearing.echo import heard_ourselves
from realtime.hearing.turn import Evidence

Over = Literal["nothing", "speech", "music"]
Verdict = Literal["answer", "backchannel", "noise", "echo", "unsure"]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Signs of listening, and the words that only they are made of: "oh okay", "ah i see".
BACKCHANNELS = (
    *("oh my goodness", "that makes sense", "you don't say", "is that so", "is that right", "good for you"),
    *("go on then", "oh my god", "tell me about it", "how about that", "what do you know", "i'm listening"),
    *("i can imagine", "that's right", "that's true", "that's fair", "you're right", "i hear you"),
    *("no kidding", "no doubt", "no way", "no problem", "makes sense", "fair enough", "good point", "oh my"),
    *("i see", "i know", "i understand", "i guess so", "i guess", "i suppose so", "i suppose", "i agree"),
    *("i bet", "got it", "got you", "gotcha", "of course", "all right", "all good", "for sure", "for real"),
    *("sounds good", "sounds great", "go ahead", "go on", "carry on", "keep going", "uh oh", "my god"),
    *("well done", "thank goodness", "too bad", "poor thing", "right on", "you bet", "how nice", "how funny"),
    *("how interesting", "how lovely", "how strange", "what a pity", "what a shame", "what a story"),
)
_LISTENING = _set(
    "uh-huh uh huh mm-hmm mm hmm mhm hm m yeah yea yes yep yup right okay ok sure really oh ah aha wow cool"
    " alright nice great good fine lovely hah ha indeed exactly true amazing awesome interesting perfect"
    " brilliant wonderful excellent fantastic absolutely definitely totally certainly precisely naturally"
    " agreed understood sweet neat funny crazy incredible impressive fascinating beautiful whoa woah gosh"
    " geez yikes ouch huh boy man strange sad"
)
_EMPHASIS = _set("so very that's it's quite too pretty just well")  # which alone may begin anything
# Words that a person says who wants us to stop, or to do something else: they need nothing else with them.
_STOPS = _set(
    "stop wait no nope hold hang pause quiet quieter silence hush shut mute enough cancel skip louder softer"
    " slower faster never what why where when how pardon sorry hey hello excuse actually listen turn play"
    " make set repeat"
)
# What the recogniser makes of laughter and of a throat that is cleared: short syllables, over and over.
_PUFFS = _set("f ha hah heh huh hm a ah uh up at op pa puff puffs p t k h")
_LEAST_PROBABILITY = 0.65  # mean of the VAD's over voices held in for the benchmark: 0.77 at the least
_MOST_NOISE_MS = 1_200  # a voice that is in doubt for longer is a voice
_WORDS = 3  # at the least, of a voice that is believed before its end
_VOICED_MS = 720  # nor does one last so long: 704 ms at the most, of the clips held in
_BRIEF_MS = 450
# Chosen on the clips held in: what the recogniser's grammar adds to the log odds of the sound, and from where
# on the sound alone is no speech (0.92 at the least of the laughs in which words were heard).
_GRAMMAR, _SURELY_NOISE = 1.5, 0.8
BRIEF_SILENCE_MS = 128  # four frames of the VAD


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was heard, and what we were doing when it began.

    `final`: it is over, and `text` is the recogniser's last word. `asked`: what we were saying, or said last,
    is a question, so that a "yes" answers it. `said`: our words of the last seconds, for our own echo.
    `listening` is what the recogniser says of a short utterance that is over (`Hypothesis.listening`).
    """

    text: str
    evidence: Evidence
    final: bool
    over: Over = "nothing"
    asked: bool = False
    said: str = ""
    listening: bool | None = None


def meant(utterance: Utterance) -> tuple[Verdict, str]:
    """What to make of it, and why. "unsure" is only said before the end: wait for more."""
    words = re.findall(r"[\w'-]+", utterance.text.lower())
    verdict, why = _judge(words, utterance)
    if verdict in ("answer", "unsure") or utterance.final:
        return verdict, why
    return "unsure", f"may be {why}"


def brief(utterance: Utterance) -> bool:
    """Whether BRIEF_SILENCE_MS of silence is enough to take it as over: it is hardly the start of a request.

    For what is said over our own voice, where whoever goes on is heard again 64 ms later.
    """
    if utterance.over == "nothing" or utterance.asked:
        return False
    words = re.findall(r"[\w'-]+", utterance.text.lower())
    verdict, _ = _judge(words, utterance)
    return verdict not in ("answer", "unsure") or (
        verdict == "unsure" and utterance.evidence.voiced_ms <= _BRIEF_MS
    )


def _judge(words: list[str], utterance: Utterance) -> tuple[Verdict, str]:
    evidence = utterance.evidence
    if not words:
        return "noise", "no words"
    if utterance.said and heard_ourselves(utterance.text, utterance.said):
        return "echo", "our own words"
    theirs = utterance.over == "nothing" or utterance.asked  # the floor, that is
    laughter = _PUFFS.issuperset(words) or 2 * len(set(words)) <= len(words) > 2
    if laughter and not is_backchannel(words) and (len(words) > 1 or not theirs):
        return "noise", "laughter"
    if theirs:
        return "answer", "nothing else could be heard"
    if evidence.probability < _LEAST_PROBABILITY and evidence.voiced_ms < _MOST_NOISE_MS:
        return "noise", "hardly a voice"
    if is_backchannel(words):
        return "backchannel", "a sign of listening"
    if evidence.voiced_ms >= _VOICED_MS and len(words) >= _WORDS:
        return "answer", "speech that goes on"
    if not utterance.final:
        return "unsure", "too short to tell"
    if words[0] in _STOPS:
        return "answer", "a request"
    if evidence.voiced_ms < _MOST_NOISE_MS and _noise(evidence) > _SURELY_NOISE:
        return "noise", "sounds like no speech"
    if evidence.voiced_ms < _VOICED_MS and _request(utterance) < 0.5:
        return "backchannel", "sounds like a sign of listening"
    return "answer", "words"


def _noise(evidence: Evidence) -> float:
    """How likely it is no speech by its sound, 0 to 1; 0 when nobody has listened to that."""
    if evidence.request is None or evidence.listening is None:
        return 0.0
    return 1 - evidence.request - evidence.listening


def _request(utterance: Utterance) -> float:
    """How likely it asks for something, 0 to 1: by its sound, and by the recogniser's grammar."""
    grammar = {None: 0.0, False: _GRAMMAR, True: -_GRAMMAR}[utterance.listening]
    request = utterance.evidence.request
    if request is None:
        return 0.0 if utterance.listening else 1.0
    request = min(max(request, 0.01), 0.99)
    return 1 / (1 + (1 - request) / request * math.exp(-grammar))


def is_backchannel(words: list[str]) -> bool:
    """Whether the words, in lower case, are signs of listening and nothing else."""
    if _EMPHASIS.issuperset(words):
        return False
    left = _PHRASES.sub(" ", " ".join(words)).split()
    return (_LISTENING | _EMPHASIS).issuperset(left)


_PHRASES = re.compile(rf"\b(?:{'|'.join(sorted(BACKCHANNELS, key=len, reverse=True))})\b")
