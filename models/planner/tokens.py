"""What the embedded planner counts as tokens: words and marks, which is what it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from models.api import ChatMessage, PlanDone, PlanRequest, TextDelta, ToolCall

_TOKEN = re.compile(r"\w+|[^\w\s]")


def count(text: str) -> int:
    """The words and marks of a text."""
    return sum(1 for _ in _TOKEN.finditer(text))


def count_messages(messages: Iterable[ChatMessage]) -> int:
    """Those of a conversation: what was said, and the calls that were made."""
    return sum(
        count(message.content) + sum(count_call(call) for call in message.calls) for message in messages
    )


def count_call(call: ToolCall) -> int:
    """Those of a call: its name and its arguments."""
    return count(call.name) + count(call.arguments)


def cut(text: str, most: int) -> str:
    """The first `most` tokens of a text."""
    for number, token in enumerate(_TOKEN.finditer(text)):
        if number == most:
            return text[: token.start()].rstrip()
    return text


def counted(
    request: PlanRequest, text: str, calls: Sequence[ToolCall], fit: float | None
) -> Iterator[TextDelta | ToolCall | PlanDone]:
    """A round's outputs, as far as `max_output_tokens` allows, and its counts."""
    most = request.max_output_tokens
    spent, truncated = 0, False
    if text:
        shown = text if most is None else cut(text, most)
        truncated = shown != text
        spent += count(shown)
        yield TextDelta(text=shown)
    for call in calls:
        if truncated or (most is not None and spent + count_call(call) > most):
            truncated = True
            break
        spent += count_call(call)
        yield call
    yield PlanDone(count_messages(request.messages), spent, fit, truncated=truncated)
