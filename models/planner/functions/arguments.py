"""Finding a function's parameters in what was said.

A value of an enumeration, a number and a switch are found by themselves. A string is found by what its name
says it is (a place after "in", a person after "to", a day), or else it is what is left of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from models.planner.functions.schema import Parameter
from models.planner.functions.stems import BLAND, EMPTY, content, stem
from models.planner.numbers import NUMBER_WORDS, parse_number, spoken_ordinal
from models.planner.vocabulary import word_set
from models.planner.words import Reading

_PLACE = word_set(
    "city location place destination town country address area region where origin station airport"
)
_PERSON = word_set("recipient contact person who whom addressee receiver friend guest attendee email")
_TIME = word_set("date day time when datetime start deadline due")
_BODY = word_set("message body text content note memo")
_BEFORE_PLACE = word_set("in for at to near from of around into")
_BEFORE_PERSON = word_set("to for with call named email message text tell ask phone dial ring let")
_PERSON_ENDS = word_set("my see know have a the i is are to")
_BEFORE_BODY = word_set("saying that says say reading")
_STOPS = word_set(
    "in for at to from on with by and about saying that tomorrow today tonight now please under over until"
    " called named as of"
)
_TRIMMED = word_set(
    "a an the some my our your for to of about on in at is are was that it this me us please up with by"
    " where when why saying says do does there any what who how which i we you and as named called from if"
    " will would can"
)
_DAYS = r"monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_HOUR = r"(?:\d[\d:.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)"
_WHEN = re.compile(
    rf"(?<!\S)(?:(?:(?:this|next|on|coming) )?(?:{_DAYS})(?: (?:morning|afternoon|evening|night))?"
    rf"|today|tonight|tomorrow(?: (?:morning|afternoon|evening|night))?|the day after tomorrow"
    rf"|(?:this|next) (?:week|month|year|weekend|morning|afternoon|evening)"
    rf"|(?:the )?\w+ of (?:{_MONTHS})|(?:{_MONTHS}) \w+)"
    rf"(?: at {_HOUR}(?: thirty| fifteen| forty five| oclock)?(?: [ap] ?m)?)?(?!\S)"
)
_CLOCK = re.compile(rf"(?<!\S)(?:at )?({_HOUR}(?: thirty| fifteen| forty five| oclock)?(?: [ap] ?m)?)(?!\S)")
_NO = word_set("off no false not without never disable deactivate stop close unlock nope negative")
_YES = word_set("on yes true with enable activate start open lock sure yeah okay always")
_STOPPING = re.compile(r"(?:never ?mind|stop|cancel|forget it|no|nothing|leave it|no thanks|no thank you)$")

_NUMBERED = word_set("id number code reference ref pin")
_COUNTS = word_set("count quantity amount number num total")
_ORDINALS = {spoken_ordinal(number): number for number in range(1, 32)}

Span = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """What was found: the values by name, and which words they came from."""

    values: Mapping[str, Any]
    used: frozenset[int]


def find(
    reading: Reading,
    wanted: Sequence[Parameter],
    own: frozenset[int],
    vocabulary: Collection[str] = (),
    *,
    must: bool = False,
) -> Found:
    """The parameters that the words hold. `own` are the words that only name the function.

    `vocabulary` are the stems of its description, which are no value of a parameter that may be left out.
    `must`: the function was chosen for the person, so a required text is theirs as a whole if nothing else.
    """
    values: dict[str, Any] = {}
    used: set[int] = set()
    taken = set(own)
    order = sorted(wanted, key=_turn)
    for parameter in order:
        got = _one(reading, parameter, taken, alone=_alone(parameter, wanted))
        if got is None:
            continue
        values[parameter.name], (begin, end) = got
        used.update(range(begin, end))
        taken.update(range(begin, end))
    rest = [p for p in order if p.name not in values and _is_text(p) and p.required]
    rest = rest or [p for p in order if p.name not in values and _is_free(p)][:1]
    for parameter in rest[:1]:
        span = _left(reading, taken, vocabulary)
        if span is not None and not parameter.required:
            stems = [stem(word) for word in reading.words[span[0] : span[1]] if word not in EMPTY]
            span = None if all(one in vocabulary for one in stems) else span
        if span is not None and not _NUMBERED.isdisjoint(parameter.words):
            span = span if any(_numeric(word) for word in reading.words[span[0] : span[1]]) else None
        if span is not None:
            values[parameter.name] = _listed(parameter, reading.raw(*span))
            used.update(range(*span))
        elif must and _NUMBERED.isdisjoint(parameter.words) and parameter.required and len(reading):
            values[parameter.name] = _listed(parameter, reading.raw(0))
    for parameter in wanted:
        if parameter.name not in values and parameter.required:
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            elif len(parameter.choices) == 1:
                values[parameter.name] = parameter.choices[0]
    return Found({p.name: values[p.name] for p in wanted if p.name in values}, frozenset(used))


def answer(reading: Reading, parameter: Parameter) -> Any:
    """What an answer to a question for this parameter says; None when it says no such thing."""
    if not len(reading) or _STOPPING.match(reading.text):
        return None
    got = _one(reading, parameter, set(), alone=True)
    if got is not None:
        return got[0]
    if not _is_text(parameter):
        return None
    begin = 0
    while begin < len(reading) - 1 and reading.words[begin] in _TRIMMED:
        begin += 1
    return _listed(parameter, reading.raw(begin))


def stops(reading: Reading) -> bool:
    """Whether the words take the request back."""
    return _STOPPING.match(reading.text) is not None


def _turn(parameter: Parameter) -> int:
    """What is recognised by itself comes first; what takes the rest comes last."""
    if parameter.choices:
        return 0
    return {"number": 2, "integer": 2, "boolean": 4, "array": 5}.get(
        parameter.kind, 1 if _is_time(parameter) else 3
    )


def _one(reading: Reading, parameter: Parameter, taken: set[int], *, alone: bool) -> tuple[Any, Span] | None:
    if parameter.choices:
        return _choice(reading, parameter, taken)
    match parameter.kind:
        case "integer" | "number":
            return _number(reading, parameter, taken, alone=alone)
        case "boolean":
            return _switch(reading, parameter, alone=alone)
        case "string":
            return _text(reading, parameter, taken)
    return None


def _choice(reading: Reading, parameter: Parameter, taken: set[int]) -> tuple[Any, Span] | None:
    """The longest value whose words were said one after the other."""
    stems = [stem(word) for word in reading.words]
    best: tuple[int, Any, Span] | None = None
    chosen: list[tuple[Any, Span]] = []
    for value in parameter.choices:
        wanted = [stem(word) for word in re.findall(r"[^\W_]+", str(value).lower())]
        for begin in range(len(stems) - len(wanted) + 1):
            if wanted and stems[begin : begin + len(wanted)] == wanted:
                span = (begin, begin + len(wanted))
                chosen.append((value, span))
                if best is None or len(wanted) > best[0]:
                    best = (len(wanted), value, span)
                break
    if parameter.kind == "array" and chosen:
        begin, end = min(s[0] for _, s in chosen), max(s[1] for _, s in chosen)
        return [value for value, _ in chosen], (begin, end)
    return (best[1], best[2]) if best else None


def _number(
    reading: Reading, parameter: Parameter, taken: set[int], *, alone: bool
) -> tuple[Any, Span] | None:
    """A number nobody has taken; of several the one beside a word of the parameter's own."""
    words = reading.words
    found: list[tuple[float, Span]] = []
    at = 0
    while at < len(words):
        parsed = None if at in taken else _ORDINALS.get(words[at]) or parse_number(words, at)
        if isinstance(parsed, int):
            parsed = Fraction(parsed), at + 1
        if parsed is None or (words[at] in {"a", "second"} and len(words) > 1):
            at += 1
            continue
        value, end = parsed
        minus = at > 0 and words[at - 1] in {"minus", "negative", "-"}
        number = -float(value) if minus else float(value)
        if _allowed(number, parameter):
            found.append((number, (at - minus, end)))
        at = end
    if not found:
        return None
    own = content(parameter.words) | content(parameter.description)

    def near(candidate: tuple[float, Span]) -> bool:
        begin, end = candidate[1]
        around = words[max(0, begin - 2) : begin] + words[end : end + 2]
        return any(stem(word) in own for word in around)

    best = next((candidate for candidate in found if near(candidate)), None)
    if best is None:
        if not alone and not parameter.required and _COUNTS.isdisjoint(parameter.words):
            return None
        best = found[0]
    number, span = best
    return (int(number) if number.is_integer() else number), span


