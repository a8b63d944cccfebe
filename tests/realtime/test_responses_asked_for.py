"""`response.create` with parameters, out-of-band responses, limits and counts: whole dialogues."""

from __future__ import annotations

from typing import Any

import pytest

from models import api
from tests.fakes import WORD_MS
from tests.stage import Stage, conversation, say
from tests.virtual_clock import play

LONG = "one two three four five six seven eight nine ten"


def text_item(text: str, role: str = "user", item_id: str | None = None) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return item if item_id is None else {**item, "id": item_id}


def create(stage: Stage, **response: Any) -> None:
    stage.link.send_event(type="response.create", event_id="mine", response=response)


def beside(stage: Stage, *texts: str, **response: Any) -> None:
    items = [text_item(text) for text in texts]
    create(stage, conversation="none", output_modalities=["text"], input=items, **response)


def asked(stage: Stage) -> list[api.PlanRequest]:
    return [request for request in stage.engine.requests if isinstance(request, api.PlanRequest)]


def echo(request: api.PlanRequest) -> list[Any]:
    return [api.TextDelta(" and ".join(m.content for m in request.messages) or "nothing")]


def events_of(stage: Stage, response_id: str) -> list[str]:
    return [
        event["type"]
        for event in stage.link.log
        if event.get("response_id") == response_id or (event.get("response") or {}).get("id") == response_id
    ]


def test_a_written_answer_beside_the_conversation_neither_waits_nor_disturbs() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        return [api.TextDelta("the topic" if request.messages[-1].content == "classify" else LONG)]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            beside(stage, "classify", metadata={"for": "me"}, instructions="be brief")
            done = await stage.link.wait_for("response.done")
            response = done["response"]
            assert (response["status"], response["metadata"]) == ("completed", {"for": "me"})
            assert response["conversation_id"] is None
            assert response["output"][0]["content"] == [{"type": "output_text", "text": "the topic"}]
            assert events_of(stage, response["id"]) == [
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.done",
            ]
            request = asked(stage)[-1]
            assert [message.content for message in request.messages] == ["classify"]
            assert (request.instructions, request.tools) == ("be brief", ())
            await stage.link.wait_for("response.done", 2)
            assert stage.link.audible_words() == LONG.split()
            assert stage.history == [("user", "count"), ("assistant", LONG)]

    play(dialogue())


def test_several_beside_each_other_and_one_too_many() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            stage.engine.delay["planner"] = 1.0
            for number in range(5):
                beside(stage, f"number {number}", metadata={"number": str(number)})
            error = (await stage.link.wait_for("error"))["error"]
            assert (error["code"], error["event_id"]) == ("too_many_responses", "mine")
            await stage.link.wait_for("response.done", 4)
            done = [e["response"] for e in stage.link.log if e["type"] == "response.done"]
            texts = {one["metadata"]["number"]: one["output"][0]["content"][0]["text"] for one in done}
            assert texts == {str(number): f"number {number}" for number in range(4)}

    play(dialogue())


def test_one_beside_the_conversation_is_cancelled_by_its_id_alone() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            stage.engine.delay["planner"] = 5.0
            beside(stage, "slow")
            created = await stage.link.wait_for("response.created")
            stage.link.send_event(type="response.cancel")
            assert (await stage.link.wait_for("error"))["error"]["code"] == "response_cancel_not_active"
            stage.link.send_event(type="response.cancel", response_id=created["response"]["id"])
            response = (await stage.link.wait_for("response.done"))["response"]
            assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}

    play(dialogue())


def test_speech_does_not_interrupt_what_is_written_beside_the_conversation() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            stage.engine.delay["planner"] = 3.0
            beside(stage, "slow")
            await stage.link.wait_for("response.created")
            stage.engine.delay["planner"] = 0.0
            await stage.link.speak("hello there")
            await stage.link.wait_for("response.done", 2)
            done = [e["response"]["status"] for e in stage.link.log if e["type"] == "response.done"]
            assert done == ["completed", "completed"]

    play(dialogue())


