"""Client events: every one that can be sent is understood or refused with a reason, never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import InputAudioBufferClearedEvent, RealtimeErrorEvent, SessionUpdateEvent

from realtime import config
from realtime.hearing.turn import Rules
from realtime.protocol import CLIENT_EVENTS, Outbox, ProtocolError, new_id, parse
from realtime.session_state import SessionState

LIMIT = 100_000
EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "instructions": "be brief",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": {"language": "en"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 300},
                },
                "output": {"voice": "marin", "speed": 1.2, "format": {"type": "audio/pcm", "rate": 24_000}},
            },
            "tools": [],
        },
    },
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    },
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 10},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "response.create", "response": {"instructions": "sing"}},
    {"type": "response.cancel", "response_id": "resp_1"},
    {"type": "output_audio_buffer.clear"},
)

surrogates = st.characters(categories=["Cs"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters() | surrogates, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class Wire:
    """Where an outbox sends to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, event: str) -> None:
        event.encode("utf-8")
        self.sent.append(json.loads(event))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inside for found in [(*path, key), *places(item, (*path, key))]]


@st.composite
def mutated(draw: st.DrawFn, examples: tuple[dict[str, Any], ...] = EXAMPLES) -> str:
    event = json.loads(json.dumps(draw(st.sampled_from(examples))))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(event) or [("type",)]))
        inside = event
        for key in path[:-1]:
            inside = inside[key]
        match draw(st.sampled_from(["replace", "null", "remove", "add"])):
            case "replace":
                inside[path[-1]] = draw(values)
            case "null":
                inside[path[-1]] = None
            case "remove" if isinstance(inside, dict):
                inside.pop(path[-1], None)
            case _ if isinstance(inside, dict):
                inside[draw(st.sampled_from(["event_id", "extra", "id", "type", "\ud800"]))] = draw(values)
    return json.dumps(event, ensure_ascii=draw(st.booleans()))


def refused(text: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        parse(text, LIMIT)
    return caught.value


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event["type"])
def test_every_client_event_is_understood(event: dict[str, Any]) -> None:
    parsed = parse(json.dumps({**event, "event_id": "mine"}), LIMIT)
    assert (parsed.type, parsed.event_id) == (event["type"], "mine")


def test_the_examples_are_all_there_are() -> None:
    assert {event["type"] for event in EXAMPLES} == set(CLIENT_EVENTS)


@settings(max_examples=300, deadline=None)
@given(mutated() | values.map(json.dumps) | st.text(max_size=40))
def test_a_wrong_event_is_refused_and_the_refusal_can_be_sent(text: str) -> None:
    wire = Wire()
    try:
        parse(text, LIMIT)
    except ProtocolError as error:
        Outbox(wire).error(error)  # type: ignore[arg-type]
        sent = RealtimeErrorEvent.model_validate(wire.sent[0])
        assert sent.error.message
        assert sent.error.code


@settings(max_examples=300, deadline=None)
@given(st.lists(mutated(EXAMPLES[:1]), min_size=1, max_size=3))
def test_no_session_update_breaks_the_session(texts: list[str]) -> None:
    wire = Wire()
    outbox = Outbox(wire)  # type: ignore[arg-type]
    state = SessionState("sess_1", config.load(environment={}))
    for text in texts:
        try:
            event = parse(text, LIMIT)
            if isinstance(event, SessionUpdateEvent):
                state.update(event, outbox)
        except ProtocolError as error:
            outbox.error(error)
        rules = state.rules(Rules())
        assert 0.05 <= rules.threshold <= 0.95
        assert min(rules.complete_ms, rules.silence_ms, rules.unfinished_ms) >= 60
        assert 0.25 <= state.speed <= 1.5
        assert state.modality in ("audio", "text")
        assert all(isinstance(text, str) for text in (state.voice, state.language, state.instructions))
        assert all(isinstance(flag, bool) for flag in (state.automatic, state.answers, state.interrupts))
    for sent in wire.sent:
        if sent["type"] == "session.updated":
            assert sent["session"]["id"] == "sess_1"


def test_what_is_wrong_is_said() -> None:
    assert refused("x" * (LIMIT + 1)).code == "event_too_large"
    assert refused("{").code == "invalid_json"
    assert refused("[" * 90_000).code in ("invalid_json", "invalid_event")
    assert refused("[]").code == "invalid_event"
    assert refused('{"type": "response.create", "x": ' + "[" * 60 + "]" * 60 + "}").code == "invalid_event"
    assert refused('{"type": "response.create", "x": NaN}').code == "invalid_json"
    assert refused('{"type": "response.create", "event_id": "\\ud800"}').code == "invalid_json"
    unknown = refused('{"type": "response.crate", "event_id": "mine"}')
    assert (unknown.code, unknown.event_id, unknown.param) == ("unknown_event_type", "mine", "type")
    assert "response.create" in str(unknown)
    missing = refused('{"type": "conversation.item.delete", "event_id": "mine"}')
    assert (missing.code, missing.event_id, missing.param) == ("invalid_value", "mine", "item_id")


def test_the_name_of_a_wrong_value_is_the_clients_own() -> None:
    session = {
        "type": "realtime",
        "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": "x"}}},
    }
    error = refused(json.dumps({"type": "session.update", "session": session}))
    assert error.param == "session.audio.input.turn_detection.threshold"


def test_a_pair_of_surrogates_is_a_character() -> None:
    parsed = parse('{"type": "response.cancel", "response_id": "\\ud83c\\udf89"}', LIMIT)
    assert parsed.response_id == "🎉"  # type: ignore[union-attr]


def test_a_session_without_a_type_is_a_realtime_session() -> None:
    parsed = parse('{"type": "session.update", "session": {"instructions": "x"}}', LIMIT)
    assert isinstance(parsed, SessionUpdateEvent)
    assert parsed.session.type == "realtime"


def test_the_outbox_names_events_and_leaves_out_what_it_was_not_given() -> None:
    wire = Wire()
    outbox = Outbox(wire)  # type: ignore[arg-type]
    outbox.send(InputAudioBufferClearedEvent)
    outbox.send(InputAudioBufferClearedEvent)
    outbox.failure("the voice broke")
    first, second, failure = wire.sent
    assert set(first) == {"type", "event_id"}
    assert first["type"] == "input_audio_buffer.cleared"
    assert first["event_id"] != second["event_id"]
    assert failure["error"]["type"] == "server_error"
    RealtimeErrorEvent.model_validate(failure)


def test_identifiers_differ() -> None:
    assert len({new_id("item") for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_a_number_that_no_backend_can_be_sent_is_refused(number: int) -> None:
    with pytest.raises(ProtocolError, match="too large a number"):
        parse(f'{{"type": "response.create", "response": {{"metadata": {{"n": {number}}}}}}}', 10_000)
