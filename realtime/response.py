"""One response as the protocol tells it: every event from `response.created` to `response.done`, in order.

The same for what the assistant says and for music or sound, which is a response of its own outside the
conversation (`conversation_id` null), so that it may go on while the next one speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import replace
from openai.types.realtime import (
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemTruncatedEvent,
    ResponseAudioDoneEvent,
    ResponseAudioTranscriptDeltaEvent,
    ResponseAudioTranscriptDoneEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseDoneEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from openai.types.realtime.realtime_server_event import (
    OutputAudioBufferCleared,
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
)

from models.api import ToolCall
from realtime.protocol import Outbox, new_id
from realtime.thinking.history import function_call_item
from realtime.transport.link import AudioOwner

Status = Literal["completed", "cancelled", "incomplete", "failed"]
Reason = Literal["turn_detected", "client_cancelled", "max_output_tokens"]


class Response:
    """The events of one response: a message item, calls of the client's functions, or both.

    Call in this order: `create`, then any of `text`, `audio_started` and `function_call`, then `finish`, and
    `drained` when the last sample has left or `cleared` when the rest was dropped. Items are numbered
    (`output_index`) in the order in which they begin; a call may begin and end while the message is spoken.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        buffered: bool,
        conversation_id: str | None,
        modality: Literal["audio", "text"] = "audio",
        metadata: Mapping[str, str] | None = None,
        previous_item_id: str | None = None,
        max_output_tokens: int | None = None,
    ) -> None:
        """`buffered`: the transport has an output audio buffer to report on (WebRTC).

        A response without a `conversation_id` is outside the conversation: its items are not put into it.
        """
        self.id = new_id("resp")
        self.item_id = new_id("item")
        self.owner = AudioOwner(self.id, self.item_id)
        self.transcript = ""
        self._outbox = outbox
        self._buffered = buffered
        self._conversation_id = conversation_id
        self._modality: Literal["audio", "text"] = modality
        self._previous_item_id = previous_item_id  # of the message
        self._newest_item_id = previous_item_id
        self._max_output_tokens = max_output_tokens
        self._output: list[dict[str, Any]] = []  # the items begun, as they stand
        self._metadata = dict(metadata) if metadata else None
        self._created = False
        self._opened = False
        self._sounding = False
        self._done = False
        self._place: dict[str, Any] = {
            "response_id": self.id,
            "item_id": self.item_id,
            "output_index": 0,
            "content_index": 0,
        }

    @property
    def newest_item_id(self) -> str | None:
        """The id of the newest item that it has put into the conversation."""
        return self._newest_item_id if self._output and self._conversation_id is not None else None

    def follow(self, item_id: str | None) -> None:
        """Its items are to stand behind this one. Before the first of them."""
        if not self._output:
            self._previous_item_id = self._newest_item_id = item_id

    @property
    def opened(self) -> bool:
        """Whether there is an output item yet."""
        return self._opened

    def create(self) -> None:
        """`response.created`."""
        self._created = True
        self._outbox.send(ResponseCreatedEvent, response=self._body("in_progress", []))

    def open(self) -> None:
        """The output item and its content part; once, before its first words or sound."""
        if self._opened or self._done:
            return
        self._opened = True
        self._previous_item_id = self._newest_item_id
        self._place["output_index"] = self._begin_item(self._item("in_progress", []))
        self._outbox.send(ResponseContentPartAddedEvent, part=self._part(""), **self._place)

    def audio_started(self) -> None:
        """The first sample is leaving."""
        if self._done:
            return
        self.open()
        if self._buffered and not self._sounding:
            self._outbox.send(OutputAudioBufferStarted, response_id=self.id)
        self._sounding = True

    def text(self, delta: str) -> None:
        """More of the transcript (or, in text mode, of the text)."""
        if not delta or self._done:
            return
        self.open()
        self.transcript += delta
        kind = ResponseAudioTranscriptDeltaEvent if self._modality == "audio" else ResponseTextDeltaEvent
        self._outbox.send(kind, delta=delta, **self._place)

    def function_call(self, item_id: str, call: ToolCall) -> None:
        """A whole call of one of the client's functions, from `added` (in progress) to `done`."""
        if self._done:
            return
        previous = self._newest_item_id
        begun = replace(call, arguments="")
        index = self._begin_item(function_call_item(item_id, begun, "in_progress"))
        place = {
            "response_id": self.id,
            "item_id": item_id,
            "output_index": index,
            "call_id": call.call_id,
        }
        self._outbox.send(ResponseFunctionCallArgumentsDeltaEvent, delta=call.arguments, **place)
        self._outbox.send(
            ResponseFunctionCallArgumentsDoneEvent, arguments=call.arguments, name=call.name, **place
        )
        self._end_item(index, function_call_item(item_id, call, "completed"), previous)

    def finish(
        self,
        status: Status,
        *,
        reason: Reason | None = None,
        error: str | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> None:
        """Everything that closes the response, `response.done` last. Only the first call counts."""
        if self._done or not self._created:
            return
        self._done = True
        if self._opened:
            if self._modality == "audio":
                self._outbox.send(ResponseAudioDoneEvent, **self._place)
                self._outbox.send(ResponseAudioTranscriptDoneEvent, transcript=self.transcript, **self._place)
            else:
                self._outbox.send(ResponseTextDoneEvent, text=self.transcript, **self._place)
            self._outbox.send(ResponseContentPartDoneEvent, part=self._part(self.transcript), **self._place)
            item = self._item("completed" if status == "completed" else "incomplete", [self._content()])
            self._end_item(self._place["output_index"], item, self._previous_item_id)
        details: dict[str, Any] | None = None
        if status != "completed":
            details = {"type": status}
            if reason is not None:
                details["reason"] = reason
            if error is not None:
                details["error"] = {"type": "server_error", "message": error}
        self._outbox.send(ResponseDoneEvent, response=self._body(status, self._output, details, usage))

    def drained(self) -> None:
        """The last sample has left."""
        if self._sounding and self._buffered:
            self._outbox.send(OutputAudioBufferStopped, response_id=self.id)
        self._sounding = False

    def cleared(self, audio_end_ms: int | None = None) -> None:
        """What was still to sound was dropped; the item ends `audio_end_ms` into its audio."""
        if self._sounding and self._buffered:
            self._outbox.send(OutputAudioBufferCleared, response_id=self.id)
        self._sounding = False
        if self._opened and self._conversation_id is not None and audio_end_ms is not None:
            self._outbox.send(
                ConversationItemTruncatedEvent,
                item_id=self.item_id,
                content_index=0,
                audio_end_ms=audio_end_ms,
            )

    def _body(
        self,
        status: str,
        output: list[dict[str, Any]],
        details: dict[str, Any] | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "realtime.response",
            "conversation_id": self._conversation_id,
            "status": status,
            "status_details": details,
            "output": output,
            "output_modalities": [self._modality],
            "metadata": self._metadata,
            "max_output_tokens": self._max_output_tokens or "inf",
            "usage": usage,
        }

    def _begin_item(self, item: dict[str, Any]) -> int:
        """An item begins. Returns its index."""
        index = len(self._output)
        self._output.append(item)
        if item["type"] == "message":
            self._outbox.begun.append(item["id"])
        self._outbox.send(ResponseOutputItemAddedEvent, response_id=self.id, output_index=index, item=item)
        if self._conversation_id is not None:
            self._outbox.send(ConversationItemAdded, item=item, previous_item_id=self._newest_item_id)
        self._newest_item_id = item["id"]
        return index

    def _end_item(self, index: int, item: dict[str, Any], previous: str | None) -> None:
        self._output[index] = item
        self._outbox.send(ResponseOutputItemDoneEvent, response_id=self.id, output_index=index, item=item)
        if self._conversation_id is not None:
            self._outbox.send(ConversationItemDone, item=item, previous_item_id=previous)

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def _content(self) -> dict[str, Any]:
        if self._modality == "audio":
            return {"type": "output_audio", "transcript": self.transcript}
        return {"type": "output_text", "text": self.transcript}

    def _part(self, text: str) -> dict[str, Any]:
        key = "transcript" if self._modality == "audio" else "text"
        return {"type": self._modality, key: text}
