from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from models.api import ChatMessage, PlanRequest, Situation, TextDelta, ToolCall
from models.plan import STEPS, PlayMusic, Step
from models.planner.intent import IntentPlanner

NOW = "2026-11-22T16:07:00+00:00"  # a Sunday


@dataclass(frozen=True)
class Planned:
    """A round's outcome: the words, and the calls as validated steps."""

    text: str
    steps: tuple[Step, ...]

    @property
    def tools(self) -> list[str]:
        return [step.tool for step in self.steps]

    @property
    def change(self) -> str:
        """Whether the music asked for is a new piece or an edit."""
        [change] = [step.change for step in self.steps if isinstance(step, PlayMusic)]
        return change

    @property
    def brief(self) -> Any:
        [step] = [step for step in self.steps if step.tool in {"play_music", "play_sound"}]
        return step.brief  # type: ignore[attr-defined]


def outcome(outputs: Sequence[Any]) -> Planned:
    by_name = {step.tool: step for step in STEPS}
    text = "".join(output.text for output in outputs if isinstance(output, TextDelta))
    calls = [output for output in outputs if isinstance(output, ToolCall)]
    return Planned(text, tuple(by_name[call.name].model_validate_json(call.arguments) for call in calls))


@pytest.fixture(scope="session")
def planner() -> IntentPlanner:
    return IntentPlanner()


Ask = Callable[..., Planned]


@pytest.fixture(scope="session")
def ask(planner: IntentPlanner) -> Ask:
    """Plan for a person's words: `ask("stop", playing="jazz", history=[...], timers=[...])`."""

    def plan(
        text: str,
        *,
        playing: str | None = None,
        timers: Sequence[str] = (),
        history: Sequence[ChatMessage] = (),
        now: str = NOW,
    ) -> Planned:
        messages = (*history, ChatMessage(role="user", content=text))
        situation = Situation(now=now, playing=playing, timers=tuple(timers))
        return outcome(planner.plan(PlanRequest(messages=messages, situation=situation)))

    return plan


Played = Callable[..., list[ChatMessage]]


@pytest.fixture(scope="session")
def played() -> Played:
    """The history after a piece or a sound was begun."""

    def history(said: str, tool: str, brief: dict[str, Any], playing: str) -> list[ChatMessage]:
        call = ToolCall(call_id=f"call of {said}", name=tool, arguments=json.dumps({"brief": brief}))
        return [
            ChatMessage(role="user", content=said),
            ChatMessage(role="assistant", content="", calls=(call,)),
            ChatMessage(
                role="tool", content=json.dumps({"ok": True, "playing": playing}), call_id=call.call_id
            ),
            ChatMessage(role="assistant", content=f"{playing}."),
        ]

    return history


@pytest.fixture
def piano(played: Played) -> dict[str, Any]:
    """A piano piece plays: what `ask` needs to know of it."""
    playing = "calm solo piano in A minor, 70 beats a minute"
    brief = {
        "description": "a calm piano piece",
        "style": "solo piano",
        "mood": ["calm"],
        "tonic": "A",
        "mode": "minor",
        "tempo": 70,
        "instruments": ["piano"],
        "without": ["bass"],
    }
    return {"playing": playing, "history": played("play a calm piano piece", "play_music", brief, playing)}
