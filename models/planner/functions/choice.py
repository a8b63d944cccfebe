"""Which function of the client to call, with what arguments, or what to ask first.

A question remembers nothing: who answers it is understood by planning the sentence before it again, which
asks the same question, and taking the answer for what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from models.api import ChatMessage, ToolSchema
from models.planner.functions import matching
from models.planner.functions.arguments import answer, stops
from models.planner.functions.schema import Parameter
from models.planner.words import Reading, read

MOST_ASKED = 6  # questions about one call
_MOST_LISTED = 5  # choices that a question names


@dataclass(frozen=True)
class Wanted:
    """A function that is meant: `score` 0 to 1, and the question for its first missing parameter, if any."""

    name: str
    score: float
    values: Mapping[str, Any]
    missing: tuple[Parameter, ...] = ()

    @property
    def question(self) -> str:
        """What to ask before it can be called; empty when nothing is missing."""
        return ask(self.missing[0]) if self.missing else ""

    @property
    def arguments(self) -> str:
        """The arguments as JSON text."""
        return msgspec.json.encode(self.values).decode()


def best(reading: Reading, tools: Sequence[ToolSchema]) -> Wanted | None:
    """The function that fits the words best, however well; None where there is none."""
    found = matching.matches(reading, tools)
    return _wanted(found[0]) if found else None


def forced(reading: Reading, tool: ToolSchema) -> Wanted:
    """This function, whatever was said."""
    match = matching.fitted(reading, matching.function(tool), must=True)
    return Wanted(tool.name, 1.0, match.values, match.missing)


def answered(messages: Sequence[ChatMessage], tools: Sequence[ToolSchema]) -> Wanted | None:
    """The function whose missing parameter the last of `messages` gives; None when it answers no question."""
    turns = _turns(messages)
    for begin in range(max(0, len(turns) - 1 - MOST_ASKED), len(turns) - 1):
        wanted = best(read(turns[begin][0]), tools)
        for asked, (words, _) in zip(turns[begin:], turns[begin + 1 :], strict=False):
            if wanted is None or not wanted.missing or not asked[1].endswith(wanted.question):
                wanted = None
                break
            value = answer(read(words), wanted.missing[0])
            if value is None:
                wanted = None
                break
            wanted = Wanted(
                wanted.name, 1.0, {**wanted.values, wanted.missing[0].name: value}, wanted.missing[1:]
            )
        if wanted is not None:
            return wanted
    return None


def taken_back(messages: Sequence[ChatMessage], tools: Sequence[ToolSchema]) -> bool:
    """Whether the last of `messages` says no to a question for a parameter."""
    turns = _turns(messages)
    if len(turns) < 2 or not stops(read(turns[-1][0])):
        return False
    asked = turns[-2][1]
    return any(
        asked.endswith(ask(parameter))
        for tool in tools
        for parameter in matching.function(tool).parameters
        if parameter.required
    )


def _turns(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    """What the person said, each time with what they heard after it."""
    turns: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "user":
            turns.append((message.content, ""))
        elif message.role == "assistant" and turns and message.content:
            said, heard = turns[-1]
            turns[-1] = said, f"{heard} {message.content}".strip()
    return turns


def _wanted(match: matching.Match) -> Wanted:
    return Wanted(match.function.tool.name, match.score, match.values, match.missing)


def ask(parameter: Parameter) -> str:
    """A short question for one parameter."""
    name = " ".join(parameter.words) or parameter.name
    if parameter.choices and len(parameter.choices) <= _MOST_LISTED:
        values = [re.sub(r"[_-]+", " ", str(value)) for value in parameter.choices]
        listed = " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
        return f"Which {name}: {listed}?"
    if parameter.kind == "boolean":
        return f"{name[:1].upper()}{name[1:]}, yes or no?"
    if parameter.kind in ("integer", "number"):
        return f"How many {name}?" if name.endswith("s") else f"What {name}?"
    return f"Which {name}?" if parameter.kind != "object" else f"What should the {name} be?"
