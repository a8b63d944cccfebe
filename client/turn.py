"""One turn as the client sees it: a pure fold of the server's events, and the rule for when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from client.events import ServerEvent

SETTLE_S = 0.4  # after all is done, for a piece of music or a second response that follows at once
QUIET_S = 0.7  # of silence end the audio of a server that does not send output_audio_buffer.stopped
BENIGN_ERRORS = {"response_cancel_not_active"}  # the interrupt button was pressed when nothing was said

REPLY_MARKS = ("response_created", "first_word", "audio_started")
LONGEST_S = 180.0  # an answer that speaks for longer is left

Verdict = Literal["open", "ended", "silent"]


@dataclass(slots=True)
class Reply:
    """One response of the server. `kind` is `speech`, or `music` or `sound` for those beside the dialogue."""

    kind: str
    created_at: float
    text: str = ""
    status: str = "in_progress"
    done_at: float | None = None
    sounding_at: float | None = None  # output_audio_buffer.started, else its first delta
    audible: bool = False  # any sign that there is audio in it
    drained: bool = False  # output_audio_buffer.stopped or .cleared

    def finished(self, last_sound_at: float | None, now: float) -> bool:
        """Whether nothing more of it is to come, sound included."""
        if self.done_at is None:
            return False
        if not self.audible or self.drained:
            return True
        return now - max(self.done_at, last_sound_at or 0.0) > QUIET_S


@dataclass(slots=True)
class Turn:
    """What a turn consists of. Give it the events of the call with `feed` from the moment the person begins.

    Times are on the event loop's clock: `spoke_at` and `asked_at` are the person's first and last voiced
    samples (both the moment of sending, when typed), `silenced_at` is when the interrupt button was pressed.
    """

    number: int
    typed: bool = False
    spoke_at: float | None = None
    asked_at: float | None = None
    silenced_at: float | None = None
    heard: dict[str, str] = field(default_factory=dict)  # item id -> words
    replies: dict[str, Reply] = field(default_factory=dict)
    artefacts: list[dict[str, Any]] = field(default_factory=list)
    stages_ms: dict[str, float] | None = None
    total_ms: float | None = None
    music: dict[str, Any] | None = None
    timers: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)  # name -> when it came, for the last utterance
    partials: int = 0
    activity: str = ""
    _hearing: set[str] = field(default_factory=set)
    _unanswered: bool = True
    _asked_last: float = 0.0  # the last thing that asks for an answer
    _event_at: float = 0.0
    _reply_at: float = 0.0  # the last beginning or end of a response

    # -- folding --------------------------------------------------------------------------------------

    def knows(self, event: ServerEvent) -> bool:
        """Whether the event is about something that came up in this turn."""
        body = event.body
        response = body.get("response")
        identity = response.get("id") if isinstance(response, dict) else body.get("response_id")
        return identity in self.replies or body.get("item_id") in self.heard

    def feed(self, event: ServerEvent) -> None:
        """Take one event; those of no concern to a turn are passed over, as are malformed ones."""
        self._event_at = event.at
        body, name = event.body, event.type
        if name.startswith(("input_audio_buffer.", "conversation.item.input_audio")):
            self._feed_hearing(name, body, event.at)
        elif name.startswith(("response.", "output_audio_buffer.")):
            self._feed_reply(name, body, event.at)
        elif name.startswith("audiogpt."):
            self._feed_own(name.removeprefix("audiogpt."), body)
        elif name == "error":
            error = body.get("error")
            error = error if isinstance(error, dict) else {}
            if error.get("code") not in BENIGN_ERRORS:
                self.errors.append(str(error.get("message", "an error without a message")))

    def _feed_hearing(self, name: str, body: dict[str, Any], at: float) -> None:
        item = str(body.get("item_id", ""))
        match name.rpartition(".")[2]:
            case "speech_started":
                self._hearing.add(item)
            case "speech_stopped":
                self._hearing.discard(item)
                self.marks["speech_stopped"] = at
            case "cleared":
                self._hearing.clear()
            case "committed":
                self._hearing.discard(item)
                self._unanswered, self._asked_last = True, at
                self.heard.setdefault(item, "")
                for mark in REPLY_MARKS:
                    self.marks.pop(mark, None)  # those were of an answer to half of it
                self.marks["committed"] = at
            case "completed":
                self.heard[item] = str(body.get("transcript") or "").strip()
                self.marks["transcribed"] = at
            case "failed":
                self.errors.append("the server could not transcribe what was said")

    def _feed_reply(self, name: str, body: dict[str, Any], at: float) -> None:
        response = body.get("response")
        response = response if isinstance(response, dict) else {}
        identity = str(response.get("id") or body.get("response_id") or "")
        if name in {"response.created", "response.done"}:
            self._reply_at = at
        if name == "response.created":
            metadata = response.get("metadata")
            kind = metadata.get("audiogpt", "speech") if isinstance(metadata, dict) else "speech"
            self.replies[identity] = Reply(str(kind), at)
            self._unanswered = False
            self.marks.setdefault("response_created", at)
            return
        reply = self.replies.get(identity)
        if reply is None:
            return
        match name:
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                self.marks.setdefault("first_word", at)
                reply.text += str(body.get("delta", ""))
                reply.audible |= "audio" in name
            case "response.output_audio_transcript.done":
                reply.text = str(body.get("transcript", reply.text))
            case "response.output_text.done":
                reply.text = str(body.get("text", reply.text))
            case "response.output_audio.delta":
                self._sounds(reply, at)
            case "output_audio_buffer.started":
                self._sounds(reply, at)
                reply.drained = False
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                reply.drained = True
            case "response.done":
                reply.status, reply.done_at = str(response.get("status", "completed")), at
                self._note_failure(response)

    def _sounds(self, reply: Reply, at: float) -> None:
        reply.audible = True
        reply.sounding_at = reply.sounding_at or at
        self.marks.setdefault("audio_started", at)

    def _note_failure(self, response: dict[str, Any]) -> None:
        details = response.get("status_details")
        error = details.get("error") if isinstance(details, dict) else None
        if response.get("status") == "failed":
            words = error.get("message") or error.get("code") if isinstance(error, dict) else None
            self.errors.append(f"the answer failed: {words or 'no reason given'}")

    def _feed_own(self, name: str, body: dict[str, Any]) -> None:
        rest = {key: value for key, value in body.items() if key not in {"type", "event_id"}}
        match name:
            case "activity":
                self.activity = str(body.get("state", ""))
            case "input_transcript.partial":
                self.partials += 1
            case "turn.latency":
                self.stages_ms, self.total_ms = body.get("stages_ms"), body.get("total_ms")
            case "artefact.created":
                self.artefacts.append(rest)
            case "music.state":
                self.music = rest
            case "timer":
                self.timers.append(rest)
            case "notice":
                self.notices.append(f"{body.get('level', 'info')}: {body.get('message', '')}")

    # -- the rule -------------------------------------------------------------------------------------

    @property
    def interrupted(self) -> bool:
        """Whether any of it was cut short."""
        return any(reply.status == "cancelled" for reply in self.replies.values())

    @property
    def said(self) -> str:
        """What the server said in this turn."""
        return " ".join(reply.text.strip() for reply in self.replies.values() if reply.text.strip())

    @property
    def playing(self) -> bool:
        """Whether music or sound of it has not ended."""
        return any(reply.kind != "speech" and reply.done_at is None for reply in self.replies.values())

    @property
    def claims_sound(self) -> bool:
        """Whether the server says that it answered audibly, and was not cut short."""
        return any(reply.audible and reply.status == "completed" for reply in self.replies.values())

    def verdict(self, now: float, last_sound_at: float | None, wait: float, listen: float) -> Verdict:
        """Whether the turn is over.

        It is when every response of speech is done and its sound finished, and every piece of music or
        sound is finished or has been listened to for `listen` seconds. A server that shows no sign of an
        answer for `wait` seconds, or that stops halfway through one, is not waited for any longer: the
        turn is then `silent` if nothing at all was answered. `last_sound_at` is None where what is received
        tells nothing, because music plays.
        """
        if self.asked_at is None:
            return "open"
        given_up = now - max(self.asked_at, self._asked_last) > wait
        if self._unanswered or self._hearing:
            if not given_up:
                return "open"
            return "ended" if self.replies else "silent"
        if now - self.asked_at > LONGEST_S + listen:
            return "ended"
        last_sign = max(self._event_at, last_sound_at or 0.0, self.asked_at)
        for reply in self.replies.values():
            if reply.finished(last_sound_at, now):
                continue
            begun = reply.sounding_at or reply.created_at
            if reply.kind != "speech" and now - begun >= listen:
                continue
            if now - last_sign > wait:
                return "ended" if self.said or reply.audible else "silent"
            return "open"
        busy = self.activity == "thinking" and now - last_sign <= wait
        return "open" if busy or now - self._reply_at < SETTLE_S else "ended"
