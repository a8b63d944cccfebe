"""What a client's function returned, as it can be spoken: text as it is, JSON as its facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from models.planner.functions.stems import parts

MOST_FACTS = 8  # of an object: some ten seconds of speech
MOST_ITEMS = 4  # of a list
_MOST_DEPTH = 3

_SAYS_IT = ("say", "answer", "message", "text", "result", "output", "summary", "content", "response")
_DONE = ("ok", "success", "successful", "done")
_FAILED = ("error", "errors", "failure", "reason")
# What ends the name of a measured value: temperature_c, wind_kmh.
_UNITS = {
    "c": " degrees Celsius",
    "celsius": " degrees Celsius",
    "f": " degrees Fahrenheit",
    "fahrenheit": " degrees Fahrenheit",
    "percent": " percent",
    "pct": " percent",
    "kmh": " kilometres an hour",
    "kph": " kilometres an hour",
    "mph": " miles an hour",
    "km": " kilometres",
    "kg": " kilograms",
    "mm": " millimetres",
    "eur": " euros",
    "usd": " dollars",
    "gbp": " pounds",
    "seconds": " seconds",
    "minutes": " minutes",
    "hours": " hours",
}
_MARKS = re.compile(r"[*_`#|<>{}\[\]]+")


def spoken(output: str) -> str:
    """A sentence or two for one output; empty for an output that has nothing to say."""
    text = output.strip()
    if not text:
        return "Done."
    if text[0] not in '{["-0123456789tfn':
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return _sentence(_value(value)) or "Done."


def _value(value: Any, depth: int = 0) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case float():
            return f"{value:.2f}".rstrip("0").rstrip(".")
        case str():
            return value.strip()
        case dict() if depth < _MOST_DEPTH:
            return _facts(value, depth)
        case list() if depth < _MOST_DEPTH:
            return _items(value, depth)
    return ""


def _facts(facts: Mapping[Any, Any], depth: int) -> str:
    for key in _FAILED:
        if facts.get(key):
            return f"That did not work: {_value(facts[key], depth + 1)}"
    for key in _DONE:
        if facts.get(key) is False:
            said = next((facts[name] for name in _SAYS_IT if isinstance(facts.get(name), str)), "")
            return f"That did not work{': ' if said else ''}{said}"
    for key in _SAYS_IT:
        if isinstance(facts.get(key), str) and facts[key].strip():
            return str(facts[key])
    told = [
        _fact(str(key), value, depth)
        for key, value in facts.items()
        if key not in _DONE and value is not None
    ]
    told = [fact for fact in told if fact]
    more = len(told) - MOST_FACTS
    return ", ".join(told[:MOST_FACTS]) + (f", and {more} more" if more > 0 else "")


def _fact(key: str, value: Any, depth: int) -> str:
    said = _value(value, depth + 1)
    if not said:
        return ""
    words = parts(key)
    unit = _UNITS.get(words[-1], "") if len(words) > 1 and isinstance(value, int | float) else ""
    name = " ".join(words[:-1] if unit else words) or key
    said += unit
    return said if len(name) < 2 or name in _SAYS_IT else f"{name} {said}"


def _items(items: Sequence[Any], depth: int) -> str:
    said = [one for one in (_value(item, depth + 1) for item in items) if one]
    if not said:
        return "nothing found" if not items else ""
    more = len(said) - MOST_ITEMS
    shown = said[:MOST_ITEMS] + ([f"{more} more"] if more > 0 else [])
    joint = "; " if any(isinstance(item, dict) for item in items) else ", "
    return joint.join(shown[:-1]) + f" and {shown[-1]}" if len(shown) > 1 else shown[0]


def _sentence(text: str) -> str:
    text = " ".join(_MARKS.sub(" ", text).split())
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")
