"""What a session has kept or made: notes, tunes, recordings, music, sounds, pictures, with names to ask by.

An artefact is a handle. Its file is on the `Shelf`, where there is one (`artefact_files.py`): it can be
downloaded from there, and played again. The newest sounds are held in memory besides, which is all there is
without a shelf. Where a sound was let go, its handle says so when somebody asks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from models.api import SPEAKING_RATE, MusicRequest, SoundRequest
from models.planner.numbers import parse_number
from models.planner.vocabulary import word_set
from realtime.protocol import new_id

Kind = Literal["text", "melody", "recording", "music", "sound", "image"]
Origin = Literal["captured", "said", "written", "made", "uploaded"]

MOST_SECONDS = 300.0  # of sound in memory: 9.6 MB at 16 kHz mono
MOST_SECONDS_BESIDES = 60.0  # the same where there are files: only for what is played back at once
MOST = 200  # handles; nobody asks by name for what is older

# What a kind is called, first the word that names are made of ("note 1").
NOUNS: dict[Kind, tuple[str, ...]] = {
    "text": ("note", "notes", "text", "memo", "dictation", "words", "sentence"),
    "melody": ("tune", "melody", "hum", "humming", "song", "singing", "theme"),
    "recording": ("recording", "voice", "clip", "audio", "speech", "take", "message"),
    "music": ("music", "piece", "track", "composition", "song"),
    "sound": ("sound", "effect", "noise"),
    "image": ("picture", "image", "photo", "photograph", "drawing"),
}
_SHOWN: dict[Kind, Literal["music", "sound", "speech", "text", "image"]] = {
    "text": "text", "melody": "speech", "recording": "speech", "music": "music", "sound": "sound",
    "image": "image",
}  # fmt: skip
_CAPTURED: frozenset[Kind] = frozenset({"text", "melody", "recording"})
_AUDIBLE: frozenset[Kind] = frozenset({"melody", "recording"})
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip
# With a number they count what is on the shelf, of whatever kind: "piece two" is number two.
_ANYTHING = word_set("piece item thing one artefact artifact entry")
_FILLERS = word_set(
    "a an the my your our that this of me i you it one last latest newest recent previous number no take"
    " please again back from what just now whole file result item thing artefact artifact entry"
    " very to st nd rd th"
)
_NUMBERED = frozenset(
    {"number", "no", *(_ANYTHING - {"one"}), *(noun for nouns in NOUNS.values() for noun in nouns)}
)
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
class StoredSound:
    """The same in a file: `size` bytes of PCM from byte `offset` of `path`."""

    path: Path
    rate: int
    channels: int
    size: int
    offset: int = 0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.size / (2 * self.channels * self.rate)


@dataclass(frozen=True, slots=True)
class Said:
    """Something the person said: its words as understood, and its sound, int16 mono at HEARING_RATE."""

    text: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """A file of another kind: a picture's bytes as they were given, and what they are ("image/png")."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """A handle.

    `number` counts everything on its session's shelf from 1, `nth` its kind alone; `parents` are ids of what
    it came from; `url` is the path to download it from, where there is something to download.
    """

    id: str
    kind: Kind
    name: str
    origin: Origin
    number: int
    nth: int
    duration_ms: float | None = None
    text: str = ""
    parents: tuple[str, ...] = ()
    url: str | None = None

    def as_event(self) -> dict[str, Any]:
        """The fields of `own_events.ArtefactCreated` that are this artefact's own."""
        return {
            "id": self.id,
            "kind": _SHOWN[self.kind],
            "name": self.name,
            "number": self.number,
            "text": self.text,
            "duration_ms": self.duration_ms,
            "url": self.url,
        }


class SoundGoneError(LookupError):
    """There is no sound to an artefact; the message says why, and what would help."""


class Recording(Protocol):
    """A sound's file while it comes into being. Nothing here blocks."""

    def write(self, pcm: bytes) -> None:
        """Append int16 PCM. What is beyond the bounds is not kept."""

    def close(self) -> None:
        """It is over. Idempotent."""


class Shelf(Protocol):
    """Where one session's files are. Nothing blocks but what is awaited."""

    def url(self, artefact_id: str) -> str:
        """The path to download it from."""

    def put(self, artefact: Artefact, content: Sound | Data | None) -> None:
        """Keep a file of it, soon; without content, of its text."""

    def record(self, artefact: Artefact, rate: int, channels: int) -> Recording:
        """Begin, or begin anew, the file of a sound that comes bit by bit; `rate` in Hz."""

    def forget(self, artefact_id: str) -> None:
        """Remove its file."""

    async def find(self, artefact_id: str) -> StoredSound | None:
        """Its sound, with all that was written before; None when there is none, or no longer."""

    def let_go(self, artefact_id: str) -> str:
        """Why its file was removed, to be put behind "because"; empty when it was not."""

    def close(self) -> None:
        """The session is over."""


