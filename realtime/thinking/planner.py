"""Rounds of planning: words come out, calls are run, observations go back, until there is nothing to add."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from models.api import (
    BackendError,
    ChatMessage,
    PlanDone,
    PlanRequest,
    Situation,
    TextDelta,
    ToolCall,
    ToolSchema,
)
from models.engine import Engine
from realtime.response_options import ResponseOptions
from realtime.thinking.history import Entry, History, calls_message, observation_message
from realtime.thinking.tools import Toolbox, tool_schemas
from realtime.usage import Usage

MOST_ROUNDS = 8  # a chain of 6 tools, one a round, with room for a correction


@dataclass(slots=True)
class Request:
    """What a reply asks of the planner, and what came of it.

    `provisional`: the item to answer is not in the history yet; this is what it would be. No tool runs before
    `decided` is set: until a turn is decided, nothing is done that could be noticed. `fitted` is told how
    well the planner understood (0 to 1), where it can tell.

    The client's functions are not run here: their calls are left in `client_calls` and end the plan, because
    what they come to is another response's matter. `truncated`: `options.max_output_tokens` ended it.
    """

    item_id: str
    provisional: Entry | None = None
    options: ResponseOptions = field(default_factory=ResponseOptions)
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    fitted: Callable[[float], None] = lambda fit: None
    acting: Callable[[str], None] = lambda tool: None  # the tool that is at work now, "" for none
    notes: list[ChatMessage] = field(default_factory=list)  # calls and observations, as they come
    client_calls: list[ToolCall] = field(default_factory=list)
    truncated: bool = False
    usage: Usage = field(default_factory=Usage)


async def _at_once() -> None:
    """Nothing is waited for."""


class Planner:
    """Plans one session's replies."""

    def __init__(
        self, engine: Engine, history: History, toolbox: Toolbox, situation: Callable[[], Situation]
    ) -> None:
        self.instructions = ""
        self.ready: Callable[[], Awaitable[None]] = _at_once  # when all that was given has its words
        self._engine = engine
        self._history = history
        self._toolbox = toolbox
        self._situation = situation
        self._schemas = tool_schemas()

    async def plan(self, asked: Request) -> AsyncGenerator[str, None]:
        """Answer an item: yield the words to say as they come, run the tools in between.

        Raises `BackendError`, also when the rounds come to no end.
        """
        await self.ready()
        last = ""  # what was said last, in any round
        situation = self._situation()  # of when the person spoke: what they interrupted still counts
        functions = asked.options.functions
        for _ in range(MOST_ROUNDS):
            said = ""
            calls: list[ToolCall] = []
            waiting: list[ToolCall] = []  # until the turn is decided; the plan is read on meanwhile
            observations: list[ChatMessage] = []
            async with aclosing(self._engine.open(self._request(asked, situation))) as stream:
                async for item in stream:
                    match item:
                        case TextDelta(text) if text:
                            asked.usage.piece()
                            if not said and last and not (last[-1].isspace() or text[0].isspace()):
                                yield " "  # a round's text knows nothing of the one before
                            said += text
                            last = text
                            yield text
                        case ToolCall(name=name) if name in functions.names:
                            if functions.parallel or not asked.client_calls:
                                asked.client_calls.append(item)
                        case ToolCall():
                            calls.append(item)
                            if waiting or not asked.decided.is_set():
                                waiting.append(item)
                            else:
                                observations.append(await self._run(item, asked))
                        case PlanDone():
                            asked.usage.round(item)
                            asked.truncated = asked.truncated or item.truncated
                            if item.fit is not None:
                                asked.fitted(item.fit)
            if waiting:
                await asked.decided.wait()
            observations.extend([await self._run(item, asked) for item in waiting])
            if calls:
                asked.notes.append(calls_message(said, tuple(calls)))
                asked.notes.extend(observations)
            if not calls or asked.client_calls or asked.truncated:
                return
            if said and all(json.loads(note.content)["ok"] for note in observations):
                return  # the words that belong to it were already said
        raise BackendError(
            f"the planner called tools {MOST_ROUNDS} times in a row and came to no end; ask for less at once"
        )

    def _request(self, asked: Request, situation: Situation) -> PlanRequest:
        options = asked.options
        if options.context is not None:
            messages = options.context.messages()
        else:
            messages = self._history.messages(until=asked.item_id, provisional=asked.provisional)
        messages = (*messages, *asked.notes)
        # Whoever must call a tool is free once there is a result: it has to come to words some time.
        free = bool(messages) and messages[-1].role == "tool"
        functions = options.functions
        choice = functions.choice
        limit = options.max_output_tokens
        return PlanRequest(
            messages=messages,
            situation=situation,
            tools=self._tools(options),
            instructions=self.instructions if options.instructions is None else options.instructions,
            tool_choice="auto" if choice == "required" and free else choice,
            forced_tool="" if free else functions.forced,
            parallel_tool_calls=functions.parallel,
            max_output_tokens=None if limit is None else max(1, limit - asked.usage.output_text_tokens),
        )

    def _tools(self, options: ResponseOptions) -> tuple[ToolSchema, ...]:
        functions = options.functions
        if functions.choice == "none":
            return ()
        if options.out_of_band:
            return functions.schemas
        if not functions.schemas:
            return self._schemas
        ours = (schema for schema in self._schemas if schema.name not in functions.names)
        return (*ours, *functions.schemas)

    async def _run(self, call: ToolCall, asked: Request) -> ChatMessage:
        asked.acting(call.name)
        try:
            return observation_message(call, await self._toolbox.run(call))
        finally:
            asked.acting("")
