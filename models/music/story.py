"""Moods as numbers, and stories: "start calm, then epic after four bars, end quiet"."""

from __future__ import annotations

import re

from models.music.describe import number
from models.music.score import Chapter

_ENERGY = {
    0.3: "epic huge intense furious wild powerful triumphant explosive frantic energetic loud busy driving",
    0.15: "happy lively upbeat exciting bright driving fast bold heroic party joyful cheerful faster louder",
    -0.15: "relaxed mellow soft softer gentle slow sad warm tender chill chilled light simple slower",
    -0.3: "calm quiet quieter peaceful sleepy sparse minimal still hushed dreamy serene calmer soothing",
}
_VALENCE = {
    1: "happy cheerful joyful bright sunny uplifting jolly triumphant playful sweet hopeful brighter happier",
    -1: "sad dark darker gloomy melancholy melancholic angry tense scary mysterious ominous sinister tragic "
    "haunting sorrowful lonely sadder spooky menacing",
}
_ENERGY_OF = {word: value for value, words in _ENERGY.items() for word in words.split()}
_VALENCE_OF = {word: value for value, words in _VALENCE.items() for word in words.split()}
_WORD = re.compile(r"[a-z]+")
_CHAPTER_BARS = 8  # where the person gave no number of bars
_START = re.compile(
    r"\b(?:start|starts|starting|begin|begins|beginning|open|opens)(?: off| out)? (?:with )?([a-z ]+)"
)
_THEN = re.compile(
    r"\b(?:then|becoming|turning|getting) (?:go |goes |get |gets |become |becomes |turn |turns )?([a-z ]+?)"
    r"(?: after ([a-z0-9 -]+?) bars?)?(?=$|[,.;]|\bthen\b|\band\b|\bend)"
)
_END = re.compile(r"\b(?:end|ends|ending|finish|finishing)(?: up| off)? ([a-z ]+)")


def energy_of(text: str) -> float:
    """How much more (or less) should happen than usual in the style: -0.3 to 0.3, 0 when nothing is said."""
    found = [_ENERGY_OF[word] for word in _WORD.findall(text.lower()) if word in _ENERGY_OF]
    return sum(found) / len(found) if found else 0.0


def valence_of(text: str) -> int:
    """1 for words that ask for a major key, -1 for a minor one, 0 for neither."""
    total = sum(_VALENCE_OF.get(word, 0) for word in _WORD.findall(text.lower()))
    return (total > 0) - (total < 0)


def _chapter(bar: int, words: str) -> Chapter | None:
    level = energy_of(words)
    name = next((word for word in _WORD.findall(words) if word in _ENERGY_OF), "")
    return Chapter(bar, name, 0.55 + 1.2 * level) if name else None


def read_story(description: str) -> tuple[Chapter, ...]:
    """The chapters a description tells of, in order of their bars; empty unless there are two or more."""
    text = " ".join(description.lower().split())
    bar = 0
    chapters = []
    first = _START.search(text)
    if first:
        chapters.append(_chapter(0, first.group(1).split(" then ")[0]))
    for then in _THEN.finditer(text):
        bars = number(then.group(2)) if then.group(2) else None
        bar += int(bars) if bars else _CHAPTER_BARS
        chapters.append(_chapter(bar, then.group(1)))
    last = _END.search(text)
    if last and chapters:
        chapters.append(_chapter(bar + _CHAPTER_BARS, last.group(1)))
    told = tuple(chapter for chapter in chapters if chapter)
    return told if len(told) > 1 else ()
