"""A stream of server events that breaks no rule, and ways to break one."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

from tests.realtime.conformance.order import Transport

Event = dict[str, Any]
Place = tuple[str, int]  # the nth event of this type, from 0
SOUND = base64.b64encode(b"\1\0" * 480).decode()  # 20 ms of audio/pcm


class Script(list[Event]):
    """Events; the methods make it wrong in one way each."""

    def find(self, kind: str, number: int = 0) -> int:
        """The index of an event."""
        return [index for index, event in enumerate(self) if event["type"] == kind][number]

    def drop(self, kind: str, number: int = 0) -> None:
        """An event is not sent."""
        del self[self.find(kind, number)]

    def again(self, kind: str, number: int = 0) -> None:
        """An event is sent twice."""
        at = self.find(kind, number)
        self.insert(at + 1, copy.deepcopy(self[at]) | {"event_id": "event_again"})

    def move(self, kind: str, number: int, before: Place) -> None:
        """An event is sent earlier than it should be."""
        event = self.pop(self.find(kind, number))
        self.insert(self.find(*before), event)

    def late(self, kind: str, number: int, after: Place) -> None:
        """An event is sent later than it should be."""
        event = self[self.find(kind, number)]
        self.insert(self.find(*after) + 1, event)
        self.remove(event)

    def put(self, kind: str, number: int, **fields: Any) -> None:
        """A field has another value. `a__b` is the field b inside a; None removes it, as far as it goes."""
        for path, value in fields.items():
            inside: Any = self[self.find(kind, number)]
            *way, last = path.split("__")
            for name in way:
                inside = inside[int(name) if name.isdigit() else name]
            inside[last] = value

    def say(self, kind: str, **fields: Any) -> None:
        """One more event."""
        self.append({"type": kind, "event_id": f"event_{len(self) + 1}", **fields})


Edit = Callable[[Script], object]


def message(item_id: str, role: str, status: str, *content: Event) -> Event:
    return {"id": item_id, "type": "message", "role": role, "status": status, "content": list(content)}


def session() -> Event:
    return {"id": "sess_1", "type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm"}}}}


def good(transport: Transport) -> Script:
    """A session with some of everything: items 1, 5 and 9 are the person's; response n makes item 2n."""
    script = Script()
    script.say("session.created", session=session())
    script.say("audiogpt.activity", state="listening", detail="")
    script.say("session.updated", session=session())
    _spoken(script, "item_1", None, 100)
    limit = {"name": "requests", "limit": 10, "remaining": 9, "reset_seconds": 6.0}
    script.say("rate_limits.updated", rate_limits=[limit])
    _answer(script, transport, 1, previous="item_1")
    script.say("conversation.item.retrieved", item=message("item_2", "assistant", "completed"))
    _spoken(script, "item_5", "item_2", 900)
    _answer(script, transport, 3, previous="item_5", cut_ms=20)
    _call(script, 4)
    output = {"id": "item_9", "type": "function_call_output", "call_id": "call_1", "output": "{}"}
    for kind in ("added", "done"):
        script.say(f"conversation.item.{kind}", item=output, previous_item_id="item_8")
    _text(script, 5)
    script.say(
        "input_audio_buffer.timeout_triggered", item_id="item_11", audio_start_ms=2000, audio_end_ms=3000
    )
    _committed(script, "item_11", "item_9")
    script.say("input_audio_buffer.speech_started", item_id="item_13", audio_start_ms=4_000)
    script.say("input_audio_buffer.cleared")
    script.say("conversation.item.deleted", item_id="item_2")
    script.say(
        "error", error={"type": "invalid_request_error", "code": "x", "message": "no", "event_id": None}
    )
    return script


