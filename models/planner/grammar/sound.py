"""Sounds and soundscapes asked for, and changed."""

from __future__ import annotations

import re

from models.plan import PlaySound, SoundBrief
from models.planner.durations import find_duration
from models.planner.grammar import music_words
from models.planner.grammar.sound_words import AMBIGUOUS, NOUNS, QUALIFIERS, SOURCES
from models.planner.rules import Candidate, Context, Rule, clause, rule, search
from models.planner.vocabulary import word_set
from models.planner.words import Reading

_VERB = (
    r"(?:i would |i |we |to )*(?:play|make|generate|create|produce|give|hear|want(?:"
    r" to hear)?|simulate|imitate|put on|start|do|like(?: to hear)?|listen to|have"
    r"|add|need|synthesi[sz]e|love(?: to hear)?|sound|try|get|how about|bring(?:"
    r" on)?|what about|fake)"
    r"(?: (?:me|us|up|a|an|some|the|like|out|with))*"
)
_NAMED = (
    r"(?:the |a |an |some )*(?:sound effects?|sounds?|noises?|audio|soundscape"
    r"|ambience|atmosphere|effects?)(?: effects?)?(?: of| with| like| for)+(?: (?:a"
    r"|an|the|some))*"
)
_LONGEST = 3600.0  # seconds; models/plan.py allows no longer sound
_QUESTIONS = word_set("what who why which is are does did was were when where will how it the")
_DURATION_LEADS = word_set("for of lasting about around long")
_JOINTS = word_set("a an the and of on in with to from by my some far away at while near under over it")


def _content(reading: Reading, begin: int) -> tuple[str, float | None, set[int]]:
    """The description in the person's words from `begin`, without the length, and the length in seconds."""
    words, length = reading.words, None
    cut: set[int] = set()
    if (span := find_duration(words)) and 0 < span[0] <= _LONGEST:
        length, cut = span[0], set(range(span[1], span[2]))
        if span[1] and words[span[1] - 1] in _DURATION_LEADS:
            cut.add(span[1] - 1)
        if words[span[2] : span[2] + 1] in {("of",), ("long",)}:
            cut.add(span[2])
    kept = [i for i in range(begin, len(words)) if i not in cut]
    runs: list[list[int]] = []
    for i in kept:
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    text = " ".join(reading.raw(run[0], run[-1] + 1) for run in runs)
    text = re.sub(
        r"^(?:the |a |an |some )?(?:sound effects?|sounds?|noises?|audio)(?: effects?)?(?: of| with)+ ",
        "",
        text,
        flags=re.IGNORECASE,
    )
    text = re.sub(r"^(?:a|an|some|the|of|me|us) ", "", text, flags=re.IGNORECASE)
    return text.strip(" ,.;:!?"), length, cut


@rule(SOURCES | NOUNS)
def play_sound(reading: Reading, context: Context) -> Candidate | None:
    """A sound, described."""
    words = reading.words
    if words[0] in _QUESTIONS and not search(reading, r"how about|what about|what does .* sound like"):
        return None
    verb = re.match(rf"(?:{_VERB})(?!\S)", reading.text)
    named = search(reading, _NAMED)
    sources = {i for i, word in enumerate(words) if word in SOURCES}
    sure = {i for i in sources if words[i] not in AMBIGUOUS}
    if not sources and not named:
        return None
    if {"weather", "forecast", "umbrella"} & reading.vocabulary - {"umbrella"} or search(
        reading, r"timer|voice|will it|say|alarm (?:for|at)"
    ):
        return None
    begin = reading.span(verb).stop if verb else 0
    if named:
        begin = max(begin, reading.span(named).stop)
    description, seconds, cut = _content(reading, begin)
    if not description or description.lower().startswith(("this", "that")):
        return None
    explained = sources | cut | set(reading.span(verb) if verb else ())
    explained |= {
        i for i, word in enumerate(words) if word in QUALIFIERS | NOUNS | _JOINTS or word == "something"
    }
    explained |= _circumstances(reading, sources)
    if named:
        explained |= set(range(reading.span(named).start, len(words)))
        explained -= set(range(clause(reading, 0).stop, len(words)))
    confidence = (
        0.95 if verb and sure else 0.93 if named and verb else 0.86 if named else 0.8 if verb else 0.6
    )
    if not named and any(word in music_words.NOUNS or word in music_words.STYLES for word in words):
        confidence = min(confidence, 0.6)
    elif any(word in music_words.INSTRUMENTS for word in words if word not in SOURCES):
        confidence = min(confidence, 0.62)
    elif not named and "something" in reading.vocabulary:
        confidence = min(confidence, 0.7)
    brief = SoundBrief(description=description, seconds=seconds)
    return Candidate(
        (PlaySound(brief=brief),), confidence, frozenset(explained), f"make the sound of {description}"
    )


def _circumstances(reading: Reading, sources: set[int]) -> set[int]:
    """Unknown words that belong to a source: "rain on a corrugated roof", "a squeaky door"."""
    words, found = reading.words, set[int]()
    for i in range(len(words)):
        if i in sources:
            found |= {j for j in (i - 1,) if j >= 0}
        if words[i] in {
            "on",
            "in",
            "through",
            "against",
            "under",
            "into",
            "over",
            "at",
            "of",
            "inside",
            "across",
        } and any(s < i for s in sources):
            found |= set(range(i + 1, min(i + 4, len(words))))
            break
    stop = clause(reading, 0).stop
    return {i for i in found if i < stop}


@rule("add more less without no heavier lighter closer further remove stronger bigger drop louder")
def edit_sound(reading: Reading, context: Context) -> Candidate | None:
    """A change of the sound that was made last."""
    before = context.sound
    if before is None:
        return None
    found = re.match(
        (
            r"(?:make it |now |but )?(?:add|with|more|less|without|no|remove|drop|heavier"
            r"|lighter|closer|further|stronger|bigger|turn)(?!\S)"
        ),
        reading.text,
    )
    known = {
        i
        for i, word in enumerate(reading.words)
        if word in SOURCES | QUALIFIERS
        or word in {"heavier", "lighter", "closer", "stronger", "further", "bigger"}
    }
    if not found or not known:
        return None
    said = re.sub(
        r"^(?:now|but|make it|add)\s+",
        "with " if reading.words[0] == "add" else "",
        reading.raw(0),
        flags=re.IGNORECASE,
    )
    brief = SoundBrief(description=f"{before.description}, {said}", seconds=before.seconds)
    return Candidate(
        (PlaySound(brief=brief),),
        0.97,
        frozenset(known | set(reading.span(found))),
        "change the sound that way",
    )


RULES: tuple[Rule, ...] = (play_sound, edit_sound)
VOCABULARY = SOURCES | {word for word in QUALIFIERS if len(word) > 3}
