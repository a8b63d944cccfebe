"""One reply: a plan's words become clauses, clauses become speech, while the plan goes on.

Three tasks side by side: `_think` reads the plan and cuts its text into clauses; `_speak` says them;
`_reassure` breaks the silence when that takes long. The transcript follows the voice: a word is told when its
first sample leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

from models.api import SPEAKING_RATE, ChatMessage
from models.engine import Engine
from realtime import own_events
from realtime.protocol import Outbox
from realtime.response import Reason, Response
from realtime.speaking.clauses import ClauseCutter
from realtime.speaking.ledger import Ledger
from realtime.speaking.reassurance import Patience
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings, VoiceStalledError, speak
from realtime.telemetry import Metrics, Stopwatch
from realtime.thinking.history import Entry, History
from realtime.thinking.planner import Planner, Request

log = logging.getLogger(__name__)

CLAUSES_AHEAD = 4  # clauses planned and not yet spoken; a planner that is quicker waits


class Reply:
    """Answers one item of the history.

    Begin it with `run`, as soon as an answer may be wanted: it plans and has the first clause spoken into a
    drawer. Nothing of it can be noticed before `release`. Cancel `run` to stop it, and then, if it had been
    released, call `interrupted`.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        planner: Planner,
        speaker: Speaker,
        outbox: Outbox,
        history: History,
        voice: VoiceSettings,
        metrics: Metrics,
        question: Entry,
        response: Response,
        modality: Literal["audio", "text"],
        recalled_ms: Callable[[], float],
        on_speaking: Callable[[], None],
        on_fit: Callable[[float], None] = lambda fit: None,
    ) -> None:
        self.response = response
        self.question = question
        self.planned = ""  # all the words so far, said or not
        self.asked = Request(question.id, question, fitted=on_fit, acting=self._acting)
        self._engine = engine
        self._planner = planner
        self._speaker = speaker
        self._outbox = outbox
        self._history = history
        self._voice = voice
        self._metrics = metrics
        self._modality = modality
        self._recalled_ms = recalled_ms
        self._on_speaking = on_speaking
        self._stopwatch: Stopwatch | None = None
        self._ledger = Ledger()
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)  # full: the plan waits
        self._origin = 0  # sample of the lane at which this reply begins
        self._reported = False
        self._voiced = False
        self._tool = ""  # at work now
        self._acknowledged = ""  # words said before there was an answer

    @property
    def released(self) -> bool:
        """Whether the reply may be heard and do things."""
        return self.asked.decided.is_set()

    @property
    def speaking(self) -> bool:
        """Whether it has begun to be heard."""
        return self._voiced and self.released

    @property
    def asks(self) -> bool:
        """Whether its words so far are a question, so that a "yes" would answer it."""
        return self.planned.rstrip().endswith("?")

    def release(self, question: Entry, stopwatch: Stopwatch, *, timed: bool) -> None:
        """The turn is decided, and this is its answer. `timed`: somebody waits for it."""
        self.question = question  # the same words, now as the history's
        self._stopwatch = stopwatch
        self._reported = not timed  # how long nobody waited is no latency
        self._origin = self._speaker.mixer.speech.consumed
        self.response.create()
        self.asked.decided.set()

    async def run(self) -> None:
        """Plan and speak until the last sample has left. Raises `BackendError`; the events stay paired."""
        self._speaker.on_frame.append(self._follow)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = (
                    group.create_task(self._think(), name="think"),
                    group.create_task(self._speak(), name="speak"),
                )
                reassuring = group.create_task(self._reassure(), name="reassure")
                await asyncio.wait(tasks)
                reassuring.cancel()
            await self.asked.decided.wait()
            await self._speaker.drained(self._speaker.mixer.speech)
            self.response.text(self._ledger.begun(self._speaker.mixer.speech.consumed))
            self._remember(
                self.response.transcript.rstrip(), self._speaker.mixer.speech.consumed, interrupted=False
            )
            self.response.finish("completed", usage=self.asked.usage.as_event())
            self.response.drained()
        finally:
            self._speaker.on_frame.remove(self._follow)

    def interrupted(self, reason: Reason | None) -> bool:
        """Close a cancelled reply: the history keeps what was heard, and the client is told how much.

        False when nothing of it was heard or done.
        """
        audible = max(self._origin, self._speaker.audible(self._recalled_ms()))
        self._speaker.silence(self._speaker.mixer.speech)
        text = self._ledger.heard(audible) if self._modality == "audio" else self.response.transcript
        self._remember(text, audible, interrupted=True)
        self.response.finish("cancelled", reason=reason, usage=self.asked.usage.as_event())
        end_ms = (audible - self._origin) * 1000 // SPEAKING_RATE
        self.response.cleared(end_ms if self._modality == "audio" else None)
        return bool(text or self.asked.notes or self._tool)

    def failed(self, message: str) -> None:
        """Close a reply that failed."""
        self._speaker.silence(self._speaker.mixer.speech)
        self._remember(
            self.response.transcript.rstrip(), self._speaker.mixer.speech.consumed, interrupted=True
        )
        self.response.finish("failed", error=message, usage=self.asked.usage.as_event())
        self.response.cleared()

    async def _think(self) -> None:
        cutter = ClauseCutter()
        async with aclosing(self._planner.plan(self.asked)) as plan:
            async for delta in plan:
                self._mark("plan")
                self.planned += delta
                for clause in cutter.feed(delta):
                    await self._clauses.put(clause)
        self._mark("plan")
        for clause in cutter.flush():
            await self._clauses.put(clause)
        await self._clauses.put(None)

    async def _speak(self) -> None:
        while (clause := await self._clauses.get()) is not None:
            if self._modality == "text":
                await self.asked.decided.wait()
                self.response.text(clause)
                self._report()
            elif clause.strip():
                await self._say(clause)

    async def _say(self, clause: str) -> None:
        try:
            await speak(self._engine, self._speaker, self._ledger, clause, self._voice, self._begin)
        except VoiceStalledError as stalled:
            rest = clause[stalled.spoken :]
            if not rest.strip():
                return  # all of it was there
            log.warning("%s; the rest is asked for again", stalled)
            self._ledger.cut_segment(stalled.spoken)
            await speak(self._engine, self._speaker, self._ledger, rest, self._voice, self._begin)

    async def _begin(self) -> None:
        """The first sound of a clause is there."""
        await self.asked.decided.wait()
        if self._voiced:
            return
        self._voiced = True
        self._mark("plan")
        self._mark("speech")
        self.response.audio_started()
        self._on_speaking()

    def _acting(self, tool: str) -> None:
        self._tool = tool

    async def _reassure(self) -> None:
        """Nobody is left in silence: say once that it takes a while, and show it for as long as it does."""
        await self.asked.decided.wait()
        loop = asyncio.get_running_loop()
        mixer = self._speaker.mixer
        patience = Patience(self._voice.language, loop.time())
        while True:
            await asyncio.sleep(max(0.0, patience.due() - loop.time()))
            if mixer.speech.audible or mixer.speech.paused:
                patience.heard(loop.time())
                continue
            patience.since = max(patience.since, self._speaker.spoke_at)
            found = patience.look(
                loop.time(),
                tool=self._tool,
                background=mixer.music.audible or mixer.sound.audible,
                spoken=self._voiced or self._modality == "text",
            )
            if found is None:
                continue
            self._outbox.send(
                own_events.Progress,
                response_id=self.response.id,
                message=found.show,
                elapsed_ms=round(found.elapsed_s * 1000),
            )
            if found.say:
                with contextlib.suppress(asyncio.QueueFull):  # then there are words enough
                    self._clauses.put_nowait(found.say + " ")
                    self._acknowledged = found.say + " "

    def _follow(self) -> None:
        """After each frame: tell the words that began, and, once, how long the turn took."""
        if not self.released:
            return
        mixer = self._speaker.mixer
        if mixer.speech.consumed > self._origin:
            self.response.text(self._ledger.begun(mixer.speech.consumed))
            self._report()
        elif any(note.role == "tool" for note in self.asked.notes) and (
            mixer.music.audible or mixer.sound.audible
        ):
            self._mark("plan")
            self._mark("speech")
            self._report()

    def _mark(self, stage: str) -> None:
        if self._stopwatch is not None:
            self._stopwatch.mark(stage)

    def _report(self) -> None:
        if self._reported or self._stopwatch is None:
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
            item_id=self.question.id,
            response_id=self.response.id,
            stages_ms=stages,
            total_ms=round(total, 1),
        )

    def _remember(self, text: str, until: int, *, interrupted: bool) -> None:
        # What a round said along with its calls is part of `text` already.
        notes = [_without_words(note) for note in self.asked.notes]
        unheard = self._unheard(text) if interrupted else ""
        if text or notes or unheard or self.response.opened:
            entry = Entry(
                self.response.item_id,
                "assistant",
                text,
                spoken=self._modality == "audio",
                interrupted=interrupted,
                notes=notes,
                unheard=unheard,
                spoken_words=self._ledger.spoken(self._origin, until) if self._modality == "audio" else None,
            )
            self._history.add(entry, after=self.question.id)

    def _unheard(self, heard: str) -> str:
        """What of the plan the person has not heard."""
        planned = self._acknowledged + self.planned
        return planned[len(heard) :].strip() if planned.startswith(heard) else ""


def _without_words(note: ChatMessage) -> ChatMessage:
    """The note without the words an assistant said with its calls."""
    if note.role != "assistant":
        return note
    return ChatMessage("assistant", "", calls=note.calls)
