"""What a session has kept or made: notes, tunes, recordings, music and sounds, each with a name to ask by.

An artefact is a handle; the sound of those that were captured is held beside it, in memory, within a bound:
when there is too much of it the oldest sounds are let go, and their handles say so when somebody asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from models.planner.numbers import parse_number
from models.planner.vocabulary import word_set
from realtime.protocol import new_id

Kind = Literal["text", "melody", "recording", "music", "sound"]
Origin = Literal["captured", "said", "written", "made"]

MOST_SECONDS = 300.0  # of sound: 9.6 MB at 16 kHz mono
MOST = 200  # handles; nobody asks by name for what is older

# What a kind is called, first the word that names are made of ("note 1").
NOUNS: dict[Kind, tuple[str, ...]] = {
    "text": ("note", "notes", "text", "memo", "dictation", "words", "sentence"),
    "melody": ("tune", "melody", "hum", "humming", "song", "singing", "theme"),
    "recording": ("recording", "voice", "clip", "audio", "speech", "take", "message"),
    "music": ("music", "piece", "track", "composition"),
    "sound": ("sound", "effect", "noise"),
}
_SHOWN: dict[Kind, Literal["music", "sound", "speech", "text"]] = {
    "text": "text", "melody": "speech", "recording": "speech", "music": "music", "sound": "sound",
}  # fmt: skip
_CAPTURED: frozenset[Kind] = frozenset({"text", "melody", "recording"})
_AUDIBLE: frozenset[Kind] = frozenset({"melody", "recording"})
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_FILLERS = word_set(
    "a an the my your our that this of me i you it one last latest newest recent previous number no take"
    " please again back from what just now whole file result"
)
_NUMBERED = frozenset({"number", "no", *(noun for nouns in NOUNS.values() for noun in nouns)})
_OWN_WORDS = re.compile(r"\b(?:i|we) (?:just |have )?(?:said|sang|hummed|recorded|gave|dictated|wrote)\b")


@dataclass(frozen=True, slots=True)
class Sound:
    """Int16 PCM, interleaved when there are two `channels`; `rate` in Hz."""

    pcm: bytes
    rate: int
    channels: int = 1

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / (2 * self.channels * self.rate)


@dataclass(frozen=True, slots=True)
class Said:
    """Something the person said: its words as understood, and its sound, int16 mono at HEARING_RATE."""

    text: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Artefact:
    """A handle. `number` counts its kind in its session from 1; `parents` are ids of what it came from."""

    id: str
    kind: Kind
    name: str
    origin: Origin
    number: int
    duration_ms: float | None = None
    text: str = ""
    parents: tuple[str, ...] = ()

    def as_event(self) -> dict[str, Any]:
        """The fields of `own_events.ArtefactCreated` that are this artefact's own."""
        return {
            "id": self.id,
            "kind": _SHOWN[self.kind],
            "name": self.name,
            "number": self.number,
            "text": self.text,
            "duration_ms": self.duration_ms,
        }


class SoundGoneError(LookupError):
    """There is no sound to an artefact; the message says why, and what would help."""


