"""What a session does about what it hears: it holds its tongue, goes on, or takes a turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent,
    ConversationItemInputAudioTranscriptionDeltaEvent,
    InputAudioBufferClearedEvent,
    InputAudioBufferCommittedEvent,
    InputAudioBufferSpeechStartedEvent,
    InputAudioBufferSpeechStoppedEvent,
)

from realtime import own_events
from realtime.hearing.ears import (
    HearingEvent,
    HearingFailed,
    PartialText,
    SpeechDropped,
    SpeechMeant,
    SpeechStarted,
    TurnOver,
)
from realtime.protocol import new_id
from realtime.thinking.history import Entry

if TYPE_CHECKING:
    from realtime.session import Session


class HearingEvents:
    """Handles one session's hearing. `quiet` is set while nobody speaks to us."""

    def __init__(self, session: Session) -> None:
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._session = session
        self._item: str | None = None  # id of the item that is being spoken
        self._begun: dict[int, str] = {}  # ids of the items that are not over, by when they began (ms)

    @property
    def speaking(self) -> bool:
        """Whether the person is speaking."""
        return self._item is not None

    async def run(self) -> None:
        """Act on what the ears hear, for as long as the session lasts."""
        while True:
            event = await self._session.ears.events.get()
            self._session.alive()
            await self._act(event)

    async def _act(self, event: HearingEvent) -> None:
        session = self._session
        match event:
            case SpeechStarted(start_ms):
                self._item = self._begun[start_ms] = new_id("item")
                self.quiet.clear()
                self._hold()
                session.outbox.send(
                    InputAudioBufferSpeechStartedEvent, item_id=self._item, audio_start_ms=start_ms
                )
                session.show_activity()
            case PartialText(text, stable) if self._item is not None:
                session.outbox.send(
                    own_events.TranscriptPartial, item_id=self._item, text=text, stable=stable
                )
            case SpeechMeant():
                if session.state.interrupts:
                    await session.interrupt("turn_detected")
            case SpeechDropped():
                if self._item is not None:
                    self._done_speaking(self._item)
                    session.outbox.send(InputAudioBufferClearedEvent)
                self._go_on()
            case TurnOver():
                await self._turn_over(event)
            case HearingFailed(message):
                session.metrics.failures.labels("hearing").inc()
                session.outbox.send(own_events.Notice, level="error", message=message)

    async def _turn_over(self, over: TurnOver) -> None:
        session = self._session
        item_id = self._begun.get(over.start_ms) or new_id("item")
        self._done_speaking(item_id)
        session.outbox.send(InputAudioBufferSpeechStoppedEvent, item_id=item_id, audio_end_ms=over.stop_ms)
        if not over.text:
            session.outbox.send(InputAudioBufferClearedEvent)
            self._go_on()
            return
        if session.state.interrupts:
            await session.interrupt("turn_detected")
        previous = session.history.last_id
        session.outbox.send(InputAudioBufferCommittedEvent, item_id=item_id, previous_item_id=previous)
        entry = Entry(item_id, "user", over.text)
        content = [{"type": "input_audio", "transcript": None}]
        session.add(entry, previous, {**entry.as_item(), "content": content})
        session.outbox.send(
            ConversationItemInputAudioTranscriptionDeltaEvent,
            item_id=item_id,
            content_index=0,
            delta=over.text,
        )
        session.outbox.send(
            ConversationItemInputAudioTranscriptionCompletedEvent,
            item_id=item_id,
            content_index=0,
            transcript=over.text,
            usage={"type": "duration", "seconds": (over.stop_ms - over.start_ms) / 1000},
        )
        if not session.state.answers:
            self._go_on()
            return
        earlier = {"endpoint": over.endpoint_ms, "asr": over.asr_ms}
        if not session.answer(item_id, earlier_ms=earlier):
            session.outbox.failure("too many turns are waiting for an answer; wait for one to finish")

    def _done_speaking(self, item_id: str) -> None:
        """This item is over. The person may have begun the next one already."""
        self._begun = {start: begun for start, begun in self._begun.items() if begun != item_id}
        if self._item in (item_id, None):
            self._item = None
            self.quiet.set()

    def _hold(self) -> None:
        """Somebody speaks: fall silent, and stay where we are."""
        for lane in self._session.mixer.lanes:
            lane.pause()

    def _go_on(self) -> None:
        """It was nothing: go on at the same sample, unless the person speaks again already."""
        if self._item is not None:
            return
        for lane in self._session.mixer.lanes:
            lane.resume()
        self._session.speaker.wake()
        self._session.show_activity()