class Artefacts:
    """The artefacts of one session, oldest first. Beyond the bounds the oldest go: sounds, then handles."""

    def __init__(
        self, shelf: Shelf | None = None, *, most_seconds: float | None = None, most: int = MOST
    ) -> None:
        if most_seconds is None:
            most_seconds = MOST_SECONDS if shelf is None else MOST_SECONDS_BESIDES
        self._shelf = shelf
        self._most_seconds = most_seconds
        self._most = most
        self._all: dict[str, Artefact] = {}
        self._sounds: dict[str, Sound] = {}
        self._requests: dict[str, MusicRequest | SoundRequest] = {}
        self._let_go: set[str] = set()
        self._number = 0
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
        data: bytes | None = None,
        media_type: str = "",
        request: MusicRequest | SoundRequest | None = None,
        parents: tuple[str, ...] = (),
    ) -> Artefact:
        """Register something new. Without a name it is called after its kind and number: "note 1".

        `sound` is its audio; `data` with `media_type` the bytes of a picture. `request` is what makes it
        again: where it is given, what is made is recorded with `record`.
        """
        self._number += 1
        self._counts[kind] += 1
        if sound is not None:
            duration_ms = sound.seconds * 1000
        called = name or f"{NOUNS[kind][0]} {self._counts[kind]}"
        content = Data(data, media_type) if data is not None else sound
        there = self._shelf is not None and bool(content or text or request)
        made_id = new_id("art")
        made = Artefact(
            made_id, kind, called, origin, self._number, self._counts[kind], duration_ms, text, parents,
            self._shelf.url(made_id) if self._shelf is not None and there else None,
        )  # fmt: skip
        self._all[made.id] = made
        if sound is not None:
            self._sounds[made.id] = sound
        if request is not None:
            self._requests[made.id] = request
        if self._shelf is not None and (content is not None or text):
            self._shelf.put(made, content)
        self._make_room()
        return made

    def record(self, artefact: Artefact) -> Recording | None:
        """Keep what is made of it, stereo at SPEAKING_RATE; None where nothing can be kept."""
        return self._shelf.record(artefact, SPEAKING_RATE, 2) if self._shelf is not None else None

    def request(self, artefact: Artefact) -> MusicRequest | SoundRequest | None:
        """What makes it again, with the same seed; None for what was not made here."""
        return self._requests.get(artefact.id)

    def get(self, artefact_id: str) -> Artefact | None:
        """The one with this id."""
        return self._all.get(artefact_id)

    async def playable(self, artefact: Artefact) -> Sound | StoredSound:
        """Its sound, in memory or in a file. Raises `SoundGoneError`."""
        if (sound := self._sounds.get(artefact.id)) is not None:
            return sound
        if self._shelf is not None and (stored := await self._shelf.find(artefact.id)) is not None:
            return stored
        return self.sound(artefact)

    def sound(self, artefact: Artefact) -> Sound:
        """Its sound if it is in memory. Raises `SoundGoneError`, which says what became of it."""
        if (sound := self._sounds.get(artefact.id)) is not None:
            return sound
        because = self._shelf.let_go(artefact.id) if self._shelf is not None else ""
        if artefact.id in self._let_go and not because:
            because = f"I keep the newest {self._most_seconds:.0f} seconds only"
        if because:
            kept = "; its words are still here" if artefact.text else ""
            raise SoundGoneError(f"the sound of {artefact.name} is gone, because {because}{kept}")
        if artefact.kind == "text":
            raise SoundGoneError(f"{artefact.name} is only words; I can read it to you")
        if artefact.kind == "image":
            raise SoundGoneError(f"{artefact.name} is a picture, which has no sound")
        raise SoundGoneError(f"I did not keep the sound of {artefact.name}; ask me to make it again")

    def find(self, name: str) -> Artefact | None:
        """What a person means by `name`: an id, a name, a number or a kind; the newest where several fit.

        A number alone counts all that is on the shelf ("number two", "the second one", "piece two"), with a
        noun that kind ("recording two").

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
        if number is not None:
            rest = [word for word in rest if word not in _ANYTHING]
        kinds = _kinds(rest)
        left = [word for word in rest if word not in _FILLERS and not any(word in NOUNS[k] for k in kinds)]
        if number is not None and not left:
            return _numbered(newest, number, kinds)
        if left:
            # "the siren": words of a name.
            return next((a for a in newest if set(left) <= set(re.findall(r"\w+", a.name.casefold()))), None)
        if kinds:
            return _first(newest, kinds)
        return _first(newest, _AUDIBLE) or _first(newest, _CAPTURED) or (newest[0] if newest else None)

    def close(self) -> None:
        """The session is over: the files stay for a while."""
        if self._shelf is not None:
            self._shelf.close()

    def _make_room(self) -> None:
        while len(self._all) > self._most:
            oldest = next(iter(self._all))
            del self._all[oldest]
            self._sounds.pop(oldest, None)
            self._requests.pop(oldest, None)
            self._let_go.discard(oldest)
            if self._shelf is not None:
                self._shelf.forget(oldest)
        held = sum(sound.seconds for sound in self._sounds.values())
        while held > self._most_seconds and len(self._sounds) > 1:  # the newest is always there to be played
            oldest = next(iter(self._sounds))
            held -= self._sounds.pop(oldest).seconds
            self._let_go.add(oldest)


def _numbered(newest: list[Artefact], number: int, kinds: frozenset[Kind]) -> Artefact | None:
    """The one with this number: among its kind where one is named, else among all."""
    among = [artefact for artefact in newest if not kinds or artefact.kind in kinds]
    if kinds and (found := next((a for a in among if a.nth == number), None)) is not None:
        return found
    # "recording three" may be the one that the page shows as number three.
    return next((a for a in among if a.number == number), None)


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
        # "number to": a recogniser's two, but not in "play the recording to me".
        named = i > 0 and words[i - 1] in _NUMBERED and words[i + 1 : i + 2] not in (["me"], ["us"])
        if word == "one" and not named:
            continue  # "the last one"
        parsed = parse_number(words, i, loose=named)
        if parsed is not None and parsed[0].denominator == 1:
            return int(parsed[0]), words[:i] + words[parsed[1] :]
    return None, words