def test_a_spoken_one_beside_the_conversation_waits_for_its_turn_and_is_not_remembered() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            await stage.link.speak("one two three")
            await stage.link.wait_for("output_audio_buffer.started")
            create(stage, conversation="none", input=[text_item("by the way")])
            await stage.link.wait_for("output_audio_buffer.stopped", 2)
            assert stage.link.audible_words() == ["one", "two", "three", "by", "the", "way"]
            assert stage.history == [("user", "one two three"), ("assistant", "one two three")]
            assert not [event for event in stage.link.log if event["type"] == "error"]

    play(dialogue())


def test_nothing_of_ours_is_done_beside_the_conversation() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            tool = {"type": "function", "name": "classify"}
            beside(stage, "play some jazz", tools=[tool])
            await stage.link.wait_for("response.done")
            assert [one.name for one in asked(stage)[-1].tools] == ["classify"]

    play(dialogue())


def test_a_call_beside_the_conversation_cannot_be_answered_in_it() -> None:
    def plan(request: api.PlanRequest) -> list[Any]:
        return [api.ToolCall("call_x", "classify", "{}")]

    async def dialogue() -> None:
        async with conversation(plan) as stage:
            beside(stage, "what is it", tools=[{"type": "function", "name": "classify"}])
            done = await stage.link.wait_for("response.done")
            assert [item["type"] for item in done["response"]["output"]] == ["function_call"]
            item = {"type": "function_call_output", "call_id": "call_x", "output": "y"}
            stage.link.send_event(type="conversation.item.create", item=item)
            assert (await stage.link.wait_for("error"))["error"]["code"] == "unknown_call_id"
            assert "conversation.item.added" not in stage.link.types()

    play(dialogue())


def test_input_replaces_the_context_and_may_refer_to_items() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            for number in (1, 2, 3):
                stage.link.send_event(
                    type="conversation.item.create", item=text_item(f"item {number}", item_id=f"i{number}")
                )
            reference = {"type": "item_reference", "id": "i2"}
            create(stage, output_modalities=["text"], input=[reference, text_item("new")])
            done = await stage.link.wait_for("response.done")
            assert done["response"]["output"][0]["content"][0]["text"] == "item 2 and new"
            assert [text for _, text in stage.history] == ["item 1", "item 2", "item 3", "item 2 and new"]
            added = [e for e in stage.link.log if e["type"] == "conversation.item.added"]
            assert added[-1]["previous_item_id"] == "i3"

    play(dialogue())


def test_an_answer_to_nothing_at_all() -> None:
    async def dialogue() -> None:
        async with conversation(echo) as stage:
            create(stage, output_modalities=["text"], instructions="greet the person")
            done = await stage.link.wait_for("response.done")
            assert done["response"]["output"][0]["content"][0]["text"] == "nothing"
            assert asked(stage)[-1].instructions == "greet the person"
            create(stage, output_modalities=["text"], input=[])
            await stage.link.wait_for("response.done", 2)
            assert asked(stage)[-1].messages == ()

    play(dialogue())


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"input": [{"type": "item_reference", "id": "gone"}]}, "item_not_found", "response.input.0.id"),
        ({"input": [text_item("x", item_id="a")] * 2}, "duplicate_item", "response.input.1.id"),
        ({"conversation": "other"}, "invalid_value", "response.conversation"),
        ({"max_output_tokens": 5_000}, "invalid_value", "response.max_output_tokens"),
        ({"metadata": {"k" * 65: "v"}}, "invalid_value", "response.metadata"),
        (
            {"tool_choice": {"type": "function", "name": "f"}, "tools": []},
            "unknown_tool",
            "response.tool_choice.name",
        ),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "unsupported_tool", "response.tools.0.type"),
        ({"input": [text_item("x")] * 65}, "too_many_items", "response.input"),
    ],
)
def test_what_cannot_be_asked_of_a_response(response: dict[str, Any], code: str, param: str) -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            create(stage, **response)
            error = (await stage.link.wait_for("error"))["error"]
            assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
            assert "response.created" not in stage.link.types()

    play(dialogue())