def _allowed(number: float, parameter: Parameter) -> bool:
    if parameter.kind == "integer" and not number.is_integer():
        return False
    return (parameter.least is None or number >= parameter.least) and (
        parameter.most is None or number <= parameter.most
    )


def _switch(reading: Reading, parameter: Parameter, *, alone: bool) -> tuple[bool, Span] | None:
    own = content(parameter.words)
    for i, word in enumerate(reading.words):
        if stem(word) in own and word not in _YES | _NO:
            before = reading.words[max(0, i - 2) : i]
            return not any(one in _NO for one in before), (i, i + 1)
    if not alone:
        return None
    for i, word in enumerate(reading.words):
        if word in _YES | _NO:
            return word in _YES, (i, i + 1)
    return None


def _text(reading: Reading, parameter: Parameter, taken: set[int]) -> tuple[str, Span] | None:
    words = set(parameter.words)
    if _is_time(parameter):
        return _when(reading, taken, clock="time" in words)
    if words & {"origin", "from", "source", "departure"}:
        return _after(reading, {"from"}, taken)
    if words & {"destination", "to", "target", "arrival"} and not words & _PERSON:
        return _after(reading, {"to", "into"}, taken) or _after(reading, _BEFORE_PLACE - {"from"}, taken)
    if words & {"email", "url", "website", "link"}:
        return _after(reading, {"to", "is", "at"}, taken, to_end=True, first=True)
    if words & _PLACE:
        return _after(reading, _BEFORE_PLACE, taken)
    if words & _BODY:
        return _after(reading, _BEFORE_BODY, taken, to_end=True)
    if words & _PERSON or words == {"to"}:
        return _after(reading, _BEFORE_PERSON, taken, stops=_STOPS | _PERSON_ENDS)
    return None


