"""The client's own functions: whole dialogues on the virtual clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models import api
from tests.stage import Stage, call, conversation, say
from tests.virtual_clock import play

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def calling(*said: str, count: int = 1) -> Any:
    """Calls get_weather for a person's words, and says what came back."""

    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role == "tool":
            outputs = [message.content for message in request.messages if message.role == "tool"]
            return [api.TextDelta(" ".join(outputs))]
        if "weather" not in last.content:
            return [api.TextDelta("fine")]
        calls = [
            api.ToolCall(f"call_{number}", "get_weather", json.dumps({"city": f"Paris {number}"}))
            for number in range(1, count + 1)
        ]
        return [*(api.TextDelta(text) for text in said), *calls]

    return plan


async def offer(stage: Stage, *tools: Any, **settings: Any) -> None:
    stage.link.send_event(
        type="session.update", session={"type": "realtime", "tools": list(tools), **settings}
    )
    await stage.link.wait_for("session.updated")


def answer(stage: Stage, output: str, call_id: str = "call_1", *, go_on: bool = True) -> None:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    stage.link.send_event(type="conversation.item.create", item=item)
    if go_on:
        stage.link.send_event(type="response.create")


def asked(stage: Stage) -> list[api.PlanRequest]:
    return [request for request in stage.engine.requests if isinstance(request, api.PlanRequest)]


def test_a_spoken_turn_calls_the_clients_function_and_goes_on_with_its_output() -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER)
            begin = len(stage.link.log)
            await stage.link.speak("the weather")
            done = await stage.link.wait_for("response.done")
            types = [kind for kind in stage.link.types()[begin:] if not kind.startswith("audiogpt.")]
            assert types[types.index("response.created") :] == [
                "response.created",
                "response.output_item.added",
                "conversation.item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                "response.output_item.done",
                "conversation.item.done",
                "response.done",
            ]
            added = await stage.link.wait_for("response.output_item.added")
            assert added["item"]["status"] == "in_progress"
            [item] = done["response"]["output"]
            assert (item["type"], item["name"], item["call_id"]) == ("function_call", "get_weather", "call_1")
            assert json.loads(item["arguments"]) == {"city": "Paris 1"}
            assert done["response"]["status"] == "completed"
            answer(stage, "it is sunny")
            await stage.link.wait_for("output_audio_buffer.stopped")
            assert stage.link.audible_words() == ["it", "is", "sunny"]
            assert stage.history == [
                ("user", "the weather"),
                ("tool", "it is sunny"),
                ("assistant", "it is sunny"),
            ]

    play(dialogue())


def test_words_and_calls_are_items_of_one_response_and_the_output_may_come_while_it_speaks() -> None:
    async def dialogue() -> None:
        async with conversation(calling("let me look that up", count=2)) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.function_call_arguments.done", 2)
            assert "response.done" not in stage.link.types()
            answer(stage, "sunny", go_on=False)
            answer(stage, "rainy", "call_2")
            done = await stage.link.wait_for("response.done")
            kinds = [item["type"] for item in done["response"]["output"]]
            assert kinds == ["message", "function_call", "function_call"]
            indexes = [e["output_index"] for e in stage.link.log if e["type"] == "response.output_item.done"]
            assert sorted(indexes) == [0, 1, 2]
            await stage.link.wait_for("response.done", 2)
            assert stage.link.audible_words() == ["let", "me", "look", "that", "up", "sunny", "rainy"]
            assert [role for role, _ in stage.history] == ["user", "assistant", "tool", "tool", "assistant"]
            [again] = [request for request in asked(stage) if request.messages[-1].role == "tool"]
            [calls] = [message.calls for message in again.messages if message.calls]
            assert [call.call_id for call in calls] == ["call_1", "call_2"]
            assert not [event for event in stage.link.log if event["type"] == "error"]

    play(dialogue())


def test_nobody_hears_of_a_call_before_the_turn_is_decided() -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.silence(140)  # an answer is being prepared
            assert any("weather" in request.messages[-1].content for request in asked(stage))
            await stage.link.speak("no hello")
            await stage.link.wait_for("response.done")
            log = json.dumps(stage.link.log)
            assert log.count("response.function_call_arguments.done") == 1
            assert stage.session.history.open_calls == ("call_1",)

    play(dialogue())


def test_an_interruption_between_call_and_output_leaves_a_history_that_is_whole() -> None:
    async def dialogue() -> None:
        async with conversation(calling("let me look that up for you right now")) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.function_call_arguments.done")
            await stage.link.silence(400)
            await stage.link.speak("hold on hello there")
            first = await stage.link.wait_for("response.done")
            assert first["response"]["status"] == "cancelled"
            await stage.link.wait_for("response.done", 2)
            answer(stage, "sunny")
            await stage.link.wait_for("response.done", 3)
            messages = stage.session.history.messages()
            assert [message.role for message in messages if message.role != "assistant"] == [
                "user",
                "user",
                "tool",
            ]
            assert messages[-3].calls
            assert messages[-2].role == "tool"
            assert messages[-1].content == "sunny"

    play(dialogue())


