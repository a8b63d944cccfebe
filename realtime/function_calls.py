"""The client's own functions: what it may offer, and when one is to be called (`tools`, `tool_choice`).

They stand beside the server's tools. Where a client's function has the name of one of ours, the client's
wins: ours is not offered for as long as it is there, and calls of that name go to the client.

`tool_choice` "none" means no call at all, of ours neither. "required" and a named function bind the answer to
what a person (or a message) said, not the answer to a function's output, which would otherwise never come to
words. A function that is named and no longer offered binds nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from models.api import ToolSchema
from models.plan import STEPS
from realtime.protocol import ProtocolError

MOST_FUNCTIONS = 128  # as many as the chat-completions API takes
MOST_SCHEMA = 32_000  # characters of one function's schema; every round of planning carries it
MOST_TOKENS = 4_096  # of `max_output_tokens`, by the protocol
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the chat-completions API allows

OUR_TOOLS = frozenset(step.tool for step in STEPS)

Choice = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True)
class Functions:
    """What the client offers, and how the planner may choose. `forced`: the one function to call."""

    schemas: tuple[ToolSchema, ...] = ()
    choice: Choice = "auto"
    forced: str = ""
    parallel: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The functions that the client runs."""
        return frozenset(schema.name for schema in self.schemas)


def functions_of(settings: Mapping[str, Any]) -> Functions:
    """What checked `tools`, `tool_choice` and `parallel_tool_calls` of a session or response come to."""
    chosen = settings.get("tool_choice") or "auto"
    forced = str(chosen["name"]) if isinstance(chosen, Mapping) else ""
    choice = cast(Choice, "auto" if isinstance(chosen, Mapping) else chosen)
    schemas = tuple(
        ToolSchema(tool["name"], tool.get("description") or "", tool["parameters"], client=True)
        for tool in settings.get("tools") or ()
    )
    if forced not in OUR_TOOLS | {schema.name for schema in schemas}:
        forced = ""
    return Functions(
        schemas,
        choice,
        forced,
        settings.get("parallel_tool_calls") is not False,
    )


def checked_tools(tools: Sequence[Mapping[str, Any]], param: str) -> list[dict[str, Any]]:
    """The client's functions with what may be left out. Raises `ProtocolError`."""
    if len(tools) > MOST_FUNCTIONS:
        raise ProtocolError(
            f"there are {len(tools)} tools; the limit is {MOST_FUNCTIONS}", code="too_many_tools", param=param
        )
    checked = [_checked(tool, f"{param}.{number}") for number, tool in enumerate(tools)]
    names = [tool["name"] for tool in checked]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ProtocolError(
            f"the tool {twice[0]!r} is there twice; give each its own name",
            code="duplicate_tool",
            param=param,
        )
    return checked


def _checked(tool: Mapping[str, Any], param: str) -> dict[str, Any]:
    if tool.get("type", "function") != "function":
        raise ProtocolError(
            f"tools of type {str(tool['type'])!r} are not offered: this server connects to no MCP servers."
            " Offer what they do as function tools, {type: function, name, description, parameters}, and"
            " call them yourself",
            code="unsupported_tool",
            param=f"{param}.type",
        )
    name = tool.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ProtocolError(
            "a function tool needs a name of 1 to 64 letters, digits, _ and -",
            code="invalid_tool",
            param=f"{param}.name",
        )
    parameters = tool.get("parameters")
    if parameters is None:
        parameters = {"type": "object", "properties": {}}
    if not isinstance(parameters, Mapping):
        raise ProtocolError(
            "a function's parameters are a JSON schema: an object with type object and properties",
            code="invalid_tool",
            param=f"{param}.parameters",
        )
    if len(json.dumps(parameters)) > MOST_SCHEMA:
        raise ProtocolError(
            f"the schema of {name!r} has over {MOST_SCHEMA} characters; describe it more briefly",
            code="invalid_tool",
            param=f"{param}.parameters",
        )
    out = {"type": "function", "name": name, "parameters": dict(parameters)}
    if tool.get("description") is not None:
        out["description"] = tool["description"]
    return out


def check_choice(choice: object, tools: Sequence[Mapping[str, Any]], param: str) -> None:
    """Raise `ProtocolError` for a `tool_choice` that names nothing that is there."""
    if not isinstance(choice, Mapping):
        return
    if choice.get("type") != "function":
        raise ProtocolError(
            "tool_choice is auto, none, required or {type: function, name: …}; there are no MCP servers",
            code="unsupported_tool_choice",
            param=param,
        )
    offered = {str(tool["name"]) for tool in tools}
    if choice.get("name") not in OUR_TOOLS | offered:
        there = ", ".join(sorted(offered)) or "none"
        raise ProtocolError(
            f"tool_choice names {choice.get('name')!r}, which is not among the tools; there are: {there}",
            code="unknown_tool",
            param=f"{param}.name",
        )


def check_limit(limit: object, param: str) -> None:
    """Raise `ProtocolError` for a `max_output_tokens` out of range."""
    if isinstance(limit, int) and not 1 <= limit <= MOST_TOKENS:
        raise ProtocolError(
            f"max_output_tokens is a number from 1 to {MOST_TOKENS}, or inf",
            code="invalid_value",
            param=param,
        )


def limit_of(settings: Mapping[str, Any]) -> int | None:
    """The bound on a response's tokens, None for none."""
    limit = settings.get("max_output_tokens")
    return limit if isinstance(limit, int) else None
