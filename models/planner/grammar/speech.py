"""Saying what one is asked to say, and saying again what was said."""

from __future__ import annotations

import re

from models.planner.rules import Candidate, Context, Rule, everything, rule, search, whole
from models.planner.words import Reading

_SAY = (
    r"(?:say|repeat|repeat after me|say after me|speak|pronounce|read(?: out| aloud|"
    r" this| to me)*|read out loud|say out loud|speak out|say aloud"
    r"|(?:generate|make|create|produce) (?:a |some )?(?:speech|audio|voice)(?:"
    r" (?:with|of|saying|from|for))+(?: the)?(?: (?:text|words|sentence))?"
    r"|(?:synthesi[sz]e|recite)|(?:the )?(?:following )?text is|speak using the voice of this audio)"
    r"(?: (?:(?:the |these |this )?(?:following )?(?:words?|sentence|text|line"
    r"|phrase|following)|out|loud|aloud|after me))*"
)
_AGAIN = (
    r"(?:that|it|this|what|again|everything|the last|your|yourself|something|me|so"
    r"|anything|more|one more|once|slower|louder|softer|the same|nothing)"
)
_AGAIN_WORDS = (
    4  # "that again more slowly"; what is longer than that and begins so is a text: "once upon a time …"
)


@rule("say repeat speak pronounce read recite synthesize synthesise generate make create produce")
def say(reading: Reading, context: Context) -> Candidate | None:
    """Say the person's own words."""
    found = re.match(rf"(?:{_SAY})(?!\S)", reading.text)
    if not found or not (span := reading.span(found)) or span.stop >= len(reading):
        return None
    after, first = reading.words[span.stop :], reading.words[0]
    again = len(after) <= _AGAIN_WORDS and re.match(rf"(?:{_AGAIN})(?!\S)", " ".join(after))
    if again and not _quoted(reading, span.stop):
        return None
    if first in {"speak", "read"} and len(span) == 1:  # "speak German", "read the news"
        return None
    if (
        first in {"generate", "make", "create", "produce"}
        and not {"text", "words", "saying", "speech", "voice"} & reading.vocabulary
    ):
        return None
    text = _quoted(reading, span.stop) or reading.raw(span.stop)
    text = re.sub(r"[\s,]+(?:please|for me|thanks|thank you)$", "", text, flags=re.IGNORECASE).strip(
        " \"'“”‘’:,"
    )
    if not text:
        return None
    spoken = text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")
    return Candidate((spoken,), 0.98, everything(reading), verbatim=True)


def _quoted(reading: Reading, begin: int) -> str:
    """The words between quotation marks, if the text has them after word `begin`."""
    rest = reading.source[max(0, reading.tokens[begin].begin - 1) :]
    found = re.match(r"[\"“”'‘]([^\"“”]+?)[\"“”'’](?:\W|$)", rest)
    return found[1] if found else ""


_REPEAT = (
    r"(?:(?:say|repeat) (?:that|it|this|what you (?:just )?said|yourself|the last"
    r" (?:sentence|thing|part|bit)|your last (?:sentence|answer|words?))(?: (?:again"
    r"|once more|one more time|to me|out loud|you just said|you said))*"
    r"|repeat(?: again)?|(?:come|say) again|once more|one more time|again|pardon(?:"
    r" me)?|what(?: was that| did you(?: just)? say| were you saying)?(?: again)?|i"
    r" (?:did not|do not|could not) (?:catch|hear|get|understand|follow)(?:"
    r" \w+){0,3}|i (?:missed|lost) (?:that|it|you)|excuse me what"
    r"|what (?:was|is) (?:the |your )?(?:last|latest) (?:thing|sentence|word|words"
    r"|answer|bit|part)(?: (?:that )?(?:you|i heard you) (?:just )?(?:said|told me"
    r"|say))?|what (?:was the last thing|is it) (?:that )?you said|what you said(?:"
    r" \w+)?|(?:the )?last thing you said|sorry what|huh|say what)"
)


@rule(
    "say repeat again more pardon what catch hear get understand follow last come huh excuse said missed lost"
)
def repeat(reading: Reading, context: Context) -> Candidate | None:
    """Say again what the person heard, and only that; mention that there was more."""
    found = whole(reading, _REPEAT)
    if not found:
        return None
    if (
        reading.text in {"again", "one more time", "once more"}
        and context.played
        and (not context.last_said or context.music_plays)
    ):
        return None  # the piece again
    if not context.last_said:
        return Candidate(("I haven't said anything yet.",), 0.97, everything(reading))
    heard = context.last_said.rstrip(",;: ")
    asked = search(reading, r"last|did you|were you|was that")
    if context.interrupted:
        return Candidate((f"I said: {heard}. Then you interrupted me.",), 0.97, everything(reading))
    return Candidate((f"I said: {heard}" if asked else heard,), 0.97, everything(reading))


@rule("said asked say ask")
def own_words(reading: Reading, context: Context) -> Candidate | None:
    """What the person said before."""
    found = whole(
        reading,
        (
            r"what (?:did i|have i|was i|i) (?:just )?(?:say|said|ask|asked|tell|told|saying"
            r"|asking)(?: you| before| last)*|what was my (?:last )?(?:question|request)"
        ),
    )
    if not found:
        return None
    last = next((m.content.strip() for m in reversed(context.history) if m.role == "user"), "")
    return Candidate(
        (f"You said: {last}" if last else "This is the first thing I heard.",), 0.96, everything(reading)
    )


RULES: tuple[Rule, ...] = (say, repeat, own_words)
