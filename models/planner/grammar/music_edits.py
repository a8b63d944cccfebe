"""Relative changes of a brief: what "darker", "half time", "no drums" or "up a tone" make of the piece
before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from models.plan import MusicBrief
from models.planner.grammar import music_words as names
from models.planner.grammar.music_slots import fill
from models.planner.numbers import parse_number
from models.planner.rules import search
from models.planner.words import Reading

_PLAIN_TEMPO = 100.0  # where neither the brief nor the player told one
_STEP = 1.2  # "faster", "slower": a fifth, plainly heard
_LITTLE = 1.08  # "a bit faster"
_MUCH = 1.4
_CHROMATIC = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_PITCH = {name: i for i, name in enumerate(_CHROMATIC)} | {"C#": 1, "D#": 3, "Gb": 6, "G#": 8, "A#": 10}
_INTERVALS = {
    "semitone": 1,
    "half step": 1,
    "half tone": 1,
    "tone": 2,
    "whole step": 2,
    "whole tone": 2,
    "step": 2,
    "second": 2,
    "minor third": 3,
    "major third": 4,
    "fourth": 5,
    "tritone": 6,
    "fifth": 7,
    "sixth": 9,
    "seventh": 10,
    "octave": 12,
    "key": 2,
    "notch": 1,
}
_INTERVAL = "|".join(sorted(_INTERVALS, key=len, reverse=True)) + "|third"
_OPPOSITES = {
    "dark": "bright",
    "bright": "dark",
    "happy": "sad",
    "sad": "happy",
    "calm": "energetic",
    "energetic": "calm",
}


@dataclass
class Edit:
    """The changed brief, or the problem with changing it; `relative` when the words only make sense as a
    change."""

    brief: MusicBrief | None
    explained: set[int]
    relative: bool
    problem: str = ""


def known_tempo(brief: MusicBrief | None, playing: str) -> float | None:
    """The tempo the piece has, as asked for or as the player reported."""
    if brief and brief.tempo:
        return brief.tempo
    told = re.search(r"(\d+(?:\.\d+)?) (?:beats|bpm)", playing)
    return float(told[1]) if told else None


def known_key(brief: MusicBrief | None, playing: str) -> tuple[str, str] | None:
    """The key the piece has (tonic, mode), as asked for or as the player reported."""
    if told := re.search(rf"\b([A-G](?:#|b)?)(?: (sharp|flat))? ({'|'.join(names.MODES)})\b", playing):
        tonic = told[1] + names.ACCIDENTALS.get(told[2] or "", "")
        return names.ENHARMONIC.get(tonic, tonic), names.MODES[told[3]]
    if brief and brief.tonic:
        return brief.tonic, brief.mode or "major"
    return None


def changes(reading: Reading, brief: MusicBrief, playing: str) -> Edit | None:
    """What the words change in a brief; None when they change nothing."""
    slots = fill(reading)
    fields: dict[str, Any] = dict(slots.fields)
    explained = set(slots.explained)
    edited: dict[str, Any] = {}
    relative = bool({"without"} & fields.keys()) or bool(
        search(
            reading,
            (
                r"add|bring in|put in|include|throw in|give it|change (?:it|to|into|the)|switch"
                r" (?:it )?to|turn (?:it|this|that) into|make (?:it|this|that)|with more|same"
                r"|(?:play|try|do|take|have) (?:it|this|that)|instead|keep|but|take it"
            ),
        )
        or (len(reading) <= 3 and {"mode", "tonic"} & fields.keys() and "style" not in fields)
    )
    for change in (_transpose, _pace, _amount):
        made = change(reading, brief, playing)
        if made is None:
            continue
        relative = True
        explained |= made.explained
        if made.problem:
            return Edit(None, explained, True, made.problem)
        edited |= made.fields
    if comparative := search(
        reading,
        (
            rf"(?:{'|'.join(word for word in names.MOODS if word.endswith('er'))}|(?:more"
            rf"|less|not so|not as|too) (?:{'|'.join(names.MOODS)})(?: (?:now|please))?)"
        ),
    ):
        relative = True
        explained |= set(reading.span(comparative))
    edited |= _moods(reading, brief, fields)
    edited |= _instruments(brief, fields)
    for name in ("tonic", "mode", "metre", "bars", "style"):
        if name in fields and name not in edited:
            edited[name] = fields[name]
    if "tempo" in fields and "tempo" not in edited:
        edited["tempo"] = fields["tempo"]
    if "density" in fields and "density" not in edited:
        edited["density"] = fields["density"]
    if (
        "mode" in edited
        and brief.tonic is None
        and "tonic" not in edited
        and (key := known_key(None, playing))
    ):
        edited["tonic"] = key[0]  # "in minor" keeps the key note
    if found := search(
        reading,
        (
            r"(?:keep (?:it|this|that|the music|on)? ?(?:going|playing)|go on|carry on"
            r"|continue|keep playing|play(?: on)?) (?:\w+ )?(?:until|til) (?:i|you)(?:"
            r" \w+){1,4}|forever|endlessly|do not (?:ever )?stop|without end(?:ing)?|on and"
            r" on"
        ),
    ):
        edited["bars"], relative = None, True
        explained |= set(reading.span(found))
    if not edited:
        return None
    explained |= {
        i
        for i, word in enumerate(reading.words)
        if word
        in {
            "add",
            "put",
            "bring",
            "include",
            "throw",
            "instead",
            "change",
            "switch",
            "turn",
            "same",
            "thing",
            "but",
            "make",
            "into",
        }
    }
    return Edit(_apply(brief, edited, reading), explained, relative)


# Not "after four bars", which is a moment rather than a length.
_LENGTH = re.compile(r"(?<!\bafter )\b(?:for )?[\w-]+ bars?(?: long)?\b", re.IGNORECASE)


def _apply(brief: MusicBrief, edited: dict[str, Any], reading: Reading) -> MusicBrief | None:
    said = reading.raw(0)
    before = brief.description
    if "bars" in edited:  # the composer reads lengths there too
        before = _LENGTH.sub("", before)
    description = f"{before}; {said}" if before.strip() else said
    try:
        return MusicBrief.model_validate({**brief.model_dump(), **edited, "description": description[-500:]})
    except ValidationError:
        return None


@dataclass
class _Change:
    fields: dict[str, Any]
    explained: set[int]
    problem: str = ""


def _transpose(reading: Reading, brief: MusicBrief, playing: str) -> _Change | None:
    found = search(
        reading,
        rf"(?:(?P<up>up|raise(?: it| this)?(?: by)?|higher(?: by)?)|(?P<down>down"
        rf"|lower(?: it| this)?(?: by)?)) (?:(?P<count>\w+) )?(?P<by>{_INTERVAL})s?"
        rf"|(?:(?P<count2>\w+) )?(?P<by2>{_INTERVAL})s? (?:(?P<up2>up|higher)"
        rf"|(?P<down2>down|lower))|transpose(?: it| this)?(?: (?P<up3>up)|"
        rf" (?P<down3>down))?",
    )
    if not found:
        return None
    group = found.groupdict()
    explained = set(reading.span(found)) | {
        i for i, word in enumerate(reading.words) if word in {"put", "transpose", "move", "shift", "take"}
    }
    interval = group["by"] or group["by2"]
    if interval is None:
        if search(reading, "transpose.* to "):
            return None
        return _Change({}, explained, "By how much? Say, up a tone.")
    key = known_key(brief, playing)
    if key is None:
        return _Change(
            {},
            explained,
            "I was not told the key, so I can't move it; name a key instead, for example, in D minor.",
        )
    steps = _INTERVALS.get(interval, 3 if key[1] == "minor" else 4)
    count = parse_number((group["count"] or group["count2"] or "one",), 0)
    steps *= int(count[0]) if count and count[0] >= 1 else 1
    if steps % 12 == 0:
        return _Change({}, explained, "I can't move a piece by an octave, but I can change its key.")
    if group["down"] or group["down2"] or group["down3"]:
        steps = -steps
    return _Change({"tonic": _CHROMATIC[(_PITCH[key[0]] + steps) % 12], "mode": key[1]}, explained)


def _pace(reading: Reading, brief: MusicBrief, playing: str) -> _Change | None:
    found = search(
        reading,
        r"(?P<half>half(?: the)? (?:time|tempo|speed)|half as fast)|(?P<double>double(?:"
        r" the)? (?:time|tempo|speed)|twice as fast)"
        r"|(?P<faster>faster|quicker|speed (?:it |this |that )?up|more (?:quickly|upbeat"
        r" tempo)|pick up the (?:pace|tempo)|too slow|(?:turn up|raise|increase) the (?:tempo|speed)|hurry"
        r" up|not so slow)"
        r"|(?P<slower>slower|slow (?:it |this |that )?down|more slowly|too fast"
        r"|(?:turn down|reduce|decrease|lower|drop) the (?:tempo|speed)|not so fast)",
    )
    if not found:
        return None
    factor = {"half": 0.5, "double": 2.0}.get(found.lastgroup or "", _STEP)
    amount = search(reading, r"(?:a (?:bit|little|touch|tad)|slightly|somewhat)|(much|a lot|way|far)")
    if amount and factor == _STEP:
        factor = _MUCH if amount[1] else _LITTLE
    if found.lastgroup == "slower":
        factor = 1 / factor
    explained = set(reading.span(found)) | (set(reading.span(amount)) if amount else set())
    tempo = (known_tempo(brief, playing) or _PLAIN_TEMPO) * factor
    return _Change({"tempo": float(round(min(300.0, max(30.0, tempo))))}, explained)


def _amount(reading: Reading, brief: MusicBrief, playing: str) -> _Change | None:
    found = search(
        reading,
        (
            r"(?P<more>busier|denser|fuller|richer|more notes|more complex|more happening)"
            r"|(?P<less>sparser|simpler|emptier|fewer notes|less busy|less notes|thinner|not"
            r" so busy|too busy)"
        ),
    )
    if not found:
        return None
    density = (0.5 if brief.density is None else brief.density) + (
        0.25 if found.lastgroup == "more" else -0.25
    )
    return _Change({"density": min(1.0, max(0.0, density))}, set(reading.span(found)))


def _moods(reading: Reading, brief: MusicBrief, fields: dict[str, Any]) -> dict[str, Any]:
    moods = list(fields.get("mood", ()))
    if less := search(reading, rf"(?:less|not so|too|not as) ({'|'.join(names.MOODS)})"):
        mood = names.MOODS[less[1]]
        moods = [_OPPOSITES[mood]] if mood in _OPPOSITES else []
        if not moods and mood in brief.mood:
            return {"mood": tuple(kept for kept in brief.mood if kept != mood)}
    if not moods:
        return {}
    gone = {_OPPOSITES[mood] for mood in moods if mood in _OPPOSITES}
    kept = [mood for mood in brief.mood if mood not in gone and mood not in moods]
    edited: dict[str, Any] = {"mood": (*kept, *moods)}
    # "Darker" is heard as minor and "brighter" as major before anything else.
    if "mode" not in fields:
        if set(moods) & names.SAD_MOODS and (brief.mode in {None, "major"}):
            edited["mode"] = "minor"
        elif set(moods) & names.GLAD_MOODS and (brief.mode in {None, "minor"}):
            edited["mode"] = "major"
    return edited


def _instruments(brief: MusicBrief, fields: dict[str, Any]) -> dict[str, Any]:
    added, removed = fields.get("instruments", ()), fields.get("without", ())
    if not added and not removed:
        return {}
    instruments = tuple(name for name in brief.instruments if name not in removed and name not in added)
    without = tuple(name for name in brief.without if name not in added and name not in removed)
    return {"instruments": (*instruments, *added), "without": (*without, *removed)}