@pytest.mark.parametrize("limit", [4, 12, 30])
def test_a_spoken_answer_ends_at_its_limit_and_the_history_holds_what_was_heard(limit: int) -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            stage.link.send_event(
                type="session.update", session={"type": "realtime", "max_output_tokens": limit}
            )
            await stage.link.wait_for("session.updated")
            await stage.link.speak("count")
            response = (await stage.link.wait_for("response.done"))["response"]
            assert response["status"] == "incomplete"
            assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
            assert response["max_output_tokens"] == limit
            assert response["usage"]["output_tokens"] <= limit
            await stage.link.silence(1_000)
            heard = stage.link.audible_words()
            assert len(heard) < len(LONG.split())
            said = stage.history[1][1].split() if len(stage.history) > 1 else []
            assert abs(len(said) - len(heard)) <= 1
            await stage.link.speak("go on")
            await stage.link.wait_for("response.done", 2)

    play(dialogue())


def test_a_planner_that_stopped_at_the_limit_makes_the_response_incomplete() -> None:
    async def dialogue() -> None:
        async with conversation(
            lambda _: [api.TextDelta("one two"), api.PlanDone(3, 2, truncated=True)]
        ) as stage:
            create(stage, output_modalities=["text"], max_output_tokens=2, input=[text_item("count")])
            response = (await stage.link.wait_for("response.done"))["response"]
            assert response["status_details"]["reason"] == "max_output_tokens"
            assert response["output"][0]["status"] == "incomplete"
            assert asked(stage)[-1].max_output_tokens == 2

    play(dialogue())


def test_what_a_spoken_turn_cost() -> None:
    async def dialogue() -> None:
        plan = [api.TextDelta("one two three"), api.PlanDone(40, 7, cached_tokens=32)]
        async with conversation(lambda _: plan) as stage:
            await stage.link.speak("please count for me")
            usage = (await stage.link.wait_for("response.done"))["response"]["usage"]
            heard = (await stage.link.wait_for("conversation.item.input_audio_transcription.completed"))[
                "usage"
            ]
            audio_in = usage["input_token_details"]["audio_tokens"]
            assert 0 <= audio_in - heard["seconds"] * 10 < 1
            assert audio_in >= 8
            assert usage["input_token_details"]["text_tokens"] == 40
            assert usage["input_token_details"]["cached_tokens"] == 32
            spoken = -(-3 * WORD_MS // 50)
            assert usage["output_token_details"] == {"text_tokens": 7, "audio_tokens": spoken}
            assert usage["input_tokens"] == 40 + audio_in
            assert usage["output_tokens"] == 7 + spoken
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]

    play(dialogue())


def test_a_cancelled_answer_costs_what_was_produced() -> None:
    async def dialogue() -> None:
        async with conversation(say(LONG)) as stage:
            await stage.link.speak("count")
            await stage.link.wait_for("output_audio_buffer.started")
            await stage.link.silence(600)
            stage.link.send_event(type="response.cancel")
            response = (await stage.link.wait_for("response.done"))["response"]
            assert response["status"] == "cancelled"
            audio = response["usage"]["output_token_details"]["audio_tokens"]
            whole = len(LONG.split()) * WORD_MS / 50
            assert 600 / 50 <= audio < whole

    play(dialogue())


def test_a_voice_for_one_response_alone() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            create(stage, input=[text_item("hi")], audio={"output": {"voice": "rms"}})
            await stage.link.wait_for("response.done")
            create(stage, input=[text_item("hi")])
            await stage.link.wait_for("response.done", 2)
            voices = [
                r.voice for r in stage.engine.requests if isinstance(r, api.SpeechRequest) if r.text != "1"
            ]
            assert voices == ["rms", ""]

    play(dialogue())


def test_an_item_goes_where_the_client_says() -> None:
    async def dialogue() -> None:
        async with conversation(say("fine")) as stage:
            for item_id, after in (("b", None), ("a", "root"), ("c", "b"), ("x", "a")):
                event: dict[str, Any] = {"item": text_item(item_id, "assistant", item_id)}
                if after is not None:
                    event["previous_item_id"] = after
                stage.link.send_event(type="conversation.item.create", **event)
            stage.link.send_event(
                type="conversation.item.create", previous_item_id="gone", item=text_item("y")
            )
            assert (await stage.link.wait_for("error"))["error"]["code"] == "item_not_found"
            assert [text for _, text in stage.history] == ["a", "x", "b", "c"]
            added = [e for e in stage.link.log if e["type"] == "conversation.item.added"]
            assert [e["previous_item_id"] for e in added] == [None, None, "b", "a"]

    play(dialogue())
