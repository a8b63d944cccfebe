"""What `session.update` changes, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.realtime import SessionUpdateEvent

from realtime import config
from realtime.hearing.turn import Rules
from realtime.protocol import Outbox, ProtocolError, parse
from realtime.session_state import SessionState, merged


class Wire:
    """Where an outbox sends to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, event: str) -> None:
        self.sent.append(json.loads(event))


class Client:
    """A session's state with somebody who changes it."""

    def __init__(self, *flags: str) -> None:
        self.state = SessionState("sess_1", config.load(flags, environment={}))
        self.wire = Wire()

    def update(self, **session: Any) -> SessionState:
        event = parse(json.dumps({"type": "session.update", "event_id": "mine", "session": session}), 100_000)
        assert isinstance(event, SessionUpdateEvent)
        self.state.update(event, Outbox(self.wire))  # type: ignore[arg-type]
        return self.state


def test_it_begins_with_the_settings() -> None:
    state = Client("tts.voice=slt", "tts.speed=1.1", "asr.language=en", "planner.instructions=be kind").state
    assert (state.voice, state.speed, state.language, state.instructions) == ("slt", 1.1, "en", "be kind")
    assert (state.modality, state.automatic, state.answers, state.interrupts) == ("audio", True, True, True)
    assert Client().state.voice == ""
    assert state.rules(Rules()) == Rules()


def test_what_is_named_changes_and_the_rest_stays() -> None:
    client = Client("tts.voice=slt")
    state = client.update(instructions="sing", audio={"output": {"speed": 1.5}})
    assert (state.instructions, state.speed, state.voice) == ("sing", 1.5, "slt")
    shown = client.wire.sent[0]
    assert shown["type"] == "session.updated"
    assert shown["session"]["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "slt",
        "speed": 1.5,
    }


def test_turn_detection() -> None:
    client = Client()
    detection = {"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 900, "create_response": False}
    state = client.update(audio={"input": {"turn_detection": detection}})
    rules = state.rules(Rules())
    assert (rules.threshold, rules.complete_ms, rules.silence_ms, rules.unfinished_ms) == (0.7, 900, 900, 900)
    assert (state.automatic, state.answers, state.interrupts) == (True, False, True)
    state = client.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}})
    assert state.rules(Rules()).silence_ms == 960
    assert state.answers
    state = client.update(audio={"input": {"turn_detection": None}})
    assert (state.automatic, state.answers, state.interrupts) == (False, False, False)


@pytest.mark.parametrize(("asked", "used"), [(-5, 60), (0, 60), (300, 300), (99_999, 10_000), (None, 500)])
def test_a_silence_is_kept_in_bounds(asked: int | None, used: int) -> None:
    detection = {"type": "server_vad", "silence_duration_ms": asked, "threshold": 7}
    rules = Client().update(audio={"input": {"turn_detection": detection}}).rules(Rules())
    assert (rules.silence_ms, rules.threshold) == (used, 0.95)


@pytest.mark.parametrize("audio", [None, {"input": None}, {"output": None}, {"input": None, "output": None}])
def test_null_leaves_a_group_as_it_is(audio: Any) -> None:
    state = Client("tts.voice=slt").update(audio=audio)
    assert (state.voice, state.speed, state.language, state.automatic) == ("slt", 1.0, "en", True)


def test_who_the_session_is_is_not_the_clients_to_say() -> None:
    client = Client()
    client.update(id="sess_2", object="x", expires_at=1)
    shown = client.wire.sent[0]["session"]
    assert (shown["id"], shown["object"]) == ("sess_1", "realtime.session")
    assert shown["expires_at"] > 1


def test_a_voice_may_be_an_object() -> None:
    assert Client().update(audio={"output": {"voice": {"id": "awb"}}}).voice == "awb"


def test_what_the_protocol_does_not_name_is_not_shown() -> None:
    client = Client()
    client.update(mine=1, audio={"yours": {}, "output": {"voice": {"id": "slt"}}})
    shown = client.wire.sent[-1]["session"]
    assert "mine" not in shown
    assert shown["audio"].keys() == {"input", "output"}
    assert shown["audio"]["output"]["voice"] == client.state.voice == "slt"


def test_what_says_how_to_answer_is_shown_and_kept() -> None:
    client = Client()
    function = {"type": "function", "name": "f", "description": "does f"}
    choice = {"type": "function", "name": "f"}
    client.update(tools=[function], tool_choice=choice, max_output_tokens=50, parallel_tool_calls=False)
    shown = client.wire.sent[-1]["session"]
    assert shown["tools"] == [{**function, "parameters": {"type": "object", "properties": {}}}]
    assert shown["tool_choice"] == choice
    assert (shown["max_output_tokens"], shown["parallel_tool_calls"]) == (50, False)
    client.update(tools=[], tool_choice="required", max_output_tokens="inf")
    shown = client.wire.sent[-1]["session"]
    assert (shown["tools"], shown["tool_choice"], shown["max_output_tokens"]) == ([], "required", "inf")


def test_a_tool_of_ours_may_be_forced() -> None:
    client = Client()
    client.update(tool_choice={"type": "function", "name": "play_music"})
    assert client.wire.sent[-1]["session"]["tool_choice"]["name"] == "play_music"


