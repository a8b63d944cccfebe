"""Random dialogues on the virtual clock: whatever a client does, the orders of the protocol hold.

After each: no task is left, nothing was logged as an error, every event has its shape, and the history is
the list of items that a client has made of the events. AUDIOGPT_DIALOGUES asks for another number of them.
"""

from __future__ import annotations

import base64
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.realtime.conformance.caller import Caller, calling, planner
from tests.realtime.conformance.order import Transport
from tests.virtual_clock import play

DIALOGUES = int(os.environ.get("AUDIOGPT_DIALOGUES", "40"))
Action = tuple[Any, ...]

words = st.sampled_from(
    ["hello", "count", "play", "bell", "timer", "look", "nothing", "fail", "stop", "again"]
)
speech = st.lists(words, min_size=1, max_size=3).map(" ".join)
index = st.integers(0, 5)
milliseconds = st.integers(0, 4_000)

FUNCTION = {"type": "function", "name": "look_up", "description": "looks", "parameters": {"type": "object"}}
DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "threshold": st.floats(0, 1),
            "silence_duration_ms": st.integers(0, 1_500),
            "prefix_padding_ms": st.integers(0, 500),
            "idle_timeout_ms": st.integers(5_000, 6_000),
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("semantic_vad")},
        optional={
            "eagerness": st.sampled_from(["low", "medium", "high", "auto"]),
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
        },
    ),
)
TOOL_CHOICE = st.sampled_from(["auto", "none", "required", {"type": "function", "name": "look_up"}])
MODALITIES = st.sampled_from([["audio"], ["text"]])
SESSION = st.fixed_dictionaries(
    {"type": st.just("realtime")},
    optional={
        "instructions": st.text(max_size=8),
        "output_modalities": MODALITIES,
        "tools": st.sampled_from([[], [FUNCTION]]),
        "tool_choice": TOOL_CHOICE,
        "max_output_tokens": st.sampled_from(["inf", 1, 100]),
        "tracing": st.sampled_from([None, "auto"]),
        "truncation": st.sampled_from(["auto", "disabled"]),
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {},
                    optional={
                        "turn_detection": DETECTION,
                        "transcription": st.sampled_from([None, {"model": "whisper-1", "language": "de"}]),
                        "noise_reduction": st.sampled_from([None, {"type": "near_field"}]),
                    },
                ),
                "output": st.fixed_dictionaries(
                    {}, optional={"voice": st.sampled_from(["marin", "slt"]), "speed": st.floats(0.25, 1.5)}
                ),
            },
        ),
    },
)


def message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


RESPONSE = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "instructions": st.text(max_size=8),
        "output_modalities": MODALITIES,
        "conversation": st.sampled_from(["auto", "none"]),
        "metadata": st.sampled_from([{}, {"topic": "x"}]),
        "tools": st.sampled_from([[], [FUNCTION]]),
        "tool_choice": TOOL_CHOICE,
        "max_output_tokens": st.sampled_from(["inf", 1, 100]),
        "input": st.lists(speech.map(lambda text: message("user", text)), max_size=2),
        "audio": st.just({"output": {"voice": "slt"}}),
    },
)
ITEM = st.one_of(
    st.builds(message, st.sampled_from(["user", "system", "assistant"]), speech),
    st.just({"type": "function_call_output", "call_id": "call_none", "output": "{}"}),
    st.just({"type": "function_call", "call_id": "call_mine", "name": "look_up", "arguments": "{}"}),
    st.just({"type": "message", "role": "user", "content": []}),
)
ACTIONS: dict[str, st.SearchStrategy[Action]] = {
    "speak": st.tuples(speech),
    "noise": st.tuples(st.integers(20, 300)),
    "pause": st.tuples(milliseconds),
    "type": st.tuples(speech),
    "create_item": st.tuples(ITEM, st.booleans(), st.none() | index),
    "respond": st.tuples(RESPONSE),
    "cancel": st.tuples(st.none() | index),
    "truncate": st.tuples(index, milliseconds),
    "delete": st.tuples(index),
    "retrieve": st.tuples(index),
    "update": st.tuples(SESSION),
    "answer_calls": st.tuples(),
    "clear": st.tuples(),
    "commit": st.tuples(),
    "append": st.tuples(speech),
    "silence_us": st.tuples(),
    "nonsense": st.tuples(st.sampled_from(["", "response.crate", "session.update"])),
}
# Talk is what takes time and gives the rest something to meet.
LIKELY = ["speak", "speak", "type", "pause", "pause", *ACTIONS]
action = st.sampled_from(LIKELY).flatmap(lambda name: st.tuples(st.just(name), ACTIONS[name]))


