"""From sound to items: the input audio buffer, the conversation's items, and their transcription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Event = dict[str, Any]
Must = Callable[[bool, str], bool]
State = Literal["started", "stopped", "committed", "added", "dropped"]


@dataclass(slots=True)
class Utterance:
    """What the person says: speech_started -> speech_stopped -> committed -> item added, or dropped."""

    state: State
    start_ms: int | None = None


@dataclass(slots=True)
class Item:
    """An item of the conversation, as the client knows it."""

    body: Event
    done: bool = False
    deleted: bool = False
    truncated_ms: int | None = None
    heard: str = ""  # of its transcription
    transcribed: bool = False
    in_response: bool = False


@dataclass(slots=True)
class Items:
    """Follows the items. `order` are the ids of those not deleted, as a client would list them."""

    must: Must
    known: dict[str, Item] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    utterances: dict[str, Utterance] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)  # items of responses outside the conversation
    sounding: Callable[[str], float | None] = lambda item_id: None  # ms of audio sent of an item
    own: Callable[[str], bool] = lambda item_id: False  # whether it is an output item that is open

    @property
    def rules(self) -> dict[str, Callable[[Event], None]]:
        """Event type -> the rule for it."""
        transcription = "conversation.item.input_audio_transcription"
        return {
            "input_audio_buffer.speech_started": self._started,
            "input_audio_buffer.speech_stopped": self._stopped,
            "input_audio_buffer.timeout_triggered": self._timeout,
            "input_audio_buffer.committed": self._committed,
            "input_audio_buffer.cleared": self._cleared,
            "conversation.item.added": self._added,
            "conversation.item.done": self._done,
            "conversation.item.retrieved": self._retrieved,
            "conversation.item.deleted": self._deleted,
            "conversation.item.truncated": self._truncated,
            f"{transcription}.delta": self._transcript_delta,
            f"{transcription}.segment": self._transcript_segment,
            f"{transcription}.completed": self._transcript_completed,
            f"{transcription}.failed": self._transcript_failed,
        }

    @property
    def waiting(self) -> list[str]:
        """Committed, and not yet added."""
        return [id_ for id_, utterance in self.utterances.items() if utterance.state == "committed"]

    def end(self) -> None:
        """Nothing is left half done. Who is speaking when the session ends was only started."""
        for item_id in self.waiting:
            self.must(False, f"{item_id} was committed and never added")
        for item_id, utterance in self.utterances.items():
            self.must(
                utterance.state != "stopped", f"{item_id} stopped, and was neither committed nor cleared"
            )
        for item_id, item in self.known.items():
            self.must(item.done, f"{item_id} was added and is never done")

    # -- the input audio buffer ----------------------------------------------------------------------------

    def _started(self, event: Event) -> None:
        item_id = event["item_id"]
        self.must(self._fresh(item_id), f"speech_started names an item that exists: {item_id}")
        starts = [
            utterance.start_ms for utterance in self.utterances.values() if utterance.start_ms is not None
        ]
        self.must(not starts or event["audio_start_ms"] >= max(starts), "speech_started goes back in time")
        self.utterances[item_id] = Utterance("started", event["audio_start_ms"])

    def _stopped(self, event: Event) -> None:
        item_id = event["item_id"]
        utterance = self.utterances.get(item_id)
        if not self.must(utterance is not None, f"speech_stopped without speech_started: {item_id}"):
            self.utterances[item_id] = Utterance("stopped")
            return
        assert utterance is not None
        self.must(utterance.state == "started", f"speech_stopped after {utterance.state}: {item_id}")
        self.must(event["audio_end_ms"] >= (utterance.start_ms or 0), "speech_stopped is before its start")
        utterance.state = "stopped"

    def _timeout(self, event: Event) -> None:
        item_id = event["item_id"]
        self.must(self._fresh(item_id), f"timeout_triggered names an item that exists: {item_id}")
        self.must(event["audio_end_ms"] >= event["audio_start_ms"], "timeout_triggered ends before its start")
        self.utterances[item_id] = Utterance("stopped")

    def _committed(self, event: Event) -> None:
        item_id = event["item_id"]
        utterance = self.utterances.get(item_id)
        # Without turn detection nothing tells of speech: the client's commit is the first of it.
        self.must(
            utterance is None or utterance.state == "stopped",
            f"committed after {utterance.state if utterance else ''}: speech_stopped comes between",
        )
        self.must(not self.waiting, "committed while another committed item is not yet added")
        self._previous(event)
        self.utterances[item_id] = Utterance("committed", utterance.start_ms if utterance else None)

    def _cleared(self, event: Event) -> None:
        over = [u for u in self.utterances.values() if u.state == "stopped"]
        for utterance in over or [u for u in self.utterances.values() if u.state == "started"]:
            utterance.state = "dropped"

    # -- items -----------------------------------------------------------------------------------------------

    def _added(self, event: Event) -> None:
        item = event["item"]
        item_id = item["id"]
        self.must(item_id not in self.known, f"{item_id} is added twice")
        self.must(item_id not in self.outside, f"{item_id} belongs to a response outside the conversation")
        waiting = self.waiting
        if waiting:
            self.must(item_id in waiting, f"{waiting[0]} was committed: it is the next to be added")
        elif (utterance := self.utterances.get(item_id)) is not None:
            self.must(
                utterance.state == "added", f"{item_id} is added after {utterance.state}, not committed"
            )
        for part in item.get("content") or []:
            if part["type"] == "input_audio":
                self.must("transcript" in part, "input_audio of an added item has the key transcript")
        self._previous(event)
        if item_id in self.utterances:
            self.utterances[item_id].state = "added"
        self.known[item_id] = Item(item, in_response=self.own(item_id))
        previous = event.get("previous_item_id")
        place = self.order.index(previous) + 1 if previous in self.order else 0
        self.order.insert(place, item_id)

    def _done(self, event: Event) -> None:
        item = self.known.get(event["item"]["id"])
        if not self.must(item is not None, "conversation.item.done without conversation.item.added"):
            return
        assert item is not None
        self.must(not item.done, "conversation.item.done comes twice")
        self.must(event["item"].get("status") != "in_progress", "an item that is done is not in progress")
        same = ("type", "role", "call_id", "name")
        self.must(
            all(event["item"].get(key) == item.body.get(key) for key in same), "an item changes its nature"
        )
        item.done, item.body = True, event["item"]

    def _retrieved(self, event: Event) -> None:
        self._living(event["item"]["id"])

    def _deleted(self, event: Event) -> None:
        item = self._living(event["item_id"])
        if item is not None:
            item.deleted = True
            self.order.remove(event["item_id"])

    def _truncated(self, event: Event) -> None:
        item_id, end_ms = event["item_id"], event["audio_end_ms"]
        if item_id in self.outside:
            self.must(False, "an item outside the conversation is truncated")
        item = self._living(item_id)
        if item is None:
            return
        kinds = [part["type"] for part in item.body.get("content") or []]
        audible = item.body.get("role") == "assistant" and kinds in ([], ["output_audio"])
        self.must(audible, "only the assistant's audio is truncated")
        self.must(end_ms >= 0 and end_ms <= (item.truncated_ms or end_ms), "a truncated item grows again")
        sent = self.sounding(item_id)
        if sent is not None:
            self.must(end_ms <= sent + 1, f"truncated at {end_ms} ms, of which {sent:.0f} were sent")
        item.truncated_ms = end_ms

    # -- transcription ---------------------------------------------------------------------------------------

    def _transcript_delta(self, event: Event) -> None:
        if (item := self._transcribing(event)) is not None:
            item.heard += event.get("delta") or ""

    def _transcript_segment(self, event: Event) -> None:
        self._transcribing(event)

    def _transcript_completed(self, event: Event) -> None:
        if (item := self._transcribing(event)) is not None:
            item.transcribed = True
            self.must(item.heard in ("", event["transcript"]), "a transcript is not the sum of its deltas")
            item.heard = event["transcript"]

    def _transcript_failed(self, event: Event) -> None:
        if (item := self._transcribing(event)) is not None:
            item.transcribed = True

    def _transcribing(self, event: Event) -> Item | None:
        item = self.known.get(event["item_id"])
        if not self.must(item is not None, "a transcription before its item was added"):
            return None
        assert item is not None
        self.must(item.body.get("role") == "user", "a transcription of what the person did not say")
        self.must(not item.transcribed, "a transcription goes on after it was completed, or failed")
        return item

    # -- both ------------------------------------------------------------------------------------------------

    def _fresh(self, item_id: str) -> bool:
        return item_id not in self.known and item_id not in self.utterances

    def _living(self, item_id: str) -> Item | None:
        item = self.known.get(item_id)
        if not self.must(item is not None, f"{item_id} was never added"):
            return None
        assert item is not None
        self.must(not item.deleted, f"{item_id} was deleted")
        return None if item.deleted else item

    def _previous(self, event: Event) -> None:
        previous = event.get("previous_item_id")
        self.must(
            previous is None or previous in self.order,
            f"previous_item_id names no item of the conversation: {previous}",
        )
