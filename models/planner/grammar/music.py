"""Music asked for, changed while it plays, and asked about."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import ValidationError

from models.plan import MusicBrief, PlayMusic, ResumePlaying
from models.planner.grammar import music_words as names
from models.planner.grammar.music_edits import changes, known_key, known_tempo
from models.planner.grammar.music_slots import Slots, fill
from models.planner.grammar.sound_words import AMBIGUOUS, SOURCES
from models.planner.rules import Candidate, Context, Played, Rule, rule, search
from models.planner.vocabulary import word_set
from models.planner.words import Reading

PLAY = (
    r"(?:play|put on|start(?: playing)?|make|compose|create|generate|write|improvise"
    r"|perform|produce|give|hear|want(?: to hear)?|spin"
    r"|like(?: to hear)?|have|got|need|listen to|jam|do|love(?: to hear)?|love|get|throw"
    r" on|put|come up with|invent|how about|fancy|in the mood for|feel like|go for"
    r"|begin(?: with)?|bring|drop|try|arrange)"
    r"(?: (?:me|us|up|now|out|just|with|back))*"
)
_ASKS = word_set("what who why which is are does did do was were whose when where can tell")
_THING = r"(?:something|anything|whatever|some|stuff|any)"
_DESCRIPTION = 500  # characters; models/plan.py allows no more
VOCABULARY = (
    frozenset(
        word
        for table in (names.STYLES, names.INSTRUMENTS, names.MOODS, names.TEMPI, names.MODES)
        for phrase in table
        for word in phrase.split()
        if len(word) > 1
    )
    | names.NOUNS
)
_CUES = (
    word_set("play music song piece tune something anything some compose minor major key another same")
    | {word for phrase in (*names.STYLES, *names.INSTRUMENTS, *names.MOODS) for word in phrase.split()}
    | names.NOUNS
)


def _brief(fields: dict[str, Any]) -> MusicBrief | None:
    try:
        return MusicBrief.model_validate(fields)
    except ValidationError:
        return None


def _story(reading: Reading, slots: Slots) -> bool:
    """Whether the words tell a course of moods over time."""
    moods = slots.fields.get("mood", ())
    return len(moods) > 1 and bool(
        search(reading, r"then|after \w+ bars?|end(?:ing)?|finish|later|gradually|build up")
    )


@rule(_CUES | {"put", "start", "make", "give", "hear"})
def play_music(reading: Reading, context: Context) -> Candidate | None:
    """A new piece, described."""
    words = reading.words
    if words[0] in _ASKS and words[:2] not in {("how", "about"), ("do", "some")}:
        return None
    verb = re.match(rf"(?:i would |i am |i |we |to )*(?:{PLAY})(?!\S)", reading.text) or search(
        reading, r"play(?: me| us)?"
    )
    slots = fill(reading)
    thing = search(reading, _THING)
    nouns = {i for i, word in enumerate(words) if word in names.NOUNS}
    sounds = {word for word in words if word in SOURCES - AMBIGUOUS - slots_words(reading, slots)}
    explained = slots.explained | nouns
    if "instruments" in slots.fields:
        explained |= {i for i, word in enumerate(words) if word in {"playing", "audio", "sound"}}
    opening = range(0)
    if verb:
        opening = reading.span(verb)
        explained |= set(opening)
    if thing:
        explained |= set(reading.span(thing))
    evidence = (
        slots.names_music
        or _story(reading, slots)
        or bool(nouns)
        or (bool(thing) and bool(verb) and bool({"mood", "tempo"} & slots.fields.keys()))
    )
    confidence = 0.95 if verb else 0.82
    if not evidence:
        if not (verb and thing and search(reading, r"play|put on|hear|listen to|compose")) and not (
            verb and "mood" in slots.fields and words[0] == "play"
        ):
            return None
        confidence = 0.9 if len(explained) >= len(words) - 1 else 0.72
    if (
        not verb
        and words[0] not in {"some", "a", "an", "something", "more", "the", "music", "any"}
        and not slots.names_music
        and len(explained) < len(words)
    ):
        return None
    if "sing" in reading.vocabulary:
        return None
    if sounds and not slots.names_music:
        confidence = min(confidence, 0.7)
    if elsewhere := search(
        reading, r"(?:about|for|by|like|from|inspired by|at|of|to) (?:the |a |an |my )?[a-z]+(?: [a-z]+)?$"
    ):
        # What a piece is about goes into its description; half explained, so that an artist's name
        # still tells.
        # ("by the sea" is a place, "by the Beatles" is not.)
        place = SOURCES & set(elsewhere[0].split())
        explained |= set(reading.span(elsewhere)) if place else set(list(reading.span(elsewhere))[:2])
    slots.fields["description"] = (
        reading.raw(opening.stop if opening and opening.start == 0 else 0)[:_DESCRIPTION]
        or reading.raw(0)[:_DESCRIPTION]
    )
    acts: tuple[str | PlayMusic, ...]
    if _story(reading, slots):
        first = slots.fields["mood"][0]
        slots.fields["mood"] = (first,)
        slots.fields.pop("bars", None)
        explained |= {
            i
            for i, word in enumerate(words)
            if word in {"then", "after", "bars", "end", "four", "4", "eight", "8", "finish"}
        }
        tell = (
            f"I can't change a piece at a set time yet, so I start {first}; ask me for the"
            f" next part when you want it."
        )
        brief = _brief(slots.fields)
        acts = (tell, PlayMusic(brief=brief)) if brief else ()
    else:
        brief = _brief(slots.fields)
        acts = (PlayMusic(brief=brief),) if brief else ()
    return (
        Candidate(acts, confidence, frozenset(explained), f"play {slots.fields['description']}")
        if acts
        else None
    )


def slots_words(reading: Reading, slots: Slots) -> frozenset[str]:
    """The words that the slots took."""
    return frozenset(reading.words[i] for i in slots.explained)


@rule("play put start")
def unknown_piece(reading: Reading, context: Context) -> Candidate | None:
    """A title or an artist: there are no recordings here."""
    found = re.match(
        (
            r"(?:play|put on)(?: me| us)?(?: the song| the album| something by| some)?"
            r" (?!it\b|that\b|this\b|again\b|the sound)(.+)"
        ),
        reading.text,
    )
    if not found:
        return None
    words = "I have no recordings, but I can make up music: tell me a style, a mood or instruments."
    confidence = 0.4 if SOURCES & reading.vocabulary else 0.62
    return Candidate((words,), confidence, frozenset(range(len(reading))))


_SAME = (
    r"(?:the )?same (?:thing|one|piece|tune|song|music|again)|(?:play |do )?(?:that"
    r"|it|this)(?: one| piece| tune| song)? again|again|(?:from the )?(?:top"
    r"|beginning|start)(?: again)?|start over|replay(?: it| that)?|(?:play |do"
    r" )?(?:that|it|this) (?:once more|one more time)|repeat (?:the|that|this)"
    r" (?:song|piece|tune|music)|once more|one more time|encore"
)
_ANOTHER = (
    r"(?:another|a new|a different|one more)(?: \w+)?(?: (?:one|take|version"
    r"|variation|piece|song|tune|like (?:that|this|it)))|another|(?:an? )?variation"
    r"|something (?:\w+ )?(?:else|different)|next(?: (?:one|song|piece|track|tune))?"
    r"|skip(?: (?:this|it|that|the \w+))?|different (?:music|song|piece|tune|one)"
    r"|change the (?:music|song|tune|piece|track)"
)
_BACK = (
    r"(?:go )?back to (?:the |that |my )?([a-z ]+?) ?(?:piece|tune|song|music|one|thing|from before|again|$)"
)
_NOTHING = "There is no music to change yet. Tell me what to play."
# "play jazz" and "make a waltz" ask for a piece; "play it faster" and "make it a waltz" change one.
_MAKES_ONE = rf"(?:{PLAY}) (?:a|an|some|something|music|any)(?!\S)"
_PLAYS_ONE = (
    r"(?:play|put on|start(?: playing)?|compose|create|generate|write|improvise|perform)(?: me| us)?"
    r" (?!(?:it|that|this|the same|again|with|without|in|at|more|less|no)(?!\S))"
)
_EDITS = (
    r"(?:add|put|bring|give|try|drop) |make (?!(?:me |us )?(?:an?|some|something) (?!bit|little|lot|touch))"
)
_NAMES_ONE = r"(?:some|something|an?) (?!bit|little|lot|touch|tad)"
_CHANGING = word_set(
    "make play but music song piece tune turn change keep try take do have give wait no meant more"
    " something hang metre meter signature"
)


def _asks_new(reading: Reading) -> bool:
    if re.match(_EDITS, reading.text) and not re.match(r"put on ", reading.text):
        return False
    if re.match(_MAKES_ONE, reading.text):
        return True
    fields = fill(reading).fields.keys()
    if "style" in fields and re.match(_NAMES_ONE, reading.text):
        return True
    told = {"style", "instruments", "mood"} & fields or names.NOUNS & reading.vocabulary
    return bool(told and re.match(_PLAYS_ONE, reading.text))


def _change(context: Context, chosen: Played | None) -> Literal["new", "edit"]:
    """How to ask for a piece made from `chosen`: the newest is edited, an older one begins anew."""
    if chosen is None or chosen is not context.music or not isinstance(chosen.step, PlayMusic):
        return "new"
    return "edit" if chosen.playing else chosen.step.change  # asked for in the same breath: not begun yet


def _told(context: Context) -> str:
    """What the player said of the newest piece; of the one it edits, while that edit waits to be made."""
    pieces = [played for played in context.played if isinstance(played.step, PlayMusic)]
    if len(pieces) > 1 and not pieces[0].playing and _change(context, pieces[0]) == "edit":
        return pieces[1].playing
    return pieces[0].playing if pieces else ""


@rule(
    "same again top beginning start replay another variation something next skip"
    " different back one once encore repeat change"
)
def play_again(reading: Reading, context: Context) -> Candidate | None:
    """The piece again, another of the kind, or an earlier one; with what the rest of the words changes."""
    back, same, another = search(reading, _BACK), search(reading, _SAME), search(reading, _ANOTHER)
    found = back or same or another
    if not found or search(reading, r"say|said|timer|voice|sound|noise|language"):
        return None
    chosen: Played | None = context.music
    if back:
        chosen = _earlier(context, back[1])
        if chosen is None:
            return (
                Candidate(
                    (f"I have not played any {back[1].strip() or 'music'} before.",),
                    0.8,
                    frozenset(reading.span(back)),
                )
                if "music" in back[1] or spot_music(back[1])
                else None
            )
    explained = set(reading.span(found)) | {
        i
        for i, word in enumerate(reading.words)
        if word in {"play", "do", "make", "piece", "song", "hear", "but", "give"}
    }
    if chosen is None or not isinstance(chosen.step, PlayMusic):
        slots = fill(reading)
        if slots.names_music or found[0].endswith("start"):
            return None
        return Candidate((_NOTHING,), 0.85, frozenset(explained))
    brief = chosen.step.brief
    if another and re.search(r"else|different|next|skip|change", another[0]) and not same and not back:
        brief = MusicBrief(description=reading.raw(0)[:_DESCRIPTION])
    rest = Reading(
        reading.source, tuple(t for i, t in enumerate(reading.tokens) if i not in reading.span(found))
    )
    playing = _told(context) if chosen is context.music else chosen.playing
    edit = changes(rest, brief, playing) if len(rest) else None
    if edit and edit.brief:
        brief = edit.brief
        kept = [i for i in range(len(reading)) if i not in reading.span(found)]
        explained |= {kept[i] for i in edit.explained}
    if edit and edit.problem:
        return Candidate((edit.problem,), 0.9, frozenset(explained))
    if back and brief is chosen.step.brief and chosen is context.music and context.music_plays:
        return Candidate((ResumePlaying(),), 0.95, frozenset(explained), "go on with the music")
    change = "new" if another and not same and not back else _change(context, chosen)
    act = PlayMusic(brief=brief, change=change)
    return Candidate((act,), 0.95, frozenset(explained), "play it again")


def spot_music(words: str) -> bool:
    """Whether the words name a style, an instrument or music."""
    return any(
        word in names.STYLES or word in names.INSTRUMENTS or word in names.NOUNS for word in words.split()
    )


def _earlier(context: Context, words: str) -> Played | None:
    """The newest earlier piece that the words describe."""
    wanted = set(words.split()) - {"the", "that"}
    pieces = [played for played in context.played if isinstance(played.step, PlayMusic)]
    for played in pieces:
        if isinstance(played.step, PlayMusic) and wanted:
            brief = played.step.brief
            told = (
                f"{brief.description} {brief.style} {' '.join(brief.instruments)}"
                f" {' '.join(brief.mood)} {played.playing}"
            ).lower()
            if wanted & set(re.findall(r"\w+", told)):
                return played
    return pieces[0] if pieces and not wanted - {"music", ""} else None


@rule(
    VOCABULARY
    | word_set(
        "faster slower quicker slow fast speed tempo time half double up down higher"
        " lower raise transpose tone"
        " semitone octave step third fourth fifth add bring put include busier denser fuller richer sparser"
        " simpler emptier thinner notes bars bar keep going forever on continue at a b c d e f g more less"
        " two three four five six eight"
    )
)
def edit_music(reading: Reading, context: Context) -> Candidate | None:
    """A change of the piece that plays: "darker", "no drums and add a cello", "up a tone"."""
    if _asks_new(reading):
        return None
    if reading.words[0] in _ASKS - {"can"} or search(
        reading, r"speak|talk|voice|timer|say(?! stop| enough| so)"
    ):
        return None
    edit = changes(reading, context.brief or MusicBrief(description=""), _told(context))
    if edit is None:
        return None
    explained = frozenset(edit.explained | {i for i, word in enumerate(reading.words) if word in _CHANGING})
    strength = 0.96 if context.music_plays else 0.88
    if edit.problem:
        return Candidate((edit.problem,), strength, explained)
    if context.brief is None:
        return Candidate((_NOTHING,), 0.8, explained) if edit.relative else None
    if edit.brief is None:
        return None
    return Candidate(
        (PlayMusic(brief=edit.brief, change=_change(context, context.music)),),
        strength if edit.relative or context.music_plays else 0.7,
        explained,
        f"change the music: {reading.raw(0)}",
    )


_ASK = (
    r"(?:what|which|how)(?: \w+){0,5} (?:key|tempo|playing|song|piece|tune|fast"
    r"|instruments?|music|beats per minute|bpm|chords?|track)|name that tune|what"
    r" (?:am i (?:hearing|listening to)|is (?:this|that|on))"
)


@rule("what which how name")
def ask_music(reading: Reading, context: Context) -> Candidate | None:
    """The key, the tempo or the name of what plays."""
    found = search(reading, _ASK)
    if not found or search(
        reading,
        r"can you|do you|should|a key|a chord|a tempo|is tempo|a tune|means?|kind of music|musical|fast can",
    ):
        return None
    playing = context.situation.playing or (context.played[0].playing if context.played else "")
    explained = frozenset(reading.span(found)) | {
        i
        for i, w in enumerate(reading.words)
        if w in {"tempo", "key", "playing", "music", "piece", "song", "speed"}
    }
    if not playing:
        words = (
            "Nothing is playing."
            if context.music is None
            else "I don't know: nothing told me what was played."
        )
        return Candidate((words,), 0.95, explained)
    tense = "It's" if context.situation.playing else "The last piece was"
    parts = []
    if {"key"} & reading.vocabulary:
        key = known_key(context.brief, playing)
        parts.append(f"in {key[0]} {key[1]}" if key else "in a key I was not told")
    if {"tempo", "fast", "bpm", "beats"} & reading.vocabulary:
        tempo = known_tempo(context.brief, playing)
        parts.append(f"at {tempo:g} beats a minute" if tempo else "at a tempo I was not told")
    if "chord" in reading.text:
        return Candidate(("I can't name the chords, but I can tell the key and the tempo.",), 0.93, explained)
    return Candidate((f"{tense} {', '.join(parts) or playing}.",), 0.96, explained)


RULES: tuple[Rule, ...] = (play_music, unknown_piece, play_again, edit_music, ask_music)
