"""One reply: a plan's words become clauses, clauses become speech, while the plan goes on.

Two tasks side by side: `_think` reads the plan and cuts its text into clauses; `_speak` says them. The
transcript follows the voice: a word is told when its first sample leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

from models.api import SPEAKING_RATE, ChatMessage
from models.engine import Engine
from realtime import own_events
from realtime.protocol import Outbox
from realtime.response import Reason, Response
from realtime.speaking.clauses import ClauseCutter
from realtime.speaking.ledger import Ledger
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings, speak
from realtime.telemetry import Metrics, Stopwatch
from realtime.thinking.history import Entry, History
from realtime.thinking.planner import Usage

CLAUSES_AHEAD = 4  # clauses planned and not yet spoken; a planner that is quicker waits

Plan = Callable[[str, list[ChatMessage], Usage], AsyncIterator[str]]


class Reply:
    """Answers one item of the history. Run it once; cancel it to interrupt, then call `interrupted`."""

    def __init__(
        self,
        *,
        engine: Engine,
        plan: Plan,
        speaker: Speaker,
        outbox: Outbox,
        history: History,
        voice: VoiceSettings,
        metrics: Metrics,
        stopwatch: Stopwatch,
        user_item_id: str,
        timed: bool,
        response: Response,
        modality: Literal["audio", "text"],
        playout_delay_ms: Callable[[], float],
        on_speaking: Callable[[], None],
    ) -> None:
        self.response = response
        self._engine = engine
        self._plan = plan
        self._speaker = speaker
        self._outbox = outbox
        self._history = history
        self._voice = voice
        self._metrics = metrics
        self._stopwatch = stopwatch
        self._user_item_id = user_item_id
        self._modality = modality
        self._playout_delay_ms = playout_delay_ms
        self._on_speaking = on_speaking
        self._ledger = Ledger()
        self._origin = speaker.mixer.speech.consumed  # sample of the lane at which this reply begins
        self._notes: list[ChatMessage] = []
        self._usage = Usage()
        self._reported = not timed  # how long nobody waited is no latency
        self._voiced = False

    async def run(self) -> None:
        """Plan and speak until the last sample has left. Raises `BackendError`; the events stay paired."""
        clauses: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)  # full: the plan waits
        self.response.create()
        self._speaker.on_frame.append(self._follow)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._think(clauses), name="think")
                group.create_task(self._speak(clauses), name="speak")
            await self._speaker.drained(self._speaker.mixer.speech)
            self.response.text(self._ledger.begun(self._speaker.mixer.speech.consumed))
            self._remember(self.response.transcript.rstrip(), interrupted=False)
            self.response.finish("completed", usage=self._usage.as_event())
            self.response.drained()
        finally:
            self._speaker.on_frame.remove(self._follow)

    def interrupted(self, reason: Reason | None) -> None:
        """Close a cancelled reply: the history keeps what was heard, and the client is told how much."""
        lane = self._speaker.mixer.speech
        audible = lane.consumed - round(self._playout_delay_ms() * SPEAKING_RATE / 1000)
        self._speaker.silence(lane)
        heard = self._ledger.heard(audible) if self._modality == "audio" else self.response.transcript
        self._remember(heard, interrupted=True)
        self.response.finish("cancelled", reason=reason, usage=self._usage.as_event())
        end_ms = max(0, audible - self._origin) * 1000 // SPEAKING_RATE
        self.response.cleared(end_ms if self._modality == "audio" else None)

    def failed(self, message: str) -> None:
        """Close a reply that failed."""
        self._speaker.silence(self._speaker.mixer.speech)
        self._remember(self.response.transcript.rstrip(), interrupted=True)
        self.response.finish("failed", error=message, usage=self._usage.as_event())
        self.response.cleared()

    async def _think(self, clauses: asyncio.Queue[str | None]) -> None:
        cutter = ClauseCutter()
        async for delta in self._plan(self._user_item_id, self._notes, self._usage):
            self._stopwatch.mark("plan")
            for clause in cutter.feed(delta):
                await clauses.put(clause)
        self._stopwatch.mark("plan")
        for clause in cutter.flush():
            await clauses.put(clause)
        await clauses.put(None)

    async def _speak(self, clauses: asyncio.Queue[str | None]) -> None:
        while (clause := await clauses.get()) is not None:
            if self._modality == "text":
                self.response.text(clause)
                self._report()
            elif clause.strip():
                await speak(
                    self._engine, self._speaker, self._ledger, clause, self._voice, self._on_first_audio
                )

    def _on_first_audio(self) -> None:
        if self._voiced:
            return
        self._voiced = True
        self._stopwatch.mark("plan")
        self._stopwatch.mark("speech")
        self.response.audio_started()
        self._on_speaking()

    def _follow(self) -> None:
        """After each frame: tell the words that began, and, once, how long the turn took."""
        mixer = self._speaker.mixer
        if mixer.speech.consumed > self._origin:
            self.response.text(self._ledger.begun(mixer.speech.consumed))
            self._report()
        elif any(note.role == "tool" for note in self._notes) and (
            mixer.music.audible or mixer.sound.audible
        ):
            self._stopwatch.mark("plan")
            self._stopwatch.mark("speech")
            self._report()

    def _report(self) -> None:
        if self._reported:
            return
        self._reported = True
        self._stopwatch.mark("send")
        stages = self._stopwatch.stages()
        total = sum(stages.values())
        for stage, milliseconds in stages.items():
            self._metrics.stage.labels(stage).observe(milliseconds / 1000)
        self._metrics.turn.observe(total / 1000)
        self._outbox.send(
            own_events.TurnLatency,
            item_id=self._user_item_id,
            response_id=self.response.id,
            stages_ms=stages,
            total_ms=round(total, 1),
        )

    def _remember(self, text: str, *, interrupted: bool) -> None:
        # What a round said along with its calls is part of `text` already.
        notes = [_without_words(note) for note in self._notes]
        if text or notes:
            entry = Entry(
                self.response.item_id,
                "assistant",
                text,
                spoken=self._modality == "audio",
                interrupted=interrupted,
                notes=notes,
            )
            self._history.add(entry, after=self._user_item_id)


def _without_words(note: ChatMessage) -> ChatMessage:
    """The note without the words an assistant said with its calls."""
    if note.role != "assistant":
        return note
    return ChatMessage("assistant", "", calls=note.calls)
