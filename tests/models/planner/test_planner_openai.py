from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from models.api import (
    BackendError,
    BackendUnavailableError,
    ChatMessage,
    PlanDone,
    PlanRequest,
    Situation,
    TextDelta,
    ToolCall,
    ToolSchema,
)
from models.planner.openai import OpenAIPlanner
from models.planner.prompt import INTERRUPTED

HOLD = object()  # in a script: send nothing more until the client leaves
BREAK = object()  # in a script: drop the connection
KEY = "sk-very-secret-key-0123456789"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": fields, "finish_reason": finish}],
    }


def calls(*fragments: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return delta(finish, tool_calls=list(fragments))


USAGE = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}


@dataclass
class ScriptedServer:
    """A chat-completions server that answers each request with the next script and notes what it sees."""

    url: str = ""
    script: list[Any] = field(default_factory=list)
    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = True  # whether a script's end is followed by [DONE]

    async def answer(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        if self.status != 200:
            return JSONResponse({"error": self.error}, status_code=self.status)
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        try:
            for item in self.script:
                if item is HOLD:
                    await asyncio.Event().wait()
                if item is BREAK:
                    raise ConnectionAbortedError("scripted")
                yield item if isinstance(item, str) else f"data: {json.dumps(item)}\n\n"
            if self.ended:
                yield "data: [DONE]\n\n"
        finally:
            self.left.set()


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The tests' process keeps its own."""


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    app = Starlette(routes=[Route("/v1/chat/completions", scripted.answer, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    scripted.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    uvicorn_server = _Quiet(config)
    running = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
    try:
        yield scripted
    finally:
        uvicorn_server.should_exit = True
        await running


Make = Callable[..., OpenAIPlanner]


@pytest.fixture
async def make(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    monkeypatch.setenv("PLANNER_KEY", KEY)
    made: list[OpenAIPlanner] = []

    def planner(**options: Any) -> OpenAIPlanner:
        settings = {"url": server.url, "model": "m", "api_key_env": "PLANNER_KEY", "retries": 0, **options}
        made.append(OpenAIPlanner(**settings))
        return made[-1]

    yield planner
    for each in made:
        await each.aclose()


def request(*messages: ChatMessage, **fields: Any) -> PlanRequest:
    situation = fields.pop("situation", Situation(now="2026-11-22T16:07:00+00:00"))
    return PlanRequest(
        messages=messages or (ChatMessage(role="user", content="hi"),), situation=situation, **fields
    )


async def collect(planner: OpenAIPlanner, asked: PlanRequest | None = None) -> list[Any]:
    async with aclosing(planner.stream(asked or request())) as stream:
        return [output async for output in stream]


async def test_text_is_passed_on_and_usage_counted(server: ScriptedServer, make: Make) -> None:
    server.script = [
        delta(role="assistant", content=""),
        delta(content="Hel"),
        delta(content="lo."),
        delta("stop"),
        USAGE,
    ]
    outputs = await collect(make())
    assert outputs == [
        TextDelta(text="Hel"),
        TextDelta(text="lo."),
        PlanDone(input_tokens=11, output_tokens=7),
    ]


async def test_the_servers_counts_and_its_bound_are_passed_on(server: ScriptedServer, make: Make) -> None:
    usage = {**USAGE["usage"], "prompt_tokens_details": {"cached_tokens": 9}}
    half = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}
    server.script = [delta(content="Hello"), calls(half), delta("length"), {**USAGE, "usage": usage}]
    outputs = await collect(make(), request(max_output_tokens=7))
    assert outputs == [
        TextDelta(text="Hello"),
        PlanDone(input_tokens=11, output_tokens=7, cached_tokens=9, truncated=True),
    ]
    assert server.requests[0]["max_tokens"] == 7


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"forced_tool": "f"}, {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
    ],
)
async def test_functions_of_a_client_are_offered_as_the_choice_says(
    server: ScriptedServer, make: Make, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    server.script = [delta("stop", content="ok")]
    offered = ToolSchema("f", "does f", {"type": "object"}, client=True)
    await collect(make(), request(tools=(offered,), **fields))
    [body] = server.requests
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}},
        }
    ]
    assert {key: body[key] for key in ("tool_choice", "parallel_tool_calls") if key in body} == expected


async def test_the_first_delta_comes_before_the_server_has_finished(
    server: ScriptedServer, make: Make
) -> None:
    server.script = [delta(content="Well,"), HOLD]
    async with aclosing(make().stream(request())) as stream:
        assert await anext(stream) == TextDelta(text="Well,")
        assert not server.left.is_set()


async def test_closing_the_stream_is_seen_by_the_server(server: ScriptedServer, make: Make) -> None:
    server.script = [delta(content="Well,"), HOLD]
    async with aclosing(make().stream(request())) as stream:
        await anext(stream)
    async with asyncio.timeout(5):
        await server.left.wait()


