"""Keeping what the person gives: dictation, a hummed tune, a recording.

Material comes after the request ("write down what I say next") or with it ("write down: buy milk"), or was
said before it ("save what I just said").
"""

from __future__ import annotations

import re
from typing import Literal

from models.plan import Capture, KeepSaid, KeepText
from models.planner.grammar.kept import BEFORE, JUST_NOW, kept, newest_is_kept
from models.planner.rules import (
    JOINTS,
    OPENINGS,
    Candidate,
    Context,
    Rule,
    compiled,
    everything,
    rule,
    search,
    whole,
)
from models.planner.words import Reading

CaptureKind = Literal["dictation", "melody", "recording"]


# -- material that comes next -----------------------------------------------------------------------------

_I = r"(?:i (?:will|am going to|am about to|shall|can|want to|would like to) |let me |me )"
_SING = r"(?:hum|sing|whistle|beatbox|humming|singing|whistling)"
_TUNE = r"(?:tune|melody|song|theme|line|riff|motif|chorus|idea|bit|part|one|thing)"
_A_TUNE = (
    rf"(?:(?:you |to you |for you )?(?:(?:a|the|my|this|some|that)(?: \w+)? {_TUNE}|something|this|it|one)"
    rf"(?: to you| for you| now| i (?:know|like|made up|wrote| have in mind))*|(?:to|for) you)"
)
_MELODY = (
    rf"(?:{_I}(?:just |now )?)?{_SING}(?: {_A_TUNE})?"
    rf"|(?:listen )?to (?:(?:this|my)(?: \w+)? {_TUNE}|my (?:humming|singing|whistling)|me {_SING}"
    rf"|what i (?:hum|sing|whistle))"
    r"|(?:here is|here comes|i have(?: got)?|there is) (?:a|my|the) (?:little )?(?:tune|melody)"
    r"(?: for you| in (?:my head|mind))*"
    r"|(?:record|capture|take|use|get|note) what i (?:hum|sing|whistle)"
    rf"|(?:record|capture|take|catch|pick up) (?:me {_SING}|(?:my|this|the|a) (?:hum|humming|tune|melody"
    r"|singing|song|whistling))(?: i (?:hum|sing|whistle|am going to (?:hum|sing)))?"
)
_SAYING = (
    r"(?:(?:what|whatever|everything|anything|all) i (?:say|tell you|dictate|read(?: to you| out)?"
    r"|am (?:saying|going to say|about to say"
    r"|going to tell you)|will (?:say|tell you))|the next (?:thing|things|words|sentence"
    r"|sentences|few words) ?(?:that )?(?:i say)?|my (?:next )?(?:words|sentence|sentences|speech)|what comes"
    r" next|what follows|the following(?: (?:words|text|sentence|sentences|note|lines))?)"
    r"(?: (?:next|now|from now on|in a (?:moment|second|minute)|to you|afterwards))*"
)
_THIS = r"(?:this|these words|this (?:sentence|text))"
_NOTE = r"(?:a|another|one|my|some|the)? ?(?:new |quick |little |short )?(?:notes?|memos?|dictation)"
_WRITE = r"(?:(?:write|note|jot|take|type|put) down|write|type|transcribe|jot|note|take down)"
_DICTATION = (
    rf"{_WRITE} {_SAYING}(?: down)?|(?:write|note|take|jot|type|put) {_SAYING} down"
    r"|(?:take|start|begin|do) (?:a |some )?(?:dictation|dictating)|dictation(?: mode)?"
    rf"|{_I}?dictate(?: (?:something|to you|you something|a (?:note|text|letter|message|memo|sentence)"
    r"|some(?:thing)? (?:text|words)|my notes?))*|take (?:a |this )?(?:letter|dictation)"
    r"|listen and (?:write|transcribe)(?: (?:it|this))?(?: down)?|transcribe (?:me|my (?:voice|speech|words)"
    r"|live)|(?:turn|make|convert) (?:what i say|my (?:speech|words)) (?:in ?to|to) (?:text|writing|words)"
    r"|(?:write|note|take|jot|get|put|type) (?:something|some words|a few words|a sentence) down"
    r"|(?:write|note|jot|take) down (?:something|some words|a few words|a sentence)"
)
# After these the words may come in the same breath.
_NOTING = (
    rf"(?:write|note|jot|take|put|type) down(?: {_THIS}| {_NOTE})?|(?:write|note|jot|take|put|type) {_THIS}"
    rf" down|(?:take|make|write|start|create|add|leave|begin)(?: me| myself| down)? {_NOTE}|new (?:note|memo)"
    r"|(?:a )?note to (?:self|myself)"
)
_VOICE = (
    r"(?:me|us|myself|this(?: (?:conversation|meeting|message|room|sound|talk|call|one))?"
    r"|my (?:own )?(?:voice|speech|words|talk|talking|speaking|reading|playing)|something"
    rf"|{_SAYING}|(?:a|another|some|the|one)(?: short| quick| new| little)? ?(?:voice )?(?:message|memo|clip"
    r"|sample|recording|take|audio|sound|note|conversation|meeting|room|bit of (?:me|this|my voice)))"
)
_RECORDING = (
    rf"(?:record|tape|capture) {_VOICE}(?: of (?:me|my voice|this))?(?: (?:next|now|speaking|talking"
    rf"|saying something|reading|playing"
    r"|for (?:a|an|the|\w+)(?: \w+)? (?:seconds?|minutes?|moment|while)"
    r"|for a (?:second|minute|moment|while|bit)))*"
    r"|(?:start|begin) (?:a |the |another |new )?(?:voice |audio |sound )?(?:recording|record|taping)"
    r"(?: (?:me|now|my voice|this|of me))*"
    r"|(?:make|take) (?:an?|another|one|the)(?: new| short| quick)? (?:voice |audio |sound )?recording"
    r"(?: of (?:me|my voice|this))?"
    r"|(?:listen )?to this|(?:i (?:will|want to|am going to) )?(?:make|leave) a voice (?:note|memo|message)"
    r"|(?:a )?voice (?:memo|note)"
)
_RECORD_ANY = r"(?:record|tape) (?:the|my|some|our|a|an)(?: (?!with\b|without\b)\w+){1,4}"
_NO_VERB = r"record (?:player|store|shop|label|deal|breaking|high|low|collection|sleeve)|records"
_KINDS: tuple[tuple[CaptureKind, str, float], ...] = (
    ("melody", _MELODY, 0.98),
    ("dictation", _DICTATION, 0.98),
    ("recording", _RECORDING, 0.98),
    ("recording", _RECORD_ANY, 0.88),
)
_YOU_SING = re.compile(rf"\b(?:you|can|could|please)(?: \w+){{0,2}}? {_SING}\b|^\W*{_SING}\b", re.IGNORECASE)
_I_SING = re.compile(
    rf"\b(?:i|i'll|i'm|i'd|me|i'll|my|this)\b(?:(?! you\b)[ ']\w+){{0,5}}? {_SING}|my {_SING}", re.IGNORECASE
)
_THEN = r"(?:and |then |also |but |so )*(?:you |could you |can you |please )?"


