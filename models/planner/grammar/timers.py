"""Setting, cancelling and asking about timers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.plan import CancelTimer, SetTimer
from models.planner.durations import find_duration, parse_clock, seconds_until, spoken_duration
from models.planner.grammar.clock import now
from models.planner.phonetic import similarity
from models.planner.rules import Candidate, Context, Rule, compiled, everything, rule, search, whole
from models.planner.vocabulary import word_set
from models.planner.words import Reading

_LONGEST = 86_400  # seconds; models/plan.py allows no longer timer
_LABEL_LENGTH = 80
_TIMER = r"timer|timers|alarm|alarms|countdown|count down|reminder|reminders|stopwatch|egg timer"
_SETTING = r"set|start|put|make|create|give|begin|run|add|need|want|new|another|schedule|have|do"
_REMINDING = (
    r"remind me|wake me(?: up)?|alert me|notify me|ping me|nudge me|warn me|(?:let me know|tell me"
    r"|call me|beep|shout|buzz)(?= (?:in|when|after|at)\b)|let me know|know when"
    r"|know in|know after|know at"
)
_QUESTION = "For how long should the timer run?"
_LABEL_OPENINGS = word_set(
    "to for that about called named labelled labeled saying my the a an in after at when on of is are"
)
_LABEL_NEVER = word_set(
    "timer timers alarm it me up one and please set start new another then now time"
    " long left running countdown"
)


def _label(reading: Reading, taken: set[int]) -> tuple[str, set[int]]:
    """What the timer is for: the words nothing else explains, as the person said them."""
    words = reading.words
    for marker in (r"(?:called|named|labelled|labeled|saying)", r"remind me(?= )", r"(?:for|to|about|that)"):
        for found in compiled(marker).finditer(reading.text):
            begin = reading.span(found).stop
            while begin < len(words) and (begin in taken or words[begin] in _LABEL_OPENINGS):
                begin += 1
            end = begin
            while end < len(words) and end not in taken and end - begin < 12:
                end += 1
            while end > begin and words[end - 1] in {"in", "for", "at", "after", "to", "and"}:
                end -= 1
            if end > begin and not set(words[begin:end]) <= _LABEL_NEVER:
                return reading.raw(begin, end)[:_LABEL_LENGTH], set(range(begin, end))
    if kind := search(
        reading, r"(?:a|an|the|my|another|new|set|start) ([a-z]+(?: [a-z]+)?) (?:timer|alarm|countdown)"
    ):
        span = [
            i
            for i in reading.span(kind, 1)
            if i not in taken and words[i] not in _LABEL_NEVER | _LABEL_OPENINGS
        ]
        if span and span[-1] - span[0] + 1 == len(span):
            return reading.raw(span[0], span[-1] + 1)[:_LABEL_LENGTH], set(span)
    return "", set()


def _moment(reading: Reading, context: Context) -> tuple[float, int, int] | None:
    """A time of day ("at half past six") as seconds from now, and its words."""
    moment = now(context)
    for found in compiled(r"(?:at|for|until|by)").finditer(reading.text):
        begin = reading.span(found).stop
        clock = parse_clock(reading.words, begin)
        if clock and moment:
            hour, minute, exact, end = clock
            return seconds_until(moment, hour, minute, exact=exact), begin - 1, end
    return None


@rule(
    "timer timers alarm alarms countdown count remind reminder wake alert notify nudge warn"
    " ping tell let know beep stopwatch call shout buzz"
)
def set_timer(reading: Reading, context: Context) -> Candidate | None:
    """Set a timer for a span of time or until a time of day; ask for the time when none was said."""
    noun, asking = search(reading, _TIMER), search(reading, _REMINDING)
    if not noun and not asking:
        return None
    if search(
        reading,
        (
            r"cancel|stop|delete|remove|clear|kill|how (?:long|much|many)|turn off|any|left"
            r"|remaining|what|which|when (?:is|does|will)(?= )|is there|end|pause|extend"
            r"|longer|to the timer"
        ),
    ):
        return None
    if _two(reading):
        return None
    explained = {i for found in (noun, asking) if found for i in reading.span(found)}
    if verb := search(reading, _SETTING):
        explained |= set(reading.span(verb))
    span = find_duration(reading.words)
    when = span or _moment(reading, context)
    if when is None:
        if not noun and not search(reading, r"remind me|wake me(?: up)?"):
            return None
        return Candidate((_QUESTION,), 0.86, frozenset(explained))
    seconds, begin, end = when
    explained |= set(range(begin, end))
    if not 0 < seconds <= _LONGEST:
        problem = (
            "I can set timers of up to one day only."
            if seconds > 0
            else "A timer needs more than no time at all."
        )
        return Candidate((problem,), 0.9, everything(reading))
    label, words = _label(reading, explained)
    gist = f"set a timer for {spoken_duration(seconds)}" + (f" for {label}" if label else "")
    return Candidate((SetTimer(seconds=seconds, label=label),), 0.97, frozenset(explained | words), gist)


def _two(reading: Reading) -> bool:
    """Whether two timers are asked for, so that the utterance must be cut between them."""
    for joint in compiled("and|then").finditer(reading.text):
        at = reading.span(joint).start
        halves = (reading.part(0, at), reading.part(at + 1, len(reading)))
        if all(search(h, f"{_TIMER}|{_REMINDING}") and find_duration(h.words) for h in halves):
            return True
    return False


def _bare_duration(reading: Reading, context: Context) -> Candidate | None:
    """A duration and nothing else: the answer to our question, or perhaps a timer."""
    span = find_duration(reading.words)
    if span is None or span[1] > 2 or span[2] < len(reading) or not 0 < span[0] <= _LONGEST:
        return None
    if not set(reading.words[: span[1]]) <= {"for", "in", "make", "it", "about", "say"}:
        return None
    if context.last_said.endswith(_QUESTION):
        return Candidate((SetTimer(seconds=span[0], label=""),), 1.0, everything(reading))
    return Candidate((f"Shall I set a timer for {spoken_duration(span[0])}?",), 0.8, everything(reading))


bare_duration = Rule(
    "bare_duration", word_set("second seconds minute minutes hour hours min mins"), _bare_duration
)


def labels(timers: Sequence[str]) -> list[str]:
    """The labels of running timers ("tea, 42 seconds left" -> "tea")."""
    return [timer.rpartition(",")[0].strip() for timer in timers]


def _named(reading: Reading, timers: Sequence[str]) -> str:
    """The label among the running timers that the person seems to mean; empty when none."""
    best = ("", 0.0)
    for label in labels(timers):
        for word in re.findall(r"\w+", label.lower()):
            if len(word) > 2:
                likeness = max((similarity(word, said) for said in reading.words), default=0.0)
                best = max(best, (label, likeness), key=lambda pair: pair[1])
    return best[0] if best[1] > 0.8 else ""


@rule("timer timers alarm alarms countdown reminder reminders stopwatch")
def cancel_timer(reading: Reading, context: Context) -> Candidate | None:
    """Cancel a timer by label, or all."""
    found = search(
        reading,
        (
            rf"(?:cancel|stop|delete|remove|clear|kill|turn off|switch off|end|forget(?:"
            rf" about)?|scrap|drop|get rid of|do not|abort|dismiss|shut off|silence)(?:"
            rf" \w+){{0,4}} (?:{_TIMER})"
        ),
    )
    if not found:
        return None
    timers = context.situation.timers
    if not timers:
        return Candidate(("There is no timer running.",), 0.97, everything(reading))
    label = _named(reading, timers)
    named = search(reading, rf"(?:the|my|that) (\w+(?: \w+)?) (?:{_TIMER})")
    if (
        not label
        and named
        and named[1] not in {"last", "first", "current", "other", "whole"}
        and len(timers) > 1
        and find_duration(reading.words) is None
    ):
        there = ", ".join(name or "one without a name" for name in labels(timers))
        return Candidate(
            (f"I have no timer for {named[1]}. Running now: {there}.",), 0.95, everything(reading)
        )
    return Candidate((CancelTimer(label=label),), 0.98, everything(reading), "cancel the timer")


@rule("timer timers alarm alarms countdown left long remaining remains many reminders")
def ask_timer(reading: Reading, context: Context) -> Candidate | None:
    """Say how long the timers still run."""
    found = search(
        reading,
        rf"(?:how (?:long|much(?: time| longer)?|many (?:minutes|seconds|hours|time))(?:"
        rf" \w+){{0,6}} (?:left|remaining|remains?|to go|{_TIMER}|go)"
        rf"|(?:what|which|any|are there(?: any)?|do i have(?: any)?|is there|have i|list"
        rf"|check|show|tell)(?: \w+){{0,4}} (?:{_TIMER})(?: (?:are |is )?(?:running|set"
        rf"|on|left|active|at|there))*"
        rf"|(?:time (?:is )?(?:left|remaining))(?: on (?:my|the) (?:{_TIMER}))?|(?:is"
        rf"|are)(?: \w+){{1,3}} (?:{_TIMER}) (?:done|over|running|still|on|finished|still"
        rf" running)|when (?:is|does|will)(?: \w+){{1,3}} (?:{_TIMER})(?: \w+)?|status"
        rf" of(?: \w+){{1,2}} (?:{_TIMER}))",
    )
    if not found:
        return None
    timers = context.situation.timers
    explained = frozenset(reading.span(found)) | {
        i for i, w in enumerate(reading.words) if w in {"timer", "alarm"}
    }
    if not timers:
        return Candidate(("No timer is running.",), 0.96, explained)
    label = _named(reading, timers)
    chosen = [timer for timer, name in zip(timers, labels(timers), strict=True) if not label or name == label]
    return Candidate(
        (". ".join(f"{timer[:1].upper()}{timer[1:]}" for timer in chosen) + ".",),
        0.96,
        explained | {i for i, w in enumerate(reading.words) if w in label.lower().split()},
    )


@rule("timer alarm countdown")
def change_timer(reading: Reading, context: Context) -> Candidate | None:
    """Lengthening and pausing do not exist; say what does."""
    if not search(
        reading,
        (
            r"(?:pause|extend|lengthen|shorten|restart|reset|resume)(?: \w+){0,3} (?:timer"
            r"|alarm|countdown)|(?:add|take)(?: \w+){1,6} (?:to|off|from)(?: \w+){0,2}"
            r" (?:timer|alarm)|(?:timer|alarm)(?: \w+)? (?:longer|shorter|louder)"
        ),
    ):
        return None
    return Candidate(
        ("I can't change a running timer, but I can cancel it and set a new one.",), 0.97, everything(reading)
    )


@rule("minutes minute seconds second hour hours")
def be_late(reading: Reading, context: Context) -> Candidate | None:
    """A duration with a purpose and no verb: "ten minutes for the pasta"."""
    found = whole(reading, r".+ for (?:the|my|some)? ?(\w+(?: \w+)?)")
    span = find_duration(reading.words)
    if (
        not found
        or span is None
        or span[1] > 0
        or not 0 < span[0] <= _LONGEST
        or reading.words[span[2] : span[2] + 1] != ("for",)
    ):
        return None
    label = reading.raw(*(lambda r: (r.start, r.stop))(reading.span(found, 1)))[:_LABEL_LENGTH]
    gist = f"set a timer for {spoken_duration(span[0])} for {label}"
    return Candidate((SetTimer(seconds=span[0], label=label),), 0.8, everything(reading), gist)


RULES: tuple[Rule, ...] = (set_timer, bare_duration, cancel_timer, ask_timer, change_timer, be_late)