def _spoken(script: Script, item_id: str, previous: str | None, at: int) -> None:
    script.say("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=at)
    script.say("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=at + 500)
    _committed(script, item_id, previous)
    transcription = "conversation.item.input_audio_transcription"
    script.say(f"{transcription}.delta", item_id=item_id, content_index=0, delta="play ")
    script.say(f"{transcription}.delta", item_id=item_id, content_index=0, delta="it")
    script.say(f"{transcription}.completed", item_id=item_id, content_index=0, transcript="play it")


def _committed(script: Script, item_id: str, previous: str | None) -> None:
    script.say("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
    item = message(item_id, "user", "completed", {"type": "input_audio", "transcript": None})
    for kind in ("added", "done"):
        script.say(f"conversation.item.{kind}", item=item, previous_item_id=previous)


class _Response:
    """Says the events of a response with one item."""

    def __init__(self, script: Script, number: int, item: Event, previous: str | None) -> None:
        self.script = script
        self.inside = previous is not None
        self.previous = previous
        self.body = {
            "id": f"resp_{number}",
            "status": "in_progress",
            "output": [],
            "conversation_id": "conv_1" if self.inside else None,
        }
        self.place = {"response_id": self.body["id"], "item_id": item["id"], "output_index": 0}
        script.say("response.created", response=self.body)
        self.item("added", item)

    def item(self, kind: str, item: Event) -> None:
        where = {"response_id": self.body["id"], "output_index": 0}
        self.script.say(f"response.output_item.{kind}", item=item, **where)
        if self.inside:
            self.script.say(f"conversation.item.{kind}", item=item, previous_item_id=self.previous)

    def say(self, kind: str, **fields: Any) -> None:
        self.script.say(f"response.{kind}", **self.place, **fields)

    def done(self, item: Event, status: str = "completed") -> None:
        self.item("done", item)
        details = None if status == "completed" else {"type": status, "reason": "turn_detected"}
        usage = {
            "input_tokens": 12,
            "output_tokens": 5,
            "total_tokens": 17,
            "input_token_details": {"text_tokens": 10, "audio_tokens": 2, "cached_tokens": 4},
            "output_token_details": {"text_tokens": 1, "audio_tokens": 4},
        }
        body = {**self.body, "status": status, "status_details": details, "output": [item], "usage": usage}
        self.script.say("response.done", response=body)


def _answer(
    script: Script, transport: Transport, number: int, *, previous: str, cut_ms: int | None = None
) -> None:
    item_id, response_id = f"item_{2 * number}", f"resp_{number}"
    response = _Response(script, number, message(item_id, "assistant", "in_progress"), previous)
    response.say("content_part.added", content_index=0, part={"type": "audio", "transcript": ""})
    if transport == "webrtc":
        script.say("output_audio_buffer.started", response_id=response_id)
    for word in ("one ", "two"):
        response.say("output_audio_transcript.delta", content_index=0, delta=word)
        if transport == "websocket":
            response.say("output_audio.delta", content_index=0, delta=SOUND)
    response.say("output_audio.done", content_index=0)
    response.say("output_audio_transcript.done", content_index=0, transcript="one two")
    response.say("content_part.done", content_index=0, part={"type": "audio", "transcript": "one two"})
    said = {"type": "output_audio", "transcript": "one two"}
    cut = cut_ms is not None
    response.done(
        message(item_id, "assistant", "incomplete" if cut else "completed", said),
        "cancelled" if cut else "completed",
    )
    if transport == "webrtc":
        script.say(f"output_audio_buffer.{'cleared' if cut else 'stopped'}", response_id=response_id)
    if cut:
        script.say("conversation.item.truncated", item_id=item_id, content_index=0, audio_end_ms=cut_ms)


def _call(script: Script, number: int) -> None:
    call = {"id": f"item_{2 * number}", "type": "function_call", "call_id": "call_1", "name": "look"}
    response = _Response(script, number, {**call, "status": "in_progress", "arguments": ""}, "item_6")
    for part in ("{", "}"):
        response.say("function_call_arguments.delta", call_id="call_1", delta=part)
    response.say("function_call_arguments.done", call_id="call_1", arguments="{}", name="look")
    response.done({**call, "status": "completed", "arguments": "{}"})


def _text(script: Script, number: int) -> None:
    """Outside the conversation."""
    item_id = f"item_{2 * number}"
    response = _Response(script, number, message(item_id, "assistant", "in_progress"), None)
    response.say("content_part.added", content_index=0, part={"type": "text", "text": ""})
    response.say("output_text.delta", content_index=0, delta="yes")
    response.say("output_text.done", content_index=0, text="yes")
    response.say("content_part.done", content_index=0, part={"type": "text", "text": "yes"})
    response.done(message(item_id, "assistant", "completed", {"type": "output_text", "text": "yes"}))
