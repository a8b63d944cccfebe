"""Rounds of planning: words come out, calls are run, observations go back, until there is nothing to add."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from models.api import BackendError, ChatMessage, PlanDone, PlanRequest, Situation, TextDelta, ToolCall
from models.engine import Engine
from realtime.thinking.history import Entry, History, calls_message, observation_message
from realtime.thinking.tools import Toolbox, tool_schemas

MOST_ROUNDS = 8  # a chain of 6 tools, one a round, with room for a correction


@dataclass(slots=True)
class Request:
    """What a reply asks of the planner, and what came of it.

    `provisional`: the item to answer is not in the history yet; this is what it would be. No tool runs before
    `decided` is set: until a turn is decided, nothing is done that could be noticed. `fitted` is told how
    well the planner understood (0 to 1), where it can tell.
    """

    item_id: str
    provisional: Entry | None = None
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    fitted: Callable[[float], None] = lambda fit: None
    acting: Callable[[str], None] = lambda tool: None  # the tool that is at work now, "" for none
    notes: list[ChatMessage] = field(default_factory=list)  # calls and observations, as they come
    usage: Usage = field(default_factory=lambda: Usage())


class Planner:
    """Plans one session's replies."""

    def __init__(
        self, engine: Engine, history: History, toolbox: Toolbox, situation: Callable[[], Situation]
    ) -> None:
        self.instructions = ""
        self._engine = engine
        self._history = history
        self._toolbox = toolbox
        self._situation = situation
        self._schemas = tool_schemas()

    async def plan(self, asked: Request) -> AsyncGenerator[str, None]:
        """Answer an item: yield the words to say as they come, run the tools in between.

        Raises `BackendError`, also when the rounds come to no end.
        """
        last = ""  # what was said last, in any round
        situation = self._situation()  # of when the person spoke: what they interrupted still counts
        for _ in range(MOST_ROUNDS):
            messages = self._history.messages(until=asked.item_id, provisional=asked.provisional)
            request = PlanRequest(
                messages=(*messages, *asked.notes),
                situation=situation,
                tools=self._schemas,
                instructions=self.instructions,
            )
            said = ""
            calls: list[ToolCall] = []
            waiting: list[ToolCall] = []  # until the turn is decided; the plan is read on meanwhile
            observations: list[ChatMessage] = []
            async with aclosing(self._engine.open(request)) as stream:
                async for item in stream:
                    match item:
                        case TextDelta(text) if text:
                            if not said and last and not (last[-1].isspace() or text[0].isspace()):
                                yield " "  # a round's text knows nothing of the one before
                            said += text
                            last = text
                            yield text
                        case ToolCall():
                            calls.append(item)
                            if waiting or not asked.decided.is_set():
                                waiting.append(item)
                            else:
                                observations.append(await self._run(item, asked))
                        case PlanDone(input_tokens, output_tokens, fit):
                            asked.usage.add(input_tokens, output_tokens)
                            if fit is not None:
                                asked.fitted(fit)
            if waiting:
                await asked.decided.wait()
            observations.extend([await self._run(item, asked) for item in waiting])
            if not calls:
                return
            asked.notes.append(calls_message(said, tuple(calls)))
            asked.notes.extend(observations)
            if said and all(json.loads(note.content)["ok"] for note in observations):
                return  # the words that belong to it were already said
        raise BackendError(
            f"the planner called tools {MOST_ROUNDS} times in a row and came to no end; ask for less at once"
        )

    async def _run(self, call: ToolCall, asked: Request) -> ChatMessage:
        asked.acting(call.name)
        try:
            return observation_message(call, await self._toolbox.run(call))
        finally:
            asked.acting("")


class Usage:
    """Tokens of one reply."""

    def __init__(self) -> None:
        self.input_tokens = 0
        self.output_tokens = 0

    def add(self, input_tokens: int, output_tokens: int) -> None:
        """Count a round."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens

    def as_event(self) -> dict[str, int]:
        """As `response.done` carries it."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
        }
