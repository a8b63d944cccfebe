"""The events of a response: valid, paired and in order, whatever calls come in whatever order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from realtime.protocol import Outbox
from realtime.response import Response

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


class Wire:
    """Where an outbox sends to; every event is valid."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, event: str) -> None:
        self.sent.append(json.loads(event))
        SERVER_EVENT.validate_python(self.sent[-1])

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.sent]


def response(
    wire: Wire, *, buffered: bool = True, modality: Literal["audio", "text"] = "audio", inside: bool = True
) -> Response:
    return Response(
        Outbox(wire),  # type: ignore[arg-type]
        buffered=buffered,
        conversation_id="conv_1" if inside else None,
        modality=modality,
        metadata=None if inside else {"audiogpt": "music"},
    )


OPENING = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
CLOSING = [
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def test_a_spoken_response() -> None:
    wire = Wire()
    spoken = response(wire)
    spoken.create()
    spoken.audio_started()
    spoken.text("it is ")
    spoken.text("noon")
    spoken.finish("completed", usage=USAGE)
    spoken.drained()
    assert wire.types == [
        *OPENING,
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        *CLOSING,
        "output_audio_buffer.stopped",
    ]
    done = wire.sent[-2]["response"]
    assert done["status"] == "completed"
    assert done["usage"] == USAGE
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "it is noon"}]


def test_a_written_response() -> None:
    wire = Wire()
    written = response(wire, modality="text", buffered=False)
    written.create()
    written.text("noon")
    written.finish("completed")
    assert wire.types == [*OPENING, "response.output_text.delta", "response.output_text.done", *CLOSING]


def test_a_response_outside_the_conversation_adds_nothing_to_it() -> None:
    wire = Wire()
    music = response(wire, inside=False)
    music.create()
    music.audio_started()
    music.finish("cancelled", reason="turn_detected")
    music.cleared()
    assert not any(kind.startswith("conversation.") for kind in wire.types)
    assert wire.types[-1] == "output_audio_buffer.cleared"
    assert wire.sent[0]["response"]["conversation_id"] is None
    assert wire.sent[0]["response"]["metadata"] == {"audiogpt": "music"}


def test_a_response_that_fails_before_it_says_anything() -> None:
    wire = Wire()
    failed = response(wire)
    failed.create()
    failed.finish("failed", error="the voice broke")
    failed.cleared()
    assert wire.types == ["response.created", "response.done"]
    details = wire.sent[1]["response"]["status_details"]
    assert details["error"]["message"] == "the voice broke"
    assert wire.sent[1]["response"]["output"] == []


def test_a_cut_response_says_where() -> None:
    wire = Wire()
    cut = response(wire)
    cut.create()
    cut.audio_started()
    cut.text("it is")
    cut.finish("cancelled", reason="turn_detected")
    cut.cleared(420)
    assert wire.types[-2:] == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    assert wire.sent[-1]["audio_end_ms"] == 420
    done = next(event for event in wire.sent if event["type"] == "response.done")["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize("late", ["text", "audio_started", "open"])
def test_nothing_comes_after_the_end(late: str) -> None:
    wire = Wire()
    over = response(wire)
    over.create()
    over.finish("completed")
    before = list(wire.types)
    {"text": lambda: over.text("late"), "audio_started": over.audio_started, "open": over.open}[late]()
    assert wire.types == before
    assert over.transcript == ""


CALLS: dict[str, Callable[[Response], None]] = {
    "text": lambda it: it.text("word "),
    "no text": lambda it: it.text(""),
    "audio": lambda it: it.audio_started(),
    "open": lambda it: it.open(),
    "complete": lambda it: it.finish("completed"),
    "cancel": lambda it: it.finish("cancelled", reason="client_cancelled"),
    "fail": lambda it: it.finish("failed", error="cause"),
    "drained": lambda it: it.drained(),
    "cleared": lambda it: it.cleared(10),
}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(sorted(CALLS)), max_size=10),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["audio", "text"]),
)
def test_events_pair_and_nest_whatever_is_called(
    calls: list[str], buffered: bool, inside: bool, modality: Literal["audio", "text"]
) -> None:
    wire = Wire()
    one = response(wire, buffered=buffered, inside=inside, modality=modality)
    one.create()
    for call in [*calls, "complete", "cleared"]:
        CALLS[call](one)
    types = wire.types
    for begin, end in [
        ("response.created", "response.done"),
        ("response.output_item.added", "response.output_item.done"),
        ("response.content_part.added", "response.content_part.done"),
        ("conversation.item.added", "conversation.item.done"),
    ]:
        assert types.count(begin) == types.count(end) <= 1
        assert begin not in types or types.index(begin) < types.index(end)
    assert types.count("response.done") == 1
    after = types[types.index("response.done") + 1 :]
    assert not any(kind.startswith("response.") for kind in after)
    ends = types.count("output_audio_buffer.stopped") + types.count("output_audio_buffer.cleared")
    assert types.count("output_audio_buffer.started") == ends
    deltas = "".join(event["delta"] for event in wire.sent if event["type"].endswith(".delta"))
    assert deltas == one.transcript
    assert all(event["response_id"] == one.id for event in wire.sent if "response_id" in event)
