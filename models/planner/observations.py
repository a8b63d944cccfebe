"""What to say once something has happened: a tool's observation, or an event such as a timer that is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from models.api import ChatMessage, ToolCall
from models.plan import STEPS
from models.planner.durations import spoken_duration
from models.planner.functions.outputs import spoken
from models.planner.rules import observation

Said = Mapping[str, object]


_OURS = frozenset(step.tool for step in STEPS)


def answer_observations(messages: Sequence[ChatMessage], functions: Collection[str] = ()) -> str:
    """Words for the tool messages that end the conversation; empty when all speak for themselves.

    `functions` are the client's own, whatever their names.
    """
    begin = len(messages)
    while begin and messages[begin - 1].role == "tool":
        begin -= 1
    calls = {call.call_id: call for message in messages[:begin] for call in message.calls}
    sentences: list[str] = []
    heard = {calls[m.call_id].name for m in messages[begin:] if m.call_id in calls}
    for message in messages[begin:]:
        call, said = calls.get(message.call_id or ""), observation(message.content)
        if call and (call.name in functions or call.name not in _OURS):
            sentences.append(spoken(message.content))
            continue
        if call and call.name == "keep_said" and "play_artefact" in heard and said.get("ok") is True:
            continue  # its sound plays: no words over it
        sentence = _describe(call, said)
        if sentence and sentence not in sentences:
            sentences.append(sentence)
    return sentences[0] if len(sentences) == 1 else " ".join(map(_sentence, sentences))


def answer_event(content: str) -> str:
    """Words for an event; empty for one that needs none."""
    said = observation(content)
    if said.get("event") == "timer_over":
        label, seconds = str(said.get("label") or ""), said.get("seconds")
        span = spoken_duration(float(seconds)) if isinstance(seconds, int | float) else ""
        if label:
            return _sentence(f"Time's up: {label}")
        return _sentence(f"Time's up: {span}" if span else "Time's up")
    if said.get("event") == "idle":
        return "Are you still there?"
    if said.get("event") == "picture_kept":
        return f"I can't see pictures yet, but I have kept yours as {said.get('name')}."
    if said.get("event") == "sound_kept":
        cause = str(said.get("error") or "").rstrip(". ")
        heard = f"I could not listen for words in it: {cause}" if cause else "I heard no words in it"
        return f"I have kept your sound as {said.get('name')}. {_sentence(heard)}"
    return _sentence(str(said.get("text") or said.get("say") or ""))


def _describe(call: ToolCall | None, said: Said) -> str:
    if said.get("ok") is False:
        cause = str(said.get("error") or "").strip()
        return _sentence(cause or f"{_named(call)} failed, and I was not told why")
    if words := said.get("say"):
        return _sentence(str(words))
    tell = _TELLERS.get(call.name) if call else None
    return tell(_arguments(call), said) if tell and call else _sentence(str(said.get("text") or ""))


def _named(call: ToolCall | None) -> str:
    return call.name.replace("_", " ").capitalize() if call else "That"


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def _playing(arguments: Mapping[str, Any], said: Said) -> str:
    playing, changed = str(said.get("playing") or ""), said.get("changed")
    if not playing or not isinstance(changed, Mapping):
        return _sentence(playing)
    parts = [tell(changed[fact]) for fact, tell in _CHANGES.items() if changed.get(fact)]
    return _sentence(f"now {', '.join(parts)}" if parts else f"it is so already: {playing}")


_METRES = {"4/4": "four four", "3/4": "three four", "6/8": "six eight", "2/4": "two four", "5/4": "five four"}


def _list(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


# What an edit of the music may have changed, in the order in which it is told.
_CHANGES: Mapping[str, Callable[[Any], str]] = {
    "mood": _list,
    "style": lambda style: f"as {style}",
    "key": lambda key: f"in {key}",
    "tempo": lambda tempo: f"at {tempo} beats a minute",
    "metre": lambda metre: f"in {_METRES.get(metre, metre)}",
    "density": str,
    "with": lambda names: f"with {_list(names)}",
    "without": lambda names: f"without {_list(names)}",
    "length": str,
}


def _timer(arguments: Mapping[str, Any], said: Said) -> str:
    seconds = said.get("seconds", arguments.get("seconds"))
    if not isinstance(seconds, int | float):
        return "The timer is running."
    label = str(said.get("timer") or arguments.get("label") or "")
    return _sentence(
        f"{label}: {spoken_duration(seconds)}, starting now"
        if label
        else f"{spoken_duration(seconds)}, starting now"
    )


def _cancelled(arguments: Mapping[str, Any], said: Said) -> str:
    label = str(said.get("cancelled") or said.get("timer") or arguments.get("label") or "")
    return (
        f"The timer for {label} is cancelled."
        if label and isinstance(label, str) and label != "True"
        else "The timer is cancelled."
    )


def _voice(arguments: Mapping[str, Any], said: Said) -> str:
    name = said.get("voice")
    return _sentence(f"this is {name}") if isinstance(name, str) and name else "This is how I sound now."


def _pace(arguments: Mapping[str, Any], said: Said) -> str:
    change = arguments.get("change")
    return {"slower": "I'll speak slower.", "faster": "I'll speak faster."}.get(
        str(change), "Back to my usual pace."
    )


def _volume(arguments: Mapping[str, Any], said: Said) -> str:
    change, target = arguments.get("change"), arguments.get("target")
    if target == "music":
        return ""  # one hears it
    return {"louder": "Louder.", "softer": "Softer.", "normal": "Back to normal."}.get(str(change), "")


def _capturing(arguments: Mapping[str, Any], said: Said) -> str:
    return "Go ahead."


def _kept(arguments: Mapping[str, Any], said: Said) -> str:
    text = str(said.get("text") or "").rstrip(". ")
    return f"I kept it as {said.get('name')}{': ' if text else ''}{text}."


def _noted(arguments: Mapping[str, Any], said: Said) -> str:
    return f"I wrote down: {str(said.get('text')).rstrip('. ')}."


_TELLERS: Mapping[str, Callable[[Mapping[str, Any], Said], str]] = {
    "play_music": _playing, "play_sound": _playing, "set_timer": _timer, "cancel_timer": _cancelled,
    "set_voice": _voice, "set_pace": _pace, "set_volume": _volume, "capture": _capturing, "keep_said": _kept,
    "keep_text": _noted,
}  # fmt: skip
