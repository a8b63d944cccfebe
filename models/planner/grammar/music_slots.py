"""From words to the fields of a `MusicBrief`: every slot one small reader that also says which words it
took."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from models.planner.durations import find_duration
from models.planner.grammar import music_words as names
from models.planner.numbers import parse_number
from models.planner.rules import compiled, search
from models.planner.vocabulary import word_set
from models.planner.words import Reading, spot

_SLOWEST, _FASTEST = 30.0, 300.0  # the bounds of MusicBrief.tempo
_MOST_BARS = 10_000
_BARE_TEMPO = range(40, 241)  # a number after "at" outside of these is hardly a tempo
_PLAIN_TEMPO = 100.0  # assumed where a length in minutes must become bars
_NEGATIONS = word_set(
    "no without minus drop lose remove mute except kill skip not exclude omit swap replace exchange"
)
_NEGATION_PHRASES = (
    r"take (?:out|away)|leave out|get rid of|cut(?: out)?|turn off|less|fewer|do not"
    r" (?:use|want|play|include|add)|never mind|take(?= the \w+ (?:out|away|off))"
)
_BETWEEN = word_set("the any a an all more of those these that my some other")
_TONIC = "|".join(sorted(names.LETTERS, key=len, reverse=True))
_MODE = "|".join(names.MODES)


@dataclass
class Slots:
    """What was found: brief fields by name, and the words that said it."""

    fields: dict[str, Any] = field(default_factory=dict)
    explained: set[int] = field(default_factory=set)

    def put(self, name: str, value: object, words: range) -> None:
        """Take a value for a field, and mark its words."""
        self.fields[name] = value
        self.explained |= set(words)

    @property
    def names_music(self) -> bool:
        """Whether the words can only mean music."""
        return bool({"style", "instruments", "tonic", "mode", "metre"} & self.fields.keys())


def fill(reading: Reading) -> Slots:
    """Read every slot of a brief that the words fill."""
    found = _fill(reading)
    return Slots(dict(found.fields), set(found.explained))


@lru_cache(maxsize=64)  # several rules ask for the slots of the same reading
def _fill(reading: Reading) -> Slots:
    slots = Slots()
    _instruments(reading, slots)
    _style(reading, slots)
    _key(reading, slots)
    _metre(reading, slots)
    _tempo(reading, slots)
    _length(reading, slots)
    _mood(reading, slots)
    return slots


def _instruments(reading: Reading, slots: Slots) -> None:
    words = reading.words
    denied = _denied(reading)
    # "drum and bass" and "piano trio" are styles, "church organ" an instrument: the longer phrase wins.
    taken = {i for name, b, e in spot(words, names.STYLES, 4) if e - b > 1 for i in range(b, e)}
    wanted: list[str] = []
    unwanted: list[str] = []
    for name, begin, end in spot(words, names.INSTRUMENTS):
        if taken & set(range(begin, end)) and begin not in denied:
            continue
        if begin > 0 and words[begin - 1] == "solo" and name == "piano":
            continue
        if name == "bass" and words[begin:end] == ("bass",) and words[begin - 1 : begin] == ("double",):
            continue
        (unwanted if begin in denied else wanted).append(name)
        slots.explained |= set(range(begin, end)) | denied & set(range(begin - 4, begin))
    if wanted:
        slots.fields["instruments"] = tuple(dict.fromkeys(wanted))
    if unwanted:
        slots.fields["without"] = tuple(dict.fromkeys(unwanted))


def _denied(reading: Reading) -> set[int]:
    """Words inside the scope of a "no", which runs over "or" and over "and" unless an article follows."""
    words, scope = reading.words, set[int]()
    begins = [i + 1 for i, word in enumerate(words) if word in _NEGATIONS]
    begins += [reading.span(found).stop for found in compiled(_NEGATION_PHRASES).finditer(reading.text)]
    for begin in begins:
        at = begin
        scope |= (
            set(range(max(0, begin - 2), begin))
            if words[begin - 1] in {"out", "off", "of", "away"}
            else {begin - 1}
        )
        while at < len(words):
            if words[at] in _BETWEEN:
                at += 1
                continue
            found = spot(words[at : at + 3], names.INSTRUMENTS)
            if not found or found[0][1] != 0:
                break
            scope |= set(range(begin, at + found[0][2]))
            at += found[0][2]
            joint = words[at : at + 2]
            if joint[:1] in {("or",), ("nor",)} or (
                joint[:1] == ("and",) and joint[1:] not in {("a",), ("an",), ("some",)}
            ):
                at += 2 if joint[1:] == ("no",) else 1
            else:
                if joint[:1] in {("out",), ("off",), ("away",)}:
                    scope.add(at)
                break
    return scope


def _style(reading: Reading, slots: Slots) -> None:
    words = reading.words
    for name, begin, end in spot(words, names.STYLES, 4):
        if set(range(begin, end)) & slots.explained:
            continue
        if words[begin - 1 : begin] in {("no",), ("without",), ("not",)}:
            continue
        if name == "jazz" and words[begin] == "swing" and "style" in slots.fields:
            continue
        if "style" not in slots.fields:
            slots.fields["style"] = name
        slots.explained |= set(range(begin, end))
    instruments = slots.fields.get("instruments", ())
    if "style" in slots.fields:
        return
    alone = search(
        reading, r"(?:solo|only|just|nothing but|unaccompanied) (?:the |a )?(\w+)|(\w+) (?:solo|only|alone)"
    )
    if alone and len(instruments) == 1:
        slots.put(
            "style",
            "solo piano" if instruments[0] == "piano" else f"solo {instruments[0]}",
            reading.span(alone),
        )
    elif instruments == ("piano",) and search(reading, "piano (?:piece|music|solo|playing|song)"):
        slots.fields["style"] = "solo piano"


def _key(reading: Reading, slots: Slots) -> None:
    keyed = (
        (
            rf"(?:in (?:the key of )?|key of |to (?:the key of )?|into"
            rf" )?(?P<tonic>{_TONIC})(?: (?P<accidental>sharp|flat))? (?P<mode>{_MODE})(?:"
            rf" (?:key|scale|mode))?"
        ),
        (
            rf"(?:in (?:the key of )?|key of |key to |to )(?P<tonic>{_TONIC})(?:"
            rf" (?P<accidental>sharp|flat))?(?! \w* ?(?:major|minor|bit|different|row|way|new"
            rf"|style|minute|while|hurry|slow|fast|key|few|little|second|couple))(?= "
            rf"|$)(?P<mode>)"
        ),
        (
            rf"(?P<tonic>)(?P<accidental>)(?:in |to |into |go |make it |with )?(?:an?"
            rf" )?(?P<mode>{_MODE})(?: (?:key|scale|mode))?"
        ),
    )
    for pattern in keyed:
        found = search(reading, pattern)
        if not found:
            continue
        tonic, mode, span = found["tonic"], found["mode"], reading.span(found)
        if tonic in {"be", "see", "sea", "eh"} and not (mode or found["accidental"]):
            continue
        if (
            mode
            and reading.words[span.stop - 1] in {"key", "scale"}
            and tonic == "a"
            and "in a" in reading.text
        ):
            tonic = ""  # "in a minor key"
        if tonic == "a" and not mode and not re.search(r"(?:key of|in) a$", reading.text):
            continue
        if tonic:
            letter = names.LETTERS[tonic] + names.ACCIDENTALS.get(found["accidental"] or "", "")
            slots.put("tonic", names.ENHARMONIC.get(letter, letter), span)
        if mode:
            slots.put("mode", names.MODES[mode], span)
        return


def _metre(reading: Reading, slots: Slots) -> None:
    for name, begin, end in spot(reading.words, names.METRES):
        timed = reading.words[end : end + 1] == ("time",)
        if (
            "/" in reading.words[begin:end]
            or timed
            or (begin and reading.words[begin - 1] in {"in", "it", "to", "into"})
            or name == "waltz time"
        ):
            slots.put("metre", name, range(begin, end + timed))


def _tempo(reading: Reading, slots: Slots) -> None:
    words = reading.words
    for begin in range(len(words)):
        number = parse_number(words, begin, pairs=True)
        if number is None:
            continue
        value, end = float(number[0]), number[1]
        unit = re.match(
            (
                r"(?:b p m|bpm|beats?(?: (?:per|a|each|the) (?:minute|min))|quarter notes(?:"
                r" (?:per|a) minute))(?!\S)"
            ),
            " ".join(words[end : end + 4]),
        )
        before = words[begin - 1] if begin else ""
        if not unit and not (
            before in {"at", "tempo", "around", "to", "of", "about"} and value in _BARE_TEMPO
        ):
            continue
        if not unit and before != "at" and "tempo" not in words[max(0, begin - 3) : begin]:
            continue
        if words[end : end + 1] and words[end] in {
            "percent",
            "bars",
            "bar",
            "seconds",
            "minutes",
            "hours",
            "pm",
            "am",
            "oclock",
        }:
            continue
        taken = range(
            begin - (before in {"at", "tempo", "of", "to", "around", "about"}),
            end + (len(unit[0].split()) if unit else 0),
        )
        slots.put("tempo", min(_FASTEST, max(_SLOWEST, value)), taken)
        slots.explained |= {i for i, word in enumerate(words) if word == "tempo"}
        return
    for tempo, begin, end in spot(words, names.TEMPI):
        slots.put("tempo", tempo, range(begin, end))
        slots.explained |= {i for i, word in enumerate(words) if word in {"tempo", "paced", "pace"}}


def _length(reading: Reading, slots: Slots) -> None:
    words = reading.words
    for i, word in enumerate(words):
        if word not in {"bar", "bars", "measures", "measure"}:
            continue
        for begin in range(max(0, i - 4), i):
            number = parse_number(words, begin)
            if number and number[1] == i and number[0].denominator == 1 and 1 <= number[0] <= _MOST_BARS:
                if "after" not in words[max(0, begin - 1) : begin]:
                    slots.put("bars", int(number[0]), range(begin, i + 1))
                return
    span = find_duration(words)
    if span and words[span[1] - 1 : span[1]] not in {("in",), ("after",), ("past",)}:
        beats = {"3/4": 3, "6/8": 3, "2/4": 2, "5/4": 5}.get(slots.fields.get("metre", ""), 4)
        tempo = slots.fields.get("tempo") or _PLAIN_TEMPO
        bars = round(span[0] * tempo / 60 / beats)
        slots.put("bars", min(_MOST_BARS, max(1, bars)), range(span[1], span[2]))
        slots.explained |= {i for i, word in enumerate(words) if word in {"long", "length"}}


def _mood(reading: Reading, slots: Slots) -> None:
    words, moods = reading.words, []
    for name, begin, end in spot(words, names.MOODS):
        if (
            words[begin - 1 : begin] in {("not",), ("less",), ("no",)}
            or set(range(begin, end)) & slots.explained
        ):
            continue
        moods.append(name)
        slots.explained |= set(range(begin, end))
    # Adjectives that nobody listed: whatever stands right before "music", or after "something".
    unknown = search(
        reading,
        (
            rf"(?:something|some|an?|any|really|very) (?:really |very |more |a bit |quite"
            rf" )?([a-z]{{4,}})(?: and ([a-z]{{4,}}))?(?= (?:{'|'.join(names.NOUNS)})$|$)"
        ),
    )
    if unknown and ("something" in unknown[0] or re.search(rf"(?:{'|'.join(names.NOUNS)})$", reading.text)):
        for group in (1, 2):
            word = unknown[group]
            span = reading.span(unknown, group)
            if (
                word
                and not set(span) & slots.explained
                and word not in names.NOUNS | {"else", "with", "like", "different", "other", "more"}
            ):
                moods.append(word)
                slots.explained |= set(span)
    if moods:
        slots.fields["mood"] = tuple(dict.fromkeys(moods))
    for density, begin, end in spot(words, names.DENSITIES):
        slots.put("density", density, range(begin, end))