def item_of(caller: Caller, number: int) -> str:
    """The id of one of the newest items; of none, if there are fewer."""
    known = list(caller.order.items.known)
    return known[-1 - number] if number < len(known) else "item_none"


async def act(caller: Caller, name: str, values: tuple[Any, ...]) -> None:
    link, send = caller.link, caller.send
    match name, values:
        case "speak", (text,):
            await link.speak(text)
            await link.silence(300)
        case "noise", (ms,):
            await link.noise(ms)
        case "pause", (ms,):
            await link.silence(ms)
        case "type", (text,):
            send("conversation.item.create", item=message("user", text))
            send("response.create")
        case "create_item", (item, named, after):
            item = {**item, "id": f"item_mine_{len(link.log)}"} if named else item
            place = {} if after is None else {"previous_item_id": item_of(caller, after)}
            send("conversation.item.create", item=item, **place)
        case "respond", (response,):
            send("response.create", **({} if response is None else {"response": response}))
        case "cancel", (number,):
            ids = list(caller.order.responses.known)
            named = number is not None and number < len(ids)
            send("response.cancel", **({"response_id": ids[-1 - number]} if named else {}))
        case "truncate", (number, ms):
            send(
                "conversation.item.truncate",
                item_id=item_of(caller, number),
                content_index=0,
                audio_end_ms=ms,
            )
        case "delete", (number,):
            send("conversation.item.delete", item_id=item_of(caller, number))
        case "retrieve", (number,):
            send("conversation.item.retrieve", item_id=item_of(caller, number))
        case "update", (session,):
            send("session.update", session=session)
        case "answer_calls", ():
            for item in list(caller.order.items.known.values()):
                if item.body["type"] == "function_call" and item.done:
                    output = {"type": "function_call_output", "call_id": item.body["call_id"], "output": "{}"}
                    send("conversation.item.create", item=output)
            send("response.create")
        case "append", (text,):
            levels = np.array([link.words.value(word) for word in text.split()], np.int16)
            send(
                "input_audio_buffer.append",
                audio=base64.b64encode(np.repeat(levels, 4_800).tobytes()).decode(),
            )
        case "clear" | "commit", ():
            send(f"input_audio_buffer.{name}")
        case "silence_us", ():
            send("output_audio_buffer.clear")
        case "nonsense", (kind,):
            send(kind, session=3)
        case _:
            raise AssertionError(name)
    await link.silence(20)


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
@settings(
    max_examples=DIALOGUES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a dialogue takes minutes
)
@given(actions=st.lists(action, max_size=12), settled=st.booleans())
def test_whatever_a_client_does_the_orders_hold(
    transport: Transport, actions: list[tuple[str, tuple[Any, ...]]], settled: bool
) -> None:
    async def dialogue() -> None:
        async with calling(planner(), transport) as caller:
            for name, values in actions:
                await act(caller, name, values)
            if settled:
                await caller.link.silence(8_000)

    play(dialogue(), seconds=600)


def test_a_session_ends_while_a_prepared_answer_waits_behind_another() -> None:
    """Found by the dialogues above: the prepared answer's task kept the session for ever."""
    beside = {"conversation": "none", "input": [message("user", "count")]}

    async def dialogue() -> None:
        async with calling(planner(), "webrtc") as caller:
            await act(caller, "speak", ("hello",))
            await act(caller, "respond", (beside,))
            await act(caller, "speak", ("hello",))

    play(dialogue(), seconds=60)


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_what_is_typed_meanwhile_stands_behind_the_answer_under_way(transport: Transport) -> None:
    async def dialogue() -> None:
        async with calling(planner(), transport) as caller:
            await act(caller, "type", ("count",))
            await caller.link.wait_for("response.content_part.added")
            await act(caller, "type", ("hello",))
            await caller.link.wait_for("response.done")
            kept = [entry.id for entry in caller.session.history._entries.values()]
            assert kept[:3] == caller.order.items.order[:3]

    play(dialogue(), seconds=60)
