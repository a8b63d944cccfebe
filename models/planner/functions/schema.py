"""A function's parameters, from a JSON schema that anybody may have written: nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.api import ToolSchema
from models.planner.functions.stems import parts

_TYPES = ("string", "integer", "number", "boolean", "array", "object")


@dataclass(frozen=True)
class Parameter:
    """One parameter. `kind` is a JSON type; `choices` are the only values it may have, if there are any."""

    name: str
    kind: str
    required: bool
    description: str = ""
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None
    default: Any = None
    item: str = "string"  # the kind of an array's items

    @property
    def words(self) -> tuple[str, ...]:
        """Its name in words."""
        return parts(self.name)


def parameters(tool: ToolSchema) -> tuple[Parameter, ...]:
    """A function's parameters, those that are required first."""
    schema = tool.parameters
    properties = schema.get("properties")
    required = schema.get("required")
    needed = {name for name in required if isinstance(name, str)} if isinstance(required, Sequence) else set()
    if not isinstance(properties, Mapping):
        return ()
    found = [
        _parameter(str(name), body, str(name) in needed)
        for name, body in properties.items()
        if isinstance(body, Mapping)
    ]
    return tuple(sorted(found, key=lambda parameter: not parameter.required))


def _parameter(name: str, body: Mapping[str, Any], required: bool) -> Parameter:
    for key in ("anyOf", "oneOf", "allOf"):  # "string or null", as pydantic writes an optional one
        options = body.get(key)
        if isinstance(options, Sequence) and not isinstance(options, str):
            real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
            if real:
                body = {**body, **real[0]}
    items = body.get("items")
    items = items if isinstance(items, Mapping) else {}
    kind = _kind(body)
    return Parameter(
        name,
        kind,
        required,
        str(body.get("description") or ""),
        _choices(items if kind == "array" else body),
        _number(body.get("minimum")),
        _number(body.get("maximum")),
        body.get("default"),
        _kind(items),
    )


def _kind(body: Mapping[str, Any]) -> str:
    kind = body.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []
    return next((one for one in kinds if one in _TYPES), "string")


def _choices(body: Mapping[str, Any]) -> tuple[Any, ...]:
    choices = body.get("enum")
    if "const" in body:
        choices = [body["const"]]
    if not isinstance(choices, list):
        return ()
    return tuple(one for one in choices if isinstance(one, str | int | float) and one != "")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
