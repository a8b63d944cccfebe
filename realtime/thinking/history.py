"""What was said: the items of one conversation, as the protocol and as a planner see them.

An assistant's item holds what the person heard, never what was only prepared (invariant 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from models.api import ChatMessage, ToolCall
from realtime.speaking.ledger import Spoken

Role = Literal["user", "assistant", "system", "tool"]

PLANNER_MESSAGES = 60  # the most recent ones a planner is given: an hour's chat, and bounded


@dataclass(slots=True)
class Entry:
    """One item. `spoken` tells audio from typed text; `notes` are the calls and observations it led to.

    `unheard` is what an assistant had planned to say after `text` and was not heard; `spoken_words` says when
    the words of `text` sounded, so that a client can still take some of them back.

    `goes_on`: the person spoke again before anything of an answer could be heard, so that a planner reads
    this and the next item as one.

    `call`: the item is an assistant's call of one of the client's functions; `answers`: it is the output of
    the call of this id, in `text`, and its role is "tool". `heard_ms` is how long the person's audio was.

    `parts` are the contents of an item that is more than one text, in the protocol's form. `told` is what a
    planner is told just before the item's words, such as that a picture came with them.
    """

    id: str
    role: Role
    text: str
    spoken: bool = True
    interrupted: bool = False
    goes_on: bool = False
    notes: list[ChatMessage] = field(default_factory=list)
    unheard: str = ""
    spoken_words: Spoken | None = None
    call: ToolCall | None = None
    answers: str = ""
    heard_ms: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    told: list[ChatMessage] = field(default_factory=list)
    private: bool = False  # a note to ourselves: clients do not know of it

    def truncate(self, end_ms: int) -> int:
        """Keep the words that were audible after `end_ms` of the item's audio.

        Returns where the audio ends now, ms: between 0 and as much as the client was sent.

        Raises:
            ValueError: nobody knows when the words sounded, because the item is text.
        """
        if self.spoken_words is None:
            raise ValueError("the item has no audio")
        end_ms = max(0, min(end_ms, self.spoken_words.length_ms))
        if end_ms < self.spoken_words.length_ms:
            self.spoken_words = self.spoken_words.cut(end_ms)
            self.interrupted = True
        kept = self.spoken_words.until(end_ms)
        if len(kept) < len(self.text):
            self.unheard = f"{self.text[len(kept) :]} {self.unheard}".strip()
            self.text = kept
        return end_ms

    def as_item(self) -> dict[str, Any]:
        """The item in the protocol's form."""
        if self.call is not None:
            return function_call_item(self.id, self.call, "incomplete" if self.interrupted else "completed")
        if self.answers:
            return {
                "id": self.id,
                "object": "realtime.item",
                "type": "function_call_output",
                "status": "completed",
                "call_id": self.answers,
                "output": self.text,
            }
        content: dict[str, Any]
        if self.role == "assistant":
            key, kind = ("transcript", "output_audio") if self.spoken else ("text", "output_text")
            content = {"type": kind, key: self.text}
        elif self.spoken and self.role == "user":
            content = {"type": "input_audio", "transcript": self.text or None}
        else:
            content = {"type": "input_text", "text": self.text}
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "role": self.role,
            "status": "incomplete" if self.interrupted else "completed",
            "content": self.parts or [content],
        }


