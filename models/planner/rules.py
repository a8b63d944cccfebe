"""What an intent is: one small function from a reading of the words to a candidate, with its cue words.

A rule says how sure its pattern is (`confidence`) and which words it explains; how well a candidate fits
the whole utterance follows from that alone, so rules need not know of each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec
from pydantic import ValidationError

from models.api import ChatMessage, PlanRequest, ToolCall
from models.plan import MusicBrief, PlayMusic, PlaySound, SoundBrief, Step
from models.planner.vocabulary import word_set
from models.planner.words import FUNCTION_WORDS, Reading

# Words that open a command or a question: where one may end and the next begin.
OPENINGS = word_set(
    "play set stop what how tell remind cancel turn say make add put give speak"
    " start who when repeat mute go continue resume use generate create compose"
    " wake pause book call is calculate change switch which why where sing record"
    " show let delete"
)
JOINTS = frozenset({"and", "then", "also", "but", "plus"})

# A candidate that explains nothing else than its cue keeps this share of its confidence.
_FLOOR = 0.35

Act = str | Step  # words to say, or a tool to call


@dataclass(frozen=True)
class Candidate:
    """What a rule would do. `gist` puts it as a command, for "Shall I ...?"; empty when nothing can go
    wrong."""

    acts: tuple[Act, ...]
    confidence: float
    explained: frozenset[int]
    gist: str = ""
    rule: str = field(default="", compare=False)
    verbatim: bool = False  # holds the person's own text: never cut it at a word that opens a command

    def score(self, reading: Reading) -> float:
        """How well this fits all of the reading, 0 to 1."""
        content = [i for i, word in enumerate(reading.words) if word not in FUNCTION_WORDS]
        covered = sum(i in self.explained for i in content) / len(content) if content else 1.0
        return self.confidence * reading.certainty * (_FLOOR + (1 - _FLOOR) * covered)


class Played(NamedTuple):
    """A piece or sound that an earlier reply began: what was asked for, and what was said to play."""

    step: PlayMusic | PlaySound
    playing: str


class Context:
    """The moment as rules see it: the request, and what its history says was done."""

    def __init__(self, request: PlanRequest) -> None:
        self.request = request
        self.situation = request.situation
        self.history: Sequence[ChatMessage] = request.messages[:-1]

    @cached_property
    def played(self) -> tuple[Played, ...]:
        """Every piece and sound that was begun and did not fail, newest first."""
        observations = {m.call_id: m.content for m in self.request.messages if m.role == "tool"}
        found = []
        for message in reversed(self.history):
            for call in reversed(message.calls):
                said = observation(observations.get(call.call_id, ""))
                step = parse_step(call)
                if isinstance(step, PlayMusic | PlaySound) and said.get("ok") is not False:
                    found.append(Played(step, str(said.get("playing", ""))))
        return tuple(found)

    def with_music(self, step: PlayMusic) -> Context:
        """The same moment after `step` was begun."""
        after = Context(self.request)
        after.__dict__["played"] = (Played(step, ""), *self.played)
        return after

    @cached_property
    def music(self) -> Played | None:
        """The piece begun last."""
        return next((p for p in self.played if isinstance(p.step, PlayMusic)), None)

    @property
    def brief(self) -> MusicBrief | None:
        """What the last piece was asked to be."""
        return self.music.step.brief if self.music and isinstance(self.music.step, PlayMusic) else None

    @property
    def sound(self) -> SoundBrief | None:
        """What the last sound was asked to be, if nothing was played after it."""
        newest = self.played[0].step if self.played else None
        return newest.brief if isinstance(newest, PlaySound) else None

    @property
    def music_plays(self) -> bool:
        """Whether what plays now is a piece of music rather than a sound."""
        return (
            self.situation.playing is not None
            and bool(self.played)
            and isinstance(self.played[0].step, PlayMusic)
        )

    @cached_property
    def last_said(self) -> str:
        """What the person heard of the last reply, all its rounds."""
        parts: list[str] = []
        for message in reversed(self.history):
            if message.role in {"user", "system"} and parts:
                break
            if message.role == "assistant" and message.content.strip():
                parts.append(message.content.strip())
        return " ".join(reversed(parts))

    @property
    def interrupted(self) -> bool:
        """Whether the person cut the last reply short."""
        last = next((m for m in reversed(self.history) if m.role == "assistant"), None)
        return last is not None and last.interrupted


def observation(content: str) -> dict[str, object]:
    """A tool's observation, or an event, from its JSON; what is not a JSON object counts as its own words."""
    try:
        said = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {"text": content} if content else {}
    return said if isinstance(said, dict) else {"text": str(said)}


_STEP_OF = {step.tool: step for step in (PlayMusic, PlaySound)}


def parse_step(call: ToolCall) -> Step | None:
    """The playing step a call stands for; None for other tools and for arguments no longer valid."""
    step = _STEP_OF.get(call.name)
    try:
        return step.model_validate_json(call.arguments) if step else None
    except ValidationError:
        return None


Match = Callable[[Reading, Context], Candidate | None]


@dataclass(frozen=True)
class Rule:
    """`match` is asked only when one of `cues` was said (no cues: always)."""

    name: str
    cues: frozenset[str]
    match: Match

    def __call__(self, reading: Reading, context: Context) -> Candidate | None:
        if self.cues and self.cues.isdisjoint(reading.vocabulary):
            return None
        return self.match(reading, context)


def rule(cues: str | Iterable[str] = "") -> Callable[[Match], Rule]:
    """Make a rule of a function; `cues` are words parted by spaces."""
    words = frozenset(cues.split() if isinstance(cues, str) else cues)
    return lambda match: Rule(getattr(match, "__name__", "rule"), words, match)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that matches whole words only."""
    return re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")


def everything(reading: Reading) -> frozenset[int]:
    """Every word of the reading."""
    return frozenset(range(len(reading)))


def clause(reading: Reading, begin: int) -> range:
    """The words from `begin` to where the next command is joined on."""
    words = reading.words
    for i in range(begin + 2, len(words)):
        if words[i] in OPENINGS and (words[i - 1] in JOINTS or reading.tokens[i - 1].ends_sentence):
            return range(begin, i - 1 if words[i - 1] in JOINTS else i)
    return range(begin, len(words))


def search(reading: Reading, pattern: str) -> re.Match[str] | None:
    """Find a pattern of whole words anywhere in the reading."""
    return compiled(pattern).search(reading.text)


def whole(reading: Reading, pattern: str) -> re.Match[str] | None:
    """Match a pattern against all of the reading."""
    found = compiled(pattern).match(reading.text)
    return found if found and found.end() == len(reading.text) else compiled(pattern).fullmatch(reading.text)


def reply(pattern: str, *answers: str, confidence: float = 0.95, cues: str = "") -> Rule:
    """A rule that answers a fixed question with fixed words."""

    def match(reading: Reading, context: Context) -> Candidate | None:
        found = search(reading, pattern)
        if not found:
            return None
        return Candidate(answers, confidence, frozenset(reading.span(found)))

    return Rule(f"reply {pattern[:20]}", frozenset(cues.split()), match)
