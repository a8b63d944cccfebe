"""One conversation: its parts and its tasks.

    hear      the link's audio -> `Ears`
    act       what they hear -> turns (`hearing_events.py`)
    obey      the client's events (`client_events.py`)
    converse  turns -> replies, at most one at a time (`turns.py`)
    speak     the speaker's clock
    watch     nobody there any more?
    attend    the client's connection dropped, the client is back

All run in one task group; a session ends when its link does, and everything in it ends with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from openai.types.realtime import ConversationItemAdded, ConversationItemDone

from models.api import BackendError, Situation
from models.engine import Engine
from models.planner.completeness import completeness
from realtime import own_events
from realtime.artefacts import Artefacts, Shelf
from realtime.client_events import ClientEvents, TakesAudioEvents
from realtime.config import Settings
from realtime.hearing.ears import Ears
from realtime.hearing.echo import EchoCanceller
from realtime.hearing_events import HearingEvents
from realtime.idle import Idle
from realtime.item_contents import Limits
from realtime.protocol import Outbox, new_id
from realtime.response import Reason
from realtime.security.limits import Meter
from realtime.session_state import SessionState
from realtime.speaking.mixer import Mixer
from realtime.speaking.player import Player
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings
from realtime.telemetry import Metrics
from realtime.thinking.capture import Capture, Collected
from realtime.thinking.history import Entry, History
from realtime.thinking.planner import Planner
from realtime.thinking.timers import Timer, Timers
from realtime.thinking.tools import Toolbox
from realtime.transport.link import AudioOwner, Link, Losses
from realtime.transport.resumable import Presence, ResumableLink
from realtime.turns import Turns
from realtime.uploads import Uploads

log = logging.getLogger(__name__)

COUNT_INTERVAL = 5.0  # s between two looks at what the link lost


class Session:
    """One conversation over one link. `await run()` lasts as long as the link."""

    def __init__(
        self,
        link: Link,
        engine: Engine,
        settings: Settings,
        metrics: Metrics,
        *,
        version: str = "",
        meter: Meter | None = None,
        voices: Sequence[str] = (),
        shelf: Callable[[str], Shelf] | None = None,
    ) -> None:
        self.id = new_id("sess")
        self.conversation_id = new_id("conv")
        self.history = History()
        self.state = SessionState(self.id, settings)
        self.outbox = Outbox(link)
        self.link = link
        self.engine = engine
        self.meter = meter
        self._settings = settings
        self.metrics = metrics
        self._version = version
        self.voices = voices
        self._loop = asyncio.get_running_loop()
        self._group = asyncio.TaskGroup()
        self._activity: str = ""
        self._asked_voice = self.state.voice
        self._asked_speed = self.state.speed
        self._last_sign = self._loop.time()
        self._losses = Losses()
        self.mixer = mixer = Mixer(**settings.mixer.model_dump())
        self.speaker = Speaker(link, mixer, metrics)
        self.speaker.owner = self._owner
        self.ears = Ears(
            engine, settings.rules(), prefix_ms=settings.turn.prefix_ms, language=settings.asr.language
        )
        if settings.hearing.cancel_echo:
            self.ears.echo = EchoCanceller()
            self.speaker.on_sent = self.ears.echo.reference
        self.voice = VoiceSettings(
            settings.tts.voice, settings.tts.language, settings.tts.speed, settings.tts.speed
        )
        self.artefacts = Artefacts(None if shelf is None else shelf(self.id))
        self.music, self.sound = (
            Player(
                engine,
                self.speaker,
                lane,
                self.outbox,
                self._group,
                self.artefacts,
                buffered=lambda: link.kind == "webrtc",
                changed=self.show_activity,
            )
            for lane in (mixer.music, mixer.sound)
        )
        self.heard = HearingEvents(self)
        self.capture = Capture(
            self.artefacts, self.outbox, self._captured, sounding=lambda: mixer.speech.audible
        )
        self.ears.tap = self.capture.listen
        self.timers = Timers(self._group, self._timer_over)
        self.toolbox = Toolbox(
            engine=engine,
            music=self.music,
            sound=self.sound,
            mixer=mixer,
            voice=self.voice,
            timers=self.timers,
            outbox=self.outbox,
            capture=self.capture,
            artefacts=self.artefacts,
            said=self.heard.said_before,
        )
        self.planner = Planner(engine, self.history, self.toolbox, self._situation)
        self.planner.instructions = settings.planner.instructions
        self.turns = Turns(self, self._group)
        limits = Limits(settings.hearing.max_upload_seconds, settings.hearing.max_image)
        self.uploads = Uploads(self, self._group, limits)
        self.planner.ready = self.uploads.settled
        self.idle = Idle(self)

    # -- life -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Converse until the client is gone. Closes the link."""
        self.metrics.sessions.inc()
        self.metrics.sessions_total.labels(self.link.kind).inc()
        try:
            async with self._group as group:
                self._introduce()
                await self.apply_state()  # what the call began with
                self.show_activity()
                tasks = [
                    group.create_task(self.ears.run(self.link.audio()), name="hear"),
                    group.create_task(self.heard.run(), name="act"),
                    group.create_task(self.turns.converse(), name="converse"),
                    group.create_task(self.speaker.run(), name="speak"),
                    group.create_task(self._watch(), name="watch"),
                ]
                if isinstance(self.link, ResumableLink):
                    tasks.append(group.create_task(self._attend(self.link), name="attend"))
                await self._obey()
                self.uploads.cancel()
                self.idle.stop()
                for task in tasks:
                    task.cancel()
                self.turns.close()
                await self.stop_all()
                self.timers.cancel("")
        finally:
            self._count_losses()
            self.artefacts.close()
            self.metrics.sessions.dec()
            await self.link.aclose()

    async def cancel(self, response_id: str | None) -> bool:
        """Stop this response (None: the reply), be it words, music or sound; False when there is none."""
        reply = self.turns.reply
        if response_id is None or (reply is not None and reply.response.id == response_id):
            return await self.turns.interrupt("client_cancelled")
        for player in (self.music, self.sound):
            if player.response_id == response_id:
                return await player.stop("client_cancelled")
        return False

    async def stop_all(self, reason: Reason | None = None) -> None:
        """Stop everything that can be heard: the reply, the music and the sound."""
        self.turns.withdraw()
        await self.turns.interrupt(reason)
        await self.music.stop(reason)
        await self.sound.stop(reason)

    async def apply_state(self) -> None:
        """Take over what `session.update` changed."""
        self.apply_formats()
        self.planner.instructions = self.state.instructions
        if self.state.voice != self._asked_voice:
            self._asked_voice = self.state.voice
            try:
                await self.toolbox.choose_voice(VoiceSettings(self._asked_voice, self.voice.language))
            except BackendError as error:  # clients name voices of other servers: that is no reason to fail
                self.outbox.send(own_events.Notice, level="warning", message=f"{error}; the voice stays")
        if self.state.speed != self._asked_speed:
            self.voice.speed = self.voice.normal_speed = self._asked_speed = self.state.speed
        self.ears.automatic = self.state.automatic
        self.ears.language = self.state.language
        self.ears.prefix_ms = self.state.prefix_ms(self._settings.turn.prefix_ms)
        self.idle.changed(self._activity)
        self.apply_rules()

    def apply_formats(self) -> None:
        """Tell a link with audio in its events how that is coded. Over WebRTC the codec is the track's."""
        link = self.link.current if isinstance(self.link, ResumableLink) else self.link
        if isinstance(link, TakesAudioEvents):
            link.set_formats(*self.state.formats)

    def apply_rules(self) -> None:
        """Tell the ears when a turn ends, as things are: the client's choice, and what is being captured."""
        rules = self.capture.rules(self.state.rules(self._settings.rules()))
        if (reply := self.turns.reply) is not None and reply.speaking:
            rules = rules.while_speaking()
        self.ears.set_rules(rules)
        self.ears.completeness = self.capture.completeness if self.capture.active else completeness

    @property
    def last_id(self) -> str | None:
        """The id of the item that is a client's last: the reply's own, which is not in the history yet."""
        last, reply = self.history.last_id, self.turns.reply
        return last if reply is None else reply.newest_item_id(last)

    def add(self, entry: Entry, previous: str | None, item: dict[str, Any] | None = None) -> None:
        """Put an item into the conversation and tell the client."""
        self.history.add(entry)
        shown = item or entry.as_item()
        self.outbox.send(ConversationItemAdded, item=shown, previous_item_id=previous)
        self.outbox.send(ConversationItemDone, item=shown, previous_item_id=previous)

    def insert(self, entry: Entry, after: str | None) -> None:
        """Put an item after the item `after` ("root": first; None: at the end) and tell the client."""
        previous = self.last_id if after is None else None if after == "root" else after
        self.history.add(entry, after)
        shown = entry.as_item()
        self.outbox.send(ConversationItemAdded, item=shown, previous_item_id=previous)
        self.outbox.send(ConversationItemDone, item=shown, previous_item_id=previous)

    # -- the client -------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        """Tell the client what it talks to, and how to come back."""
        self.state.announce(self.outbox)
        link = self.link if isinstance(self.link, ResumableLink) else None
        self.outbox.send(
            own_events.SessionInfo,
            profile=self._settings.profile,
            backends={role: a.backend for role, a in self.engine.assignments.items()},
            version=self._version,
            resume=link.token if link else None,
            resume_grace=link.grace_s if link else None,
            voices=list(self.voices),
        )

    async def _attend(self, link: ResumableLink) -> None:
        """Stand still while nobody is there; tell who comes back where things are."""
        async for presence in link.presence:
            match presence:
                case Presence.LOST:
                    self.speaker.hold()
                    self.idle.stop()
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
        handler = ClientEvents(self, self.link)
        async for text in self.link.events():
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
        await self.link.aclose()

    def _count_losses(self) -> None:
        losses = self.link.losses()
        self.metrics.frames_dropped.inc(losses.dropped - self._losses.dropped)
        self.metrics.frames_concealed.inc(losses.concealed - self._losses.concealed)
        self._losses = losses

    def _timer_over(self, timer: Timer) -> None:
        self.outbox.send(own_events.TimerChanged, label=timer.label, seconds=timer.seconds, state="over")
        self._report({"event": "timer_over", "label": timer.label, "seconds": timer.seconds})

    def _captured(self, collected: Collected) -> None:
        for player in (self.music, self.sound):
            player.resume()  # silent meanwhile: the microphone would have had it too
        self._report(collected.as_event())

    def _report(self, event: Mapping[str, Any]) -> None:
        """Something has happened that the planner is to answer."""
        entry = Entry(new_id("item"), "system", json.dumps(event), spoken=False, private=True)
        self.history.add(entry)
        self.alive()
        self.turns.answer(entry, asked=False)

    def _situation(self) -> Situation:
        playing = [player.playing for player in (self.music, self.sound) if player.playing]
        return Situation(
            now=datetime.now().astimezone().isoformat(timespec="seconds"),
            playing=" and ".join(playing) or None,
            timers=self.timers.describe(),
        )

    def _owner(self) -> AudioOwner | None:
        if (reply := self.turns.reply) is not None and self.mixer.speech.audible:
            return reply.response.owner
        return self.music.owner or self.sound.owner

    def show_activity(self) -> None:
        """Tell the client what we are doing, if that has changed."""
        state: str
        detail = ""
        if self.heard.speaking:
            state = "hearing"
        elif (reply := self.turns.reply) is not None:
            state = "speaking" if reply.response.opened else "thinking"
        elif playing := self._situation().playing:
            state, detail = "playing", playing
        else:
            state = "listening"
        if state != self._activity:
            self._activity = state
            self.idle.changed(state)
            self.apply_rules()
            self.outbox.send(own_events.ActivityChanged, state=state, detail=detail)
