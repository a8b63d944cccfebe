"""A planner behind any OpenAI-compatible chat-completions URL (OpenAI, vLLM, llama.cpp, Ollama ...),
streamed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from models.api import BackendError, BackendUnavailableError, PlanDone, PlanRequest, TextDelta, ToolCall
from models.planner.openai_errors import explain, shown_url
from models.planner.prompt import chat_messages, chat_options
from models.planner.tool_calls import CallAssembler

_NO_KEY = "none"  # local servers ask for none, but the client wants one


class OpenAIPlanner:
    """Plans with a language model that a chat-completions server runs.

    `url` is the API's base, for example "http://127.0.0.1:8000/v1"; the key is read from the environment
    variable `api_key_env`, once, and never appears in messages. `timeout_s` bounds the wait for the first
    token and between tokens. `temperature` and `max_tokens` are left to the server when None. Closing the
    stream closes the HTTP response at once, so that the server stops generating.

    An empty `model` takes the first that the server lists.

    Raises `BackendUnavailableError` when `url` is no usable setting; a stream raises
    `BackendError`.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        api_key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 15.0,
        temperature: float | None = None,
        max_tokens: int | None = None,
        retries: int = 1,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise BackendUnavailableError(
                f"the planner's url must begin with http:// or https://, for example"
                f" http://127.0.0.1:8000/v1; got {shown_url(url)!r}"
            )
        self._key = os.environ.get(api_key_env, "").strip()
        self._key_env, self._url, self._timeout = api_key_env, url, timeout_s
        options: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        self._options = {name: value for name, value in options.items() if value is not None}
        self._model = model
        self._client = AsyncOpenAI(
            base_url=url, api_key=self._key or _NO_KEY, timeout=timeout_s, max_retries=retries
        )

    async def stream(self, request: PlanRequest) -> AsyncGenerator[TextDelta | ToolCall | PlanDone, None]:
        """Yield text as it comes, then the round's calls, then `PlanDone` with the token counts."""
        try:
            async with aclosing(self._round(request)) as outputs:
                async for output in outputs:
                    yield output
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            raise BackendError(
                explain(
                    error,
                    url=self._url,
                    model=self._model,
                    key=self._key,
                    key_env=self._key_env,
                    timeout_s=self._timeout,
                )
            ) from None  # the cause may quote headers, and with them the key

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _round(self, request: PlanRequest) -> AsyncGenerator[TextDelta | ToolCall | PlanDone, None]:
        calls, usage, finished, truncated = CallAssembler(), (0, 0, 0), False, False
        async with aclosing(self._chunks(request)) as chunks:
            async for chunk in chunks:
                if chunk.usage:
                    details = chunk.usage.prompt_tokens_details
                    usage = (
                        chunk.usage.prompt_tokens or 0,
                        chunk.usage.completion_tokens or 0,
                        (details.cached_tokens if details else None) or 0,
                    )
                for choice in (chunk.choices or ())[:1]:
                    if text := (choice.delta.content or choice.delta.refusal if choice.delta else None):
                        yield TextDelta(text=text)
                    for fragment in (choice.delta.tool_calls if choice.delta else None) or ():
                        calls.add(fragment)
                    if choice.finish_reason and not finished:
                        finished = True
                        truncated = choice.finish_reason == "length"
                        for call in () if truncated else calls.calls():  # half a call is none
                            yield call
        if not finished:
            raise BackendError(
                f"the language model server at {shown_url(self._url)} broke off in the middle of"
                f" a reply; try again, and look into its log"
            )
        yield PlanDone(usage[0], usage[1], cached_tokens=usage[2], truncated=truncated)

    async def _name(self) -> str:
        """The model's name; when none was given, the first that the server lists."""
        if not self._model:
            async with asyncio.timeout(self._timeout):
                listed = await self._client.models.list()
            if not listed.data:
                raise BackendError(
                    f"the language model server at {shown_url(self._url)} lists no model; name one with the "
                    f"setting planner.model"
                )
            self._model = listed.data[0].id
        return self._model

    async def _chunks(self, request: PlanRequest) -> AsyncGenerator[ChatCompletionChunk, None]:
        """The server's chunks, each waited for at most `timeout_s`; the response is closed however this
        ends."""
        options: dict[str, Any] = {**self._options, "messages": chat_messages(request)}
        options["model"] = await self._name()
        options.update(chat_options(request))
        async with asyncio.timeout(self._timeout):
            # The response's own timeout would start anew with every keep-alive comment; this one does not.
            response: Any = await self._client.chat.completions.create(
                stream=True, stream_options={"include_usage": True}, **options
            )
        async with response:
            while True:
                try:
                    async with asyncio.timeout(self._timeout):
                        chunk = await anext(response)
                except StopAsyncIteration:
                    return
                yield chunk
