"""Stopping, going on, loudness and pace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, TypeVar

from models.plan import ResumePlaying, SetPace, SetVolume, StopPlaying
from models.planner.rules import Candidate, Context, Rule, compiled, everything, rule, search, whole
from models.planner.words import Reading

_PLAYING = (
    r"(?:the |this |that |my |all |of |any )*(?:music|song|sound|sounds|piece|tune"
    r"|playing|playback|noise|track|audio|melody|beat|it|this|that|everything|rain"
    r"|racket|din|thing|radio|one)"
)
_Loudness = Literal["louder", "softer", "mute", "normal"]
_Speed = Literal["slower", "faster", "normal"]

_STOP = (
    r"(?:just )?(?:stop|halt|cease|quit|pause|freeze|enough|silence|hush|quiet|shush"
    r"|shh|shut up|shut it|cut|cut it out|knock it off|stop it|zip it|basta)"
    r"(?: (?:it|that|this|now|there|already|stop|right there|okay|enough|everything|all))*"
    r"|(?:be|keep|go|stay|get) (?:quiet|silent|still|softer)(?: now)?|(?:that is"
    r"|that will be|this is) (?:enough|all|it)|that will do|no more|i have heard"
    r" enough|give it a rest|abort|enough of (?:that|this|it)"
)
_STOP_TALKING = (
    r"(?:stop|quit|cease) (?:talking|speaking|reading|rambling|explaining|chatting"
    r"|yapping)|do not (?:talk|speak)|no more talking|save it"
)
_STOP_MUSIC = (
    rf"(?:stop|halt|end|kill|pause|cut|quit|cease|cancel|shut (?:off|down)|turn off"
    rf"|switch off|shut up|lose|finish|drop|enough of|no more) {_PLAYING}"
    rf"|(?:turn|switch|shut|cut|pause|take|fade) (?:{_PLAYING} )(?:off|out|away|down"
    rf" now)|(?:stop|quit|cease|end) (?:playing|playback|making)(?: \w+){{0,3}}|fade"
    rf" out"
)


@rule(
    "stop halt cease quit pause freeze enough silence hush quiet silent shush shh"
    " shut cut knock zip basta still that no more give abort talk talking speaking"
    " softer end kill cancel turn switch lose finish drop fade do save heard take"
)
def stop(reading: Reading, context: Context) -> Candidate | None:
    """Fall silent. What was being said is cut by the barge-in itself, so only what plays needs a tool."""
    playing = context.situation.playing is not None
    if search(reading, r"timer|timers|alarm|alarms|countdown|drums|until i say stop|after|in \d+"):
        return None
    if whole(reading, _STOP_TALKING):
        return Candidate((), 0.99, everything(reading))
    if whole(reading, _STOP):
        return Candidate((StopPlaying(),) if playing else (), 0.99, everything(reading))
    found = search(reading, _STOP_MUSIC)
    if not found or reading.words[0] == "do":
        return None
    acts = (StopPlaying(),) if playing else ("Nothing is playing.",)
    return Candidate(acts, 0.97, frozenset(reading.span(found)), "stop the music")


_GO_ON = (
    r"(?:go on|go ahead|carry on|continue|keep (?:going|on|talking|playing|it going"
    r"|it on|it up|it playing)|resume|proceed|do not stop|unpause|finish (?:that"
    r"|your sentence|it|what you were saying)|start again where you (?:stopped|left"
    r" off)|"
    r"(?:go on|continue|carry on|pick up) (?:from |where )+you (?:were|stopped|left"
    r" off)|and then what|what else|tell me more)"
)
_RESUME = (
    rf"(?:continue|resume|restart|unpause|carry on(?: with)?|go on(?: with)?|keep(?:"
    rf" on)? playing|turn(?: back)? on|go back to|back to|bring back|start)"
    rf" (?:playing )?(?:{_PLAYING})(?: back)?(?: (?:on|playing|going|again))*"
)


@rule(
    "go carry continue keep resume proceed unpause stop finish pick tell restart"
    " start more what bring back turn"
)
def go_on(reading: Reading, context: Context) -> Candidate | None:
    """Take up what was interrupted: the music, or the sentence (`intent.py` speaks its rest)."""
    if search(reading, r"start(?: with)? (?:something|a)|timer"):
        return None
    found, music = (
        whole(
            reading,
            (
                rf"{_GO_ON}(?: (?:then|now|please|a bit|for (?:a while|ever)|until i (?:say"
                rf"|tell)(?: you)?(?: to)? (?:stop|enough)))*"
            ),
        ),
        search(reading, _RESUME),
    )
    if search(reading, r"until i (?:say|tell)") and context.brief is not None:
        return None  # a piece without an end: the music grammar's
    if music and (context.situation.playing is not None or context.played):
        return Candidate((ResumePlaying(),), 0.95, frozenset(reading.span(music)), "go on with the music")
    if music and "start" not in reading.vocabulary and "restart" not in reading.vocabulary and not found:
        return Candidate(
            ("There is nothing to go on with. Tell me what to play.",), 0.9, frozenset(reading.span(music))
        )
    if not found:
        return None
    acts: tuple[str | ResumePlaying, ...] = (
        (ResumePlaying(),) if context.situation.playing is not None else ()
    )
    if context.interrupted:
        acts = (REST, *acts)
    return Candidate(acts or ("There is nothing to go on with.",), 0.96, everything(reading))


REST = "\0rest"  # stands for the words that the person's interruption left unsaid

_ALL = r"(?:it|that|this|the volume|volume|the sound|everything|the loudness)"
_MUSIC = r"(?:the |this )?(?:music|song|piece|tune|track|melody|beat)"
_VOICE = r"(?:you|your voice|the voice|yourself|your volume|the speech|voice)"
_ANY = rf"(?:{_ALL}|{_MUSIC}|{_VOICE})"
_MUCH = r"(?:much |way |far |a (?:bit|little|touch|lot|tad) |even |slightly |some |somewhat |too |so |very )*"
_CHANGES: tuple[tuple[_Loudness, str], ...] = (
    (
        "mute",
        (
            rf"mute(?: {_ANY})?|(?:turn|switch) (?:off )?{_ALL} (?:volume )?(?:off )?to zero"
            rf"|volume (?:to )?zero|(?:turn|switch) off {_MUSIC} volume"
        ),
    ),
    (
        "normal",
        (
            rf"un ?mute(?: {_ANY})?|(?:normal|regular|original|default|usual) (?:volume"
            rf"|loudness)|(?:volume|{_ANY})(?: back)?(?: up| down)? to (?:normal|default|the"
            rf" original)|reset (?:the )?volume"
        ),
    ),
    (
        "softer",
        (
            rf"{_MUCH}(?:softer|lower(?= volume)|less loud)|(?:turn|bring|dial|tone) {_ANY}"
            rf" down|(?:turn|bring|dial|tone) down {_ANY}|(?:lower|reduce|decrease|drop|cut)"
            rf" (?:the |your )?(?:volume|loudness|music|voice)(?: volume)?|volume down|down with"
            rf" the volume|too loud|not (?:so|that|as|too) loud|quiet down|keep {_ANY} down"
            rf"|(?:be|speak|talk|play|sound|go|get|whisper) {_MUCH}(?:softer|softly|quiet"
            rf"|quietly|less loud(?:ly)?|more (?:softly|quietly))|(?:turn|bring) {_ANY} (?:a"
            rf" (?:bit|little) )?down|a bit down|whisper|softly"
        ),
    ),
    (
        "louder",
        (
            rf"{_MUCH}louder|(?:turn|crank|pump|bring|dial) {_ANY} up|(?:turn|crank|pump"
            rf"|bring|dial) up {_ANY}|(?:raise|increase|boost) (?:the |your )?(?:volume|loudness"
            rf"|music|voice)(?: volume)?|volume up|more volume|up with the volume|too"
            rf" (?:quiet|soft|silent)|not loud enough|speak up|(?:can not|could not|can"
            rf" hardly|can barely|barely|hardly|do not) hear (?:you|it|that|this|the music|a"
            rf" thing|anything)|(?:turn|bring) {_ANY} (?:a (?:bit|little) )?up|talk up"
        ),
    ),
)


Choice = TypeVar("Choice", bound=str)


def _first(reading: Reading, choices: Sequence[tuple[Choice, str]]) -> tuple[Choice, re.Match[str] | None]:
    """The first choice whose pattern is found, and where; the last one and None when none is."""
    for choice, pattern in choices:
        if found := search(reading, pattern):
            return choice, found
    return choices[-1][0], None


@rule(
    "volume loud louder softer mute unmute un quiet quietly soft softly silent turn"
    " bring crank pump dial tone speak hear whisper lower raise reduce increase"
    " decrease boost loudness talk up down"
)
def volume(reading: Reading, context: Context) -> Candidate | None:
    """Louder, softer, mute, normal; of all, the music or the voice."""
    if search(reading, r"(?:instrument|timer|drums|louder than|octave|tone|semitone|third|key)$") or search(
        reading, r"slower|faster"
    ):
        return None
    change, found = _first(reading, _CHANGES)
    if found is None:
        return None
    explained = set(reading.span(found))
    if level := search(reading, r"(?:to|at|by) (?:\d+|[a-z]+ ?[a-z]*) percent"):
        words = (
            f"I can't set a level in percent, but I can go {change}."
            if change in {"louder", "softer"}
            else "I can't set a level in percent."
        )
        return Candidate((words,), 0.9, frozenset(explained | set(reading.span(level))))
    target = "all"
    if search(reading, rf"(?:{_MUSIC}|play)"):
        target = "music"
    elif search(reading, r"you|your voice|your|yourself|the voice|voice|speak|talk|whisper|say"):
        target = "voice"
    extra = compiled(rf"{_ANY}|make|speak|talk|play|turn|sound|go|a bit|a little|much").finditer(reading.text)
    explained |= {i for match in extra for i in reading.span(match)}
    return Candidate((SetVolume(change=change, target=target),), 0.96, frozenset(explained))


_TALK = (
    r"(?:speak|talk|say (?:it|that|this)|read|go|your (?:speech|voice|speed|pace)"
    r"|speaking|talking|the voice|you)"
)
_SLOW = (
    rf"{_TALK}(?: \w+)? {_MUCH}(?:more )?(?:slow|slower|slowly)|too (?:fast|quick"
    rf"|quickly)|slow down|slow (?:your|it) \w* ?down|not so (?:fast|quick|quickly)"
    rf"|slower|(?:slow|slower) (?:speech|voice|speed|pace)|more slowly"
)
_FAST = (
    rf"{_TALK}(?: \w+)? {_MUCH}(?:more )?(?:fast|faster|quick|quicker|quickly)|too"
    rf" (?:slow|slowly)|(?:speed|hurry) up|faster|quicker|not so (?:slow|slowly)"
    rf"|(?:fast|faster) (?:speech|voice|speed|pace)|more quickly"
)
_NORMAL = (
    r"(?:speak|talk|normal|usual|regular|default)(?: at)?(?: (?:a|the|your))?"
    r" ?(?:normal|usual|regular|default)? (?:speed|pace|rate|tempo of speech)"
    r"|(?:speak|talk) normally"
)


_PACES: tuple[tuple[_Speed, str], ...] = (("normal", _NORMAL), ("slower", _SLOW), ("faster", _FAST))


@rule("slow slower slowly fast faster quick quicker quickly speed pace rate normally hurry")
def pace(reading: Reading, context: Context) -> Candidate | None:
    """Speak slower or faster. While music plays, a bare "slower" means the music."""
    change, found = _first(reading, _PACES)
    if found is None:
        return None
    about_voice = search(reading, r"speak|talk|talking|speaking|your|voice|say|read|you|speech")
    if search(reading, r"music|song|piece|tempo|beat|play") or (context.music_plays and not about_voice):
        return None
    explained = set(reading.span(found))
    explained |= {
        i
        for i, word in enumerate(reading.words)
        if word
        in {
            "speak",
            "talk",
            "talking",
            "voice",
            "much",
            "far",
            "way",
            "lot",
            "more",
            "make",
            "little",
            "down",
        }
    }
    return Candidate((SetPace(change=change),), 0.96 if about_voice else 0.85, frozenset(explained))


RULES: tuple[Rule, ...] = (stop, go_on, volume, pace)