def function_call_item(item_id: str, call: ToolCall, status: str) -> dict[str, Any]:
    """A call of one of the client's functions, in the protocol's form."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "call_id": call.call_id,
        "name": call.name,
        "arguments": call.arguments,
    }


class History:
    """The conversation so far, in order."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry, after: str | None = None) -> None:
        """Put an item after the item `after` ("root": first), or at the end.

        Raises KeyError when its id is taken.
        """
        if entry.id in self._entries:
            raise KeyError(entry.id)
        if after == "root":
            self._entries = {entry.id: entry, **self._entries}
            return
        if after not in self._entries or after == next(reversed(self._entries), None):
            self._entries[entry.id] = entry
            return
        items = self._entries
        self._entries = {}
        for item_id, item in items.items():
            self._entries[item_id] = item
            if item_id == after:
                self._entries[entry.id] = entry

    def find(self, item_id: str) -> Entry | None:
        """The item of this id."""
        return self._entries.get(item_id)

    def delete(self, item_id: str) -> bool:
        """Forget an item. False when there is none."""
        return self._entries.pop(item_id, None) is not None

    def call(self, call_id: str) -> Entry | None:
        """The item that made this call of one of the client's functions."""
        return next((e for e in self._entries.values() if e.call and e.call.call_id == call_id), None)

    def output(self, call_id: str) -> Entry | None:
        """The item that answered this call."""
        return next((e for e in self._entries.values() if e.answers and e.answers == call_id), None)

    @property
    def open_calls(self) -> tuple[str, ...]:
        """The ids of the calls that the client has not answered."""
        answered = {entry.answers for entry in self._entries.values()}
        calls = (entry.call.call_id for entry in self._entries.values() if entry.call)
        return tuple(call_id for call_id in calls if call_id not in answered)

    @property
    def last(self) -> Entry | None:
        """The newest item."""
        return next(reversed(self._entries.values()), None)

    @property
    def last_id(self) -> str | None:
        """The id of the newest item that clients know of."""
        return next((entry.id for entry in reversed(self._entries.values()) if not entry.private), None)

    def shown(self, item_id: str) -> str | None:
        """This item's id; of the one before where clients do not know it, of the last where it is gone."""
        newest = None
        for entry in self._entries.values():
            newest = newest if entry.private else entry.id
            if entry.id == item_id:
                return newest
        return self.last_id

    def messages(self, until: str | None = None, provisional: Entry | None = None) -> tuple[ChatMessage, ...]:
        """The conversation for a planner, up to the item `until` or to the end.

        Calls and observations stand before the words they led to. A call of a client's function stands where
        its output came, because only then is there anything to say about it, and not at all before: a model
        refuses a call without its answer. `provisional` is an item that may become the last one; it counts
        for as long as no item of its id is there.
        """
        entries = list(self._entries.values())
        if provisional is not None and provisional.id not in self._entries:
            entries.append(provisional)
        out: list[ChatMessage] = []
        begun = ""  # what the person said and went on from
        calls = {entry.call.call_id: entry.call for entry in entries if entry.call}
        for entry in entries:
            out.extend(entry.notes)
            out.extend(entry.told)
            if entry.call:
                pass
            elif entry.answers:
                if call := calls.get(entry.answers):
                    _answered(out, call, entry.text)
            elif entry.goes_on and entry.id != until:
                begun += entry.text + " "
            elif begun and entry.role == "assistant" and not entry.text:
                continue  # of the answer that nobody heard
            elif entry.text or entry.unheard or (entry.role == "user" and not entry.told):
                out.append(
                    ChatMessage(
                        entry.role,
                        begun + entry.text,
                        interrupted=entry.interrupted,
                        unheard=entry.unheard,
                    )
                )
                begun = ""
            if entry.id == until:
                break
        recent = out[-PLANNER_MESSAGES:]
        while recent and recent[0].role == "tool":
            del recent[0]  # its call was cut off, and an API refuses an answer without a call
        return tuple(recent)


def _answered(out: list[ChatMessage], call: ToolCall, output: str) -> None:
    """Add a call and its output; outputs that come one after the other answer one message of calls."""
    begin = len(out)
    while begin and out[begin - 1].role == "tool":
        begin -= 1
    if begin < len(out) and begin and out[begin - 1].calls:
        said = out[begin - 1]
        out[begin - 1] = calls_message(said.content, (*said.calls, call))
    else:
        out.append(calls_message("", (call,)))
    out.append(observation_message(call, output))


def calls_message(text: str, calls: tuple[ToolCall, ...]) -> ChatMessage:
    """The assistant's message that made these calls."""
    return ChatMessage("assistant", text, calls=calls)


def observation_message(call: ToolCall, observation: str) -> ChatMessage:
    """What came of a call."""
    return ChatMessage("tool", observation, call_id=call.call_id)