def _when(reading: Reading, taken: set[int], *, clock: bool) -> tuple[str, Span] | None:
    for pattern in (_CLOCK, _WHEN) if clock else (_WHEN,):
        for found in pattern.finditer(reading.text):
            span = reading.span(found)
            if clock and pattern is _CLOCK and reading.words[span.start] != "at" and "oclock" not in found[0]:
                continue  # a number is not an hour unless it is said to be
            if taken.isdisjoint(span):
                begin = span.start + (reading.words[span.start] in {"on", "at"})
                return reading.raw(begin, span.stop), (span.start, span.stop)
    return None


def _after(
    reading: Reading,
    openings: Iterable[str],
    taken: set[int],
    *,
    to_end: bool = False,
    first: bool = False,
    stops: frozenset[str] = _STOPS,
) -> tuple[str, Span] | None:
    """The words after the last (or first) of these that is followed by any, up to another part."""
    words = reading.words
    places = range(len(words) - 1)
    for i in places if first else reversed(places):
        if words[i] not in openings:
            continue
        begin = i + 1
        while begin < len(words) and words[begin] in {"the", "a", "an", "my", "is"}:
            begin += 1
        end = begin
        while end < len(words) and end not in taken and (to_end or words[end] not in stops):
            end += 1
        if end > begin and not all(word[0].isdigit() for word in words[begin:end]):
            return reading.raw(begin, end), (i, end)
    return None


def _left(reading: Reading, taken: set[int], vocabulary: Collection[str]) -> Span | None:
    """The longest run of words that nothing else explains, without what leads to it."""
    runs: list[Span] = []
    begin = 0
    for i in range(len(reading) + 1):
        if i == len(reading) or i in taken:
            runs.append((begin, i))
            begin = i + 1
    best: Span | None = None
    for begin, end in runs:
        while begin < end and (
            reading.words[begin] in _TRIMMED or (begin + 1 < end and stem(reading.words[begin]) in vocabulary)
        ):
            begin += 1
        while end > begin and reading.words[end - 1] in {
            "please",
            "to",
            "for",
            "and",
            "is",
            "my",
            "the",
            "on",
            "in",
        }:
            end -= 1
        meant = any(word not in EMPTY | BLAND for word in reading.words[begin:end])
        if meant and (best is None or end - begin > best[1] - best[0]):
            best = begin, end
    return best


def _numeric(word: str) -> bool:
    return word in NUMBER_WORDS or any(letter.isdigit() for letter in word)


def _listed(parameter: Parameter, text: str) -> Any:
    if parameter.kind != "array":
        return text
    return [part.strip() for part in re.split(r",| and ", text) if part.strip()]


def _is_text(parameter: Parameter) -> bool:
    return not parameter.choices and (
        parameter.kind == "string" or (parameter.kind == "array" and parameter.item == "string")
    )


def _is_free(parameter: Parameter) -> bool:
    """Whether it may be anything that was said, rather than a place, a person or a time."""
    known = (
        _PLACE | _PERSON | _TIME | {"origin", "from", "destination", "to", "id", "unit", "units", "language"}
    )
    return _is_text(parameter) and known.isdisjoint(parameter.words)


def _is_time(parameter: Parameter) -> bool:
    return parameter.kind == "string" and not _TIME.isdisjoint(parameter.words)


def _alone(parameter: Parameter, wanted: Sequence[Parameter]) -> bool:
    """Whether no other parameter could be meant by a bare value of this kind."""
    numeric = {"integer", "number"}
    same = numeric if parameter.kind in numeric else {parameter.kind}
    return sum(other.kind in same and not other.choices for other in wanted) == 1