def test_a_client_that_never_answers_holds_nothing_up() -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.done")
            await stage.link.silence(5_000)
            await stage.link.speak("hello")
            await stage.link.wait_for("response.done", 2)
            assert stage.link.audible_words() == ["fine"]
            assert not any(message.calls for message in asked(stage)[-1].messages)

    play(dialogue())


@pytest.mark.parametrize(
    ("item", "code", "hint"),
    [
        ({"type": "function_call_output", "call_id": "call_9", "output": "x"}, "unknown_call_id", "call_1"),
        (
            {"type": "function_call_output", "call_id": "call_1", "output": "x" * 40_000},
            "item_too_long",
            "32000",
        ),
        ({"type": "function_call", "name": "f", "arguments": "[1]"}, "invalid_item", "JSON object"),
        (
            {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"},
            "duplicate_item",
            "call",
        ),
    ],
)
def test_an_item_that_fits_no_call_is_refused_and_says_what_to_do(
    item: dict[str, Any], code: str, hint: str
) -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.done")
            stage.link.send_event(type="conversation.item.create", event_id="mine", item=item)
            error = (await stage.link.wait_for("error"))["error"]
            assert (error["code"], error["event_id"]) == (code, "mine")
            assert hint in error["message"]
            answer(stage, "sunny")
            await stage.link.wait_for("response.done", 2)

    play(dialogue())


def test_a_call_has_one_output() -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.done")
            answer(stage, "sunny", go_on=False)
            answer(stage, "rainy", go_on=False)
            assert (await stage.link.wait_for("error"))["error"]["code"] == "duplicate_item"

    play(dialogue())


def test_calls_of_another_session_are_taken_as_history() -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            call_item = {"type": "function_call", "name": "get_weather", "call_id": "c", "arguments": "{}"}
            user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
            for item in (user, {**call_item, "id": "item_c"}):
                stage.link.send_event(type="conversation.item.create", item=item)
            answer(stage, "sunny", "c")
            await stage.link.wait_for("response.done")
            assert [message.role for message in asked(stage)[0].messages] == ["user", "assistant", "tool"]
            stage.link.send_event(type="conversation.item.retrieve", item_id="item_c")
            item = (await stage.link.wait_for("conversation.item.retrieved"))["item"]
            assert {key: item[key] for key in call_item} == call_item

    play(dialogue())


def test_the_tools_of_the_server_are_run_by_the_server_beside_them() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        last = request.messages[-1]
        if last.role == "tool":
            return [api.TextDelta("both")]
        return [
            call("set_pace", change="faster"),
            api.ToolCall("call_2", "get_weather", '{"city": "Rome"}'),
        ]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await offer(stage, WEATHER)
            await stage.link.speak("go")
            done = await stage.link.wait_for("response.done")
            assert [item["name"] for item in done["response"]["output"]] == ["get_weather"]
            assert stage.session.voice.speed > 1
            answer(stage, "sunny", "call_2")
            await stage.link.wait_for("response.done", 2)
            messages = asked(stage)[-1].messages
            assert [message.content for message in messages if message.role == "tool"] == [
                '{"ok": true, "pace": 1.2}',
                "sunny",
            ]

    play(dialogue())


def test_a_function_with_the_name_of_a_tool_of_ours_is_the_clients() -> None:
    async def dialogue() -> None:
        async with conversation(lambda _: [call("stop_playing")]) as stage:
            await offer(stage, {"type": "function", "name": "stop_playing"})
            await stage.link.speak("go")
            done = await stage.link.wait_for("response.done")
            assert [item["name"] for item in done["response"]["output"]] == ["stop_playing"]
            named = [tool for tool in asked(stage)[-1].tools if tool.name == "stop_playing"]
            assert [tool.client for tool in named] == [True]

    play(dialogue())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", ("none", "", 0)),
        ("required", ("required", "", 14)),
        ({"type": "function", "name": "get_weather"}, ("auto", "get_weather", 14)),
    ],
)
def test_a_choice_binds_the_answer_to_words_and_not_to_an_output(
    choice: Any, expected: tuple[str, str, int]
) -> None:
    async def dialogue() -> None:
        async with conversation(calling()) as stage:
            await offer(stage, WEATHER, tool_choice=choice)
            await stage.link.speak("the weather")
            await stage.link.wait_for("response.done")
            request = asked(stage)[-1]
            assert (request.tool_choice, request.forced_tool, len(request.tools)) == expected
            if choice != "none":
                answer(stage, "sunny")
                await stage.link.wait_for("response.done", 2)
                assert (asked(stage)[-1].tool_choice, asked(stage)[-1].forced_tool) == ("auto", "")

    play(dialogue())


def test_one_call_at_a_time_where_the_client_wants_no_more() -> None:
    async def dialogue() -> None:
        async with conversation(calling(count=3)) as stage:
            await offer(stage, WEATHER, parallel_tool_calls=False)
            await stage.link.speak("the weather")
            done = await stage.link.wait_for("response.done")
            assert len(done["response"]["output"]) == 1

    play(dialogue())


def test_a_response_without_calls_leaves_no_room_for_another() -> None:
    async def dialogue() -> None:
        async with conversation(say("one two three four five")) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            stage.link.send_event(type="response.create")
            error = (await stage.link.wait_for("error"))["error"]
            assert error["code"] == "conversation_already_has_active_response"

    play(dialogue())
