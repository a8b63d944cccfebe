"""Rounds of planning: words come out, calls are run, observations go back, until there is nothing to add."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from models.api import BackendError, ChatMessage, PlanDone, PlanRequest, Situation, TextDelta, ToolCall
from models.engine import Engine
from realtime.thinking.history import History, calls_message, observation_message
from realtime.thinking.tools import Toolbox, tool_schemas

MOST_ROUNDS = 8  # a chain of 6 tools, one a round, with room for a correction


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

    async def plan(self, item_id: str, notes: list[ChatMessage], usage: Usage) -> AsyncIterator[str]:
        """Answer this item of the history: yield the words to say as they come, run the tools in between.

        What was called and observed is appended to `notes`. Raises `BackendError`, also when the rounds come
        to no end.
        """
        last = ""  # what was said last, in any round
        situation = self._situation()  # of when the person spoke: what they interrupted still counts
        for _ in range(MOST_ROUNDS):
            request = PlanRequest(
                messages=(*self._history.messages(until=item_id), *notes),
                situation=situation,
                tools=self._schemas,
                instructions=self.instructions,
            )
            said = ""
            calls: list[ToolCall] = []
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
                            observations.append(observation_message(item, await self._toolbox.run(item)))
                        case PlanDone(input_tokens, output_tokens):
                            usage.add(input_tokens, output_tokens)
            if not calls:
                return
            notes.append(calls_message(said, tuple(calls)))
            notes.extend(observations)
            if said and all(json.loads(note.content)["ok"] for note in observations):
                return  # the words that belong to it were already said
        raise BackendError(
            f"the planner called tools {MOST_ROUNDS} times in a row and came to no end; ask for less at once"
        )


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
