"""One conversation: its tasks, and the one place where it is interrupted.

    hear      the link's audio -> `Ears`
    act       what they hear -> turns (`hearing_events.py`)
    obey      the client's events (`client_events.py`)
    converse  turns -> replies, at most one at a time
    speak     the speaker's clock
    watch     nobody there any more?
    attend    the client's connection dropped, the client is back

All run in one task group; a session ends when its link does, and everything in it ends with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from openai.types.realtime import ConversationItemAdded, ConversationItemDone

from models.api import BackendError, Situation
from models.engine import Engine
from realtime import own_events
from realtime.client_events import ClientEvents
from realtime.config import Settings
from realtime.hearing.ears import Ears
from realtime.hearing_events import HearingEvents
from realtime.process import first_cause
from realtime.protocol import Outbox, new_id
from realtime.response import Reason, Response
from realtime.session_state import SessionState
from realtime.speaking.mixer import Mixer
from realtime.speaking.player import Player
from realtime.speaking.reply import Reply
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings
from realtime.telemetry import Metrics, Stopwatch
from realtime.thinking.history import Entry, History
from realtime.thinking.planner import Planner
from realtime.thinking.timers import Timer, Timers
from realtime.thinking.tools import Toolbox
from realtime.transport.link import AudioOwner, Link, Losses
from realtime.transport.resumable import Presence, ResumableLink

log = logging.getLogger(__name__)

COUNT_INTERVAL = 5.0  # s between two looks at what the link lost
TURNS_WAITING = 8  # turns not yet answered; a client that sends more at once is told so


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to answer: the newest item of the history, and what of its latency is already known."""

    item_id: str
    earlier_ms: dict[str, float] = field(default_factory=dict)
    began: float = 0.0  # loop time at which it was ready to be answered
    asked: bool = True  # by the person, who waits for the answer; a timer's end is not