async def test_cancelling_the_reader_is_seen_by_the_server(server: ScriptedServer, make: Make) -> None:
    server.script = [delta(content="Well,"), HOLD]
    planner, first = make(), asyncio.Event()

    async def read() -> None:
        async with aclosing(planner.stream(request())) as stream:
            async for _ in stream:
                first.set()

    task = asyncio.create_task(read())
    async with asyncio.timeout(5):
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()


WHOLE = {"index": 0, "id": "a", "type": "function", "function": {"name": "stop_playing", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param([calls(WHOLE), delta("tool_calls")], [("a", "stop_playing", {})], id="whole"),
        pytest.param([calls(WHOLE, finish="tool_calls")], [("a", "stop_playing", {})], id="with-the-finish"),
        pytest.param(
            [
                calls({"index": 0, "id": "a", "function": {"name": "set_timer", "arguments": ""}}),
                calls({"index": 1, "id": "b", "function": {"name": "play_sound", "arguments": ""}}),
                calls({"index": 0, "function": {"arguments": '{"seconds"'}}),
                calls({"index": 1, "function": {"arguments": '{"x": '}}),
                calls(
                    {"index": 0, "function": {"arguments": ": 5}"}},
                    {"index": 1, "function": {"arguments": "1}"}},
                ),
                delta("tool_calls"),
            ],
            [("a", "set_timer", {"seconds": 5}), ("b", "play_sound", {"x": 1})],
            id="interleaved",
        ),
        pytest.param(
            [
                calls({"index": 0, "function": {"arguments": '{"seconds": 5}'}}),
                calls({"index": 0, "id": "late", "function": {"name": "set_timer"}}),
                delta("tool_calls"),
            ],
            [("late", "set_timer", {"seconds": 5})],
            id="late-id-and-name",
        ),
        pytest.param(
            [
                calls({"index": 0, "id": "a", "function": {"name": "set_timer", "arguments": '{"seconds"'}}),
                calls({"index": 0, "id": "a", "function": {"name": "set_timer", "arguments": ": 5}"}}),
                delta("tool_calls"),
            ],
            [("a", "set_timer", {"seconds": 5})],
            id="repeated-id-and-name",
        ),
        pytest.param(
            [
                calls(
                    {"index": 0, "id": "a", "function": {"name": "set_timer", "arguments": '{"seconds": 5}'}}
                ),
                calls({"index": 0, "id": "b", "function": {"name": "stop_playing", "arguments": "{}"}}),
                delta("tool_calls"),
            ],
            [("a", "set_timer", {"seconds": 5}), ("b", "stop_playing", {})],
            id="every-index-zero",
        ),
        pytest.param(
            [calls({"function": {"name": "stop_playing", "arguments": ""}}), delta("tool_calls")],
            [(None, "stop_playing", {})],
            id="no-index-no-id-no-arguments",
        ),
        pytest.param(
            [
                calls({"index": 0, "id": "", "function": {"name": "set_timer", "arguments": {"seconds": 5}}}),
                delta("stop"),
            ],
            [(None, "set_timer", {"seconds": 5})],
            id="arguments-as-an-object",
        ),
    ],
)
async def test_calls_are_put_together(
    server: ScriptedServer, make: Make, script: list[Any], expected: list[tuple[str | None, str, Any]]
) -> None:
    server.script = script
    outputs = await collect(make())
    got = [output for output in outputs if isinstance(output, ToolCall)]
    assert [(call.name, json.loads(call.arguments)) for call in got] == [
        (name, args) for _, name, args in expected
    ]
    for call, (call_id, _, _) in zip(got, expected, strict=True):
        assert call.call_id == call_id if call_id else call.call_id
    assert isinstance(outputs[-1], PlanDone)


