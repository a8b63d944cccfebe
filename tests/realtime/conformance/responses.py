"""A response from `response.created` to `response.done`, everything in between paired, and its sound."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.realtime.conformance.items import Items

Event = dict[str, Any]
Must = Callable[[bool, str], bool]

BYTES_PER_MS = {"audio/pcm": 48, "audio/pcmu": 8, "audio/pcma": 8}
TEXT_KEY = {"audio": "transcript", "text": "text"}
CONTENT = {"audio": "output_audio", "text": "output_text"}
ENDS = ("completed", "cancelled", "failed", "incomplete")
# What still tells of a response that is done.
AFTERWARDS = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")


@dataclass(slots=True)
class Part:
    """A content part: audio with its transcript, or text."""

    kind: str
    text: str = ""
    audio_ms: float = 0.0
    audio_done: bool = False
    text_done: bool = False
    done: bool = False


@dataclass(slots=True)
class Output:
    """An output item: a message with its parts, or a function call with its arguments."""

    body: Event
    parts: list[Part] = field(default_factory=list)
    arguments: str = ""
    arguments_done: bool = False
    done: Event | None = None


@dataclass(slots=True)
class Response:
    """A response under way, or done. `buffer`: what the client's playout was said to do."""

    inside: bool  # the conversation
    outputs: list[Output] = field(default_factory=list)
    done: bool = False
    buffer: Literal["silent", "sounding", "over"] = "silent"