@rule(
    "write take note notes memo jot type down dictate dictation transcribe record recording tape capture hum"
    " humming sing singing whistle listen tune melody voice turn"
)
def capture(reading: Reading, context: Context) -> Candidate | None:
    """What comes next is material, and what is asked beyond that is to be done with it."""
    if search(reading, _NO_VERB):
        return None
    for kind, pattern, confidence in _KINDS:
        found = compiled(pattern).match(reading.text)
        if found is None or (kind == "melody" and not _is_mine(reading)):
            continue
        then = _rest(reading, reading.span(found).stop)
        if kind == "melody" and then and not _goes_on(reading, reading.span(found).stop):
            continue  # "I'm going to sing in the choir"
        step = Capture(kind=kind, then=then[:300])
        return Candidate((step,), confidence, everything(reading), verbatim=bool(then))
    return _turned_round(reading)


def _is_mine(reading: Reading) -> bool:
    """Whether the person is to sing, rather than asking us to."""
    source = reading.source.replace("’", "'")
    if not re.search(_SING, source, re.IGNORECASE):
        return True
    return _I_SING.search(source) is not None and not re.search(
        rf"\byou(?: please| now)? {_SING}\b", source, re.IGNORECASE
    )


def _goes_on(reading: Reading, begin: int) -> bool:
    """Whether another request begins at this word: after a joint, a stop, or with a verb that opens one."""
    return (
        reading.words[begin] in JOINTS | OPENINGS | {"you", "arrange", "clean"}
        or reading.tokens[begin - 1].ends_sentence
        or _comma(reading, begin)
    )


def _comma(reading: Reading, begin: int) -> bool:
    between = reading.source[reading.tokens[begin - 1].end : reading.tokens[begin].begin]
    return any(sign in between for sign in ",;:.-–—")


def _rest(reading: Reading, begin: int) -> str:
    """What follows, without the words that join it on."""
    if begin >= len(reading):
        return ""
    return re.sub(rf"^{_THEN}", "", reading.raw(begin), flags=re.IGNORECASE).strip(" ,.;:!?")


_MATERIAL = (
    rf"(?:what i (?:{_SING}|am going to {_SING})|(?:my|the) (?:humming|singing|whistling)|(?:the|a) (?:tune"
    rf"|melody|song) (?:that )?i (?:will |am going to |am about to )?{_SING}|{_SAYING})"
)


