"""`response.create` with references to items in its `input`, which the protocol's types leave out."""

from __future__ import annotations

from typing import Literal

from openai.types.realtime import ConversationItem, RealtimeResponseCreateParams, ResponseCreateEvent
from pydantic import BaseModel


class ItemReference(BaseModel):
    """An item of the conversation, named by its id."""

    type: Literal["item_reference"]
    id: str


class ResponseParams(RealtimeResponseCreateParams):
    """The protocol's parameters, with references in `input`."""

    input: list[ConversationItem | ItemReference] | None = None  # type: ignore[assignment]


class CreateResponse(ResponseCreateEvent):
    """The protocol's `response.create`, with references in `input`."""

    response: ResponseParams | None = None
