"""What a session does about what it hears: it holds its tongue, goes on, or takes a turn."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent,
    ConversationItemInputAudioTranscriptionDeltaEvent,
    InputAudioBufferClearedEvent,
    InputAudioBufferCommittedEvent,
    InputAudioBufferSpeechStartedEvent,
    InputAudioBufferSpeechStoppedEvent,
)

from models.api import HEARING_RATE
from realtime import own_events
from realtime.artefacts import Said
from realtime.hearing.ears import (
    HearingEvent,
    HearingFailed,
    PartialText,
    Paused,
    SpeechDropped,
    SpeechGoesOn,
    SpeechStarted,
    SpeechSustained,
    TurnOver,
)
from realtime.hearing.meant import Over, Utterance, brief, meant
from realtime.hearing.turn import Evidence
from realtime.protocol import new_id
from realtime.thinking.history import Entry

if TYPE_CHECKING:
    from realtime.session import Session

UNLIKELY = 0.25  # completeness up to which nobody prepares an answer: "play me some"
REMEMBERED_S = 60  # of what the person said, for "what I just said"
GOES_ON_MS = 2_500  # between two utterances that may be one sentence

Decision = Literal["answer", "interrupt", "backchannel", "noise", "echo", "captured"]


@dataclass(slots=True)
class Item:
    """An utterance that is not over. `over`: what could be heard of us when it began."""

    id: str
    over: Over
    asked: bool  # we had just asked a question
    text: str = ""
    interrupted: bool = False


class HearingEvents:
    """Handles one session's hearing. `quiet` is set while nobody speaks to us."""

    def __init__(self, session: Session) -> None:
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._session = session
        self._said: deque[Said] = deque()  # of the last REMEMBERED_S
        self._item: Item | None = None  # that is being spoken
        self._begun: dict[int, Item] = {}  # those that are not over, by when they began (ms)
        self._stopped_ms = -GOES_ON_MS  # when the last turn ended

    @property
    def speaking(self) -> bool:
        """Whether the person is speaking."""
        return self._item is not None

    def said_before(self) -> Said | None:
        """What the person said before their last request ("keep what I just said")."""
        return self._said[-2] if len(self._said) > 1 else None

    async def run(self) -> None:
        """Act on what the ears hear, for as long as the session lasts."""
        self._session.ears.brief = self._brief
        while True:
            event = await self._session.ears.events.get()
            self._session.alive()
            await self._act(event)

    async def _act(self, event: HearingEvent) -> None:
        session = self._session
        match event:
            case SpeechStarted(start_ms):
                self._start(start_ms)
            case PartialText(text, stable, evidence) if self._item is not None:
                self._item.text = text
                session.outbox.send(
                    own_events.TranscriptPartial, item_id=self._item.id, text=text, stable=stable
                )
                await self._maybe_interrupt(self._item, evidence)
            case SpeechSustained(evidence) if self._item is not None:
                await self._maybe_interrupt(self._item, evidence)
            case Paused(text, evidence) if self._item is not None:
                if self._may_be_all(evidence):
                    session.turns.prepare(self._item.id, text)
            case SpeechGoesOn():
                session.turns.withdraw()
            case SpeechDropped():
                session.turns.withdraw()
                if self._item is not None:
                    self._done_speaking(self._item)
                    session.outbox.send(InputAudioBufferClearedEvent)
                self._go_on()
            case TurnOver():
                await self._turn_over(event)
            case HearingFailed(message):
                session.metrics.failures.labels("hearing").inc()
                session.outbox.send(own_events.Notice, level="error", message=message)

    def _start(self, start_ms: int) -> None:
        session = self._session
        mixer, reply = session.mixer, session.turns.reply
        over: Over = "nothing"
        if mixer.speech.audible or (reply is not None and reply.speaking):
            over = "speech"
        elif mixer.music.audible or mixer.sound.audible:
            over = "music"
        self._item = self._begun[start_ms] = Item(new_id("item"), over, session.turns.asks)
        self.quiet.clear()
        session.ears.over_us = over == "speech"
        session.capture.speech(True)
        session.apply_rules()
        if session.state.interrupts:
            mixer.hush()
        session.outbox.send(
            InputAudioBufferSpeechStartedEvent, item_id=self._item.id, audio_start_ms=start_ms
        )
        session.show_activity()

    def _may_be_all(self, evidence: Evidence) -> bool:
        """Whether an answer to these words may be wanted at once."""
        session = self._session
        return session.state.answers and not session.capture.active and evidence.completeness > UNLIKELY

    def _brief(self, text: str, evidence: Evidence) -> bool:
        """Whether what is being said over us is hardly a request: a short silence ends it."""
        item = self._item
        return item is not None and brief(self._utterance(item, text, evidence, final=False))

    async def _maybe_interrupt(self, item: Item, evidence: Evidence) -> None:
        """Stop what we are saying as soon as it is sure that the person means us."""
        session = self._session
        if item.interrupted or not session.state.interrupts or not session.turns.replying:
            return
        verdict, why = meant(self._utterance(item, item.text, evidence, final=False))
        if verdict == "answer":
            item.interrupted = True
            self._decide(item, "interrupt", why, evidence)
            await session.turns.interrupt("turn_detected")

    def _utterance(self, item: Item, text: str, evidence: Evidence, *, final: bool) -> Utterance:
        return Utterance(text, evidence, final, item.over, item.asked, self._session.turns.said)

    async def _turn_over(self, over: TurnOver) -> None:
        session = self._session
        begun = self._begun.get(over.start_ms)
        item = begun or Item(new_id("item"), "nothing", asked=False)
        self._done_speaking(item)
        if begun is not None:  # without turn detection nobody was told that speech began
            session.outbox.send(
                InputAudioBufferSpeechStoppedEvent, item_id=item.id, audio_end_ms=over.stop_ms
            )
        heard = self._utterance(item, over.text, over.evidence, final=True)
        verdict, why = meant(dataclasses.replace(heard, listening=over.listening))
        if over.why == "committed" or (over.text and item.interrupted):
            verdict, why = "answer", over.why
        if over.text and session.capture.utterance(over.text, over.pcm):
            self._dismiss(item, "captured", "it was asked for", over.evidence)
        elif verdict != "answer":
            self._dismiss(item, "noise" if verdict == "unsure" else verdict, why, over.evidence)
        else:
            self._decide(item, "answer", over.why, over.evidence)
            await self._take_turn(item, over)

    async def _take_turn(self, item: Item, over: TurnOver) -> None:
        session = self._session
        if session.state.interrupts:
            await session.turns.interrupt("turn_detected")
        history = session.history
        if history.last is not None and over.start_ms - self._stopped_ms > GOES_ON_MS:
            history.last.goes_on = False
        self._stopped_ms = over.stop_ms
        self._remember(Said(over.text, over.pcm))
        previous = session.last_id
        session.outbox.send(InputAudioBufferCommittedEvent, item_id=item.id, previous_item_id=previous)
        entry = Entry(item.id, "user", over.text, heard_ms=over.stop_ms - over.start_ms)
        content = [{"type": "input_audio", "transcript": None}]
        session.add(entry, previous, {**entry.as_item(), "content": content})
        if session.state.transcribes:
            self._tell_words(item, over)
        if not session.state.answers:
            self._go_on()
            return
        earlier = {"endpoint": over.endpoint_ms, "asr": over.asr_ms}
        if not session.turns.answer(entry, earlier_ms=earlier):
            session.outbox.failure("too many turns are waiting for an answer; wait for one to finish")

    def _tell_words(self, item: Item, over: TurnOver) -> None:
        """Send the transcription of a turn."""
        outbox = self._session.outbox
        if over.text:
            outbox.send(
                ConversationItemInputAudioTranscriptionDeltaEvent,
                item_id=item.id,
                content_index=0,
                delta=over.text,
            )
        outbox.send(
            ConversationItemInputAudioTranscriptionCompletedEvent,
            item_id=item.id,
            content_index=0,
            transcript=over.text,
            usage={"type": "duration", "seconds": (over.stop_ms - over.start_ms) / 1000},
        )

    def _remember(self, said: Said) -> None:
        self._said.append(said)
        while sum(len(one.pcm) for one in self._said) > REMEMBERED_S * HEARING_RATE * 2:
            self._said.popleft()

    def _dismiss(self, item: Item, decision: Decision, why: str, evidence: Evidence) -> None:
        """It was no turn: go on as if nothing had been said."""
        self._session.turns.withdraw()
        self._decide(item, decision, why, evidence)
        self._session.outbox.send(InputAudioBufferClearedEvent)
        self._go_on()

    def _decide(self, item: Item, decision: Decision, why: str, evidence: Evidence) -> None:
        """Leave the reason in the trace."""
        session = self._session
        session.metrics.decisions.labels(decision).inc()
        figures = {
            name: None if value is None else round(value, 3)
            for name, value in dataclasses.asdict(evidence).items()
        }
        session.outbox.send(
            own_events.TurnDecision, item_id=item.id, decision=decision, why=why, evidence=figures
        )

    def _done_speaking(self, item: Item) -> None:
        """This item is over. The person may have begun the next one already."""
        self._begun = {start: begun for start, begun in self._begun.items() if begun is not item}
        if self._item is item or self._item is None:
            self._item = None
            self.quiet.set()
            self._session.capture.speech(False)

    def _go_on(self) -> None:
        """It was nothing: go on at the same sample, unless the person speaks again already."""
        if self._item is not None:
            return
        self._session.mixer.unhush()
        self._session.speaker.wake()
        self._session.show_activity()