def _turned_round(reading: Reading) -> Candidate | None:
    """What to do comes first: "make a jazz trio from what I hum", "sing what I say next"."""
    found = whole(
        reading,
        rf"((?:make|turn|play|arrange|compose|create|sing|clean|repeat|read)\b.*?) ({_MATERIAL})((?: .+)?)",
    )
    if found is None:
        return None
    kind: CaptureKind = "melody" if re.search(_SING, found[2]) else "dictation"
    then = f"{found[1]} it{found[3]}"
    return Candidate((Capture(kind=kind, then=then[:300]),), 0.97, everything(reading), verbatim=True)


# -- material that comes with the request ------------------------------------------------------------------

_INLINE = (
    rf"(?:{_NOTING}|note|memo|remember)(?: (?:that|this|to|of|saying|which says|with the (?:text|words)"
    r"|the (?:following|words|text|sentence)))*"
)


@rule("write note take jot put type make memo remember leave add start create new")
def note(reading: Reading, context: Context) -> Candidate | None:
    """The words come with the request; where none do, they come next."""
    found = compiled(_INLINE).match(reading.text)
    if not found or search(reading, r"what i|(?:i|you) (?:just )?said"):
        return None
    begin = reading.span(found).stop
    begun = whole(reading.part(0, begin), rf"(?:{_NOTING})(?: this| the following)?")
    if begin >= len(reading):
        if not begun:
            return None
        return Candidate((Capture(kind="dictation"),), 0.97, everything(reading))
    colon = ":" in reading.source[reading.tokens[begin - 1].begin : reading.tokens[begin].begin]
    if begun and not colon and reading.words[begin] in JOINTS:
        then = _rest(reading, begin)
        return Candidate(
            (Capture(kind="dictation", then=then[:300]),), 0.97, everything(reading), verbatim=True
        )
    if reading.words[0] in {"note", "memo", "remember"} and not (
        colon or _statement(reading, begin, found[0])
    ):
        return None
    text = reading.raw(begin).strip(" ,;:\"'“”‘’")
    if not text or text.lower() in {"that", "it", "this", "me"} or len(text) > 2_000:
        return None
    return Candidate((KeepText(text=text),), 0.97, everything(reading), verbatim=True)


def _statement(reading: Reading, begin: int, opening: str) -> bool:
    """ "Note that the rent is due", but not "note that in A minor"."""
    if opening == "note" or opening == "memo" or len(reading) - begin < 2:
        return False
    if opening.startswith("remember") and "that" not in opening:
        return False
    return reading.words[begin] not in {"in", "at", "on", "as", "with", "for", "by", "up", "down", "is"}


# -- material that was given before --------------------------------------------------------------------------

_THAT = (
    r"(?:(?:that|this|the|my)(?: last)? (?:recording|clip|audio|take|sentence|tune|note|melody|dictation)"
    r"(?: of (?:me|mine|my voice))?)"
)
_KEEP = r"(?:save|keep|store|remember|hold on to|retain)"
_WRITE_DOWN = r"(?:write|note|jot|take|put|get)"


@rule("save keep store remember write note jot take put make record transcribe hold retain get")
def keep_said(reading: Reading, context: Context) -> Candidate | None:
    """Keep what the person said before this."""
    thing = kept(context)
    if whole(reading, rf"{_KEEP} (?:{_THAT}|that|it)") and newest_is_kept(context, thing) and thing:
        return Candidate((f"It is kept already, as {thing.name}.",), 0.97, everything(reading))
    plain = rf"(?:{_KEEP}|record|transcribe|{_WRITE_DOWN} down|write) {BEFORE}(?: down)?"
    down = (
        rf"{_WRITE_DOWN} (?:that|it|{BEFORE}) down|make a note of (?:that|it|{BEFORE})|note that"
        rf"|{_WRITE_DOWN} down (?:that|it)"
    )
    if whole(reading, plain) or whole(reading, down):
        if newest_is_kept(context, thing) and thing and thing.age <= JUST_NOW and thing.text:
            # What was captured is no part of the conversation: the words before this are older.
            return Candidate((KeepText(text=thing.text),), 0.98, everything(reading))
        return Candidate((KeepSaid(),), 0.98, everything(reading))
    if whole(reading, rf"{_KEEP} {_THAT}"):
        return Candidate((KeepSaid(),), 0.97, everything(reading))
    if context.music_plays or not whole(reading, rf"{_KEEP} that|record that"):
        return None
    return Candidate((KeepSaid(),), 0.9, everything(reading))


RULES: tuple[Rule, ...] = (keep_said, capture, note)
