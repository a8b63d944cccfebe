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
from typing import Any, Literal

from models.api import SPEAKING_RATE, ChatMessage
from models.engine import Engine
from models.planner.tokens import count
from realtime import own_events
from realtime.protocol import Outbox, new_id
from realtime.response import Reason, Response
from realtime.response_options import ResponseOptions
from realtime.speaking.clauses import ClauseCutter
from realtime.speaking.ledger import Ledger
from realtime.speaking.reassurance import Patience
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings, VoiceStalledError, speak
from realtime.telemetry import Metrics, Stopwatch
from realtime.thinking.history import Entry, History
from realtime.thinking.planner import Planner, Request
from realtime.usage import spoken_tokens

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
        options: ResponseOptions,
        after: str | None,
        recalled_ms: Callable[[], float],
        on_speaking: Callable[[], None],
        on_fit: Callable[[float], None] = lambda fit: None,
    ) -> None:
        self.response = response
        self.question = question
        self.planned = ""  # all the words so far, said or not
        self.asked = Request(question.id, question, options, fitted=on_fit, acting=self._acting)
        self.asked.usage.heard_ms = question.heard_ms
        self.called = False  # whether the client has been asked to call its functions
        self._engine = engine
        self._planner = planner
        self._speaker = speaker
        self._outbox = outbox
        self._history = history
        self._voice = voice
        self._metrics = metrics
        self.options = options
        self._modality: Literal["audio", "text"] = options.modality
        self._recalled_ms = recalled_ms
        self._on_speaking = on_speaking
        self._stopwatch: Stopwatch | None = None
        self._ledger = Ledger()
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue(CLAUSES_AHEAD)  # full: the plan waits
        self._opened = asyncio.Event()  # some of it was said
        self._after = after
        self._last_id = after  # of what the client has been told of, after the question
        self._origin = 0  # sample of the lane at which this reply begins
        self._reported = False
        self._exhausted = False  # `max_output_tokens` was reached
        self._tasks: tuple[asyncio.Task[None], ...] = ()
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

    def newest_item_id(self, last: str | None) -> str | None:
        """The id of the item that is the last for a client while `last` is the last of the history."""
        newest = self.response.newest_item_id
        behind = last in (self._last_id, self._after and self._history.shown(self._after))
        return newest if newest is not None and behind else last

    @property
    def asks(self) -> bool:
        """Whether its words so far are a question, so that a "yes" would answer it."""
        return self.planned.rstrip().endswith("?")

    def release(self, question: Entry, stopwatch: Stopwatch, *, timed: bool) -> None:
        """The turn is decided, and this is its answer. `timed`: somebody waits for it."""
        self.question = question  # the same words, now as the history's
        self._after = self._last_id = question.id if self.options.context is None else self._after
        if self._after:
            self.response.follow(self._history.shown(self._after))
        self.asked.usage.heard_ms = question.heard_ms
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
                self._tasks = tasks
                await asyncio.wait(tasks)
                reassuring.cancel()
            await self.asked.decided.wait()
            if self._modality == "audio":
                await self._speaker.drained(self._speaker.mixer.speech)
            self._complete()
        finally:
            self._speaker.on_frame.remove(self._follow)

    def _complete(self) -> None:
        """Everything was said, or as much as `max_output_tokens` allows."""
        consumed = self._speaker.mixer.speech.consumed
        limited = self._exhausted or self.asked.truncated
        if limited:
            self.asked.usage.limit = self.options.max_output_tokens
        if self._exhausted:
            self._speaker.end_cut()
            self._remember(self._ledger.heard(consumed), consumed, interrupted=True)
        else:
            self.response.text(self._ledger.begun(consumed))
            self._remember(self.response.transcript.rstrip(), consumed, interrupted=limited)
        if limited:
            self.response.finish("incomplete", reason="max_output_tokens", usage=self._usage())
        else:
            self.response.finish("completed", usage=self._usage())
        self.response.drained()

    def _usage(self) -> dict[str, Any]:
        self.asked.usage.spoken_samples = self._ledger.produced
        return self.asked.usage.as_event()

    def interrupted(self, reason: Reason | None) -> bool:
        """Close a cancelled reply: the history keeps what was heard, and the client is told how much.

        False when nothing of it was heard or done.
        """
        audible = max(self._origin, self._speaker.audible(self._recalled_ms()))
        self._silence()
        text = self._ledger.heard(audible) if self._modality == "audio" else self.response.transcript
        self._remember(text, audible, interrupted=True)
        self.response.finish("cancelled", reason=reason, usage=self._usage())
        end_ms = (audible - self._origin) * 1000 // SPEAKING_RATE
        self.response.cleared(end_ms if self._modality == "audio" else None)
        return bool(text or self.asked.notes or self._tool or self.called)

    def failed(self, message: str) -> None:
        """Close a reply that failed."""
        self._silence()
        self._remember(
            self.response.transcript.rstrip(), self._speaker.mixer.speech.consumed, interrupted=True
        )
        self.response.finish("failed", error=message, usage=self._usage())
        self.response.cleared()

    def _silence(self) -> None:
        if self._modality == "audio":  # or else the voice is somebody else's
            self._speaker.silence(self._speaker.mixer.speech)

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
        if self.asked.client_calls:
            await self._call()

    async def _call(self) -> None:
        """Ask the client to call its functions.

        It is asked when what is said along with that begins to be heard, not when it ends, so that both take
        their time together. Nobody hears of a call before the turn is decided.
        """
        await self.asked.decided.wait()
        if self.planned.strip():
            await self._opened.wait()
        self.called = True
        for call in self.asked.client_calls:
            item_id = new_id("item")
            if not self.options.out_of_band:
                self._history.add(Entry(item_id, "assistant", "", spoken=False, call=call), self._last_id)
                self._last_id = item_id
            self.response.function_call(item_id, call)

    async def _speak(self) -> None:
        try:
            await self._say_clauses()
        finally:
            self._opened.set()  # no more words will come: nothing waits for them

    async def _say_clauses(self) -> None:
        while (clause := await self._clauses.get()) is not None:
            if self._modality == "text":
                await self.asked.decided.wait()
                self.response.text(clause)
                self._opened.set()
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
        self._opened.set()
        self._on_speaking()

    def _acting(self, tool: str) -> None:
        self._tool = tool

    async def _reassure(self) -> None:
        """Nobody is left in silence: say once that it takes a while, and show it for as long as it does."""
        await self.asked.decided.wait()
        if self.options.out_of_band:
            return  # nobody waits for it in silence
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
            self._watch_limit(mixer.speech.consumed - self._origin)
        elif any(note.role == "tool" for note in self.asked.notes) and (
            mixer.music.audible or mixer.sound.audible
        ):
            self._mark("plan")
            self._mark("speech")
            self._report()

    def _watch_limit(self, samples: int) -> None:
        """Fall silent when words and sound come to `max_output_tokens`."""
        limit = self.options.max_output_tokens
        if limit is None or self._exhausted:
            return
        # The next frame's 20 ms may begin another token, and the response is never over its limit.
        if count(self.response.transcript) + spoken_tokens(samples) < limit:
            return
        self._exhausted = True
        for task in self._tasks:
            task.cancel()
        self._speaker.mixer.speech.clear()
        self._speaker.wake()

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
        if self.options.out_of_band:
            return
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
                private=not self.response.opened,
            )
            self._history.add(entry, after=self._after)

    def _unheard(self, heard: str) -> str:
        """What of the plan the person has not heard."""
        planned = self._acknowledged + self.planned
        return planned[len(heard) :].strip() if planned.startswith(heard) else ""


def _without_words(note: ChatMessage) -> ChatMessage:
    """The note without the words an assistant said with its calls."""
    if note.role != "assistant":
        return note
    return ChatMessage("assistant", "", calls=note.calls)
