from __future__ import annotations

from typing import Any

import pytest

from client.errors import GarbledError, SilentServerError
from client.events import EventLog, ServerEvent, lost, parse
from client.turn import QUIET_S, SETTLE_S, Turn

RESPONSE = {"response_id": "r1", "item_id": "a1"}


def spoken_turn() -> Turn:
    turn = Turn(1)
    turn.spoke_at, turn.asked_at = 9.0, 10.0
    return turn


def feed(turn: Turn, at: float, event_type: str, /, **body: Any) -> None:
    turn.feed(ServerEvent(event_type, {"type": event_type, **body}, at))


def commit(turn: Turn, at: float, item: str, words: str) -> None:
    feed(turn, at, "input_audio_buffer.speech_started", item_id=item)
    feed(turn, at, "input_audio_buffer.speech_stopped", item_id=item)
    feed(turn, at, "input_audio_buffer.committed", item_id=item)
    name = "conversation.item.input_audio_transcription.completed"
    feed(turn, at, name, item_id=item, transcript=words)


def respond(turn: Turn, at: float, name: str = "r1", kind: str | None = None) -> None:
    metadata = {"audiogpt": kind} if kind else None
    feed(turn, at, "response.created", response={"id": name, "metadata": metadata})
    feed(turn, at, "output_audio_buffer.started", response_id=name)


def verdict(turn: Turn, now: float, sound: float | None = None) -> str:
    return turn.verdict(now, sound, wait=5.0, listen=3.0)


def test_a_whole_turn() -> None:
    turn = spoken_turn()
    commit(turn, 10.2, "u1", " hello there ")
    assert verdict(turn, 10.3) == "open"
    respond(turn, 10.4)
    feed(turn, 10.4, "response.output_audio_transcript.delta", delta="good ", **RESPONSE)
    feed(turn, 10.5, "response.output_audio_transcript.delta", delta="day", **RESPONSE)
    assert turn.said == "good day"
    feed(turn, 11.0, "audiogpt.turn.latency", stages_ms={"asr": 1.0}, total_ms=400.0, **RESPONSE)
    assert verdict(turn, 11.1) == "open"
    feed(turn, 11.2, "response.output_audio_transcript.done", transcript="good day.", **RESPONSE)
    feed(turn, 11.2, "response.done", response={"id": "r1", "status": "completed"})
    assert verdict(turn, 11.3, sound=11.3) == "open"
    feed(turn, 11.5, "output_audio_buffer.stopped", response_id="r1")
    assert verdict(turn, 11.2 + SETTLE_S + 0.01, sound=11.5) == "ended"
    assert (turn.heard, turn.said, turn.total_ms) == ({"u1": "hello there"}, "good day.", 400.0)


def test_without_buffer_events_quiet_ends_the_turn() -> None:
    turn = spoken_turn()
    commit(turn, 10.2, "u1", "hello")
    feed(turn, 10.4, "response.created", response={"id": "r1"})
    feed(turn, 10.4, "response.output_audio_transcript.delta", delta="hi", **RESPONSE)
    feed(turn, 10.5, "response.done", response={"id": "r1", "status": "completed"})
    assert verdict(turn, 12.0, sound=11.9) == "open"
    assert verdict(turn, 12.0 + QUIET_S, sound=11.9) == "ended"


def test_an_answer_in_words_only_needs_no_sound() -> None:
    turn = spoken_turn()
    feed(turn, 10.4, "response.created", response={"id": "r1"})
    feed(turn, 10.4, "response.output_text.delta", delta="hi", **RESPONSE)
    feed(turn, 10.5, "response.done", response={"id": "r1", "status": "completed"})
    assert verdict(turn, 10.95) == "ended"
    assert not turn.claims_sound


def test_music_is_listened_to_for_so_long() -> None:
    turn = spoken_turn()
    commit(turn, 10.2, "u1", "play")
    respond(turn, 11.0, "m1", "music")
    feed(turn, 11.0, "audiogpt.artefact.created", id="x", kind="music", name="calm", response_id="m1")
    feed(turn, 11.0, "audiogpt.music.state", artefact_id="x", playing=True, bar=1)
    assert verdict(turn, 13.9) == "open"
    assert verdict(turn, 14.1) == "ended"
    assert turn.playing
    assert turn.artefacts[0]["name"] == "calm"
    assert turn.music == {"artefact_id": "x", "playing": True, "bar": 1}
    feed(turn, 14.2, "response.done", response={"id": "m1", "status": "cancelled"})
    assert turn.interrupted
    assert not turn.playing


def test_a_pause_inside_the_speech_is_one_turn_with_two_utterances() -> None:
    turn = Turn(1)
    commit(turn, 5.0, "u1", "play something")
    respond(turn, 5.2)
    feed(turn, 5.5, "response.done", response={"id": "r1", "status": "cancelled"})
    feed(turn, 5.5, "output_audio_buffer.cleared", response_id="r1")
    turn.spoke_at, turn.asked_at = 3.0, 7.0
    commit(turn, 7.2, "u2", "by the sea")
    assert verdict(turn, 7.3) == "open"  # the second half wants its own answer
    assert "audio_started" not in turn.marks
    respond(turn, 7.5, "r2")
    feed(turn, 8.0, "response.done", response={"id": "r2", "status": "completed"})
    feed(turn, 8.0, "output_audio_buffer.stopped", response_id="r2")
    assert verdict(turn, 8.5) == "ended"
    assert list(turn.heard.values()) == ["play something", "by the sea"]


def test_a_silent_server_is_given_up() -> None:
    turn = spoken_turn()
    assert verdict(turn, 14.9) == "open"
    assert verdict(turn, 15.1) == "silent"
    feed(turn, 15.2, "response.created", response={"id": "r1"})
    assert verdict(turn, 15.3) == "open"
    assert verdict(turn, 20.5) == "silent"  # it began an answer and never went on


def test_failures_and_notices_are_kept_and_malformed_events_passed_over() -> None:
    turn = spoken_turn()
    respond(turn, 10.5)
    failed = {"status": "failed", "status_details": {"error": {"message": "no voice"}}}
    feed(turn, 10.6, "response.done", response={"id": "r1", **failed})
    feed(turn, 10.6, "error", error={"message": "odd"})
    feed(turn, 10.6, "error", error={"code": "response_cancel_not_active", "message": "nothing to cancel"})
    feed(turn, 10.6, "audiogpt.notice", level="warning", message="slow")
    feed(turn, 10.6, "audiogpt.timer", label="egg", seconds=10, state="set")
    feed(turn, 10.6, "response.done", response=None)
    feed(turn, 10.6, "error", error="text")
    assert turn.errors == ["the answer failed: no voice", "odd", "an error without a message"]
    assert turn.notices == ["warning: slow"]
    assert turn.timers == [{"label": "egg", "seconds": 10, "state": "set"}]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"type": 3}', b"\xff\xfe"])
def test_garbage_is_no_event(text: str | bytes) -> None:
    with pytest.raises(GarbledError):
        parse(text, 0.0)


async def test_waiting_for_an_event() -> None:
    log = EventLog()
    log.add(ServerEvent("one", {}, 1.0))
    assert (await log.wait_for("one", within=1)).at == 1.0
    with pytest.raises(SilentServerError, match=r"no one within 0\.01 s"):
        await log.wait_for("one", within=0.01, after=1.0)
    log.fail(lost("gone"))
    log.fail(lost("again"))
    with pytest.raises(type(lost("")), match="gone"):
        await log.wait_for("two", within=1)
