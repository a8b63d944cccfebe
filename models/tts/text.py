"""Text to clauses, for a synthesiser that is given one clause at a time.

Cutting has two aims: the first sound comes before a long text is planned, and no step of computing is long.
It must not be heard, so it falls where a reader pauses: at punctuation, and in a long clause without any in
front of a word that opens a phrase. Every piece keeps the characters of the text it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Whitespace, controls (NUL among them), zero-width marks and surrogates part words like a space.
_WORD = re.compile(r"[^\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060\ufeff\ud800-\udfff]+")

# The full stop of these does not end a sentence. Lower case, without the stop.
_ABBREVIATIONS = frozenset(
    ("mr", "mrs", "ms", "dr", "prof", "st", "vs", "jr", "sr", "mt", "gen", "col", "capt", "lt", "sgt", "rev",
     "hon", "fig", "e.g", "i.e")
)  # fmt: skip
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")  # a.m., U.S.

# English words that open a phrase: a long clause is best cut in front of one.
_OPENERS = frozenset(
    ("and", "or", "but", "because", "which", "who", "that", "when", "while", "where", "if", "though", "so",
     "than", "as", "with", "without", "from", "into", "onto", "over", "under", "about", "after", "before",
     "although", "between", "through", "during", "until", "for", "to", "in", "on", "at", "of")
)  # fmt: skip

_PAUSES_MS = {"": 40.0, ",": 110.0, ";": 130.0, ":": 130.0, ".": 230.0, "!": 230.0, "?": 230.0}
_ENDS = ".!?"
# Lengths in letters (see `length`). 64 letters are about 3.5 s of speech, 38 ms of computing in flite's slt.
_COMMA_CUTS_AT = 20  # what is shorter stays with what follows: flite pauses at its comma itself
_OPENER_CUTS_AT = 40
_ANY_WORD_CUTS_AT = 64
_LONGEST_WORD = 40  # characters; what is longer (an address, noise) is parted


@dataclass(frozen=True, slots=True)
class Word:
    """What stands between two spaces: `core` without the punctuation around it, `mark` the one that follows.

    [begin, end) are the characters of `core` in the text; `mark` is one of , ; : . ! ? or empty.
    """

    core: str
    mark: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """Words to synthesise in one go, and the silence that naturally follows them at speed 1."""

    words: tuple[Word, ...]
    pause_ms: float


def words(text: str) -> Iterator[Word]:
    """Part `text` into words. What has neither a letter nor a digit nor a symbol is left out.

    Its punctuation then belongs to the word before; a line break without punctuation counts as a full stop.
    """
    pending: Word | None = None
    for found in _WORD.finditer(text):
        for begin, end, mark in _parts(found.group(), found.start()):
            if pending is not None and "\n" in text[pending.end : begin] and not pending.mark:
                pending = Word(pending.core, ".", pending.begin, pending.end)
            if begin == end:
                if pending is not None and mark:
                    pending = Word(pending.core, _strongest(pending.mark + mark), pending.begin, pending.end)
                continue
            if pending is not None:
                yield _without_abbreviation(pending, text[begin])
            pending = Word(text[begin:end], mark, begin, end)
    if pending is not None:
        yield pending


def clauses(parted: Iterable[Word], scale: float = 1.0) -> Iterator[Clause]:
    """Gather words into clauses of some 20 to 60 letters, each ending where a reader may pause.

    `scale` multiplies those lengths: below 1 for slow speech, where the same letters take longer.
    """
    gathered: list[Word] = []
    size = 0.0
    for word in parted:
        opens = size >= _OPENER_CUTS_AT * scale and word.core.lower() in _OPENERS
        if gathered and (opens or size + length(word) > _ANY_WORD_CUTS_AT * scale):
            yield Clause(tuple(gathered), _PAUSES_MS[""])
            gathered, size = [], 0.0
        gathered.append(word)
        size += length(word)
        if word.mark and (word.mark in _ENDS or size >= _COMMA_CUTS_AT * scale):
            yield Clause(tuple(gathered), _PAUSES_MS[word.mark])
            gathered, size = [], 0.0
    if gathered:
        yield Clause(tuple(gathered), _PAUSES_MS[gathered[-1].mark])


def length(word: Word) -> float:
    """How many letters of plain text take as long to say: "1998" counts like "nineteen ninety-eight"."""
    weights = (1 if char.isalpha() else 5 for char in word.core)
    return 1.0 + sum(weights) + (2 * len(word.core) if word.core.isupper() else 0)


def _parts(raw: str, start: int) -> Iterator[tuple[int, int, str]]:
    """Part what stands between spaces; give each part's span in the text and the mark behind it.

    It is parted at dashes and ellipses, and between the characters of scripts that write no spaces.
    """
    cursor = 0
    for found in _BREAK.finditer(raw):
        inner, broken = raw[cursor : found.start()], found.group()
        lead = len(inner) - len(inner.lstrip(_OPENING))
        core = inner[lead:].rstrip(_CLOSING)
        tail = inner[lead + len(core) :] + ("," if broken[:1] in ("—", "–", "…", "-", ".") else broken)
        begin, end = start + cursor + lead, start + cursor + lead + len(core)
        for at in range(begin, end, _LONGEST_WORD):
            yield at, min(at + _LONGEST_WORD, end), _strongest(tail) if at + _LONGEST_WORD >= end else ""
        if begin == end:
            yield begin, end, _strongest(tail)
        cursor = found.end()


_OPENING = "\"'`([{<¿¡«„“”‘’*_~|\\"
_CLOSING = "\"'`)]}>»“”‘’*_~|\\,;:.!?،؛؟।"
# Dashes (a hyphen that stands alone is one), ellipses, CJK marks; or nothing, behind an ideograph or kana;
# or the end.
_BREAK = re.compile(r"^-$|[—–…]+|-{2,}|\.{2,}|[。、，！？；：]+|(?<=[\u3040-\u30ff\u3400-\u9fff])(?=.)|$")
_LATIN_MARK = str.maketrans("،؛؟。、，！？；：।", ",;?.,,!?;:.")


def _strongest(marks: str) -> str:
    """Of several marks the one with the longest pause: '?' of '?,', '.' of '.)'."""
    kept = [mark for mark in marks.translate(_LATIN_MARK) if mark in ",;:.!?"]
    return max(kept, key=lambda mark: (_PAUSES_MS[mark], mark), default="")


def _without_abbreviation(word: Word, following: str) -> Word:
    """Take the full stop off "Dr." and off initials, and off "a.m." when no capital letter follows."""
    if word.mark != ".":
        return word
    abbreviated = (
        word.core.lower() in _ABBREVIATIONS
        or (len(word.core) == 1 and word.core.isupper() and word.core != "I")
        or (_DOTTED.fullmatch(word.core) is not None and not following.isupper())
    )
    return Word(word.core, "", word.begin, word.end) if abbreviated else word
