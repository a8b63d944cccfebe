"""An utterance as the grammars see it: plain lower-case words, each tied to the characters it came from.

Normalising undoes what does not matter for the meaning (case, contractions, hesitations, politeness, a form
of address); `Reading.raw` gives the person's own spelling back where it does ("say ...", a label).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from models.planner.phonetic import Lexicon
from models.planner.vocabulary import word_set

_TOKEN = re.compile(
    r"uh[ -]?huh|m+[ -]?hm+|mhm"  # backchannels, before their halves count as hesitations
    r"|\d+(?:[.,:]\d+)*"  # 12  3.5  1,000  7:30
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*"  # words, with apostrophes inside
    r"|[+*/×÷%^=√#♯♭]|(?<![^\W\d_])[-−–](?=\s*[\d(])|(?<=\s)[-−–](?=\s)"  # signs; a hyphen in a word is none
)
_SENTENCE_END = re.compile(r"[.?!;:…]\s|[\n]")

_CONTRACTIONS: Mapping[str, tuple[str, ...]] = {
    "can't": ("can", "not"), "cant": ("can", "not"), "cannot": ("can", "not"), "won't": ("will", "not"),
    "don't": ("do", "not"), "dont": ("do", "not"), "let's": ("let", "us"), "lets": ("let", "us"),
    "gimme": ("give", "me"), "lemme": ("let", "me"), "wanna": ("want", "to"), "gonna": ("going", "to"),
    "whats": ("what", "is"), "wots": ("what", "is"), "hows": ("how", "is"), "whos": ("who", "is"),
    "thats": ("that", "is"), "im": ("i", "am"), "ok": ("okay",), "'til": ("until",), "till": ("until",),
    "wanted": ("want",), "o'clock": ("oclock",), "shan't": ("shall", "not"), "dunno": ("do", "not", "know"),
    "colour": ("color",), "favourite": ("favorite",), "percentage": ("percent",), "%": ("percent",),
    "♯": ("sharp",), "#": ("sharp",), "♭": ("flat",), "×": ("times",), "*": ("times",), "÷": ("/",),
    "−": ("-",), "–": ("-",), "√": ("square", "root", "of"), "quieter": ("softer",), "quitter": ("softer",),
}  # fmt: skip
_ENDINGS = {"s": "is", "re": "are", "ll": "will", "ve": "have", "d": "would", "m": "am"}
_HAS_IS = word_set("what who where when how that it here there he she time day name")

HESITATIONS = word_set("um uh uhm umm er erm err ah hm hmm mm please kindly basically")

_LEAD = (
    "hey, hi, hello, okay, so, well, right, alright, all right, now, oh, and, then, but, also, "
    "actually, no, nope, wait, hold on, sorry, i mean, you know, like, just, yeah, yes, sure, listen, "
    "computer, assistant, there, no wait, next, first, after that, could you, can you, would you, "
    "will you, can we, could we, may i, can i, could i, might i, do you think you could, i would like "
    "you to, i want you to, i would love you to, i would like to, i want to, i need you to, i would "
    "love to, would you mind, do me a favor and, do me a favour and, go ahead and, is it possible to, "
    "are you able to, i was wondering if you could, maybe, perhaps, how about you, why do not you, i "
    "think, let us, let me, if you could, be so kind and, be so good and, i said, i asked you to, any "
    "chance you could, mind, quickly, cool, thanks, thank you, if you would"
)
_TAIL = (
    "for me, thanks, thank you, right now, now, okay, will you, would you, could you, can you, if you "
    "can, if you could, if you do not mind, then, mate, computer, assistant, right away, and, "
    "quickly, real quick, thank you very much, thanks a lot, cheers, if possible, at once, buddy, if "
    "that is okay, would you mind, again thanks, dear, so much"
)
_LEADS = frozenset(tuple(phrase.split()) for phrase in _LEAD.split(","))
_TAILS = frozenset(tuple(phrase.split()) for phrase in _TAIL.split(","))
_LONGEST_EDGE = max(map(len, _LEADS | _TAILS))

# Words that carry no meaning of their own: leaving them unexplained costs a rule nothing.
FUNCTION_WORDS = word_set(
    "a an the of to in on at by for from my your me i you we us is it its that this"
    " these those some be am are was do does did will would can could shall with"
    " and or but there here have has had any as if so just too also up about then"
    " now really very please one thing bit little kind sort maybe again want like"
    " need get let give us"
)


_EMPTY = (
    FUNCTION_WORDS | word_set("much lot bunch million everyone everybody computer assistant friend indeed")
) - {"again", "one"}


@dataclass(frozen=True, slots=True)
class Word:
    """A normalised word and the characters [begin, end) of the source it stands for."""

    text: str
    begin: int
    end: int
    ends_sentence: bool = False


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: a rule may remember what it made of one
class Reading:
    """One way to read an utterance; `certainty` is below 1 where words were taken for similar ones."""

    source: str
    tokens: tuple[Word, ...]
    certainty: float = 1.0
    words: tuple[str, ...] = field(init=False)
    text: str = field(init=False)
    vocabulary: frozenset[str] = field(init=False)
    _starts: Mapping[int, int] = field(init=False)
    _ends: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        words = tuple(token.text for token in self.tokens)
        starts, ends, at = {}, {}, 0
        for i, word in enumerate(words):
            starts[at] = i
            at += len(word)
            ends[at] = i + 1
            at += 1
        for name, value in (
            ("words", words), ("text", " ".join(words)), ("vocabulary", frozenset(words)),
            ("_starts", starts), ("_ends", ends),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.tokens)

    def raw(self, begin: int, end: int | None = None) -> str:
        """The person's own spelling of words [begin, end), punctuation around them left out; the words as
        taken where they were taken for others."""
        chosen = self.tokens[begin:end]
        if self.certainty < 1:
            return " ".join(token.text for token in chosen)
        return self.source[chosen[0].begin : chosen[-1].end] if chosen else ""

    def span(self, found: re.Match[str], group: int | str = 0) -> range:
        """Which words a match of a whole-word pattern on `text` covers."""
        begin, end = found.span(group)
        return range(self._starts.get(begin, 0), self._ends.get(end, 0)) if end > begin else range(0)

    def part(self, begin: int, end: int) -> Reading:
        """Words [begin, end) as a reading of its own, stripped of politeness."""
        return Reading(self.source, strip(self.tokens[begin:end]), self.certainty)

    def replaced(self, changes: Mapping[int, tuple[str, int, float]]) -> Reading:
        """Other words in place of some: `changes` maps an index to (new word, words it stands for,
        certainty)."""
        tokens: list[Word] = []
        certainty, i = self.certainty, 0
        while i < len(self.tokens):
            new, width, likeness = changes.get(i, (self.tokens[i].text, 1, 1.0))
            last = self.tokens[i + width - 1]
            tokens.append(Word(new, self.tokens[i].begin, last.end, last.ends_sentence))
            certainty *= 1 - 0.6 * (1 - likeness)  # several near misses are still likely one sentence
            i += width
        return Reading(self.source, strip(tuple(tokens)), certainty)


def read(text: str) -> Reading:
    """Normalise what was said."""
    return Reading(text, strip(tuple(_tokens(text))))


def _tokens(text: str) -> Iterable[Word]:
    # Lower-casing by character keeps every index: str.lower() may lengthen a string ("İ").
    lowered = "".join(low if len(low := ch.lower()) == 1 else ch for ch in text).replace("’", "'")
    for found in _TOKEN.finditer(lowered):
        whole, begin, end = found.group(), found.start(), found.end()
        if whole in HESITATIONS:
            continue
        stop = _SENTENCE_END.match(lowered, end) is not None
        pieces = ("yeah",) if whole.endswith(("huh", "hm")) and len(whole) > 3 else _expand(whole)
        for n, piece in enumerate(pieces):
            yield Word(piece, begin, end, stop and n == len(pieces) - 1)


def _expand(word: str) -> tuple[str, ...]:
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    stem, apostrophe, ending = word.partition("'")
    if apostrophe:
        if stem.endswith("n") and ending == "t":  # isn't, doesn't
            return (stem[:-1], "not")
        if ending in _ENDINGS and (ending != "s" or stem in _HAS_IS):
            return (stem, _ENDINGS[ending])
    if word[0].isdigit():
        return (word.replace(",", ""),) if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", word) else (word,)
    return (word,)


def strip(tokens: tuple[Word, ...]) -> tuple[Word, ...]:
    """Take politeness and openings off both ends, as long as something is left."""
    while (width := _edge(tokens, _LEADS, front=True)) and not _empty(tokens[width:]):
        tokens = tokens[width:]
    while (width := _edge(tokens, _TAILS, front=False)) and not _empty(tokens[:-width]):
        tokens = tokens[:-width]
    return tokens


def _empty(tokens: Sequence[Word]) -> bool:
    """Whether nothing meant is left: "thanks" in "thanks a lot" is the message, not an opening."""
    return all(token.text in _EMPTY for token in tokens) or tokens[0].text == "for"


def _edge(tokens: Sequence[Word], phrases: Collection[tuple[str, ...]], *, front: bool) -> int:
    for width in range(min(_LONGEST_EDGE, len(tokens)), 0, -1):
        window = tokens[:width] if front else tokens[-width:]
        if tuple(token.text for token in window) in phrases:
            if front and width == 1 and _not_an_opening(tokens):
                return 0
            return width
    return 0


def _not_an_opening(tokens: Sequence[Word]) -> bool:
    """Words that open a sentence in one use and carry its meaning in another: "no drums", "next one"."""
    first, second = tokens[0].text, tokens[1].text if len(tokens) > 1 else ""
    if first == "no":
        return second not in {
            "wait",
            "no",
            "actually",
            "sorry",
            "i",
            "please",
            "make",
            "play",
            "stop",
            "in",
            "minor",
            "major",
        }
    if first in {"next", "first", "like"}:
        return second in {"one", "piece", "song", "that", "this", ""}
    return False


Value = TypeVar("Value")


def spot(
    words: Sequence[str], lexicon: Mapping[str, Value], longest: int = 3
) -> list[tuple[Value, int, int]]:
    """Find a lexicon's phrases among the words, longest first, never overlapping: (value, begin, end)."""
    found, i = [], 0
    while i < len(words):
        for width in range(min(longest, len(words) - i), 0, -1):
            phrase = " ".join(words[i : i + width])
            if phrase in lexicon:
                found.append((lexicon[phrase], i, i + width))
                i += width
                break
        else:
            i += 1
    return found


