"""Spans of time and times of day, as people say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from models.planner.numbers import parse_number, spoken_integer
from models.planner.vocabulary import word_set

_UNITS = {
    **dict.fromkeys(word_set("second seconds sec secs s"), 1),
    **dict.fromkeys(word_set("minute minutes min mins"), 60),
    **dict.fromkeys(word_set("hour hours hr hrs h"), 3600),
    **dict.fromkeys(word_set("day days"), 86_400),
}
UNIT_WORDS = word_set("second seconds minute minutes hour hours day days")
_VAGUE = {"couple": 2, "few": 3}
_HALF_DAYS = {"noon": 12, "midday": 12, "midnight": 0}
_MORNING = frozenset({"am", "morning"})
_EVENING = frozenset({"pm", "afternoon", "evening", "night"})


def parse_duration(words: Sequence[str], at: int, *, loose: bool = True) -> tuple[float, int] | None:
    """Read a duration that begins at `words[at]`: (seconds, index after it), None when there is none.

    `loose` believes words that sound like digits when a unit follows ("for to minutes").
    """
    total, begin, unit = Fraction(0), at, 0
    while found := _one(
        words, at + 1 if at > begin and _at(words, at) == "and" else at, loose=loose and at == begin
    ):
        seconds, after, unit_after = found
        if unit and unit_after >= unit:
            break
        total, at, unit = total + seconds, after, unit_after
    if at > begin and unit > 1:  # "an hour and a half", "one hour thirty"
        skip = at + 1 if _at(words, at) == "and" else at
        part = parse_number(words, skip)
        if part and part[0] < 1:
            total, at = total + part[0] * unit, part[1]
        elif (
            part
            and skip == at
            and part[0] < 60
            and part[0].denominator == 1
            and unit <= 3600
            and total % unit == 0
        ):
            total, at = total + part[0] * unit / 60, part[1]
    return (float(total), at) if at > begin else None


def _at(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _one(words: Sequence[str], at: int, *, loose: bool) -> tuple[Fraction, int, int] | None:
    """A number and a unit: (seconds, index after, seconds of the unit)."""
    word = _at(words, at)
    value, after = Fraction(1), at
    if word in {"a", "an"} and _at(words, at + 1) in _UNITS:
        after = at + 1
    elif word in _VAGUE or (word == "a" and _at(words, at + 1) in _VAGUE):
        after = at + (1 if word in _VAGUE else 2)
        value = Fraction(_VAGUE[words[after - 1]])
    elif number := parse_number(words, at, loose=loose):
        value, after = number
    else:
        return None
    while (
        _at(words, after) in {"of", "a", "an", "more"} and value != 1
    ):  # "half an hour", "three quarters of an hour"
        after += 1
    scale = _UNITS.get(_at(words, after))
    return None if scale is None else (value * scale, after + 1, scale)


def find_duration(words: Sequence[str]) -> tuple[float, int, int] | None:
    """The first duration among the words: (seconds, begin, end)."""
    for begin in range(len(words)):
        if found := parse_duration(words, begin):
            return found[0], begin, found[1]
    return None


def parse_clock(words: Sequence[str], at: int) -> tuple[int, int, bool, int] | None:
    """Read a time of day: (hour, minute, whether the half of the day was said, index after it).

    "half past six", "quarter to nine", "seven thirty", "7:30 pm", "noon", "six in the evening".
    """
    if (word := _at(words, at)) in _HALF_DAYS:
        return _HALF_DAYS[word], 0, True, at + 1
    if found := re.fullmatch(r"(\d{1,2}):(\d{2})", word):
        hour, minute, after = int(found[1]), int(found[2]), at + 1
    elif (number := parse_number(words, at + 1 if word == "a" else at)) is None:
        return None
    elif _at(words, number[1]) in {"past", "to", "after", "before"} or _at(words, number[1] + 1) in {
        "past",
        "to",
    }:
        middle = number[1] if _at(words, number[1]) in {"past", "to", "after", "before"} else number[1] + 1
        full = parse_number(words, middle + 1)
        offset = number[0] * 60 if number[0] < 1 else number[0]
        if full is None or full[0].denominator != 1 or offset.denominator != 1:
            return None
        minutes = int(full[0]) * 60 + int(offset) * (1 if words[middle] in {"past", "after"} else -1)
        hour, minute, after = minutes // 60, minutes % 60, full[1]
    else:
        if number[0].denominator != 1:
            return None
        hour, minute, after = int(number[0]), 0, number[1]
        following = parse_number(words, after)
        if following and following[0].denominator == 1 and 10 <= following[0] < 60:
            minute, after = int(following[0]), following[1]
    if not (0 <= hour < 24 and 0 <= minute < 60):
        return None
    return _half_of_day(words, hour, minute, after)


def _half_of_day(words: Sequence[str], hour: int, minute: int, after: int) -> tuple[int, int, bool, int]:
    if _at(words, after) == "oclock":
        after += 1
    said, ahead = hour > 12, after
    while _at(words, ahead) in {"in", "the", "at", "a", "p"} and ahead < after + 2:
        ahead += 1
    half = _at(words, ahead)
    if half == "m" and _at(words, ahead - 1) in {"a", "p"}:  # "seven a m"
        half = _at(words, ahead - 1) + "m"
    if half in _EVENING and hour <= 12:
        return (hour % 12) + 12, minute, True, ahead + 1
    if half in _MORNING and hour <= 12:
        return hour % 12, minute, True, ahead + 1
    return hour, minute, said, after


def seconds_until(now: datetime, hour: int, minute: int, *, exact: bool) -> float:
    """Seconds from `now` to the next such time of day; unless `exact`, the nearer of morning and evening."""
    step = timedelta(days=1) if exact else timedelta(hours=12)
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0) - timedelta(days=1)
    while at <= now:
        at += step
    return (at - now).total_seconds()


def spoken_duration(seconds: float) -> str:
    """Seconds in words, to the second: 5400 -> "one hour and thirty minutes"."""
    left, parts = round(seconds), []
    for name, scale in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, scale)
        if count:
            parts.append(f"{spoken_integer(count)} {name}{'' if count == 1 else 's'}")
    if not parts:
        return "less than a second"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"


_PARTS_OF_DAY = (
    (5, "at night"),
    (12, "in the morning"),
    (18, "in the afternoon"),
    (22, "in the evening"),
    (24, "at night"),
)


def spoken_clock(now: datetime) -> str:
    """A time of day in words: "ten past four in the afternoon"."""
    hour, minute = now.hour, now.minute
    if (hour, minute) in {(0, 0), (12, 0)}:
        return "noon" if hour else "midnight"
    part = next(name for until, name in _PARTS_OF_DAY if hour < until)
    named = {15: "quarter", 30: "half"}
    if minute == 0:
        return f"{spoken_integer(hour % 12 or 12)} o'clock {part}"
    near, word, base = (minute, "past", hour) if minute <= 30 else (60 - minute, "to", hour + 1)
    unit = "" if near % 5 == 0 else " minute" if near == 1 else " minutes"
    return f"{named.get(near, spoken_integer(near) + unit)} {word} {spoken_integer(base % 12 or 12)} {part}"
