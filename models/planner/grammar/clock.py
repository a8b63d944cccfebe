"""The time and the date."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.planner.durations import spoken_clock
from models.planner.numbers import spoken_ordinal
from models.planner.rules import Candidate, Context, Rule, rule, search
from models.planner.words import Reading

_TIME = (
    r"what (?:time|hour) (?:is it|do (?:you|we) have|have you got|it is)|what is the"
    r" (?:current |exact |right )?(?:time|hour)"
    r"|what (?:time|clock)|(?:tell|give) me (?:what )?(?:the )?(?:current |exact )?time(?: it is)?"
    r"|(?:have|do) you (?:got|have|know|got any idea) (?:the|what) time(?: it is)?"
    r"|how late is it|time check|the time|current time|time"
    r"|(?:is|know|wonder|say|check|need) (?:what |the )?(?:current )?time(?: (?:is it|it is|of day))?"
)
_PLACES = r"(?:in|at|over in) (?!the\b|this\b|my\b|here\b|a\b|now\b|total\b|seconds\b)([a-z]+(?: [a-z]+)?)"
_DATE = (
    r"what(?: is| was| will be)? (?:the |today'?s |tomorrow'?s |yesterday'?s"
    r" )?(?:current )?(?:day|date|weekday|month|year)(?: of the (?:week|month))?(?:"
    r" (?:is|was|will) (?:it|today|tomorrow|yesterday)(?: be)?| do we have| are"
    r" we(?: in)?| we have)?"
    r"|(?:what|which) (?:day|date|weekday|month|year)(?: of the week)?(?: (?:is it"
    r"|is today|is tomorrow|was yesterday|it is|have we|do we have|are we in))?"
    r"|(?:tell|give) me (?:the |today'?s |what )?(?:date|day|month|year)|(?:today'?s"
    r"|the) date|date|(?:is it|are we) (?:what|which) day"
)
_DAYS = {"tomorrow": 1, "yesterday": -1}


def now(context: Context) -> datetime | None:
    """The person's time of day, if the edge told it properly."""
    try:
        return datetime.fromisoformat(context.situation.now)
    except ValueError:
        return None


@rule("time late hour clock")
def tell_time(reading: Reading, context: Context) -> Candidate | None:
    """Say the time here; for another place say that it is only known here."""
    if {
        "times",
        "timer",
        "timers",
        "half",
        "double",
        "three",
        "3",
        "piece",
        "left",
        "long",
    } & reading.vocabulary:
        return None
    found = search(reading, _TIME)
    moment = now(context)
    if not found or search(reading, r"(?:last|first|this|next|every|long|any|some|of|same) time"):
        return None
    if moment is None:
        return Candidate(
            ("I can't tell the time: the clock of this machine gave none.",),
            0.9,
            frozenset(reading.span(found)),
        )
    explained = frozenset(reading.span(found))
    confidence = 0.97 if len(found[0].split()) > 1 else 0.8
    here = spoken_clock(moment)
    if place := search(reading, _PLACES):
        explained |= frozenset(reading.span(place))
        return Candidate((f"I only know the time here: it's {here}.",), confidence, explained)
    return Candidate((f"It's {here}.",), confidence, explained)


@rule("date day weekday month year")
def tell_date(reading: Reading, context: Context) -> Candidate | None:
    """Say today's, tomorrow's or yesterday's date."""
    found = search(reading, _DATE)
    moment = now(context)
    if not found or moment is None or search(reading, r"(?:every|all|good|nice|a|your|play) day"):
        return None
    explained = set(reading.span(found))
    named = next(
        (word for word in _DAYS if word in reading.vocabulary or f"{word}s" in reading.vocabulary), ""
    )
    explained |= {
        i for i, word in enumerate(reading.words) if word.rstrip("s").rstrip("'") in {"today", "it", named}
    }
    day = moment + timedelta(days=_DAYS.get(named, 0))
    if "year" in reading.vocabulary:
        words = f"It's {day.year}."
    elif "month" in reading.vocabulary and "day" not in reading.vocabulary:
        words = f"It's {day:%B}."
    else:
        subject = {"tomorrow": "Tomorrow is", "yesterday": "Yesterday was"}.get(named, "It's")
        words = f"{subject} {day:%A}, the {spoken_ordinal(day.day)} of {day:%B}."
    return Candidate((words,), 0.96 if len(found[0].split()) > 1 else 0.75, frozenset(explained))


RULES: tuple[Rule, ...] = (tell_time, tell_date)
