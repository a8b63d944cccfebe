"""How well words fit a function of the client, from its name, its description and its parameters.

The name counts most: a sentence that says all its words means it. A description's words help, and alone are
enough only when two of them were said. How much of the sentence the function explains, with the arguments
found in it, does the rest, so that a word said by the way calls nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from models.api import ToolSchema
from models.planner.functions.arguments import find
from models.planner.functions.schema import Parameter, parameters
from models.planner.functions.stems import BLAND, EMPTY, alike, content, parts, stem
from models.planner.words import Reading

ENOUGH = 0.6  # a function that fits less is not meant

_NAMED = 0.45  # of a name of which one word at least was said; the rest by how much of it
_DESCRIBED = 0.15  # for each word of the description, three at most, where the name was not said at all
_HELPED = 0.08  # for each where it was
_FLOOR = 0.4  # of the score that stays when nothing else of the sentence is explained
_MOST_DESCRIBED = 3
_WHOLE = 0.9  # of a name's weight: all its words, or words for the same matters
_HALF_NAMED = 0.85  # for a function that was not named whole and whose parameters are not all there


@dataclass(frozen=True)
class Function:
    """A function as matching sees it: stems of its name with their weights, and those of all it says."""

    tool: ToolSchema
    parameters: tuple[Parameter, ...]
    named: dict[str, float]
    described: frozenset[str]


@dataclass(frozen=True)
class Match:
    """A function, how well it fits (0 to 1), and the arguments that were found."""

    function: Function
    score: float
    values: dict[str, Any]

    @property
    def missing(self) -> tuple[Parameter, ...]:
        """The parameters that have to be asked for."""
        return tuple(p for p in self.function.parameters if p.required and p.name not in self.values)


def function(tool: ToolSchema) -> Function:
    """Read a function's schema; remembered, because every turn of a session offers the same ones."""
    return _function(msgspec.json.encode(tool))


@lru_cache(maxsize=512)
def _function(encoded: bytes) -> Function:
    tool = msgspec.json.decode(encoded, type=ToolSchema)
    named: dict[str, float] = {}
    words = parts(tool.name)
    for word in words:
        if word in EMPTY:
            continue
        bland = word in BLAND and any(other not in BLAND | EMPTY for other in words)
        named[stem(word)] = 0.0 if bland else 1.0
    wanted = parameters(tool)
    said = content(tool.description)
    for parameter in wanted:
        said |= content(parameter.words) | content(parameter.description)
    return Function(tool, wanted, named, frozenset(said) - named.keys())


def matches(reading: Reading, tools: Sequence[ToolSchema]) -> list[Match]:
    """All the functions, best first."""
    found = [fitted(reading, function(tool)) for tool in tools]
    return sorted(found, key=lambda match: -match.score)


def fitted(reading: Reading, candidate: Function, *, must: bool = False) -> Match:
    """How well one function fits, and with what arguments."""
    stems = [stem(word) for word in reading.words]
    meaning = [i for i, word in enumerate(reading.words) if word not in EMPTY]
    total = sum(candidate.named.values())
    hit, hits = 0.0, set[int]()
    for name, weight in candidate.named.items():
        likeness, at = max(
            ((alike(name, one), -i) for i, one in enumerate(stems) if i in meaning), default=(0.0, 0)
        )
        if likeness <= 0:
            continue
        hits.add(-at)
        hit += weight * likeness
    described = {
        one: i for i, one in enumerate(stems) if i in meaning and i not in hits and one in candidate.described
    }
    found = find(reading, candidate.parameters, frozenset(hits), candidate.described, must=must)
    helped = min(len(described), _MOST_DESCRIBED)
    if hit and total:
        strength = min(1.0, _NAMED + (1 - _NAMED) * hit / total + _HELPED * helped)
    else:
        strength = _DESCRIBED * helped + (_DESCRIBED * 2 if helped > 1 else 0.0)
    explained = hits | set(described.values()) | found.used
    whole = bool(hit) and hit >= total * _WHOLE
    if not whole and any(p.required and p.name not in found.values for p in candidate.parameters):
        strength *= _HALF_NAMED
    share = sum(i in explained for i in meaning) / len(meaning) if meaning else 0.0
    return Match(candidate, strength * (_FLOOR + (1 - _FLOOR) * share), dict(found.values))