class Session:
    """One conversation over one link. `await run()` lasts as long as the link."""

    def __init__(
        self, link: Link, engine: Engine, settings: Settings, metrics: Metrics, *, version: str = ""
    ) -> None:
        self.id = new_id("sess")
        self.conversation_id = new_id("conv")
        self.history = History()
        self.state = SessionState(self.id, settings)
        self.outbox = Outbox(link)
        self._link = link
        self._engine = engine
        self._settings = settings
        self.metrics = metrics
        self._version = version
        self._loop = asyncio.get_running_loop()
        self._turns: asyncio.Queue[Turn] = asyncio.Queue(TURNS_WAITING)
        self._group = asyncio.TaskGroup()
        self._reply: Reply | None = None
        self._reply_task: asyncio.Task[None] | None = None
        self._reason: Reason | None = None
        self._activity: str = ""
        self._asked_voice = self.state.voice
        self._asked_speed = self.state.speed
        self._last_sign = self._loop.time()
        self._losses = Losses()
        mixer = Mixer(music_db=settings.mixer.music_db, duck_db=settings.mixer.duck_db)
        self.mixer = mixer
        self.speaker = Speaker(link, mixer, metrics)
        self.speaker.owner = self._owner
        self.ears = Ears(
            engine, settings.rules(), prefix_ms=settings.turn.prefix_ms, language=settings.asr.language
        )
        self.voice = VoiceSettings(
            settings.tts.voice, settings.tts.language, settings.tts.speed, settings.tts.speed
        )
        self.music, self.sound = (
            Player(
                engine,
                self.speaker,
                lane,
                self.outbox,
                self._group,
                buffered=lambda: link.kind == "webrtc",
                changed=self.show_activity,
            )
            for lane in (mixer.music, mixer.sound)
        )
        self.heard = HearingEvents(self)
        self.timers = Timers(self._group, self._timer_over)
        self._toolbox = Toolbox(
            engine=engine,
            music=self.music,
            sound=self.sound,
            mixer=mixer,
            voice=self.voice,
            timers=self.timers,
            outbox=self.outbox,
        )
        self.planner = Planner(engine, self.history, self._toolbox, self._situation)
        self.planner.instructions = settings.planner.instructions

    # -- life -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Converse until the client is gone. Closes the link."""
        self.metrics.sessions.inc()
        self.metrics.sessions_total.labels(self._link.kind).inc()
        try:
            async with self._group as group:
                self._introduce()
                self.show_activity()
                tasks = [
                    group.create_task(self.ears.run(self._link.audio()), name="hear"),
                    group.create_task(self.heard.run(), name="act"),
                    group.create_task(self._converse(), name="converse"),
                    group.create_task(self.speaker.run(), name="speak"),
                    group.create_task(self._watch(), name="watch"),
                ]
                if isinstance(self._link, ResumableLink):
                    tasks.append(group.create_task(self._attend(self._link), name="attend"))
                await self._obey()
                for task in tasks:
                    task.cancel()
                await self.stop_all()
                self.timers.cancel("")
        finally:
            self._count_losses()
            self.metrics.sessions.dec()
            await self._link.aclose()

    async def interrupt(self, reason: Reason | None = None) -> bool:
        """Stop the reply under way; False when there is none. The history is cut to what was heard."""
        task = self._reply_task
        if task is None or task.done():
            return False
        self._reason = reason
        task.cancel()
        await asyncio.wait({task})
        return True

    async def cancel(self, response_id: str | None) -> bool:
        """Stop this response (None: the reply), be it words, music or sound; False when there is none."""
        if response_id is None or (self._reply is not None and self._reply.response.id == response_id):
            return await self.interrupt("client_cancelled")
        for player in (self.music, self.sound):
            if player.response_id == response_id:
                return await player.stop("client_cancelled")
        return False

    async def stop_all(self, reason: Reason | None = None) -> None:
        """Stop everything that can be heard: the reply, the music and the sound."""
        await self.interrupt(reason)
        await self.music.stop(reason)
        await self.sound.stop(reason)

    async def apply_state(self) -> None:
        """Take over what `session.update` changed."""
        self.planner.instructions = self.state.instructions
        if self.state.voice != self._asked_voice:
            self._asked_voice = self.state.voice
            try:
                await self._toolbox.choose_voice(VoiceSettings(self._asked_voice, self.voice.language))
            except BackendError as error:  # clients name voices of other servers: that is no reason to fail
                self.outbox.send(own_events.Notice, level="warning", message=f"{error}; the voice stays")
        if self.state.speed != self._asked_speed:
            self.voice.speed = self.voice.normal_speed = self._asked_speed = self.state.speed
        self.ears.automatic = self.state.automatic
        self.ears.language = self.state.language
        self.ears.set_rules(self.state.rules(self._settings.rules()))

    # -- turns ------------------------------------------------------------------------------------------

    @property
    def replying(self) -> bool:
        """Whether a reply is under way or about to be."""
        task = self._reply_task
        return (task is not None and not task.done()) or not self._turns.empty()

    def answer(
        self, item_id: str, *, earlier_ms: Mapping[str, float] | None = None, asked: bool = True
    ) -> bool:
        """Answer the conversation as it stands, up to this item. False when too many turns are waiting."""
        try:
            self._turns.put_nowait(Turn(item_id, dict(earlier_ms or {}), self._loop.time(), asked))
        except asyncio.QueueFull:
            return False
        return True

    async def _converse(self) -> None:
        while True:
            turn = await self._turns.get()
            if not turn.asked:
                await self.heard.quiet.wait()  # a timer that is over does not talk into what is being said
            self._reply_task = self._group.create_task(self._answer(turn), name="reply")
            await asyncio.wait({self._reply_task})
            self._reply_task = None
            self.show_activity()

    async def _answer(self, turn: Turn) -> None:
        """The one place where a reply is guarded: nothing that fails in it ends the session."""
        stopwatch = Stopwatch(self._loop.time, turn.earlier_ms, turn.began)
        modality: Literal["audio", "text"] = self.state.modality
        response = Response(
            self.outbox,
            buffered=self._link.kind == "webrtc",
            conversation_id=self.conversation_id,
            modality=modality,
            previous_item_id=turn.item_id,
        )
        self._toolbox.response_id = response.id
        reply = Reply(
            engine=self._engine,
            plan=self.planner.plan,
            speaker=self.speaker,
            outbox=self.outbox,
            history=self.history,
            voice=self.voice,
            metrics=self.metrics,
            stopwatch=stopwatch,
            user_item_id=turn.item_id,
            timed=turn.asked,
            response=response,
            modality=modality,
            playout_delay_ms=lambda: self._link.playout_delay_ms,
            on_speaking=self.show_activity,
        )
        self._reply = reply
        self.show_activity()
        if not self.heard.speaking:
            self.mixer.speech.resume()  # it was held while the person spoke
        try:
            await reply.run()
            self.metrics.turns.labels("answered").inc()
            await self._leave_held()
        except asyncio.CancelledError:
            reply.interrupted(self._reason)
            self.metrics.turns.labels("interrupted").inc()
            raise
        except Exception as error:
            cause = first_cause(error)
            if not isinstance(cause, BackendError):
                log.exception("session %s: a reply failed", self.id)
            self._fail(reply, cause)
        finally:
            self._reply = None

    async def _leave_held(self) -> None:
        """Music that the person spoke over, and that the reply did not take up again, is over."""
        for player in (self.music, self.sound):
            if player.held and not self.heard.speaking:
                await player.stop("turn_detected")

    def _fail(self, reply: Reply, error: BaseException) -> None:
        message = str(error) if isinstance(error, BackendError) else f"{type(error).__name__}: {error}"
        log.warning("session %s: %s", self.id, message)
        self.metrics.turns.labels("failed").inc()
        reply.failed(message)
        self.outbox.send(own_events.Notice, level="error", message=message)

    def add(self, entry: Entry, previous: str | None, item: dict[str, Any] | None = None) -> None:
        """Put an item into the conversation and tell the client."""
        self.history.add(entry)
        shown = item or entry.as_item()
        self.outbox.send(ConversationItemAdded, item=shown, previous_item_id=previous)
        self.outbox.send(ConversationItemDone, item=shown, previous_item_id=previous)

    # -- the client -------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        """Tell the client what it talks to, and how to come back."""
        self.state.announce(self.outbox)
        link = self._link if isinstance(self._link, ResumableLink) else None
        self.outbox.send(
            own_events.SessionInfo,
            profile=self._settings.profile,
            backends={role: a.backend for role, a in self._engine.assignments.items()},
            version=self._version,
            resume=link.token if link else None,
            resume_grace=link.grace_s if link else None,
        )

    async def _attend(self, link: ResumableLink) -> None:
        """Stand still while nobody is there; tell who comes back where things are."""
        async for presence in link.presence:
            match presence:
                case Presence.LOST:
                    self.speaker.hold()
                case Presence.BACK:
                    self._introduce()
                    self._activity = ""
                    self.show_activity()
                    self.music.tell_bar()
                    self.alive()
                case Presence.CAUGHT_UP:
                    self.speaker.release()

    # -- the rest ---------------------------------------------------------------------------------------

    async def _obey(self) -> None:
        handler = ClientEvents(self, self._link)
        async for text in self._link.events():
            self.alive()
            await handler.handle(text, self._settings.server.max_event)

    def alive(self) -> None:
        """There was a sign of the person."""
        self._last_sign = self._loop.time()

    async def _watch(self) -> None:
        """End a session in which nothing has happened for long."""
        timeout = self._settings.server.idle_timeout
        while (left := self._last_sign + timeout - self._loop.time()) > 0:
            await asyncio.sleep(min(left, COUNT_INTERVAL))
            self._count_losses()
            if self._activity == "playing":
                self.alive()  # who listens to music is there
        minutes = timeout / 60
        self.outbox.send(
            own_events.Notice,
            level="info",
            message=f"the call was ended after {minutes:.0f} minutes without a word; start it again any time",
        )
        await self._link.aclose()

    def _count_losses(self) -> None:
        losses = self._link.losses()
        self.metrics.frames_dropped.inc(losses.dropped - self._losses.dropped)
        self.metrics.frames_concealed.inc(losses.concealed - self._losses.concealed)
        self._losses = losses

    def _timer_over(self, timer: Timer) -> None:
        self.outbox.send(own_events.TimerChanged, label=timer.label, seconds=timer.seconds, state="over")
        event = {"event": "timer_over", "label": timer.label, "seconds": timer.seconds}
        entry = Entry(new_id("item"), "system", json.dumps(event), spoken=False)
        self.history.add(entry)
        self.alive()
        self.answer(entry.id, asked=False)

    def _situation(self) -> Situation:
        playing = [player.playing for player in (self.music, self.sound) if player.playing]
        return Situation(
            now=datetime.now().astimezone().isoformat(timespec="seconds"),
            playing=" and ".join(playing) or None,
            timers=self.timers.describe(),
        )

    def _owner(self) -> AudioOwner | None:
        if self._reply is not None and self.mixer.speech.audible:
            return self._reply.response.owner
        return self.music.owner or self.sound.owner

    def show_activity(self) -> None:
        """Tell the client what we are doing, if that has changed."""
        state: str
        detail = ""
        if self.heard.speaking:
            state = "hearing"
        elif self._reply is not None:
            state = "speaking" if self._reply.response.opened else "thinking"
        elif playing := self._situation().playing:
            state, detail = "playing", playing
        else:
            state = "listening"
        if state != self._activity:
            self._activity = state
            self.outbox.send(own_events.ActivityChanged, state=state, detail=detail)