class Responses:
    """Follows the responses."""

    def __init__(self, must: Must, items: Items, transport: str) -> None:
        self.known: dict[str, Response] = {}
        self._must = must
        self._items = items
        self._buffered = transport == "webrtc"
        self._bytes_per_ms = BYTES_PER_MS["audio/pcm"]
        self._due: tuple[str, str] | None = None  # the event, and its item, that comes next
        items.own = lambda item_id: self._output(item_id) is not None
        items.sounding = self._sent_ms

    @property
    def rules(self) -> dict[str, Callable[[Event], None]]:
        """Event type -> the rule for it."""
        return {
            "response.created": self._created,
            "response.output_item.added": self._item_added,
            "response.content_part.added": self._part_added,
            "response.output_text.delta": lambda event: self._text(event, "text"),
            "response.output_text.done": lambda event: self._text_done(event, "text"),
            "response.output_audio_transcript.delta": lambda event: self._text(event, "audio"),
            "response.output_audio_transcript.done": lambda event: self._text_done(event, "audio"),
            "response.output_audio.delta": self._audio,
            "response.output_audio.done": self._audio_done,
            "response.function_call_arguments.delta": self._arguments,
            "response.function_call_arguments.done": self._arguments_done,
            "response.content_part.done": self._part_done,
            "response.output_item.done": self._item_done,
            "response.done": self._done,
            "output_audio_buffer.started": self._started,
            "output_audio_buffer.stopped": self._stopped,
            "output_audio_buffer.cleared": self._cleared,
        }

    def settings(self, session: Event) -> None:
        """The session's settings are these from now on."""
        output = (session.get("audio") or {}).get("output") or {}
        self._bytes_per_ms = BYTES_PER_MS[(output.get("format") or {}).get("type", "audio/pcm")]

    def next_event(self, event: Event) -> None:
        """After each event: an output item is of the conversation at once, and done in it at once."""
        due = self._due
        kind = event["type"]
        if kind in ("response.output_item.added", "response.output_item.done"):
            response = self.known.get(event["response_id"])
            follows = kind.replace("response.output_item", "conversation.item")
            self._due = (follows, event["item"]["id"]) if response is not None and response.inside else None
        else:
            self._due = None
        if due is not None:
            named = (event.get("item") or {}).get("id")
            self._must((kind, named) == due, f"{due[0]} of {due[1]} comes right after its output item")

    def end(self) -> None:
        """Every response is done, and its sound is over."""
        for response_id, response in self.known.items():
            self._must(response.done, f"{response_id} was created and is never done")
            self._must(response.buffer != "sounding", f"{response_id} sounds and never stops")

    # -- the response ----------------------------------------------------------------------------------------

    def _created(self, event: Event) -> None:
        body = event["response"]
        self._must(body["id"] not in self.known, f"{body['id']} is created twice")
        self._must(body["status"] == "in_progress", "a response is created in progress")
        self._must(not body["output"], "a response is created empty")
        self._must(not self._items.waiting, "a response is created before the committed item is added")
        inside = body.get("conversation_id") is not None
        busy = [id_ for id_, other in self.known.items() if other.inside and not other.done]
        self._must(not (inside and busy), f"two responses are under way in the conversation: {busy}")
        self.known[body["id"]] = Response(inside)

    def _done(self, event: Event) -> None:
        body = event["response"]
        response = self.known.get(body["id"])
        if not self._must(response is not None, "response.done without response.created"):
            return
        assert response is not None
        self._must(not response.done, "response.done comes twice")
        self._must(body["status"] in ENDS, f"a response is not done when it is {body['status']}")
        for output in response.outputs:
            self._must(output.done is not None, f"response.done before its item {output.body['id']} is done")
        done = [output.done for output in response.outputs]
        self._must(body["output"] == done, "response.done.output is not the items that were done")
        inside = body.get("conversation_id") is not None
        self._must(inside == response.inside, "a response changes its conversation")
        details = body.get("status_details") or {}
        if body["status"] == "completed":
            self._must(not details.get("reason") and not details.get("error"), "completed, and yet a reason")
        else:
            self._must(details.get("type") == body["status"], "status_details says how the response ended")
        if body.get("usage") is not None:
            self._usage(body["usage"])
        response.done = True

    def _usage(self, usage: Event) -> None:
        read, written = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        self._must(usage.get("total_tokens") == read + written, "total_tokens is not the sum of in and out")
        for name, total in (("input", read), ("output", written)):
            details = usage.get(f"{name}_token_details")
            if details:
                kinds = [details.get(f"{kind}_tokens") or 0 for kind in ("text", "audio", "image")]
                self._must(sum(kinds) == total, f"{name}_token_details do not add up to {name}_tokens")
                cached = details.get("cached_tokens") or 0
                self._must(0 <= cached <= total, "more tokens were cached than there are")

    # -- its items -------------------------------------------------------------------------------------------

    def _item_added(self, event: Event) -> None:
        response, item = self._open(event), event["item"]
        if response is None:
            return
        self._must(event["output_index"] == len(response.outputs), "output_index counts the items from 0")
        self._must(
            item.get("status") == "in_progress", "an output item is added in progress, or tools run twice"
        )
        self._must(self._output(item["id"]) is None, f"{item['id']} is an output item already")
        self._must(item["id"] not in self._items.known, f"{item['id']} is an item already")
        if item["type"] == "function_call":
            self._must(
                bool(item.get("call_id")) and bool(item.get("name")), "a call has a call_id and a name"
            )
        else:
            self._must(item.get("role") == "assistant", "an output message is the assistant's")
            self._must(not item["content"], "an output item is added empty")
        response.outputs.append(Output(item))
        if not response.inside:
            self._items.outside.add(item["id"])

    def _item_done(self, event: Event) -> None:
        if (output := self._placed(event, event["item"]["id"])) is None:
            return
        item = event["item"]
        self._must(
            item.get("status") in ("completed", "incomplete"), "an item that is done is not in progress"
        )
        for part in output.parts:
            self._must(part.done, "output_item.done before content_part.done")
        if item["type"] == "function_call":
            self._must(output.arguments_done, "output_item.done before function_call_arguments.done")
            self._must(item.get("arguments") == output.arguments, "a call's arguments are not what was sent")
            same = all(item.get(key) == output.body.get(key) for key in ("call_id", "name"))
            self._must(same, "a call changes its name or call_id")
        else:
            said = [(part["type"], part.get("transcript", part.get("text"))) for part in item["content"]]
            told = [(CONTENT[part.kind], part.text) for part in output.parts]
            self._must(said == told, "the item that is done is not the parts that were sent")
        output.done = item

    def _part_added(self, event: Event) -> None:
        if (output := self._placed(event)) is None:
            return
        item_id = event["item_id"]
        if item_id not in self._items.outside:
            self._must(item_id in self._items.known, "a content part before conversation.item.added")
        self._must(output.body["type"] == "message", "only messages have content parts")
        self._must(event["content_index"] == len(output.parts), "content_index counts the parts from 0")
        self._must(all(part.done for part in output.parts), "a content part begins inside another")
        kind = event["part"].get("type")
        self._must(kind in TEXT_KEY, f"a content part is audio or text, not {kind}")
        self._must(not event["part"].get(TEXT_KEY.get(kind, "")), "a content part is added empty")
        output.parts.append(Part(kind if kind in TEXT_KEY else "text"))

    def _part_done(self, event: Event) -> None:
        if (part := self._part(event)) is None:
            return
        self._must(part.text_done, f"content_part.done before its {TEXT_KEY[part.kind]} is done")
        self._must(part.kind == "text" or part.audio_done, "content_part.done before output_audio.done")
        self._must(event["part"].get("type") == part.kind, "a content part changes its type")
        self._must(event["part"].get(TEXT_KEY[part.kind]) == part.text, "a content part is not what was sent")
        part.done = True

    # -- what is in them -------------------------------------------------------------------------------------

    def _text(self, event: Event, kind: str) -> None:
        if (part := self._part(event, kind)) is not None:
            self._must(not part.text_done, "a delta after its done")
            self._must(bool(event["delta"]), "a delta has something in it")
            part.text += event["delta"]

    def _text_done(self, event: Event, kind: str) -> None:
        if (part := self._part(event, kind)) is not None:
            self._must(not part.text_done, f"{TEXT_KEY[kind]} is done twice")
            self._must(kind == "text" or part.audio_done, "transcript.done comes after output_audio.done")
            self._must(
                event[TEXT_KEY[kind]] == part.text, f"the {TEXT_KEY[kind]} is not the sum of its deltas"
            )
            part.text_done = True

    def _audio(self, event: Event) -> None:
        self._must(not self._buffered, "over WebRTC audio comes in the track, not in events")
        if (part := self._part(event, "audio")) is None:
            return
        self._must(not part.audio_done, "a delta after its done")
        try:
            sound = base64.b64decode(event["delta"], validate=True)
        except binascii.Error:
            self._must(False, "an audio delta is base64")
            return
        self._must(bool(sound), "a delta has something in it")
        self._must(len(sound) % (2 if self._bytes_per_ms == 48 else 1) == 0, "a delta is of whole samples")
        part.audio_ms += len(sound) / self._bytes_per_ms

    def _audio_done(self, event: Event) -> None:
        if (part := self._part(event, "audio")) is not None:
            self._must(not part.audio_done, "output_audio is done twice")
            part.audio_done = True

    def _arguments(self, event: Event) -> None:
        if (output := self._call(event)) is not None:
            self._must(not output.arguments_done, "a delta after its done")
            output.arguments += event["delta"]

    def _arguments_done(self, event: Event) -> None:
        if (output := self._call(event)) is not None:
            self._must(not output.arguments_done, "function_call_arguments is done twice")
            self._must(
                event["arguments"] == output.arguments, "the arguments are not the sum of their deltas"
            )
            self._must(
                event["name"] == output.body.get("name"), "function_call_arguments.done has another name"
            )
            output.arguments_done = True

    # -- the sound of it -------------------------------------------------------------------------------------

    def _started(self, event: Event) -> None:
        if (response := self._sounds(event)) is not None:
            self._must(not response.done, "output_audio_buffer.started after response.done")
            self._must(response.buffer == "silent", "output_audio_buffer.started comes twice")
            spoken = any(part.kind == "audio" for output in response.outputs for part in output.parts)
            self._must(spoken, "output_audio_buffer.started before the audio's content part")
            response.buffer = "sounding"

    def _stopped(self, event: Event) -> None:
        if (response := self._sounds(event)) is not None:
            self._must(response.done, "output_audio_buffer.stopped before response.done")
            self._must(response.buffer == "sounding", "output_audio_buffer.stopped of what does not sound")
            response.buffer = "over"

    def _cleared(self, event: Event) -> None:
        if (response := self._sounds(event)) is not None:
            self._must(response.buffer == "sounding", "output_audio_buffer.cleared of what does not sound")
            response.buffer = "over"

    def _sounds(self, event: Event) -> Response | None:
        self._must(self._buffered, "output_audio_buffer events are for WebRTC")
        response = self.known.get(event["response_id"])
        self._must(response is not None, f"{event['type']} of no response")
        return response

    # -- finding ---------------------------------------------------------------------------------------------

    def _open(self, event: Event) -> Response | None:
        response = self.known.get(event["response_id"])
        if not self._must(response is not None, f"{event['type']} before response.created"):
            return None
        assert response is not None
        self._must(not response.done, f"{event['type']} after response.done")
        return response

    def _output(self, item_id: str) -> Output | None:
        outputs = (output for response in self.known.values() for output in response.outputs)
        return next((output for output in outputs if output.body["id"] == item_id), None)

    def _sent_ms(self, item_id: str) -> float | None:
        output = self._output(item_id)
        return None if output is None or self._buffered else sum(part.audio_ms for part in output.parts)

    def _placed(self, event: Event, item_id: str | None = None) -> Output | None:
        """The open output item that an event is about, by its ids and its output_index."""
        response = self._open(event)
        if response is None:
            return None
        item_id = item_id or event["item_id"]
        ids = [output.body["id"] for output in response.outputs]
        if not self._must(item_id in ids, f"{event['type']} of no item of its response"):
            return None
        place = ids.index(item_id)
        self._must(event["output_index"] == place, f"output_index is {place} for this item")
        self._must(response.outputs[place].done is None, f"{event['type']} after output_item.done")
        return response.outputs[place]

    def _part(self, event: Event, kind: str | None = None) -> Part | None:
        """The open content part that an event is about."""
        if (output := self._placed(event)) is None:
            return None
        index = event["content_index"]
        if not self._must(0 <= index < len(output.parts), f"{event['type']} outside any content part"):
            return None
        part = output.parts[index]
        self._must(not part.done, f"{event['type']} after content_part.done")
        self._must(kind in (None, part.kind), f"{event['type']} in a content part of {part.kind}")
        return part

    def _call(self, event: Event) -> Output | None:
        output = self._placed(event)
        if output is not None:
            self._must(output.body["type"] == "function_call", f"{event['type']} of no function call")
            self._must(event["call_id"] == output.body.get("call_id"), "call_id is not its item's")
        return output