async def test_the_request_tells_the_moment_the_history_and_the_tools(
    server: ScriptedServer, make: Make
) -> None:
    server.script = [delta("stop", content="ok")]
    call = ToolCall(call_id="c", name="set_timer", arguments='{"seconds": 5}')
    lost = ToolCall(call_id="lost", name="stop_playing", arguments="{}")
    asked = request(
        ChatMessage(role="user", content="tell me"),
        ChatMessage(role="assistant", content="Once upon", interrupted=True, calls=(lost,)),
        ChatMessage(role="user", content="a timer"),
        ChatMessage(role="assistant", content="", calls=(call,)),
        ChatMessage(role="tool", content='{"ok": true}', call_id="c"),
        situation=Situation(
            now="2026-11-22T16:07:00+00:00", playing="a waltz", timers=("tea, 42 seconds left",)
        ),
        instructions="Answer like a pirate.",
        tools=(ToolSchema(name="set_timer", description="Set a timer.", parameters={"type": "object"}),),
    )
    await collect(make(temperature=0.2), asked)
    [body] = server.requests
    system, *rest = body["messages"]
    for part in ("16:07", "a waltz", "tea, 42 seconds left", "like a pirate", "spoken aloud"):
        assert part in system["content"]
    assert [message["role"] for message in rest] == ["user", "assistant", "user", "assistant", "tool"]
    assert rest[1]["content"] == f"Once upon {INTERRUPTED}"
    assert "tool_calls" not in rest[1]  # its call was never answered
    assert rest[3]["tool_calls"][0]["function"] == {"name": "set_timer", "arguments": '{"seconds": 5}'}
    assert rest[4]["tool_call_id"] == "c"
    assert body["temperature"] == 0.2
    assert body["tools"][0]["function"]["name"] == "set_timer"
    assert body["stream"] is True
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "refused the request (HTTP 400)"),
        (401, "refused the key in PLANNER_KEY"),
        (404, "no model 'm'"),
        (429, "rate limit"),
        (500, "failed (HTTP 500)"),
        (503, "failed (HTTP 503)"),
    ],
)
async def test_refusals_name_cause_and_remedy_without_the_key(
    server: ScriptedServer, make: Make, status: int, says: str
) -> None:
    server.status, server.error = (
        status,
        {"message": f"bad thing with {KEY} and sk-other-123456", "type": "x"},
    )
    with pytest.raises(BackendError) as raised:
        await collect(make())
    assert says in str(raised.value)
    assert "bad thing" in str(raised.value)
    assert KEY not in str(raised.value)
    assert "sk-other" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_a_missing_key_is_named(server: ScriptedServer, make: Make) -> None:
    server.status, server.error = 401, {"message": "who are you"}
    with pytest.raises(BackendError, match="wants a key; set NO_SUCH_KEY"):
        await collect(make(api_key_env="NO_SUCH_KEY"))


async def test_an_unreachable_server_is_named_without_credentials(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(
        BackendError, match=rf"http://127.0.0.1:{port}/v1 cannot be reached; start it"
    ) as raised:
        await collect(make(url=f"http://me:hidden@127.0.0.1:{port}/v1"))
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([HOLD], id="headers-only"),
        pytest.param([": keep-alive\n\n", HOLD], id="keep-alive"),
        pytest.param([delta(content="a"), HOLD], id="midway"),
    ],
)
async def test_silence_is_a_time_out(server: ScriptedServer, make: Make, script: list[Any]) -> None:
    server.script = script
    with pytest.raises(BackendError, match=r"sent nothing for 0\.2 seconds"):
        await collect(make(timeout_s=0.2))
    async with asyncio.timeout(5):
        await server.left.wait()


@pytest.mark.parametrize("ending", [[BREAK], []], ids=["dropped", "closed"])
async def test_a_stream_broken_midway_fails_after_what_came(
    server: ScriptedServer, make: Make, ending: list[Any]
) -> None:
    server.script, server.ended = [delta(content="Once"), *ending], False
    heard: list[Any] = []

    async def listen() -> None:
        async with aclosing(make().stream(request())) as stream:
            async for output in stream:
                heard.append(output)  # noqa: PERF401 (a comprehension would lose what came before the failure)

    with pytest.raises(BackendError, match="broke off in the middle"):
        await listen()
    assert heard == [TextDelta(text="Once")]


async def test_an_error_inside_the_stream(server: ScriptedServer, make: Make) -> None:
    server.script = [delta(content="Once"), {"error": {"message": "out of memory"}}]
    with pytest.raises(BackendError, match="reported an error in the middle of a reply: out of memory"):
        await collect(make())


async def test_what_is_no_json_is_not_a_chat_stream(server: ScriptedServer, make: Make) -> None:
    server.script = ["data: {nonsense\n\n"]
    with pytest.raises(BackendError, match="not a chat-completions stream"):
        await collect(make())


@pytest.mark.parametrize("arguments", ['{"seconds": ', "[1]", "five"])
async def test_malformed_arguments(server: ScriptedServer, make: Make, arguments: str) -> None:
    server.script = [
        calls({"index": 0, "id": "a", "function": {"name": "set_timer", "arguments": arguments}}),
        delta("tool_calls"),
    ]
    with pytest.raises(BackendError, match="set_timer with arguments that are no JSON object"):
        await collect(make())


async def test_a_call_without_a_name(server: ScriptedServer, make: Make) -> None:
    server.script = [calls({"index": 0, "id": "a", "function": {"arguments": "{}"}}), delta("tool_calls")]
    with pytest.raises(BackendError, match="without naming it"):
        await collect(make())


def test_an_unusable_url() -> None:
    with pytest.raises(BackendUnavailableError, match="http://"):
        OpenAIPlanner("localhost:8000", "m")
