"""What a language model is told: the manner of a voice, and the moment it speaks in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.api import ChatMessage, PlanRequest, Situation, ToolSchema

MANNER = """\
You are a voice assistant that also makes music and sound. Everything you write is spoken aloud at once.
Speak as people do: one or two short sentences, plain words, no markdown, no lists, no emoji, no links; \
write numbers, units and times the way they are said. What you hear comes from a speech recogniser and \
may hold misheard words: take the likeliest meaning, and ask one short question when you cannot tell.
Act only through the tools. Say nothing of having done a thing before its result has come back; then say \
briefly what is true. When a tool fails, say why and what would help. To change the music that plays or \
played last ("no, minor", "add a cello"), call play_music with change "edit" and its last brief, only the \
asked fields changed; an unchanged brief plays it again from its beginning. When no tool can do what is \
asked, say so in one sentence and name the nearest thing you can do.
Stay silent (write nothing) after a tool whose effect is heard, such as stopping. After capture say only \
"Go ahead."; when an event tells what was captured, say so and do what its "then" asks as far as tools can."""

INTERRUPTED = "[the person interrupted here; nothing after this was heard]"
UNHEARD = "[the person interrupted here and did not hear: {}]"
MOST_UNHEARD = 200  # characters, some 50 tokens: enough to go on from


def system_prompt(request: PlanRequest) -> str:
    """The system message: manner, the application's own instructions, and the moment."""
    parts = [MANNER, request.instructions.strip(), describe(request.situation)]
    return "\n\n".join(part for part in parts if part)


def describe(situation: Situation) -> str:
    """The moment in words."""
    try:
        now = f"{datetime.fromisoformat(situation.now):%A, %d %B %Y, %H:%M}"
    except ValueError:
        now = situation.now
    playing = f"Playing: {situation.playing}." if situation.playing else "Nothing is playing."
    timers = f"Timers: {'; '.join(situation.timers)}." if situation.timers else "No timer is running."
    return f"It is {now}. {playing} {timers}"


def chat_messages(request: PlanRequest) -> list[dict[str, Any]]:
    """The conversation in the chat-completions format.

    A reply that was cut short is marked, so that the model knows what was not heard. Calls without an
    observation, which servers refuse, are left out (their reply was interrupted before they ended), and so
    are observations without their call.
    """
    answered = {message.call_id for message in request.messages if message.role == "tool"}
    called = {call.call_id for message in request.messages for call in message.calls}
    chat: list[dict[str, Any]] = [{"role": "system", "content": system_prompt(request)}]
    for message in request.messages:
        if message.role == "tool":
            if message.call_id in called:
                chat.append({"role": "tool", "tool_call_id": message.call_id, "content": message.content})
        elif message.role == "assistant":
            if entry := _assistant(message, answered):
                chat.append(entry)
        else:
            chat.append({"role": message.role, "content": message.content})
    return chat


def _assistant(message: ChatMessage, answered: set[str | None]) -> dict[str, Any] | None:
    mark = f" {_interruption(message)}" if message.interrupted else ""
    content = f"{message.content}{mark}".strip() if mark else message.content
    calls = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.calls
        if call.call_id in answered
    ]
    if not content and not calls:
        return None
    entry: dict[str, Any] = {"role": "assistant", "content": content or None}
    return {**entry, "tool_calls": calls} if calls else entry


def _interruption(message: ChatMessage) -> str:
    """The mark that ends a reply that was cut short."""
    unheard = " ".join(message.unheard.split())
    if len(unheard) > MOST_UNHEARD:
        unheard = unheard[:MOST_UNHEARD].rpartition(" ")[0] + " …"
    return UNHEARD.format(unheard) if unheard else INTERRUPTED


def chat_tools(tools: tuple[ToolSchema, ...]) -> list[dict[str, Any]]:
    """The offered tools in the chat-completions format."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def chat_options(request: PlanRequest) -> dict[str, Any]:
    """The tools and what binds their choice, in the chat-completions format; defaults are left out.

    The bound on tokens goes by its older name, which every compatible server knows.
    """
    options: dict[str, Any] = {}
    if request.tools:
        options["tools"] = chat_tools(request.tools)
        if request.forced_tool:
            options["tool_choice"] = {"type": "function", "function": {"name": request.forced_tool}}
        elif request.tool_choice != "auto":
            options["tool_choice"] = request.tool_choice
        if not request.parallel_tool_calls:
            options["parallel_tool_calls"] = False
    if request.max_output_tokens is not None:
        options["max_tokens"] = request.max_output_tokens
    return options
