"""The checker of orders passes what is right, and each of its rules can fail."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path
from typing import Any

import pytest

from tests.realtime.conformance.order import Order, Transport, violations
from tests.realtime.conformance.script import SOUND, Edit, Script, good, message, session

WS, RTC = "websocket", "webrtc"
TRANSCRIPT = "response.output_audio_transcript"
AUDIO = "response.output_audio"
CALL = "response.function_call_arguments"
HEARD = "conversation.item.input_audio_transcription"
STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
ITEM, OUTPUT, PART = "conversation.item", "response.output_item", "response.content_part"
SOUNDS = "output_audio_buffer"


def usage(**changes: Any) -> Edit:
    return lambda s: s.put("response.done", 0, **{f"response__usage__{k}": v for k, v in changes.items()})


def place(**changes: Any) -> dict[str, Any]:
    return {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0, **changes}


def added_to(kind: str, number: int, event_type: str, **fields: Any) -> Edit:
    """An event more, behind another."""

    def edit(s: Script) -> None:
        s.insert(s.find(kind, number) + 1, {"type": event_type, "event_id": "event_more", **fields})

    return edit


# What the rule says, the transport, and what breaks it.
BROKEN: list[tuple[str, str, Edit]] = [
    # every event
    ("every event has an event_id", WS, lambda s: s.put(COMMITTED, 0, event_id="")),
    ("was used before", WS, lambda s: s.put(COMMITTED, 0, event_id="event_1")),
    ("session.created comes first", WS, lambda s: s.drop("session.created")),
    ("is no event that this server may send", WS, lambda s: s.say("conversation.created")),
    (
        "session.created names another session",
        WS,
        lambda s: s.say("session.created", session={"id": "sess_2"}),
    ),
    (
        "session.updated names another session",
        WS,
        lambda s: s.put("session.updated", 0, session__id="sess_2"),
    ),
    ("an error says what is wrong", WS, lambda s: s.put("error", 0, error__message="")),
    ("names each limit once", WS, lambda s: s.put("rate_limits.updated", 0, rate_limits=[])),
    (
        "between nothing and all remains",
        WS,
        lambda s: s.put("rate_limits.updated", 0, rate_limits__0__remaining=11),
    ),
    # what is heard
    ("speech_started names an item that exists", WS, lambda s: s.put(STARTED, 1, item_id="item_1")),
    ("speech_started goes back in time", WS, lambda s: s.put(STARTED, 1, audio_start_ms=50)),
    ("speech_stopped without speech_started", WS, lambda s: s.drop(STARTED)),
    ("speech_stopped after stopped", WS, lambda s: s.again(STOPPED)),
    ("speech_stopped is before its start", WS, lambda s: s.put(STOPPED, 0, audio_end_ms=50)),
    (
        "timeout_triggered names an item that exists",
        WS,
        lambda s: s.put("input_audio_buffer.timeout_triggered", 0, item_id="item_1"),
    ),
    (
        "timeout_triggered ends before its start",
        WS,
        lambda s: s.put("input_audio_buffer.timeout_triggered", 0, audio_end_ms=1),
    ),
    ("speech_stopped comes between", WS, lambda s: s.drop(STOPPED)),
    ("another committed item is not yet added", WS, lambda s: s.move(COMMITTED, 1, (f"{ITEM}.added", 0))),
    ("was committed and never added", WS, lambda s: s.drop(f"{ITEM}.added", -1)),
    (
        "neither committed nor cleared",
        WS,
        lambda s: (
            s.drop("input_audio_buffer.cleared") or s.say(STOPPED, item_id="item_13", audio_end_ms=4_100)
        ),
    ),
    # items
    ("is added twice", WS, lambda s: s.again(f"{ITEM}.added")),
    (
        "belongs to a response outside",
        WS,
        lambda s: s.say(f"{ITEM}.added", item=message("item_10", "assistant", "completed")),
    ),
    ("it is the next to be added", WS, lambda s: s.move(f"{ITEM}.added", 1, (f"{ITEM}.added", 0))),
    ("is added after stopped, not committed", WS, lambda s: s.drop(COMMITTED)),
    (
        "has the key transcript",
        WS,
        lambda s: s.put(
            f"{ITEM}.added", 0, item=message("item_1", "user", "completed", {"type": "input_audio"})
        ),
    ),
    ("was added and is never done", WS, lambda s: s.drop(f"{ITEM}.done")),
    ("conversation.item.done without", WS, lambda s: s.drop(f"{ITEM}.added")),
    ("conversation.item.done comes twice", WS, lambda s: s.again(f"{ITEM}.done")),
    (
        "an item that is done is not in progress",
        WS,
        lambda s: s.put(f"{ITEM}.done", 0, item__status="in_progress"),
    ),
    (
        "an item changes its nature",
        WS,
        lambda s: s.put(f"{ITEM}.done", 0, item=message("item_1", "system", "completed")),
    ),
    ("was never added", WS, lambda s: s.put(f"{ITEM}.deleted", 0, item_id="item_99")),
    ("was deleted", WS, lambda s: s.again(f"{ITEM}.deleted")),
    ("previous_item_id names no item", WS, lambda s: s.put(COMMITTED, 1, previous_item_id="item_99")),
    (
        "an item outside the conversation is truncated",
        WS,
        lambda s: s.say(f"{ITEM}.truncated", item_id="item_10", audio_end_ms=1),
    ),
    (
        "only the assistant's audio is truncated",
        WS,
        lambda s: s.put(f"{ITEM}.truncated", 0, item_id="item_1"),
    ),
    (
        "a truncated item grows again",
        WS,
        lambda s: s.say(f"{ITEM}.truncated", item_id="item_6", audio_end_ms=30),
    ),
    ("of which 40 were sent", WS, lambda s: s.put(f"{ITEM}.truncated", 0, audio_end_ms=60)),
    ("a transcription before its item", WS, lambda s: s.move(f"{HEARD}.delta", 0, (f"{ITEM}.added", 0))),
    (
        "a transcription of what the person did not say",
        WS,
        lambda s: s.say(f"{HEARD}.failed", item_id="item_2", error={}),
    ),
    ("after it was completed, or failed", WS, lambda s: s.again(f"{HEARD}.completed")),
    ("a transcript is not the sum", WS, lambda s: s.drop(f"{HEARD}.delta")),
    # responses
    ("resp_1 is created twice", WS, lambda s: s.again("response.created")),
    (
        "a response is created in progress",
        WS,
        lambda s: s.put(
            "response.created",
            0,
            response=s[s.find("response.created")]["response"] | {"status": "completed"},
        ),
    ),
    (
        "a response is created empty",
        WS,
        lambda s: s.put(
            "response.created", 0, response=s[s.find("response.created")]["response"] | {"output": [{}]}
        ),
    ),
    ("before the committed item is added", WS, lambda s: s.move("response.created", 0, (f"{ITEM}.added", 0))),
    ("two responses are under way", WS, lambda s: s.move("response.created", 1, ("response.done", 0))),
    ("response.done without response.created", WS, lambda s: s.drop("response.created")),
    ("response.done comes twice", WS, lambda s: s.again("response.done")),
    (
        "a response is not done when it is",
        WS,
        lambda s: s.put("response.done", 0, response__status="in_progress"),
    ),
    ("was created and is never done", WS, lambda s: s.drop("response.done", -1)),
    ("is not the items that were done", WS, lambda s: s.put("response.done", 0, response__output=[])),
    ("response.done before its item", WS, lambda s: s.drop(f"{OUTPUT}.done")),
    (
        "a response changes its conversation",
        WS,
        lambda s: s.put("response.done", 0, response__conversation_id=None),
    ),
    (
        "completed, and yet a reason",
        WS,
        lambda s: s.put("response.done", 0, response__status_details={"reason": "turn_detected"}),
    ),
    ("status_details says how", WS, lambda s: s.put("response.done", 1, response__status_details=None)),
    ("total_tokens is not the sum", WS, usage(total_tokens=18)),
    ("input_token_details do not add up", WS, usage(input_tokens=11, total_tokens=16)),
    ("output_token_details do not add up", WS, usage(output_tokens=6, total_tokens=18)),
    ("more tokens were cached", WS, usage(input_token_details__cached_tokens=13)),
    ("comes right after its output item", WS, lambda s: s.late(f"{ITEM}.done", 1, ("response.done", 0))),
    ("output_index counts the items", WS, lambda s: s.put(f"{OUTPUT}.added", 0, output_index=1)),
    (
        "an output item is added in progress",
        WS,
        lambda s: s.put(f"{OUTPUT}.added", 0, item=message("item_2", "assistant", "completed")),
    ),
    ("is an output item already", WS, lambda s: s.again(f"{OUTPUT}.added")),
    (
        "is an item already",
        WS,
        lambda s: s.put(f"{OUTPUT}.added", 0, item=message("item_1", "assistant", "in_progress")),
    ),
    ("a call has a call_id and a name", WS, lambda s: s.put(f"{OUTPUT}.added", 2, item__name="")),
    (
        "an output message is the assistant's",
        WS,
        lambda s: s.put(f"{OUTPUT}.added", 0, item=message("item_2", "user", "in_progress")),
    ),
    (
        "an output item is added empty",
        WS,
        lambda s: s.put(f"{OUTPUT}.added", 0, item=message("item_2", "assistant", "in_progress", {})),
    ),
    (
        "an item that is done is not in progress",
        WS,
        lambda s: s.put(f"{OUTPUT}.done", 0, item__status="in_progress"),
    ),
    ("output_item.done before content_part.done", WS, lambda s: s.drop(f"{PART}.done")),
    ("before function_call_arguments.done", WS, lambda s: s.drop(f"{CALL}.done")),
    (
        "a call's arguments are not what was sent",
        WS,
        lambda s: s.put(f"{OUTPUT}.done", 2, item__arguments="{ }"),
    ),
    ("a call changes its name or call_id", WS, lambda s: s.put(f"{OUTPUT}.done", 2, item__name="hear")),
    (
        "is not the parts that were sent",
        WS,
        lambda s: s.put(f"{OUTPUT}.done", 0, item__content__0__transcript="one"),
    ),
    ("a content part before conversation.item.added", WS, lambda s: s.drop(f"{ITEM}.added", 1)),
    (
        "only messages have content parts",
        WS,
        added_to(
            f"{ITEM}.added",
            4,
            f"{PART}.added",
            part={"type": "text"},
            **place(response_id="resp_4", item_id="item_8"),
        ),
    ),
    ("content_index counts the parts", WS, lambda s: s.put(f"{PART}.added", 0, content_index=1)),
    ("a content part begins inside another", WS, lambda s: s.again(f"{PART}.added")),
    ("a content part is audio or text", WS, lambda s: s.put(f"{PART}.added", 0, part__type="output_audio")),
    ("a content part is added empty", WS, lambda s: s.put(f"{PART}.added", 0, part__transcript="one")),
    ("content_part.done before its transcript", WS, lambda s: s.drop(f"{TRANSCRIPT}.done")),
    ("content_part.done before its text", WS, lambda s: s.drop("response.output_text.done")),
    ("content_part.done before output_audio.done", WS, lambda s: s.drop(f"{AUDIO}.done")),
    ("a content part changes its type", WS, lambda s: s.put(f"{PART}.done", 0, part__type="text")),
    ("a content part is not what was sent", WS, lambda s: s.put(f"{PART}.done", 0, part__transcript="one")),
    # what is in them
    ("a delta after its done", WS, lambda s: s.late(f"{TRANSCRIPT}.delta", 0, (f"{TRANSCRIPT}.done", 0))),
    ("a delta after its done", WS, lambda s: s.late(f"{AUDIO}.delta", 0, (f"{AUDIO}.done", 0))),
    ("a delta after its done", WS, lambda s: s.late(f"{CALL}.delta", 0, (f"{CALL}.done", 0))),
    ("a delta has something in it", WS, lambda s: s.put(f"{TRANSCRIPT}.delta", 0, delta="")),
    ("a delta has something in it", WS, lambda s: s.put(f"{AUDIO}.delta", 0, delta="")),
    ("transcript is done twice", WS, lambda s: s.again(f"{TRANSCRIPT}.done")),
    (
        "transcript.done comes after output_audio.done",
        WS,
        lambda s: s.late(f"{AUDIO}.done", 0, (f"{TRANSCRIPT}.done", 0)),
    ),
    (
        "the transcript is not the sum of its deltas",
        WS,
        lambda s: s.put(f"{TRANSCRIPT}.done", 0, transcript="one"),
    ),
    ("the text is not the sum of its deltas", WS, lambda s: s.put("response.output_text.done", 0, text="no")),
    (
        "over WebRTC audio comes in the track",
        RTC,
        added_to(f"{PART}.added", 0, f"{AUDIO}.delta", delta=SOUND, **place()),
    ),
    ("an audio delta is base64", WS, lambda s: s.put(f"{AUDIO}.delta", 0, delta="=")),
    ("a delta is of whole samples", WS, lambda s: s.put(f"{AUDIO}.delta", 0, delta="AAAA")),
    ("output_audio is done twice", WS, lambda s: s.again(f"{AUDIO}.done")),
    ("function_call_arguments is done twice", WS, lambda s: s.again(f"{CALL}.done")),
    ("the arguments are not the sum", WS, lambda s: s.drop(f"{CALL}.delta")),
    ("has another name", WS, lambda s: s.put(f"{CALL}.done", 0, name="hear")),
    # the sound of it
    ("started after response.done", RTC, lambda s: s.late(f"{SOUNDS}.started", 0, ("response.done", 0))),
    ("started comes twice", RTC, lambda s: s.again(f"{SOUNDS}.started")),
    ("before the audio's content part", RTC, lambda s: s.move(f"{SOUNDS}.started", 0, (f"{PART}.added", 0))),
    ("stopped before response.done", RTC, lambda s: s.move(f"{SOUNDS}.stopped", 0, ("response.done", 0))),
    ("stopped of what does not sound", RTC, lambda s: s.drop(f"{SOUNDS}.started")),
    ("cleared of what does not sound", RTC, lambda s: s.again(f"{SOUNDS}.cleared")),
    ("sounds and never stops", RTC, lambda s: s.drop(f"{SOUNDS}.stopped")),
    ("are for WebRTC", WS, lambda s: s.say(f"{SOUNDS}.stopped", response_id="resp_1")),
    (
        "output_audio_buffer.started of no response",
        RTC,
        lambda s: s.put(f"{SOUNDS}.started", 0, response_id="resp_9"),
    ),
    # belonging
    ("before response.created", WS, lambda s: s.drop("response.created")),
    ("after response.done", WS, lambda s: s.late(f"{TRANSCRIPT}.delta", 0, ("response.done", 0))),
    ("of no item of its response", WS, lambda s: s.put(f"{TRANSCRIPT}.delta", 0, item_id="item_6")),
    ("output_index is 0 for this item", WS, lambda s: s.put(f"{TRANSCRIPT}.delta", 0, output_index=1)),
    ("after output_item.done", WS, lambda s: s.late(f"{TRANSCRIPT}.delta", 0, (f"{ITEM}.done", 1))),
    ("outside any content part", WS, lambda s: s.move(f"{TRANSCRIPT}.delta", 0, (f"{PART}.added", 0))),
    ("after content_part.done", WS, lambda s: s.late(f"{TRANSCRIPT}.delta", 0, (f"{PART}.done", 0))),
    (
        "in a content part of text",
        WS,
        added_to(f"{PART}.added", 2, f"{AUDIO}.done", **place(response_id="resp_5", item_id="item_10")),
    ),
    (
        "of no function call",
        WS,
        added_to(f"{PART}.added", 0, f"{CALL}.delta", delta="{", call_id="call_1", **place()),
    ),
    ("call_id is not its item's", WS, lambda s: s.put(f"{CALL}.delta", 0, call_id="call_2")),
]


@pytest.mark.parametrize("transport", [WS, RTC])
def test_what_is_right_breaks_no_rule(transport: Transport) -> None:
    assert violations(good(transport), transport) == []


@pytest.mark.parametrize(
    ("rule", "transport", "edit"), BROKEN, ids=[f"{r} {n}" for n, (r, _, _) in enumerate(BROKEN)]
)
def test_what_is_wrong_is_named(rule: str, transport: Transport, edit: Edit) -> None:
    script = Script(copy.deepcopy(list(good(transport))))
    edit(script)
    found = violations(script, transport)
    assert any(rule in violation for violation in found), found


UPDATE = {"type": "session.update", "event_id": "a"}
UPDATED = ("session.updated", {"session": session()})


def refused(event_id: str | None) -> tuple[str, dict[str, Any]]:
    body = {"type": "invalid_request_error", "code": "x", "message": "no", "event_id": event_id}
    return "error", {"error": body}


@pytest.mark.parametrize(
    ("sent", "answers", "rule"),
    [
        (UPDATE, [UPDATED], ""),
        (UPDATE, [refused("a")], ""),
        (UPDATE, [], "1 session.update were to be answered by session.updated, 0 came"),
        (UPDATE, [refused(None)], "an error about a client's event carries that event's id"),
        (UPDATE, [refused("b")], "an error names the event 'b', which the client never sent"),
        ({"type": "session.update"}, [refused(None)], ""),
    ],
)
def test_every_event_of_the_client_is_answered(
    sent: dict[str, Any], answers: list[tuple[str, dict[str, Any]]], rule: str
) -> None:
    order = Order("websocket")
    script = Script()
    script.say("session.created", session=session())
    order.sent(sent)
    for kind, fields in answers:
        script.say(kind, **fields)
    for event in script:
        order.feed(event)
    assert [violation.rule for violation in order.end()][:1] == ([rule] if rule else [])


def rules() -> list[re.Pattern[str]]:
    """The words of every rule in the checker's source, as patterns."""
    found = []
    for name in ("order", "items", "responses"):
        tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr not in ("must", "_must"):
                continue
            words = call.args[1]
            parts = words.values if isinstance(words, ast.JoinedStr) else [words]
            found.append(
                "".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in parts)  # type: ignore[arg-type]
            )
    return [re.compile(pattern) for pattern in found]


def test_each_rule_can_fail() -> None:
    seen: list[str] = []
    for _, transport, edit in BROKEN:
        script = Script(copy.deepcopy(list(good(transport))))  # type: ignore[arg-type]
        edit(script)
        seen += violations(script, transport)  # type: ignore[arg-type]
    told = "\n".join(seen)
    # Those about answers are above: they need what the client sent.
    elsewhere = ("an error about", "an error names", "were to be answered")
    silent = [rule.pattern for rule in rules() if not rule.search(told)]
    assert [rule for rule in silent if not any(re.escape(words) in rule for words in elsewhere)] == []
