"""Words to musical facts: what a free description says about key, tempo, metre, length and instruments.

A planner fills the fields of `MusicBrief`; this reads what it left in `description`, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from models.music.instruments import meant_by, spoken_words
from models.music.score import Metre
from models.music.theory import PITCH_CLASS, SCALES
from models.plan import Mode, MusicBrief, Tonic

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBERS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_NUMBER = rf"(?:\d+(?:\.\d+)?|(?:(?:{'|'.join(_NUMBERS)}|a|hundred|and)[ -]?)+)"
_KEY = re.compile(
    r"\b(?:in|key of|to)(?: the key of)? ([a-g])[ -]?(sharp|flat|#|b)?\b[ -]?"
    r"(major|minor|dorian|phrygian|lydian|mixolydian)?(?! bars?\b)"
)
_BARE_KEY = re.compile(r"\b([a-g])[ -]?(sharp|flat|#|b)? (major|minor|dorian|phrygian|lydian|mixolydian)\b")
_MODE = re.compile(r"\b(major|minor|dorian|phrygian|lydian|mixolydian)\b")
_TEMPO = re.compile(
    rf"\b({_NUMBER})\s*(?:bpm|beats (?:per|a) minute)"
    rf"|\b(?:at|tempo(?: of)?|bpm(?: of)?) ({_NUMBER})(?! (?:bars?|seconds?|minutes?))\b"
)
_BARS = re.compile(rf"\b({_NUMBER})[ -]bars?(?: long| of|\b)")
_AFTER = re.compile(rf"\bafter {_NUMBER}[ -]bars?")
_WITHOUT = re.compile(
    r"\b(?:no|without(?: any)?|drop the|minus(?: the)?|take out the|lose the|remove the)"
    r" ([a-z' -]+?)(?=$|[,.;!]|\b(?:but|and add|and with|with|add|at|in)\b)"
)
_METRES: tuple[tuple[str, Metre], ...] = (
    (r"\b6/8\b|\bsix[ -]eight\b", "6/8"),
    (r"\b3/4\b|\bthree[ -](?:four|quarter)\b|\bwaltz time\b|\btriple time\b", "3/4"),
    (r"\b5/4\b|\bfive[ -]four\b", "5/4"),
    (r"\b2/4\b|\btwo[ -]four\b", "2/4"),
    (r"\b4/4\b|\bfour[ -]four\b|\bcommon time\b", "4/4"),
)
_INSTRUMENT = re.compile(
    r"\b(" + "|".join(re.escape(w) for w in sorted(spoken_words(), key=len, reverse=True)) + r")s?\b"
)
# Words that name an instrument and, more often, something else in a sentence about music.
_AMBIGUOUS = frozenset({
    "beat", "beats", "voice", "voices", "pad", "pipes", "bells", "bell", "chorus", "orchestra", "horn",
    "horns", "glass", "keys", "singing", "plucked", "winds", "brass band", "music box", "strings only",
    "whistling", "humming", "drumming", "chimes", "pads", "reeds", "snare",
})  # fmt: skip


def number(words: str) -> float | None:
    """Read "seventy", "a hundred and ten" or "92.5"; None when it is no number."""
    words = words.strip()
    if re.fullmatch(r"\d+(\.\d+)?", words):
        return float(words)
    total = 0
    seen = False
    for word in re.split(r"[ -]+", words):
        if word == "hundred":
            total, seen = max(total, 1) * 100, True
        elif word in _NUMBERS:
            # "one twenty" is spoken for 120
            value = _NUMBERS[word]
            total = total * 100 + value if seen and 0 < total < 10 and value >= 10 else total + value
            seen = True
        elif word not in ("a", "and", ""):
            return None
    return float(total) if seen else None


def _key(text: str) -> tuple[Tonic | None, Mode | None]:
    found = _BARE_KEY.search(text) or _KEY.search(text)
    if not found:
        mode = _MODE.search(text)
        return None, cast(Mode, mode.group(1)) if mode else None
    letter, accidental, mode_word = found.groups()
    if letter == "a" and not accidental and not mode_word:
        return None, None  # "in a small room"
    tonic = letter.upper() + {"sharp": "#", "#": "#", "flat": "b", "b": "b"}.get(accidental or "", "")
    tonic = {"E#": "F", "B#": "C", "Cb": "B", "Fb": "E"}.get(tonic, tonic)
    assert tonic in PITCH_CLASS
    return cast(Tonic, tonic), cast(Mode, mode_word) if mode_word in SCALES else None


def _instruments(text: str) -> tuple[str, ...]:
    names = (found.group(1) for found in _INSTRUMENT.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name not in _AMBIGUOUS))


def _tempo(text: str) -> float | None:
    for found in _TEMPO.finditer(text):
        value = number(found.group(1) or found.group(2))
        if value is not None and 30 <= value <= 300:
            return value
    return None


def _without(text: str) -> tuple[str, ...]:
    words = " ".join(found.group(1) for found in _WITHOUT.finditer(text))
    return tuple(dict.fromkeys(found.group(1) for found in _INSTRUMENT.finditer(words)))


def read(description: str) -> Mapping[str, object]:
    """What the description says, as fields of `MusicBrief`; only those that it says something about."""
    text = " ".join(description.lower().split())
    tonic, mode = _key(text)
    metre = next((value for pattern, value in _METRES if re.search(pattern, text)), None)
    bars = _BARS.search(_AFTER.sub("", text))
    length = number(bars.group(1)) if bars else None
    found = {
        "tonic": tonic,
        "mode": mode,
        "tempo": _tempo(text),
        "metre": metre,
        "bars": int(length) if length and "twelve bar blues" not in text else None,
        "without": _without(text),
        "instruments": _instruments(_WITHOUT.sub(" ", text)),
    }
    return {name: value for name, value in found.items() if value}


def _names(fields: Mapping[str, object], field: str) -> tuple[str, ...]:
    return cast(tuple[str, ...], fields.get(field, ()))


def completed(brief: MusicBrief) -> MusicBrief:
    """The brief with its empty fields filled from its description; what it states stays as it is."""
    said = read(brief.description)
    if brief.tonic and not brief.mode and said.get("tonic") not in (None, brief.tonic):
        said = {name: value for name, value in said.items() if name != "mode"}
    empty = {name: value for name, value in said.items() if not getattr(brief, name)}
    if (
        brief.without and not brief.instruments
    ):  # a stated field outweighs an older description that still names the instrument
        unwanted = frozenset().union(*(meant_by(name)[1] for name in brief.without))
        empty["instruments"] = tuple(
            n for n in _names(empty, "instruments") if meant_by(n)[0].name not in unwanted
        )
    if brief.instruments and not brief.without:
        wanted = {meant_by(name)[0].name for name in brief.instruments}
        empty["without"] = tuple(n for n in _names(empty, "without") if not meant_by(n)[1] & wanted)
    return brief.model_copy(update=empty)
