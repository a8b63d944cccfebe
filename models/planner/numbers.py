"""Numbers as people say them and recognisers write them: "two hundred and twenty five", "2.5", "seven ty"."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNITS = {word: value for value, word in enumerate(_SMALL)} | {
    "fourty": 40,
    "nought": 0,
    "naught": 0,
    "zeros": 0,
}
_TEN_WORDS = {word: 10 * n for n, word in enumerate(_TENS, 2)} | {"fourty": 40}
# Parts of a whole; the plural after a count ("three quarters").
_PARTS = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_PARTS |= {f"{word}s": value for word, value in _PARTS.items()} | {"halves": 2}
# What a recogniser writes for a digit it heard right; only believed where nothing but a number can stand.
_SOUNDS_LIKE = {
    "to": 2,
    "too": 2,
    "for": 4,
    "fore": 4,
    "ate": 8,
    "won": 1,
    "oh": 0,
    "o": 0,
    "tree": 3,
    "sex": 6,
    "fife": 5,
    "tin": 10,
}

NUMBER_WORDS = frozenset(
    {*_UNITS, *_TEN_WORDS, *_SCALES, "hundred", "dozen", "point", "half", "quarter", "third"}
)

_STARTS = frozenset({*_UNITS, *_TEN_WORDS, *_PARTS, "a", "one", "point", "dot"})

Parsed = tuple[Fraction, int]


def parse_number(words: Sequence[str], at: int, *, loose: bool = False, pairs: bool = False) -> Parsed | None:
    """Read a number that begins at `words[at]`; returns it with the index after it, None when there is none.

    `loose` also takes words that only sound like digits; `pairs` reads "one twenty" as 120 (a tempo).
    """
    first = _word(words, at)
    if not (loose or first in _STARTS or first[:1].isdigit()):
        return None
    found = _numeral(words, at) or _spoken(words, at, pairs=pairs) or _part(words, at)
    if found is None and loose and at < len(words) and words[at] in _SOUNDS_LIKE:
        found = Fraction(_SOUNDS_LIKE[words[at]]), at + 1
    if found is None:
        return _decimals(Fraction(0), words, at)
    value, at = found
    return _mixed(value, words, at)


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def _numeral(words: Sequence[str], at: int) -> Parsed | None:
    word = _word(words, at).replace(",", "")
    if (
        not word[:1].isdigit()
        or not word.isascii()
        or word.count(".") > 1
        or not word.replace(".", "").isdigit()
    ):
        return None
    value, at = Fraction(word), at + 1
    while (scale := {"hundred": 100, **_SCALES}.get(_word(words, at))) is not None:
        value, at = value * scale, at + 1
    return value, at


def _unit(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """A word below twenty, or the tens; also one that the recogniser split ("nine teen", "seven ty")."""
    word, following = _word(words, at), _word(words, at + 1)
    if following in {"teen", "ty"} and word in _UNITS:
        for whole in (word + following, {"three": "thirteen", "five": "fifteen"}.get(word, "")):
            if whole in _UNITS or whole in _TEN_WORDS:
                return _UNITS.get(whole, _TEN_WORDS.get(whole, 0)), at + 2
    if word in _TEN_WORDS:
        return _TEN_WORDS[word], at + 1
    return (_UNITS[word], at + 1) if word in _UNITS else None


def _spoken(words: Sequence[str], at: int, *, pairs: bool) -> Parsed | None:
    total, group, last, begin = 0, 0, 10**18, at
    last_scale = 10**18
    room = 10**18  # the next word must be smaller than this: "five twenty" is two numbers
    while True:
        word = _word(words, at)
        bare = _word(words, at + 1)
        if word == "a" and at == begin and bare in {"hundred", "thousand", "million", "billion", "dozen"}:
            group, room, at = 1, 1, at + 1
        elif word in {"and", "an", "n"} and at > begin and last in {100, *_SCALES.values()}:
            unit = _unit(words, at + 1)
            if unit is None or unit[0] >= room:
                break
            at += 1
        elif word == "hundred" and 0 < group < 100 and last != 100:
            group, room, last, at = group * 100, 100, 100, at + 1
        elif word == "dozen" and group:
            return Fraction((total + group) * 12), at + 1
        elif word in _SCALES and group and _SCALES[word] < last_scale:
            last_scale = last = _SCALES[word]
            total, group, room, at = total + group * last, 0, 10**18, at + 1
        elif unit := _unit(words, at):
            value, after = unit
            if value >= room and not (pairs and group == total + group < 10 and value >= 10):
                break
            if value >= room:  # "one twenty"
                group, room = group * 100, 10**18
            group += value
            room = 10 if value >= 20 and value % 10 == 0 else 1
            last, at = value, after
            if value == 0:
                room = 0
        elif (
            pairs
            and word in {"oh", "o"}
            and 0 < group < 10
            and (unit := _unit(words, at + 1))
            and unit[0] < 10
        ):
            return Fraction(group * 100 + unit[0]), unit[1]
        else:
            break
    return (Fraction(total + group), at) if at > begin else None


def _part(words: Sequence[str], at: int) -> Parsed | None:
    """A part of a whole standing alone: "half", "a third", "a half"."""
    begin = at + 1 if _word(words, at) in {"a", "one"} else at
    if (word := _word(words, begin)) in _PARTS and not word.endswith("s"):
        if word == "half" and _word(words, begin + 1) == "a" and _word(words, begin + 2) == "dozen":
            return Fraction(6), begin + 3
        return Fraction(1, _PARTS[word]), begin + 1
    return None


def _decimals(value: Fraction, words: Sequence[str], at: int) -> Parsed | None:
    """Digits after "point"; None when there are none."""
    if _word(words, at) not in {"point", "dot"}:
        return None
    digits, after = "", at + 1
    while len(digits) < 18:
        word = _word(words, after)
        if word.isascii() and word.isdigit():
            digits += word
        elif word in _UNITS and _UNITS[word] < 20:
            digits += str(_UNITS[word])
        elif word in {"oh", "o"}:
            digits += "0"
        elif word in _TEN_WORDS:
            unit = _unit(words, after + 1)
            tail = unit[0] if unit and 0 < unit[0] < 10 else 0
            digits, after = digits + str(_TEN_WORDS[word] + tail), after + (1 if tail else 0)
        else:
            break
        after += 1
    return (value + Fraction(int(digits), 10 ** len(digits)), after) if digits else None


def _mixed(value: Fraction, words: Sequence[str], at: int) -> Parsed:
    """What may follow a whole number: decimals, a part ("two and a half", "three quarters"), "point five
    million"."""
    if found := _decimals(value, words, at):
        value, at = found
        while (scale := _SCALES.get(_word(words, at))) is not None:
            value, at = value * scale, at + 1
        return value, at
    part = _word(words, at)
    if (
        part in _PARTS
        and value.denominator == 1
        and (part.endswith("s") if value != 1 else not part.endswith("s"))
    ):
        return value / _PARTS[part], at + 1
    if part == "and" and value.denominator == 1:
        begin = at + 2 if _word(words, at + 1) in {"a", "one"} else at + 1
        if _word(words, begin) in _PARTS and (begin == at + 2 or _word(words, begin) == "half"):
            return value + Fraction(1, _PARTS[_word(words, begin)]), begin + 1
        count = _unit(words, at + 1)
        if count and _word(words, count[1]) in _PARTS and 1 < count[0] < _PARTS[_word(words, count[1])]:
            return value + Fraction(count[0], _PARTS[_word(words, count[1])]), count[1] + 1
    return value, at


def spoken_integer(value: int) -> str:
    """An integer in words: 225 -> "two hundred and twenty-five". Beyond 10**15 the digits themselves."""
    if value < 0:
        return f"minus {spoken_integer(-value)}"
    if value < 20:
        return _SMALL[value]
    if value < 100:
        return _TENS[value // 10 - 2] + (f"-{_SMALL[value % 10]}" if value % 10 else "")
    if value < 1000:
        rest = f" and {spoken_integer(value % 100)}" if value % 100 else ""
        return f"{_SMALL[value // 100]} hundred{rest}"
    for name, scale in reversed(_SCALES.items()):
        if scale <= value < scale * 1000:
            left = value % scale
            joint = " and " if 0 < left < 100 else " "
            return f"{spoken_integer(value // scale)} {name}" + (joint + spoken_integer(left) if left else "")
    return str(value)


_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def spoken_ordinal(value: int) -> str:
    """A small integer as an ordinal: 22 -> "twenty-second"."""
    head, dash, last = spoken_integer(value).rpartition("-")
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{dash}{last}"
