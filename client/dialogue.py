"""A dialogue from a script: say this, wait for the answer, say the next; one report a turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from client.events import ServerEvent
from client.headless import HeadlessClient
from client.listening import JOIN_S
from client.speech import Speech
from client.turn import Turn, Verdict

POLL_S = 0.05  # how often the passing of time alone is looked at
APART_S = 0.5  # sound that comes after a longer silence is not what was interrupted


@dataclass(frozen=True, slots=True)
class Line:
    """What the person says in one turn: a name for the report, and speech, or words to type."""

    name: str
    content: Speech | str


@dataclass(frozen=True, slots=True)
class Manner:
    """How the person behaves.

    `wait`: seconds to wait for an answer. `listen`: seconds to listen to music or sound, which may have no
    end. `interrupt_after`: press the interrupt button so many seconds after the answer begins to sound.
    `barge_in_after`: begin the next line so many seconds after it, instead of waiting for the end.
    """

    wait: float = 10.0
    listen: float = 8.0
    interrupt_after: float | None = None
    barge_in_after: float | None = None


@dataclass(slots=True)
class TurnReport:
    """What came of one turn. Milliseconds; None where there is nothing to measure.

    `voice_to_voice_ms` is from the last voiced sample sent to the first voiced sample received (None for a
    typed turn, which has `text_to_voice_ms`). `latency_from` says what the end was taken from: `audio`; or
    `event`, the server's word that the answer began, where other sound was already playing.
    `silent_after_ms`: from the interruption (the button, or the first voiced sample of the next line) to
    the last voiced sample received. `marks_ms` are arrivals of events after the last voiced sample sent.
    """

    turn: int
    input: str
    heard: str
    said: str
    answered: bool
    voice_to_voice_ms: float | None
    text_to_voice_ms: float | None
    latency_from: str | None
    stages_ms: dict[str, float] | None
    total_ms: float | None
    artefacts: list[dict[str, Any]]
    music: dict[str, Any] | None
    interrupted: bool
    silent_after_ms: float | None
    voiced_ms: float
    marks_ms: dict[str, float]
    partials: int
    replies: list[dict[str, str]]
    timers: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return asdict(self)


class Dialogue:
    """Runs lines over a connected client."""

    def __init__(self, client: HeadlessClient, manner: Manner) -> None:
        self._client = client
        self._manner = manner
        self._turns: list[Turn] = []

    async def run(self, lines: Sequence[Line]) -> AsyncGenerator[TurnReport, None]:
        """Say the lines in order, giving each turn's report when it is over.

        A turn that the next line cut into is reported once it has fallen silent, before that next one.

        Raises:
            ClientError: the call ended.
        """
        unsubscribe = self._client.log.subscribe(self._route)
        try:
            cut: tuple[Turn, Line] | None = None
            for index, line in enumerate(lines):
                may_cut = index + 1 < len(lines)
                turn, barged = await self._take_turn(line, may_cut=may_cut)
                if cut is not None:
                    yield self._report(*cut, cut_by=turn)
                cut = (turn, line) if barged else None
                if cut is None:
                    yield self._report(turn, line)
        finally:
            unsubscribe()

    def _route(self, event: ServerEvent) -> None:
        """Give an event to the turn it is about; what is new belongs to the turn under way."""
        if not self._turns:
            return
        owner = next((turn for turn in self._turns if turn.knows(event)), self._turns[-1])
        owner.feed(event)

    async def _take_turn(self, line: Line, *, may_cut: bool) -> tuple[Turn, bool]:
        """One turn up to its end, or until the next line shall cut into it (then True)."""
        turn = Turn(len(self._turns) + 1, typed=isinstance(line.content, str))
        self._turns.append(turn)
        if isinstance(line.content, str):
            turn.spoke_at = turn.asked_at = self._client.text(line.content)
        else:
            turn.spoke_at, turn.asked_at = await self._client.speak(line.content)
        return turn, await self._listen(turn, may_cut)

    async def _listen(self, turn: Turn, may_cut: bool) -> bool:
        client, manner = self._client, self._manner
        while self._verdict(turn) == "open":
            begun, _ = self._answer_began(turn)
            waited = client.now() - begun if begun is not None else -1.0
            if may_cut and manner.barge_in_after is not None and waited >= manner.barge_in_after:
                return True
            press = manner.interrupt_after is not None and waited >= manner.interrupt_after
            if press and turn.silenced_at is None:
                turn.silenced_at = client.now()
                client.interrupt()
            await client.log.changed(self._pause(begun))
        return False

    def _pause(self, begun: float | None) -> float:
        """Seconds until time alone may change something: the next look, or the moment to interrupt."""
        now = self._client.now()
        waits = [POLL_S]
        if begun is not None:
            afters = (self._manner.interrupt_after, self._manner.barge_in_after)
            waits += [begun + after - now for after in afters if after is not None and begun + after > now]
        return min(waits)

    def _verdict(self, turn: Turn) -> Verdict:
        playing = any(each.playing for each in self._turns)
        last_sound = None if playing else self._client.downlink.last_sound_at()
        return turn.verdict(self._client.now(), last_sound, self._manner.wait, self._manner.listen)

    def _answer_began(self, turn: Turn) -> tuple[float | None, str | None]:
        """When the answer began to be heard, and what tells so: `audio` or `event`."""
        if turn.asked_at is None:
            return None, None
        ear = self._client.ear
        event_at = turn.marks.get("audio_started", 0.0)
        if event_at >= turn.asked_at and ear.sounding_at(turn.asked_at) is not None:
            return event_at, "event"  # other sound was there already, so the ear cannot tell them apart
        sound = ear.first_after(turn.asked_at)
        return (sound.start, "audio") if sound is not None else (None, None)

    def _silent_after(self, turn: Turn, cut_by: Turn | None) -> float | None:
        """Seconds from the interruption to the last voiced sample; None without one, or if it plays on."""
        trigger = cut_by.spoke_at if cut_by is not None else turn.silenced_at
        if trigger is None:
            return None
        # What begins with the answer to the interruption is not what was interrupted.
        answer, _ = self._answer_began(cut_by) if cut_by is not None else (None, None)
        until = self._client.now() if answer is None else answer
        stop = trigger
        for sound in self._client.ear.sounds:
            if sound.stop <= trigger:
                continue
            if sound.start - stop > APART_S or sound.start >= until:
                break
            stop = sound.stop
        return stop - trigger if until - stop > JOIN_S else None

    def _report(self, turn: Turn, line: Line, cut_by: Turn | None = None) -> TurnReport:
        began, source = self._answer_began(turn)
        asked = turn.asked_at
        latency = None if began is None or asked is None else milliseconds(began - asked)
        until = self._client.now() if cut_by is None or cut_by.spoke_at is None else cut_by.spoke_at
        voiced = self._client.ear.voiced_seconds(asked, until) if asked is not None else 0.0
        errors = list(turn.errors)
        answered = bool(turn.replies)
        if answered and turn.claims_sound and not voiced:
            answered = False
            errors.append("the server says that it answered aloud, but no voiced sample arrived")
        silent_after = self._silent_after(turn, cut_by)
        return TurnReport(
            turn=turn.number,
            input=line.name,
            heard=" ".join(words for words in turn.heard.values() if words),
            said=turn.said,
            answered=answered,
            voice_to_voice_ms=None if turn.typed else latency,
            text_to_voice_ms=latency if turn.typed else None,
            latency_from=source,
            stages_ms=turn.stages_ms,
            total_ms=turn.total_ms,
            artefacts=turn.artefacts,
            music=turn.music,
            interrupted=turn.interrupted,
            silent_after_ms=None if silent_after is None else milliseconds(silent_after),
            voiced_ms=milliseconds(voiced),
            marks_ms={name: milliseconds(at - asked) for name, at in turn.marks.items() if asked is not None},
            partials=turn.partials,
            replies=[{"kind": r.kind, "status": r.status, "text": r.text} for r in turn.replies.values()],
            timers=turn.timers,
            notices=turn.notices,
            errors=errors,
        )


def milliseconds(seconds: float) -> float:
    """To a tenth of a millisecond: what the clocks are good for."""
    return round(seconds * 1000, 1)
