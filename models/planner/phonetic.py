"""Sounds-like matching: a recogniser's errors are near in sound, so words are compared by sound.

`sound` is a small letter-to-sound key in the manner of Metaphone (Philips, Computer Language 7(12), 1990);
`Lexicon` finds a known word near a heard one without comparing it to every entry: keys with one symbol
deleted are indexed (the symmetric-delete idea of Garbe's SymSpell), and the few found are ranked by a
weighted edit distance in which confusing voiced with voiceless, or a vowel with another, costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# Spellings that the rules below would sound wrongly.
_IRREGULAR = {"cello": "chelo", "cellos": "chelos", "choir": "kwire", "quiet": "kwiet", "two": "too"}

# Letters to sounds, in order. C = ch, S = sh, J = j, 0 = th, a = any run of vowels.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^wh", "w"),
        (r"^x", "z"),
        (r"mb$", "m"),
        (r"tch|ch", "C"),
        (r"(?:ti|si|ci)(?=on|an|al|ous)", "S"),
        (r"sch|sh", "S"),
        (r"th", "0"),
        (r"ph", "f"),
        (r"gh(?=[aeiou])", "g"),
        (r"gh", ""),
        (r"dg(?=[eiy])|g(?=[eiy])|j", "J"),
        (r"ck", "k"),
        (r"qu", "kw"),
        (r"q", "k"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"x", "ks"),
        (r"(?<=.)h", ""),
        (r"(?<=[aeiou])[wy]|(?<=[^aeiouC0SJ])y", "a"),
        (r"(?<=[a-zCJS0])es?$", lambda found: found.group()[1:]),
        (r"[aeiouy]+", "a"),
        (r"(.)\1+", r"\1"),
    )
)
_COARSE = str.maketrans(
    {"b": "p", "d": "t", "g": "k", "v": "f", "z": "s", "J": "C", "S": "C", "0": "t", "a": ""}
)
_VOICELESS = {"b": "p", "d": "t", "g": "k", "v": "f", "z": "s", "J": "C", "0": "t", "m": "n"}
_NEAR = 0.35  # cost of a confusion that recognisers often make
_SIMILAR = 0.68  # below this two words are different words
_SHORTEST = 2  # coarse keys of this length or less must be equal: one changed sound is another word


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """How a written word sounds, roughly: consonant symbols, and `a` for any vowel."""
    key = _IRREGULAR.get(word, word)
    for pattern, replacement in _RULES:
        key = pattern.sub(replacement, key)
    return key


def _cost(x: str, y: str) -> float:
    if x == y:
        return 0.0
    return _NEAR if _VOICELESS.get(x, x) == _VOICELESS.get(y, y) else 1.0


def _distance(x: str, y: str) -> float:
    row = [0.0]
    for symbol in y:
        row.append(row[-1] + (_NEAR if symbol == "a" else 1.0))
    for a in x:
        gone = _NEAR if a == "a" else 1.0
        previous, row = row, [row[0] + gone]
        for j, b in enumerate(y, 1):
            come = _NEAR if b == "a" else 1.0
            row.append(min(previous[j] + gone, row[-1] + come, previous[j - 1] + _cost(a, b)))
    return row[-1]


@lru_cache(maxsize=8192)
def similarity(x: str, y: str) -> float:
    """How alike two written words sound and look: 1.0 the same, 0.0 nothing in common."""
    if x == y:
        return 1.0
    heard, known = sound(x), sound(y)
    by_sound = 1 - _distance(heard, known) / max(len(heard), len(known), 1)
    by_letter = 1 - _distance(x, y) / max(len(x), len(y), 1)
    # 0.99: homophones are almost, but not quite, as good as the word itself.
    return max(0.0, min(0.99, 0.8 * by_sound + 0.2 * by_letter))


class Lexicon:
    """The words a grammar knows, found by sound."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._index: dict[str, set[str]] = {}
        for word in self._words:
            for key in _deletions(_coarse(word)):
                self._index.setdefault(key, set()).add(word)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def nearest(self, word: str, limit: int = 2) -> list[tuple[str, float]]:
        """The known words that sound most like `word` (itself left out), best first, with similarities."""
        found: set[str] = set()
        for key in _deletions(_coarse(word)):
            found |= self._index.get(key, set())
        found.discard(word)
        # The second of the pair makes the order the same in every process: sets are not ordered.
        ranked = sorted(((similarity(word, known), known) for known in found), reverse=True)
        return [(known, score) for score, known in ranked[:limit] if score >= _SIMILAR]


@lru_cache(maxsize=4096)
def _coarse(word: str) -> str:
    key = sound(word)
    return ("a" if key.startswith("a") else "") + key.translate(_COARSE)


def _deletions(key: str) -> set[str]:
    if len(key) <= _SHORTEST:
        return {key}
    return {key} | {key[:i] + key[i + 1 :] for i in range(len(key))}
