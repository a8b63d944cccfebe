"""Putting tool calls together from the fragments of a chat-completions stream.

Servers differ: OpenAI sends the id and name first and the arguments in pieces, interleaved by index; some
send whole calls in one chunk, some leave out the index or the id, some send the id or the name again with
each piece.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from models.api import BackendError, ToolCall


class Function(Protocol):
    """The part of a fragment that names the tool and adds to its arguments."""

    @property
    def name(self) -> str | None: ...
    @property
    def arguments(self) -> str | None: ...


class Fragment(Protocol):
    """A piece of a call, as in `choices[0].delta.tool_calls`."""

    @property
    def index(self) -> int | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def function(self) -> Function | None: ...


@dataclass
class _Partial:
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class CallAssembler:
    """Collects fragments; `calls` gives the whole calls in the order they began."""

    def __init__(self) -> None:
        self._partials: list[_Partial] = []
        self._by_index: dict[int, _Partial] = {}

    def add(self, fragment: Fragment) -> None:
        """Take one fragment."""
        partial = self._find(fragment)
        partial.call_id = partial.call_id or fragment.id or ""
        if fragment.function is None:
            return
        name = fragment.function.name or ""
        # A name may come in pieces or be repeated whole with every piece.
        if name and name != partial.name:
            partial.name += name
        partial.arguments += _text(fragment.function.arguments)

    def calls(self) -> list[ToolCall]:
        """The whole calls. Raises `BackendError` for one without a name or whose arguments are no JSON
        object."""
        return [_whole(partial) for partial in self._partials]

    def _find(self, fragment: Fragment) -> _Partial:
        index = fragment.index
        if index is None:
            known = next((p for p in self._partials if fragment.id and p.call_id == fragment.id), None)
            if known is None and not fragment.id and self._partials and not _names(fragment):
                known = self._partials[-1]
            return known or self._begin()
        partial = self._by_index.get(index)
        # Some servers number every call 0: another id, or a name after whole arguments, is another call.
        if partial is None or self._another(partial, fragment):
            partial = self._by_index[index] = self._begin()
        return partial

    def _another(self, partial: _Partial, fragment: Fragment) -> bool:
        if fragment.id and partial.call_id and fragment.id != partial.call_id:
            return _names(fragment)
        return not fragment.id and _names(fragment) and _is_object(partial.arguments)

    def _begin(self) -> _Partial:
        self._partials.append(_Partial())
        return self._partials[-1]


def _names(fragment: Fragment) -> bool:
    return fragment.function is not None and bool(fragment.function.name)


def _text(arguments: object) -> str:
    """Arguments are text by the specification; some servers send the object itself."""
    if isinstance(arguments, Mapping):
        return json.dumps(arguments)
    return arguments if isinstance(arguments, str) else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _whole(partial: _Partial) -> ToolCall:
    if not partial.name:
        raise BackendError(
            "the language model called a tool without naming it; try again or use another model"
        )
    arguments = partial.arguments.strip() or "{}"
    if not _is_object(arguments):
        raise BackendError(
            f"the language model called {partial.name} with arguments that are no JSON"
            f" object; try again, lower the"
            " temperature, or use a model made for tool calls"
        )
    return ToolCall(
        call_id=partial.call_id or f"call_{uuid4().hex[:16]}", name=partial.name, arguments=arguments
    )
