"""What a client puts into a conversation (`conversation.item.create`, the `input` of `response.create`).

Pure: an item becomes an entry of the history, or a `ProtocolError` that says what to do.
"""

from __future__ import annotations

import json

from openai.types.realtime import (
    ConversationItem,
    RealtimeConversationItemAssistantMessage,
    RealtimeConversationItemFunctionCall,
    RealtimeConversationItemFunctionCallOutput,
    RealtimeConversationItemSystemMessage,
    RealtimeConversationItemUserMessage,
)

from models.api import ToolCall
from realtime.protocol import ProtocolError, new_id
from realtime.thinking.history import Entry, History

MOST_TEXT = 8_000  # characters of a typed message: some minutes of speech
MOST_OUTPUT = 32_000  # characters of a function's output: what a planner reads with every round from then on

Message = (
    RealtimeConversationItemUserMessage
    | RealtimeConversationItemAssistantMessage
    | RealtimeConversationItemSystemMessage
)


def entry_of(item: ConversationItem, history: History, param: str = "item") -> Entry:
    """The entry for an item that is to join `history`. Raises `ProtocolError`."""
    if item.id and history.find(item.id) is not None:
        raise ProtocolError(
            f"there is an item {item.id!r} already", code="duplicate_item", param=f"{param}.id"
        )
    match item:
        case RealtimeConversationItemFunctionCall():
            return _call(item, history, param)
        case RealtimeConversationItemFunctionCallOutput():
            return _output(item, history, param)
        case (
            RealtimeConversationItemUserMessage()
            | RealtimeConversationItemAssistantMessage()
            | RealtimeConversationItemSystemMessage()
        ):
            return _message(item, param)
        case _:
            raise ProtocolError(
                f"items of type {item.type!r} are not offered: this server connects to no MCP servers; create"
                " a message, a function_call or a function_call_output",
                code="unsupported_item",
                param=f"{param}.type",
            )


def _message(item: Message, param: str) -> Entry:
    texts = [getattr(part, "text", None) or getattr(part, "transcript", None) or "" for part in item.content]
    text = "\n".join(text for text in texts if text).strip()
    if not text:
        raise ProtocolError(
            "the message has no text; give content [{type: input_text, text: …}]",
            code="empty_item",
            param=f"{param}.content",
        )
    if len(text) > MOST_TEXT:
        raise ProtocolError(
            f"the message has {len(text)} characters; the limit is {MOST_TEXT}",
            code="item_too_long",
            param=f"{param}.content",
        )
    return Entry(item.id or new_id("item"), item.role, text, spoken=False)


def _call(item: RealtimeConversationItemFunctionCall, history: History, param: str) -> Entry:
    """A call that was made earlier, in another session perhaps. Nobody is asked to run it."""
    try:
        whole = isinstance(json.loads(item.arguments or "{}"), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise ProtocolError(
            "the arguments of a function_call are a JSON object as text",
            code="invalid_item",
            param=f"{param}.arguments",
        )
    if len(item.arguments) > MOST_OUTPUT:
        raise ProtocolError(
            f"the arguments have {len(item.arguments)} characters; the limit is {MOST_OUTPUT}",
            code="item_too_long",
            param=f"{param}.arguments",
        )
    call = ToolCall(item.call_id or new_id("call"), item.name, item.arguments or "{}")
    if history.call(call.call_id) is not None:
        raise ProtocolError(
            f"there is a call {call.call_id!r} already", code="duplicate_item", param=f"{param}.call_id"
        )
    return Entry(item.id or new_id("item"), "assistant", "", spoken=False, call=call)


def _output(item: RealtimeConversationItemFunctionCallOutput, history: History, param: str) -> Entry:
    if history.call(item.call_id) is None:
        waiting = ", ".join(history.open_calls) or "none"
        raise ProtocolError(
            f"there is no function call {item.call_id!r} in this conversation; use the call_id of its"
            f" function_call item, or create that item first. Calls without an output: {waiting}",
            code="unknown_call_id",
            param=f"{param}.call_id",
        )
    if history.output(item.call_id) is not None:
        raise ProtocolError(
            f"the call {item.call_id!r} has an output already; delete that item first to give another",
            code="duplicate_item",
            param=f"{param}.call_id",
        )
    if len(item.output) > MOST_OUTPUT:
        raise ProtocolError(
            f"the output has {len(item.output)} characters; the limit is {MOST_OUTPUT}",
            code="item_too_long",
            param=f"{param}.output",
        )
    return Entry(item.id or new_id("item"), "tool", item.output, spoken=False, answers=item.call_id)
