"""The server with an LLM planner: a scripted server that speaks the chat-completions API for real."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from websockets.sync.client import ClientConnection, connect


class ScriptedModel:
    """Answers by the last message; holds the second sentence of a story until `go_on` is set."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.requests: list[dict[str, Any]] = []

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        return StreamingResponse(self._stream(body["messages"][-1]), media_type="text/event-stream")

    async def _stream(self, last: dict[str, Any]) -> AsyncIterator[str]:
        if last["role"] == "tool":
            ok = json.loads(last["content"])["ok"]
            yield self._chunk({"content": "Timer set." if ok else "That did not work."})
        elif "timer" in last["content"]:
            call = {"name": "set_timer", "arguments": json.dumps({"seconds": 60, "label": "tea"})}
            yield self._chunk(
                {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": call}]}
            )
        else:
            for word in ["Once", "upon", "a", "time,", "there", "was", "a", "fox.", ""]:
                yield self._chunk({"content": word + " "})
            await asyncio.to_thread(self.go_on.wait, 20)
            yield self._chunk({"content": "The end."})
        yield self._chunk({}, "stop")
        yield "data: [DONE]\n\n"

    @staticmethod
    def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk: dict[str, Any] = {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [choice],
        }
        return f"data: {json.dumps(chunk)}\n\n"


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads(socket.recv(20))
        assert event["type"] != "error", event
        if event["type"] == kind:
            return event


def ask(socket: ClientConnection, text: str) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
    socket.send('{"type":"response.create"}')


def test_clauses_are_spoken_while_the_rest_is_still_coming(start_server: Callable[..., Any]) -> None:
    model = ScriptedModel()
    with (
        serving(model.app()) as url,
        start_server("planner.backend=openai", f"planner.url={url}", OPENAI_API_KEY="secret-key") as server,
        connect(server.url.replace("http", "ws") + "/v1/realtime") as socket,
    ):
        ask(socket, "tell me a story")
        until(socket, "response.output_audio.delta")
        assert not model.go_on.is_set()
        model.go_on.set()
        done = until(socket, "response.output_audio_transcript.done")
        assert " ".join(done["transcript"].split()) == "Once upon a time, there was a fox. The end."
        until(socket, "response.done")
        ask(socket, "set a timer for a minute")
        assert until(socket, "audiogpt.timer")["seconds"] == 60
        assert until(socket, "response.output_audio_transcript.done")["transcript"] == "Timer set."
        tools = {tool["function"]["name"] for tool in model.requests[-1]["tools"]}
        assert {"play_music", "set_timer"} <= tools
        assert "secret-key" not in server.output


def test_a_model_that_goes_away_is_explained_and_the_session_lives_on(
    start_server: Callable[..., Any],
) -> None:
    model = ScriptedModel()
    model.go_on.set()
    with ExitStack() as stack:
        url = stack.enter_context(serving(model.app()))
        with (
            start_server(
                "planner.backend=openai", f"planner.url={url}", OPENAI_API_KEY="secret-key"
            ) as server,
            connect(server.url.replace("http", "ws") + "/v1/realtime") as socket,
        ):
            stack.close()
            for _ in range(2):
                ask(socket, "hello")
                done = until(socket, "response.done")
                assert done["response"]["status"] == "failed"
                assert url in done["response"]["status_details"]["error"]["message"]
            assert "secret-key" not in server.output


def test_a_model_that_is_not_there_is_named_at_the_start() -> None:
    command = [sys.executable, "-m", "realtime", "--port", "0", "--set", "planner.backend=openai"]
    command += ["--set", "planner.url=http://127.0.0.1:9/v1"]
    environment = {**os.environ, "OPENAI_API_KEY": "secret-key"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "http://127.0.0.1:9/v1" in done.stderr
    assert "secret-key" not in done.stderr
