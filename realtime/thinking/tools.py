"""The tools a plan may use, and what came of it.

To add a tool: its arguments are a `Step` in `models/plan.py`; what it does is one method and one row here.
An observation is a JSON object: `{"ok": true, ...facts}` or `{"ok": false, "error": "cause and remedy"}`;
the planner reads it before anything is claimed.
"""

from __future__ import annotations

import inspect
import json
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Literal

from pydantic import ValidationError

from models.api import (
    HEARING_RATE,
    BackendError,
    MusicRequest,
    SoundRequest,
    SpeechRequest,
    ToolCall,
    ToolSchema,
)
from models.engine import Engine
from models.plan import (
    STEPS,
    CancelTimer,
    Capture,
    KeepSaid,
    KeepText,
    MusicBrief,
    PlayArtefact,
    PlayMusic,
    PlaySound,
    ResumePlaying,
    SetPace,
    SetTimer,
    SetVoice,
    SetVolume,
    Step,
    StopPlaying,
)
from realtime import own_events
from realtime.artefacts import Artefact, Artefacts, Said, Sound, SoundGoneError
from realtime.protocol import Outbox
from realtime.speaking.mixer import Mixer, decibels
from realtime.speaking.player import Piece, Player
from realtime.speaking.speech import VoiceSettings
from realtime.thinking.capture import Capture as CaptureMode
from realtime.thinking.music_edits import begun_anew, changed
from realtime.thinking.timers import Timers

log = logging.getLogger(__name__)

Facts = dict[str, Any]

VOLUME_STEP_DB = 6.0  # clearly louder, not twice as loud
VOLUME_RANGE = (decibels(-30), decibels(9))
PROBE = "1"  # any voice of any language can say it
MALE_VOICES = frozenset({"male", "rms", "awb", "kal", "kal16"})
PACE_STEP = 1.2
PACE_RANGE = (0.5, 2.0)


class ToolError(Exception):
    """A tool cannot do what was asked; the message names cause and remedy."""


def tool_schemas() -> tuple[ToolSchema, ...]:
    """Every step as a language model is shown it, generated from the pydantic models."""
    return tuple(
        ToolSchema(step.tool, inspect.cleandoc(step.__doc__ or ""), step.model_json_schema())
        for step in STEPS
    )


def music_name(brief: MusicBrief) -> str:
    """What to call a piece before it is heard: "calm solo piano"."""
    words = [*brief.mood, brief.style or " and ".join(brief.instruments) or "music"]
    return " ".join(words)


