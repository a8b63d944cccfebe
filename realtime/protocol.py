"""The OpenAI Realtime protocol, in and out, by the pydantic types of the `openai` package.

Out: `Outbox.send(EventType, **fields)` fills in `type` and `event_id` and validates. In: `parse` gives a
typed client event or raises `ProtocolError`, which `Outbox.error` turns into an `error` event that names the
client's own event and says what to do.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import Any, cast, get_args

from openai.types.realtime import (
    ConversationItemCreateEvent,
    ConversationItemDeleteEvent,
    ConversationItemRetrieveEvent,
    ConversationItemTruncateEvent,
    InputAudioBufferAppendEvent,
    InputAudioBufferClearEvent,
    InputAudioBufferCommitEvent,
    OutputAudioBufferClearEvent,
    RealtimeErrorEvent,
    ResponseCancelEvent,
    SessionUpdateEvent,
)
from pydantic import BaseModel, ValidationError

from realtime.references import CreateResponse
from realtime.transport.link import Link

ClientEvent = (
    SessionUpdateEvent
    | InputAudioBufferAppendEvent
    | InputAudioBufferCommitEvent
    | InputAudioBufferClearEvent
    | ConversationItemCreateEvent
    | ConversationItemRetrieveEvent
    | ConversationItemTruncateEvent
    | ConversationItemDeleteEvent
    | CreateResponse
    | ResponseCancelEvent
    | OutputAudioBufferClearEvent
)


REMEMBERED = 64  # messages: minutes of a lively conversation
MOST_NESTED = 32  # levels of objects and lists; the protocol's own events have under ten


def _type_of(model: type[BaseModel]) -> str:
    return cast(str, get_args(model.model_fields["type"].annotation)[0])


CLIENT_EVENTS: dict[str, type[BaseModel]] = {_type_of(model): model for model in get_args(ClientEvent)}


def new_id(prefix: str) -> str:
    """A fresh identifier in the protocol's style, for example item_1f0c."""
    return f"{prefix}_{secrets.token_hex(10)}"


class ProtocolError(Exception):
    """A client's event cannot be used. `code` is for programs, the message for people."""

    def __init__(
        self, message: str, *, code: str, event_id: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.event_id = event_id
        self.param = param


def parse(text: str, limit: int) -> ClientEvent:
    """Read one client event of at most `limit` characters. Raises `ProtocolError`."""
    if len(text) > limit:
        raise ProtocolError(
            f"the event has {len(text)} characters; the limit is {limit}. Send audio in smaller pieces.",
            code="event_too_large",
        )
    try:
        raw = json.loads(text, parse_constant=_no_number, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the event is not JSON: {error}", code="invalid_json") from None
    if not _encodable(text, raw):
        raise ProtocolError(
            "the event holds half a surrogate pair, which is no character; send valid Unicode",
            code="invalid_json",
        )
    if not isinstance(raw, dict):
        raise ProtocolError("an event is a JSON object with a type", code="invalid_event")
    if not _shallow(raw):
        raise ProtocolError(f"the event is nested deeper than {MOST_NESTED} levels", code="invalid_event")
    event_id = raw.get("event_id") if isinstance(raw.get("event_id"), str) else None
    kind = raw.get("type")
    model = CLIENT_EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ProtocolError(
            f"unknown event type {str(kind)[:80]!r}; a client may send: {', '.join(sorted(CLIENT_EVENTS))}",
            code="unknown_event_type",
            event_id=event_id,
            param="type",
        )
    if kind == "session.update" and isinstance(raw.get("session"), dict):
        raw["session"].setdefault("type", "realtime")  # older clients leave it out
    try:
        return cast(ClientEvent, model.model_validate(raw))
    except ValidationError as error:
        first = error.errors()[0]
        # Where the type has alternatives pydantic names the class it tried, which means nothing to a client.
        where = ".".join(str(part) for part in first["loc"] if not str(part)[:1].isupper())
        raise ProtocolError(
            f"{kind}: {where}: {first['msg']}", code="invalid_value", event_id=event_id, param=where
        ) from None


def _whole_number(digits: str) -> int:
    """Refuse what no 64 bits hold: it could not be sent on to a backend, and means nothing here."""
    number = int(digits) if len(digits) <= 20 else 2**64
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{digits[:24]} is too large a number; 64 bits are the most")
    return number


def _no_number(name: str) -> None:
    """Refuse NaN and the infinities: JSON has none, and no setting means anything by them."""
    raise ValueError(f"{name} is not a number")


def _encodable(text: str, raw: object) -> bool:
    """Whether every string can be sent back as UTF-8. JSON's escapes can spell half a surrogate pair."""
    if text.isascii() and "\\u" not in text:
        return True
    try:
        json.dumps(raw, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _shallow(raw: object) -> bool:
    """Whether an event is nested no deeper than it may be, so that sending parts of it back cannot fail."""
    level: list[object] = [raw]
    for _ in range(MOST_NESTED):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        if not deeper:
            return True
        level = deeper
    return False


class Outbox:
    """Sends typed server events over a link.

    `begun` are the messages whose audio or text the client was sent, the last `REMEMBERED` of them. Some do
    not come into the conversation (music, or a reply of which no word was heard), and yet stock clients cut
    them short and ask for them, and Pipecat ends its call when it gets an error for that.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.begun: deque[str] = deque(maxlen=REMEMBERED)

    def send(self, model: type[BaseModel], **fields: Any) -> None:
        """Send an event of this type. Fields left out are not sent; fields given as None are sent as null."""
        event = model(type=_type_of(model), event_id=new_id("event"), **fields)
        self._link.send(event.model_dump_json(exclude_unset=True))

    def error(self, error: ProtocolError) -> None:
        """Send an `error` event. The session goes on."""
        body: dict[str, Any] = {
            "type": "invalid_request_error",
            "code": error.code,
            "message": str(error),
            "event_id": error.event_id,
            "param": error.param,
        }
        self.send(RealtimeErrorEvent, error=body)

    def failure(self, message: str) -> None:
        """Send an `error` event for something that failed on this side."""
        body = {"type": "server_error", "code": None, "message": message, "event_id": None, "param": None}
        self.send(RealtimeErrorEvent, error=body)
