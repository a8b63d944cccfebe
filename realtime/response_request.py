"""`response.create`: what the client asks of one response, over what the session says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime.conversation_items import entry_of
from realtime.function_calls import check_choice, check_limit, checked_tools, functions_of, limit_of
from realtime.protocol import ProtocolError
from realtime.references import ItemReference, ResponseParams
from realtime.response_options import ResponseOptions
from realtime.session_state import SessionState, named
from realtime.thinking.history import History

MOST_INPUT = 64  # items of one `input`
MOST_METADATA = 16  # pairs, of keys up to 64 and values up to 512 characters, by the protocol
MOST_KEY, MOST_VALUE = 64, 512


def options_of(params: ResponseParams | None, state: SessionState, history: History) -> ResponseOptions:
    """How to answer. Raises `ProtocolError`."""
    asked: dict[str, Any] = named(params) if params is not None else {}
    if params is not None:
        _check(asked, state)
    settings: Mapping[str, Any] = {
        **state.shown,
        **{name: value for name, value in asked.items() if value is not None},
    }
    modalities = settings["output_modalities"]
    voice = ((asked.get("audio") or {}).get("output") or {}).get("voice") or ""
    return ResponseOptions(
        modality="text" if modalities == ["text"] else "audio",
        functions=functions_of(settings),
        max_output_tokens=limit_of(settings),
        instructions=asked.get("instructions"),
        metadata=asked.get("metadata"),
        out_of_band=asked.get("conversation") == "none",
        context=_context(params, history),
        voice=str(voice["id"] if isinstance(voice, Mapping) else voice),
    )


def _check(asked: dict[str, Any], state: SessionState) -> None:
    if asked.get("conversation") not in (None, "auto", "none"):
        raise ProtocolError(
            "conversation is auto or none", code="invalid_value", param="response.conversation"
        )
    if asked.get("tools"):
        asked["tools"] = checked_tools(asked["tools"], "response.tools")
    tools = state.shown["tools"] if asked.get("tools") is None else asked["tools"]
    check_choice(asked.get("tool_choice"), tools, "response.tool_choice")
    check_limit(asked.get("max_output_tokens"), "response.max_output_tokens")
    metadata = asked.get("metadata") or {}
    if len(metadata) > MOST_METADATA or any(
        len(key) > MOST_KEY or len(value) > MOST_VALUE for key, value in metadata.items()
    ):
        raise ProtocolError(
            f"metadata has at most {MOST_METADATA} pairs, keys of {MOST_KEY} and values of {MOST_VALUE}"
            " characters",
            code="invalid_value",
            param="response.metadata",
        )


def _context(params: ResponseParams | None, history: History) -> History | None:
    """The items of `input` as a conversation of their own; None where there is no `input`."""
    items = params.input if params else None
    if items is None:
        return None
    if len(items) > MOST_INPUT:
        raise ProtocolError(
            f"input has {len(items)} items; the limit is {MOST_INPUT}",
            code="too_many_items",
            param="response.input",
        )
    context = History()
    for number, item in enumerate(items):
        param = f"response.input.{number}"
        if not isinstance(item, ItemReference):
            context.add(entry_of(item, context, param))
            continue
        entry = history.find(item.id)
        if entry is None:
            raise ProtocolError(
                f"there is no item {item.id!r} in the conversation to refer to",
                code="item_not_found",
                param=f"{param}.id",
            )
        if context.find(item.id) is not None:
            raise ProtocolError(
                f"the item {item.id!r} is there twice", code="duplicate_item", param=f"{param}.id"
            )
        context.add(entry)
    return context