def test_text_only() -> None:
    assert Client().update(output_modalities=["text"]).modality == "text"


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"type": "transcription"}, "unsupported_session"),
        ({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x"}]}, "unsupported_tool"),
        ({"tools": [{"type": "function", "name": "no blanks"}]}, "invalid_tool"),
        ({"tools": [{"type": "function"}]}, "invalid_tool"),
        ({"tools": [{"type": "function", "name": "f", "parameters": [1]}]}, "invalid_tool"),
        ({"tools": [{"type": "function", "name": "f"}] * 2}, "duplicate_tool"),
        ({"tools": [{"type": "function", "name": f"f{n}"} for n in range(129)]}, "too_many_tools"),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": {"description": "x" * 40_000}}]},
            "invalid_tool",
        ),
        ({"tool_choice": {"type": "function", "name": "f"}}, "unknown_tool"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "unsupported_tool_choice"),
        ({"max_output_tokens": 0}, "invalid_value"),
        ({"max_output_tokens": 4_097}, "invalid_value"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1}}}},
            "invalid_value",
        ),
        ({"audio": {"output": {"speed": 4.0}}}, "invalid_value"),
    ],
)
def test_what_cannot_be_had_is_refused_and_changes_nothing(session: dict[str, Any], code: str) -> None:
    client = Client()
    with pytest.raises(ProtocolError) as caught:
        client.update(**{"instructions": "new", **session})
    assert (caught.value.code, caught.value.event_id) == (code, "mine")
    assert caught.value.param
    assert client.state.instructions == ""
    assert client.wire.sent == []


def test_formats_are_independent_and_shown_whole() -> None:
    client = Client()
    assert client.state.formats == ("audio/pcm", "audio/pcm")
    assert client.update(audio={"input": {"format": {"type": "audio/pcmu"}}}).formats == (
        "audio/pcmu",
        "audio/pcm",
    )
    client.update(audio={"output": {"format": {"type": "audio/pcma", "rate": 8_000}}})
    assert client.wire.sent[-1]["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert client.wire.sent[-1]["session"]["audio"]["output"]["format"] == {"type": "audio/pcma"}
    for back in ({"rate": 24_000}, {"type": "audio/pcm"}, {"type": "audio/pcm", "rate": None}):
        client.update(audio={"input": {"format": {"type": "audio/pcma"}}})
        assert client.update(audio={"input": {"format": back}}).formats == ("audio/pcm", "audio/pcma")
        shown = client.wire.sent[-1]["session"]["audio"]["input"]["format"]
        assert shown == {"type": "audio/pcm", "rate": 24_000}


@pytest.mark.parametrize(
    "wrong", [{"type": "audio/wav"}, {"type": "audio/pcm", "rate": 16_000}, {"type": 1}, "audio/pcmu"]
)
def test_a_format_that_there_is_none_of_is_refused(wrong: Any) -> None:
    client = Client()
    with pytest.raises(ProtocolError) as caught:
        client.update(audio={"input": {"format": wrong}})
    assert caught.value.code == "invalid_value"
    assert "format" in str(caught.value.param)


@pytest.mark.parametrize(
    ("asked", "threshold", "prefix_ms"),
    [
        ({}, 0.5, 300),
        ({"threshold": 0.8, "prefix_padding_ms": 500}, 0.8, 500),
        ({"threshold": 0.0, "prefix_padding_ms": 0}, 0.05, 0),
        ({"threshold": 1.0, "prefix_padding_ms": 60_000}, 0.95, 2_000),
        ({"threshold": None, "prefix_padding_ms": None}, 0.5, 300),
        ({"prefix_padding_ms": -5}, 0.5, 0),
    ],
)
def test_where_speech_begins(asked: dict[str, Any], threshold: float, prefix_ms: int) -> None:
    state = Client().update(audio={"input": {"turn_detection": {"type": "server_vad", **asked}}})
    assert state.rules(Rules()).threshold == threshold
    assert state.prefix_ms(300) == prefix_ms
    state = Client().update(audio={"input": {"turn_detection": {"type": "semantic_vad", **asked}}})
    assert state.prefix_ms(300) == 300


def test_null_in_a_turn_detection_is_the_default() -> None:
    null = {"type": "server_vad", "create_response": None, "interrupt_response": None}
    state = Client().update(audio={"input": {"turn_detection": null}})
    assert state.answers
    assert state.interrupts
    assert state.idle_timeout_ms is None


def test_transcription_can_be_switched_off_and_on() -> None:
    client = Client()
    assert client.state.transcribes
    assert not client.update(audio={"input": {"transcription": None}}).transcribes
    state = client.update(audio={"input": {"transcription": {"language": "de"}}})
    assert state.transcribes
    assert state.language == "de"


def test_merging() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "turn_detection": {"type": "x", "y": 1}, "d": {"e": 1}, "g": 1}
    new = {"a": {"c": [3]}, "turn_detection": {"type": "z"}, "d": None, "f": 2, "g": None}
    assert merged(old, new) == {
        "a": {"b": 1, "c": [3]},
        "turn_detection": {"type": "z"},
        "d": {"e": 1},
        "f": 2,
        "g": 1,
    }
    assert old["a"] == {"b": 1, "c": [1, 2]}
