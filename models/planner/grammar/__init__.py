"""What the embedded planner understands: one module a domain, each with its `RULES`.

To add an intent, write a function with `@rule(cues)` in the module of its domain (or a new module) and put it
into that module's `RULES`; cue words join the vocabulary that misheard words are matched against.
"""

from __future__ import annotations

from models.planner.durations import UNIT_WORDS
from models.planner.grammar import (
    arithmetic,
    capture,
    clock,
    glossary,
    kept,
    music,
    playback,
    smalltalk,
    sound,
    speech,
    timers,
    unsupported,
    voice,
)
from models.planner.numbers import NUMBER_WORDS
from models.planner.rules import Rule
from models.planner.vocabulary import word_set

# Of candidates that fit equally well the earlier rule's is taken.
RULES: tuple[Rule, ...] = (
    *capture.RULES,
    *kept.RULES,
    *speech.RULES,
    *timers.RULES,
    *clock.RULES,
    *arithmetic.RULES,
    *playback.RULES,
    *voice.RULES,
    *sound.RULES,
    *music.RULES,
    *glossary.RULES,
    *smalltalk.RULES,
    *unsupported.RULES,
)

_MISHEARD = (
    "set cancel play stop timer time what make sound music something tell say"
    " repeat louder softer faster slower"
    " how long left voice speak remind square root divided multiplied add seconds"
    " minutes hours key without no with"
)
_TOO_COMMON = word_set("i a o is it an the x p m r to be of")

# Words that misheard ones are taken for.
VOCABULARY: frozenset[str] = (
    frozenset(word for known in RULES for word in known.cues if word.isalpha() and len(word) > 2)
    | music.VOCABULARY
    | sound.VOCABULARY
    | frozenset(voice.LANGUAGES)
    | NUMBER_WORDS
    | UNIT_WORDS
    | frozenset(_MISHEARD.split())
) - _TOO_COMMON

# Words that are left alone though no plan comes of them.
KNOWN: frozenset[str] = VOCABULARY | unsupported.VOCABULARY