class Artefacts:
    """The artefacts of one session, oldest first. Beyond the bounds the oldest go: sounds, then handles."""

    def __init__(self, *, most_seconds: float = MOST_SECONDS, most: int = MOST) -> None:
        self._most_seconds = most_seconds
        self._most = most
        self._all: dict[str, Artefact] = {}
        self._sounds: dict[str, Sound] = {}
        self._let_go: set[str] = set()
        self._counts: Counter[Kind] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Artefact]:
        """Newest first."""
        return reversed(list(self._all.values()))

    def add(
        self,
        kind: Kind,
        *,
        origin: Origin,
        name: str = "",
        text: str = "",
        duration_ms: float | None = None,
        sound: Sound | None = None,
        parents: tuple[str, ...] = (),
    ) -> Artefact:
        """Register something new. Without a name it is called after its kind and number: "note 1"."""
        self._counts[kind] += 1
        number = self._counts[kind]
        if sound is not None:
            duration_ms = sound.seconds * 1000
        called = name or f"{NOUNS[kind][0]} {number}"
        made = Artefact(new_id("art"), kind, called, origin, number, duration_ms, text, parents)
        self._all[made.id] = made
        if sound is not None:
            self._sounds[made.id] = sound
        self._make_room()
        return made

    def sound(self, artefact: Artefact) -> Sound:
        """Its sound. Raises `SoundGoneError`."""
        if (sound := self._sounds.get(artefact.id)) is not None:
            return sound
        if artefact.id in self._let_go:
            kept = "; its words are still here" if artefact.text else ""
            raise SoundGoneError(
                f"the sound of {artefact.name} is gone, because I keep the newest "
                f"{self._most_seconds:.0f} seconds only{kept}"
            )
        if artefact.kind == "text":
            raise SoundGoneError(f"{artefact.name} is only words; I can read it to you")
        raise SoundGoneError(f"I did not keep the sound of {artefact.name}; ask me to make it again")

    def find(self, name: str) -> Artefact | None:
        """What a person means by `name`: an id, a name, a number or a kind; the newest where several fit.

        An empty name, or one that only points ("it", "that", "the last one"), means the newest that was
        captured with its sound, else the newest of all.
        """
        if name in self._all:
            return self._all[name]
        wanted = name.casefold().strip(" .,!?\"'")
        newest = list(self)
        for artefact in newest:
            if wanted and wanted in (artefact.name.casefold(), f"the {artefact.name}".casefold()):
                return artefact
        if _OWN_WORDS.search(wanted):
            return _first(newest, _CAPTURED)
        words = re.findall(r"\w+", wanted)
        number, rest = _number(words)
        kinds = _kinds(rest)
        left = [word for word in rest if word not in _FILLERS and not any(word in NOUNS[k] for k in kinds)]
        if number is not None and not left:
            numbered = [a for a in newest if a.number == number and (not kinds or a.kind in kinds)]
            if numbered:
                return numbered[0]
            in_order = list(self._all.values())
            return in_order[number - 1] if not kinds and 0 < number <= len(in_order) else None
        if left:
            # "the siren": words of a name.
            return next((a for a in newest if set(left) <= set(re.findall(r"\w+", a.name.casefold()))), None)
        if kinds:
            return _first(newest, kinds)
        return _first(newest, _AUDIBLE) or _first(newest, _CAPTURED) or (newest[0] if newest else None)

    def _make_room(self) -> None:
        while len(self._all) > self._most:
            oldest = next(iter(self._all))
            del self._all[oldest]
            self._sounds.pop(oldest, None)
            self._let_go.discard(oldest)
        held = sum(sound.seconds for sound in self._sounds.values())
        while held > self._most_seconds and len(self._sounds) > 1:  # the newest is always there to be played
            oldest = next(iter(self._sounds))
            held -= self._sounds.pop(oldest).seconds
            self._let_go.add(oldest)


def _first(newest: list[Artefact], kinds: frozenset[Kind]) -> Artefact | None:
    return next((artefact for artefact in newest if artefact.kind in kinds), None)


def _kinds(words: list[str]) -> frozenset[Kind]:
    """The kinds that the first noun among the words may mean."""
    for word in words:
        if found := frozenset(kind for kind, nouns in NOUNS.items() if word in nouns):
            return found
    return frozenset()


def _number(words: list[str]) -> tuple[int | None, list[str]]:
    """The number among the words, and the other words: "take two", "the second one", "recording 2"."""
    for i, word in enumerate(words):
        if word in _ORDINALS:
            return _ORDINALS[word], words[:i] + words[i + 1 :]
        named = i > 0 and words[i - 1] in _NUMBERED  # "number to": a recogniser's two
        if word == "one" and not named:
            continue  # "the last one"
        parsed = parse_number(words, i, loose=named)
        if parsed is not None and parsed[0].denominator == 1:
            return int(parsed[0]), words[:i] + words[parsed[1] :]
    return None, words
