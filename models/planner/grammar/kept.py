"""What is done with what was kept (`capture.py`): played, read, and what cannot be done to it yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from models.plan import KeepSaid, PlayArtefact, Step
from models.planner.durations import spoken_duration
from models.planner.rules import Act, Candidate, Context, Rule, everything, observation, rule, search, whole
from models.planner.words import Reading, read


class Kept(NamedTuple):
    """Something that was kept: what it is, what it is called, its words, and how long ago (messages)."""

    kind: str
    name: str
    text: str
    age: int


JUST_NOW = 2  # messages: the event, and what was said of it
_KEEPING = {"keep_said": "recording", "keep_text": "dictation"}
_PLAYING = frozenset({"play_music", "play_sound"})


def kept(context: Context) -> Kept | None:
    """What was kept last."""
    messages = context.request.messages
    said = {message.call_id: message.content for message in messages if message.role == "tool"}
    for age, message in enumerate(reversed(messages)):
        if message.role == "system":
            event = observation(message.content)
            if event.get("event") == "captured" and event.get("state", "done") == "done":
                return Kept(str(event.get("kind")), str(event.get("name")), str(event.get("text") or ""), age)
        for call in reversed(message.calls):
            facts = observation(said.get(call.call_id, ""))
            if call.name in _KEEPING and facts.get("ok") is True:
                return Kept(_KEEPING[call.name], str(facts.get("name")), str(facts.get("text") or ""), age)
    return None


def newest_is_kept(context: Context, thing: Kept | None) -> bool:
    """Whether it came after every piece and sound that was played."""
    newer = context.request.messages[len(context.request.messages) - thing.age :] if thing else ()
    return thing is not None and not any(call.name in _PLAYING for m in newer for call in m.calls)


# What the person said before this request.
BEFORE = (
    r"(?:what i (?:have )?(?:just )?(?:said|told you|sang|hummed|asked)(?: you)?(?: just now| before| earlier"
    r"| last| now)*|(?:the )?last (?:thing|words?|sentence|bit) i (?:just )?said|my last (?:words|sentence"
    r"|question|request|utterance))"
)
_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|to|too|for)"
_MINE = r"(?:recording|dictation|take|memo|voice|note|humming|hum|singing)"
_ANYONES = r"(?:tune|melody|clip|message|audio|sentence|file|song|result)"
_ORDER = r"(?:last |first |second |third |latest |newest |previous |other )?"
_PLAY = r"(?:play|replay|playback|hear|listen to|let us hear|repeat)"
# What is on the shelf goes by its number there, counted over all kinds, or by that of its kind.
_SHELF_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|twenty)"
_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|\d+ ?(?:st|nd|rd|th))"
)
_THING = r"(?:piece|item|thing|artefact|artifact|entry|sound|effect|track|picture|music)"
_ANY_THING = rf"(?:{_THING}|{_MINE}|{_ANYONES})"
_NUMBERED = rf"(?:the |my )?(?:{_ANY_THING} )?(?:number|no) (?:{_SHELF_NUMBER}|to|too|for)"
_IN_ORDER = rf"(?:{_ANY_THING} {_SHELF_NUMBER}|(?:the|my|that|our) (?:very )?{_ORDINAL} (?:one|{_ANY_THING}))"
_PLAY_SHELF = rf"(?:{_PLAY}|go back to|back to|return to|to)(?: me)?(?: back)?"
_ONCE_MORE = (
    r"(?: (?:back|again|once more|one more time|instead|now|for me|to me"
    r"|from (?:the )?(?:beginning|start|top)|(?:on|from|of|in) (?:the|my|our) (?:shelf|list)))*"
)


@rule("play replay playback hear listen recording repeat number back return first second third")
def play_kept(reading: Reading, context: Context) -> Candidate | None:
    """Play what was kept."""
    thing = kept(context)
    newest = newest_is_kept(context, thing)
    if found := whole(
        reading, rf"{_PLAY}(?: me)?(?: back)? ({BEFORE}|what i (?:recorded|hummed|sang))(?: back| again)*"
    ):
        acts: tuple[Act, ...] = (PlayArtefact(name=found[1]),)
        if re.search("said|told|asked|last", found[1]) and not (newest and thing and thing.age <= JUST_NOW):
            acts = (KeepSaid(), *acts)
        return Candidate(acts, 0.98, everything(reading))
    more = rf"{_PLAY}(?: me)?(?: back)?"
    sure = (
        rf"(?:my|the|that|this|our) {_ORDER}{_MINE}(?: of me)?(?: number)?(?: {_NUMBER})?"
        rf"|my {_ORDER}{_ANYONES}(?: {_NUMBER})?|(?:{_MINE}|number|tune|clip)(?: number)? {_NUMBER}"
    )
    found = whole(reading, rf"{_PLAY_SHELF} ({_NUMBERED}){_ONCE_MORE}")
    if found is None and (thing is not None or context.played):  # or else "the second piece" is one to make
        found = whole(reading, rf"{_PLAY_SHELF} ({_IN_ORDER}){_ONCE_MORE}")
    brubeck = thing is None and reading.text.endswith("take five")  # the piece
    if found is not None and not brubeck:
        return Candidate((PlayArtefact(name=found[1]),), 0.99, everything(reading))
    found = whole(reading, rf"{more} ({sure})(?: back| again)*")
    if found is None and thing is not None:
        found = whole(reading, rf"{more} ((?:the|that|this) {_ORDER}{_ANYONES})(?: back| again)*")
    if found is not None and not (thing is None and found[1].startswith("take ")):
        return Candidate((PlayArtefact(name=found[1]),), 0.97, everything(reading))
    back = whole(reading, rf"{_PLAY}(?: (?:it|that|this|everything))? back(?: to me| again)*|playback")
    again = whole(reading, r"(?:play|replay|hear) (?:it|that|this)(?: again)?(?: now)?")
    if (back and (newest or not context.played)) or (again and newest):
        return Candidate((PlayArtefact(),), 0.98, everything(reading))
    return None


_WHAT_IT_SAYS = (
    r"(?:read|say|repeat|tell me|give me|show me)(?: me)?(?: (?:it|that|this|back|out|aloud|to me))*"
    r"(?: (?:my|the|that) (?:last )?(?:note|dictation|memo|text|words))?(?: (?:back|to me|again|out|aloud))*"
    r"|what (?:does|did) (?:my|the|that) (?:note|memo|dictation|recording|text) say|what (?:did|have) i"
    r" (?:dictate|written|write|note|dictated)(?: down)?|what is (?:in|on) (?:my|the) (?:note|memo|dictation)"
    r"|what (?:did|have) you (?:write|written|note|noted)(?: down)?"
)
_SAID_LAST = r"what (?:did|have|was) i (?:just )?(?:say|said|saying)(?: just now| before| last| to you)*"


@rule("read say repeat tell give show what")
def read_kept(reading: Reading, context: Context) -> Candidate | None:
    """Say the words of what was kept."""
    thing = kept(context)
    if whole(reading, _SAID_LAST):
        user = next(
            (i for i, m in enumerate(reversed(context.request.messages)) if i and m.role == "user"), 0
        )
        if thing and thing.text and (not user or thing.age < user):
            return Candidate((f"You said: {thing.text}",), 0.98, everything(reading))
        return None
    if not whole(reading, _WHAT_IT_SAYS):
        return None
    named = search(reading, r"note|memo|dictation|recording|text|dictated?|written|write|noted?")
    if thing is None and (named or search(reading, "(?:read|say|repeat)(?: it| that| this)? back")):
        return Candidate(("There is nothing written down yet; say: take a note.",), 0.97, everything(reading))
    if thing is None or not (named or (search(reading, "back|out|aloud") and newest_is_kept(context, thing))):
        return None
    return Candidate((_words_of(thing),), 0.97, everything(reading))


def _words_of(thing: Kept) -> str:
    if not thing.text:
        return f"I understood no words in {thing.name}, but I can play it back."
    return f"{thing.name.capitalize()} says: {thing.text}"


# -- what to do with it -----------------------------------------------------------------------------------

# What cannot be done to it yet; a row goes when a tool for it comes.
_CANNOT: tuple[tuple[str, str], ...] = (
    (r"sing|singing|rap", "sing it"),
    (r"clean|de ?noise|enhance|restore|remove (?:the )?(?:noise|hiss|hum|echo)", "clean it up"),
    (
        r"(?:over|on|under|behind|with) (?:a|an|some|the) .*(?:beat|drums?|music|track|groove)",
        "put it over a beat",
    ),
    (
        r"(?:make|turn|play|compose|convert)\b.*\b(?:it|that|this|melody|tune)\b.*\b(?:trio|quartet|band"
        r"|orchestra|piece|song|waltz|jazz|rock|style|music|march|ballad|version|piano|guitar|choir|beat"
        r"|samba"
        r"|tango|blues|techno|lullaby|symphony)|arrange|harmoni[sz]e|orchestrate|accompany",
        "make music of it",
    ),
    (r"pan|left|right|behind me|round|around|binaural", "move it in space"),
    (r"slower|faster|higher|lower|pitch|transpose|reverse|backwards|stretch", "change its speed or pitch"),
    (r"translat\w+|in (?:german|french|spanish|italian)", "translate it"),
    (r"send|email|e mail|post|share", "send it to anybody"),
    (r"midi|mp3|ogg|flac", "save it in that form"),
    (r"loop|cut|trim|splice|patch|repair|fix|louder|softer", "edit it"),
    (r"describe|what (?:notes?|key)|analy[sz]e|which notes?", "analyse it"),
)
_NEAREST = {
    "dictation": "I can say it or play it back",
    "melody": "I can play it back as you gave it",
    "recording": "I can play it back as it is",
}
_DOWNLOAD = "It is on the shelf of the page, which can download it."
_AS_FILE = r"download|export|(?:save|get|have|give me) .*(?:as a file|wav|my computer|my disk)"
_IT = r"it|that|this|(?:my|the) (?:last )?(?:recording|voice|tune|melody|humming|note|clip|dictation|take)"
_REPEATS = (
    r"(?:read|say|repeat|tell|show|write)(?: me)?"
    r"(?: (?:it|that|back|to me|out|aloud|down|again|the (?:text|words)))+"
)
_PLAYS = (
    r"(?:play|hear|listen to|let me hear)"
    r"(?: (?:me|it|that|back|the result|the recording|everything|to me|again))*"
)


@rule()
def treat(reading: Reading, context: Context) -> Candidate | None:
    """What cannot be done to a recording that is there: the sentence names that one."""
    thing = kept(context)
    if thing is None or not search(reading, _IT):
        return None
    named = search(reading, r"(?:my|the) (?:last )?(?:recording|voice|humming|note|dictation|take)")
    if not (named or (newest_is_kept(context, thing) and context.situation.playing is None)):
        return None
    if search(reading, _AS_FILE) and not search(reading, r"midi|mp3|ogg|flac"):
        return Candidate((_DOWNLOAD,), 0.95, everything(reading))
    if found := _cannot([reading.text]):
        return Candidate((_refusal(found, thing.kind),), 0.95, everything(reading))
    return None


def _cannot(clauses: Sequence[str]) -> list[str]:
    """What of the clauses cannot be done, in words, each once."""
    found = [
        next((words for pattern, words in _CANNOT if re.search(rf"\b(?:{pattern})\b", text)), "")
        for text in clauses
    ]
    return [words for words in dict.fromkeys(found) if words]


def _refusal(found: Sequence[str], kind: str) -> str:
    things = " or ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    return f"I can't {things} yet; {_NEAREST.get(kind, _NEAREST['recording'])}."


def after_capture(event: Mapping[str, object], plan: Callable[[str], Sequence[Act]]) -> list[Act]:
    """What to say and do about what was captured. `plan` plans a request as if the person had said it."""
    kind, then = str(event.get("kind")), str(event.get("then") or "")
    state = event.get("state", "done")
    if state == "cancelled":
        return ["Okay, I kept nothing."]
    if state == "empty":
        nothing = (
            "understood no words, so I wrote nothing down" if kind == "dictation" else "heard nothing to keep"
        )
        return [f"I {nothing}."]
    told = _told(kind, event)
    if not then:
        return [told]
    clauses = [read(part).text for part in re.split(r"[,;.]|\band\b|\bthen\b", then) if part.strip()]
    plays = [c for c in clauses if re.fullmatch(_PLAYS, c)]
    others = [c for c in clauses if c not in plays and not re.fullmatch(_REPEATS, c)]
    if cannot := _cannot(others):
        rest = plan(" and ".join(clause for clause in others if not _cannot([clause])) or then)
        return [told, _refusal(cannot, kind), *(act for act in rest if isinstance(act, Step))]
    if others:
        return [told, *plan(then)]
    if plays:
        return [PlayArtefact(name=str(event.get("artefact") or ""))]  # its sound, with no words over it
    return [told]


def _told(kind: str, event: Mapping[str, object]) -> str:
    if kind == "dictation":
        return f"I wrote down: {str(event.get('text')).rstrip('. ')}."
    seconds = event.get("seconds")
    length = f", {spoken_duration(max(1, round(seconds)))}" if isinstance(seconds, int | float) else ""
    return f"I have your {'tune' if kind == 'melody' else 'recording'}{length}."


_ABOUT_IT: tuple[tuple[str, str], ...] = (
    (
        r"(?:stop|end|finish|cancel) (?:the |taking )?(?:recording|listening|dictation|capture|writing"
        r"|notes)",
        "I'm not recording anything.",
    ),
    (
        r"(?:do not|never) (?:record|tape|write|note|keep|save)(?: \w+){1,4}|(?:are"
        r"|do) you (?:now )?(?:record"
        r"|recording|tape|taping|keep|save)(?: (?:me|this|us|that|what i say|my voice|everything|it|all"
        r"|now))*",
        "I keep a recording or a note only when you ask me to.",
    ),
    (
        r"(?:delete|erase|remove|forget|throw away) (?:my|the|that|this|all)(?: last)? (?:recordings?|notes?"
        r"|tunes?|voice|dictation)(?: of me)?",
        "I can't delete it yet, but it goes by itself some time after this conversation.",
    ),
    (
        r"how (?:do|can) (?:i|you) (?:record|tape|take|dictate|make|write)(?: \w+){0,3} ?(?:notes?"
        r"|something|me"
        r"|recordings?|myself|down|my voice)",
        "Say: record me; or: take a note; or: I'll hum a tune.",
    ),
)


@rule(
    "recording record listening dictation writing capture tape taping notes note keep save tune delete erase"
)
def about_it(reading: Reading, context: Context) -> Candidate | None:
    """Questions and wishes about keeping as such."""
    for pattern, words in _ABOUT_IT:
        if whole(reading, pattern):
            return Candidate((words,), 0.98, everything(reading))
    return None


RULES: tuple[Rule, ...] = (play_kept, read_kept, treat, about_it)