def repaired(reading: Reading, lexicon: Lexicon, is_known: Callable[[str], bool]) -> Iterable[Reading]:
    """Other readings, for a recogniser that took known words for ones that sound alike; likeliest first.

    First only words that no grammar knows are changed (also two that make one: "time are" -> "timer"), then
    each known word in turn.
    """
    words = reading.words
    choices: dict[int, list[tuple[str, int, float]]] = {}
    i = 0
    while i < len(words):
        found: list[tuple[str, int, float]] = []
        if not is_known(words[i]):
            found += [(known, 1, likeness) for known, likeness in lexicon.nearest(words[i], 3)]
            if i + 1 < len(words) and (not is_known(words[i + 1]) or len(words[i + 1]) <= 3):
                found += [
                    (known, 2, likeness - 0.05)
                    for known, likeness in lexicon.nearest(words[i] + words[i + 1], 1)
                ]
        if found:
            choices[i] = sorted(found, key=lambda change: -change[2])
        i += choices[i][0][1] if found else 1
    changes = {i: found[0] for i, found in choices.items()}
    if changes:
        yield reading.replaced(changes)
    for i, found in choices.items():
        for other in found[1:]:
            yield reading.replaced(
                {k: v for k, v in changes.items() if not i < k < i + other[1]} | {i: other}
            )
    for i, word in enumerate(words):
        if i in changes or not is_known(word) or word in FUNCTION_WORDS:
            continue
        for known, likeness in lexicon.nearest(word, 2):
            # 0.9: a word that makes sense as it stands was probably said.
            yield reading.replaced({**changes, i: (known, 1, likeness * 0.9)})
        if i + 1 < len(words) and i + 1 not in changes:
            for known, likeness in lexicon.nearest(word + words[i + 1], 1):
                yield reading.replaced({**changes, i: (known, 2, likeness * 0.9)})