class Toolbox:
    """Runs the calls of one session's plans."""

    def __init__(
        self,
        *,
        engine: Engine,
        music: Player,
        sound: Player,
        mixer: Mixer,
        voice: VoiceSettings,
        timers: Timers,
        outbox: Outbox,
        capture: CaptureMode | None = None,
        artefacts: Artefacts | None = None,
        said: Callable[[], Said | None] = lambda: None,
        seed: Callable[[], int] = lambda: random.getrandbits(32),
    ) -> None:
        self.response_id: str | None = None  # of the reply that calls
        self._engine = engine
        self._music = music
        self._sound = sound
        self._mixer = mixer
        self._voice = voice
        self._timers = timers
        self._outbox = outbox
        self._capture_mode = capture
        self._artefacts = artefacts
        self._said = said
        self._seed = seed
        self._composed: MusicRequest | None = None  # the newest piece, as edited
        self._actions: dict[type[Step], Callable[[Any], Awaitable[Facts]]] = {
            PlayMusic: self._play_music,
            PlaySound: self._play_sound,
            StopPlaying: self._stop_playing,
            ResumePlaying: self._resume_playing,
            Capture: self._capture,
            KeepSaid: self._keep_said,
            KeepText: self._keep_text,
            PlayArtefact: self._play_artefact,
            SetVolume: self._set_volume,
            SetPace: self._set_pace,
            SetVoice: self._set_voice,
            SetTimer: self._set_timer,
            CancelTimer: self._cancel_timer,
        }
        self._steps = {step.tool: step for step in self._actions}

    async def run(self, call: ToolCall) -> str:
        """Do what a call asks; return the observation as JSON text. Never raises but for cancellation."""
        try:
            facts = await self._do(call)
        except (ToolError, BackendError) as error:
            return json.dumps({"ok": False, "error": str(error)})
        except Exception as error:
            log.exception("the tool %s failed", call.name)
            return json.dumps({"ok": False, "error": f"{call.name} failed: {type(error).__name__}: {error}"})
        return json.dumps({"ok": True, **facts})

    async def _do(self, call: ToolCall) -> Facts:
        step_type = self._steps.get(call.name)
        if step_type is None:
            raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(self._steps)}")
        try:
            step = step_type.model_validate_json(call.arguments or "{}")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise ToolError(f"{call.name}: {where}: {first['msg']}") from None
        return await self._actions[step_type](step)

    async def _play_music(self, step: PlayMusic) -> Facts:
        if step.change == "edit" and self._composed is not None:
            return await self._edit_music(self._composed, step.brief)
        return await self._start_music(MusicRequest(step.brief, self._seed()))

    async def _edit_music(self, old: MusicRequest, brief: MusicBrief) -> Facts:
        """Change the piece that plays, or else begin it anew, changed: the seed keeps its tune."""
        self._music.resume()
        request = MusicRequest(brief, old.seed)
        piece = Piece("music", music_name(brief), request)
        if brief != old.brief and (steered := await self._music.steer(piece)):
            self._composed = request
            return {"playing": steered.words, "changed": changed(old.brief, brief, steered)}
        anew = begun_anew(old.brief, brief, self._music.newest)
        return await self._start_music(MusicRequest(anew, old.seed))

    async def _start_music(self, request: MusicRequest) -> Facts:
        piece = Piece("music", music_name(request.brief), request)
        playing = await self._music.start(piece, self.response_id)
        self._composed = request
        return {"playing": playing}

    async def _play_sound(self, step: PlaySound) -> Facts:
        length = step.brief.seconds * 1000 if step.brief.seconds else None
        piece = Piece("sound", step.brief.description, SoundRequest(step.brief, self._seed()), length)
        return {"playing": await self._sound.start(piece, self.response_id)}

    async def _stop_playing(self, _: StopPlaying) -> Facts:
        stopped = [player.playing for player in (self._music, self._sound) if player.playing]
        for player in (self._music, self._sound):
            await player.stop("turn_detected")
        return {"stopped": stopped}

    async def _resume_playing(self, _: ResumePlaying) -> Facts:
        resumed = [player.playing for player in (self._music, self._sound) if player.resume()]
        if not resumed and not (self._music.playing or self._sound.playing):
            raise ToolError("nothing was playing; ask for music or a sound first")
        return {"playing": resumed or [self._music.playing or self._sound.playing]}

    async def _capture(self, step: Capture) -> Facts:
        if self._capture_mode is None:
            raise ToolError("capture is not offered here")
        for player in (self._music, self._sound):
            player.hold()  # the microphone would have it too
        self._capture_mode.begin(step.kind, step.then)
        return {"capturing": step.kind}

    async def _keep_said(self, _: KeepSaid) -> Facts:
        artefacts = self._kept()
        if (said := self._said()) is None:
            raise ToolError("you said nothing before that; say it, and then: save what I just said")
        kept = artefacts.add("recording", origin="said", text=said.text, sound=Sound(said.pcm, HEARING_RATE))
        return self._told(kept, "recording")

    async def _keep_text(self, step: KeepText) -> Facts:
        return self._told(self._kept().add("text", origin="written", text=step.text), "dictation")

    async def _play_artefact(self, step: PlayArtefact) -> Facts:
        artefacts = self._kept()
        artefact = artefacts.find(step.name)
        if artefact is None:
            if step.name and len(artefacts):
                there = ", ".join(artefact.name for artefact in list(artefacts)[:4])
                raise ToolError(f"there is no {step.name!r} here; there is: {there}")
            raise ToolError("there is no recording here yet; to make one say: record me")
        request = artefacts.request(artefact)
        player = self._music if artefact.kind == "music" else self._sound
        try:
            if request is not None and player.playing and player.artefact_id == artefact.id:
                return await self._begin_anew(artefact, request)  # the recording is what was heard of it
            sound = await artefacts.playable(artefact)
        except SoundGoneError as error:
            if artefact.text:
                return {"artefact": artefact.id, "name": artefact.name, "say": artefact.text}
            if request is not None:
                return await self._begin_anew(artefact, request)
            raise ToolError(str(error)) from None
        kind: Literal["music", "sound"] = "music" if artefact.kind == "music" else "sound"
        playing = await player.start(
            Piece(kind, artefact.name, sound, sound.seconds * 1000, artefact.id), self.response_id
        )
        if isinstance(request, MusicRequest):
            self._composed = request  # what an edit is then meant for
        return {"artefact": artefact.id, "playing": playing}

    async def _begin_anew(self, artefact: Artefact, request: MusicRequest | SoundRequest) -> Facts:
        """Make a piece once more: the seed makes it the same."""
        if isinstance(request, MusicRequest):
            piece = Piece("music", music_name(request.brief), request, artefact.duration_ms, artefact.id)
            playing = await self._music.start(piece, self.response_id)
            self._composed = request
        else:
            piece = Piece("sound", artefact.name, request, artefact.duration_ms, artefact.id)
            playing = await self._sound.start(piece, self.response_id)
        return {"artefact": artefact.id, "playing": playing}

    def _kept(self) -> Artefacts:
        if self._artefacts is None:
            raise ToolError("keeping things is not offered here")
        return self._artefacts

    def _told(self, kept: Artefact, kind: str) -> Facts:
        """Show the client what was kept."""
        self._outbox.send(own_events.ArtefactCreated, **kept.as_event(), response_id=self.response_id)
        self._outbox.send(
            own_events.CaptureChanged,
            kind=kind,
            state="done",
            artefact_id=kept.id,
            text=kept.text,
            duration_ms=kept.duration_ms,
        )
        return {"artefact": kept.id, "name": kept.name, "text": kept.text}

    async def _set_volume(self, step: SetVolume) -> Facts:
        change: dict[str, Callable[[float], float]] = {
            "louder": lambda gain: max(gain, VOLUME_RANGE[0]) * decibels(VOLUME_STEP_DB),
            "softer": lambda gain: gain * decibels(-VOLUME_STEP_DB),
            "mute": lambda _: 0.0,
            "normal": lambda _: 1.0,
        }
        new = change[step.change]

        def bounded(gain: float) -> float:
            if step.change == "mute" or (step.change == "softer" and gain == 0.0):
                return 0.0
            return min(max(new(gain), VOLUME_RANGE[0]), VOLUME_RANGE[1])

        if step.target in ("all", "voice"):
            self._mixer.speech_volume = bounded(self._mixer.speech_volume)
        if step.target in ("all", "music"):
            self._mixer.music_volume = bounded(self._mixer.music_volume)
        for player in (self._music, self._sound):
            player.resume()
        return {"volume": step.change, "target": step.target}

    async def _set_pace(self, step: SetPace) -> Facts:
        factor = {"slower": 1 / PACE_STEP, "faster": PACE_STEP}.get(step.change)
        now = self._voice.speed
        # A voice set slower or faster than the range stays there, rather than jump the wrong way.
        least, most = min(PACE_RANGE[0], now), max(PACE_RANGE[1], now)
        self._voice.speed = (
            self._voice.normal_speed if factor is None else min(max(now * factor, least), most)
        )
        return {"pace": round(self._voice.speed, 2)}

    async def _set_voice(self, step: SetVoice) -> Facts:
        if not step.voice and not step.language:
            raise ToolError("set_voice needs a voice or a language")
        name = step.voice.strip().lower()
        if name == "other":
            name = "female" if self._voice.name in MALE_VOICES else "male"
        # A voice belongs to a language: with a new language, the old voice goes.
        wanted = VoiceSettings("" if name == "default" else name, step.language or self._voice.language)
        if step.voice and not step.language:
            wanted.language = "en"
        await self.choose_voice(wanted)
        return {"voice": name or "default", "language": wanted.language}

    async def choose_voice(self, wanted: VoiceSettings) -> None:
        """Speak as `wanted` from now on (its speed aside). Raises `BackendError` for an unknown voice."""
        request = SpeechRequest(PROBE, voice=wanted.name, language=wanted.language)
        async with aclosing(self._engine.open(request)) as stream:
            async for _ in stream:
                break  # it speaks: the voice is there
        self._voice.name = wanted.name
        self._voice.language = wanted.language

    async def _set_timer(self, step: SetTimer) -> Facts:
        try:
            timer = self._timers.set(step.seconds, step.label)
        except ValueError as error:
            raise ToolError(str(error)) from None
        self._tell(timer.label, timer.seconds, "set")
        return {"timer": timer.label, "seconds": timer.seconds}

    async def _cancel_timer(self, step: CancelTimer) -> Facts:
        gone = self._timers.cancel(step.label)
        if not gone:
            named = f" called {step.label!r}" if step.label else ""
            raise ToolError(f"there is no timer{named}; running: {list(self._timers.describe()) or 'none'}")
        for timer in gone:
            self._tell(timer.label, timer.seconds, "cancelled")
        return {"cancelled": [timer.label or "timer" for timer in gone]}

    def _tell(self, label: str, seconds: float, state: str) -> None:
        self._outbox.send(own_events.TimerChanged, label=label, seconds=seconds, state=state)
