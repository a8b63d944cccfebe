"""A session's settings as the protocol shows and changes them (`session.created`, `session.update`)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from openai.types.realtime import SessionCreatedEvent, SessionUpdatedEvent, SessionUpdateEvent
from pydantic import BaseModel

from realtime.config import Settings
from realtime.function_calls import check_choice, check_limit, checked_tools
from realtime.hearing.turn import Rules
from realtime.protocol import Outbox, ProtocolError
from realtime.transport.audio_formats import PCM_RATE, AudioFormat

SESSION_LIFETIME = 3_600  # s shown as `expires_at`; the idle timeout usually ends a session earlier

SILENCE_RANGE = (60, 10_000)  # ms, as in `TurnSettings`
PREFIX_RANGE = (0, 2_000)  # ms, likewise; less than is remembered
IDLE_RANGE = (5_000, 30_000)  # ms, by the protocol's reference of `idle_timeout_ms`
# Null is off. Any other setting keeps its value when null is sent: stock clients send what they do not use.
SWITCHES = ("turn_detection", "transcription", "noise_reduction", "tracing", "prompt")
WHOLE = ("turn_detection", "format")  # are replaced, not merged: they have other fields by their type


class SessionState:
    """The session object, and what follows from it."""

    def __init__(self, session_id: str, settings: Settings) -> None:
        self._settings = settings
        self._transcription: dict[str, Any] = {
            "model": settings.asr.backend,
            "language": settings.asr.language,
        }
        self._session: dict[str, Any] = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": settings.planner.model or settings.planner.backend,
            "expires_at": int(time.time()) + SESSION_LIFETIME,
            "instructions": settings.planner.instructions,
            "output_modalities": ["audio"],
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "max_output_tokens": "inf",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": self._transcription,
                    "noise_reduction": None,
                    # Our own rules, which weigh the words too, are nearest to this one.
                    "turn_detection": {
                        "type": "semantic_vad",
                        "eagerness": "auto",
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "voice": settings.tts.voice or "default",
                    "speed": settings.tts.speed,
                },
            },
        }

    @property
    def modality(self) -> Literal["audio", "text"]:
        """Whether the assistant speaks or only writes."""
        return "text" if self._session["output_modalities"] == ["text"] else "audio"

    @property
    def instructions(self) -> str:
        """What the client tells the planner."""
        return str(self._session.get("instructions") or "")

    @property
    def shown(self) -> Mapping[str, Any]:
        """The session object as the client sees it."""
        return self._session

    @property
    def voice(self) -> str:
        """The voice asked for; empty for the backend's own choice."""
        asked = self._session["audio"]["output"].get("voice") or ""
        return "" if asked == "default" else str(asked)

    @property
    def speed(self) -> float:
        """The rate of speech asked for."""
        return float(self._session["audio"]["output"].get("speed") or 1.0)

    @property
    def language(self) -> str:
        """The language the person speaks."""
        transcription = self._session["audio"]["input"].get("transcription") or {}
        return str(transcription.get("language") or self._settings.asr.language)

    @property
    def transcribes(self) -> bool:
        """Whether the client is told what was understood; null switches that off."""
        return self._session["audio"]["input"].get("transcription") is not None

    @property
    def formats(self) -> tuple[AudioFormat, AudioFormat]:
        """What audio inside events is coded in: the client's, and ours."""
        audio = self._session["audio"]
        return audio["input"]["format"]["type"], audio["output"]["format"]["type"]

    @property
    def idle_timeout_ms(self) -> int | None:
        """Silence after our last sound that is answered, ms; None for any."""
        asked = self._turn_detection or {}
        return asked.get("idle_timeout_ms") if asked.get("type") == "server_vad" else None

    def prefix_ms(self, usual: int) -> int:
        """How much of what came before the speech counts as its beginning, ms."""
        asked = self._turn_detection or {}
        wanted = asked.get("prefix_padding_ms") if asked.get("type") == "server_vad" else None
        return usual if wanted is None else min(max(wanted, PREFIX_RANGE[0]), PREFIX_RANGE[1])

    @property
    def _turn_detection(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._session["audio"]["input"].get("turn_detection")
        return found

    @property
    def automatic(self) -> bool:
        """Whether the server finds the turns."""
        return self._turn_detection is not None

    @property
    def answers(self) -> bool:
        """Whether a finished turn is answered without being asked."""
        return self._turn_detection is not None and self._turn_detection.get("create_response") is not False

    @property
    def interrupts(self) -> bool:
        """Whether speech interrupts the assistant."""
        return (
            self._turn_detection is not None and self._turn_detection.get("interrupt_response") is not False
        )

    def rules(self, rules: Rules) -> Rules:
        """The turn rules with what the client asked for in them."""
        asked = self._turn_detection
        if asked is None or asked["type"] != "server_vad":
            eagerness = (asked or {}).get("eagerness")
            factor = {"low": 2.0, "high": 0.75}.get(str(eagerness), 1.0)
            return replace(
                rules,
                complete_ms=round(rules.complete_ms * factor),
                silence_ms=round(rules.silence_ms * factor),
                unfinished_ms=round(rules.unfinished_ms * factor),
            )
        silence, threshold = asked.get("silence_duration_ms"), asked.get("threshold")
        silence = 500 if silence is None else min(max(int(silence), SILENCE_RANGE[0]), SILENCE_RANGE[1])
        return replace(
            rules,
            threshold=min(max(0.5 if threshold is None else float(threshold), 0.05), 0.95),
            complete_ms=silence,
            silence_ms=silence,
            unfinished_ms=silence,
        )

    def announce(self, outbox: Outbox) -> None:
        """`session.created`."""
        outbox.send(SessionCreatedEvent, session=self._session)

    def update(self, event: SessionUpdateEvent, outbox: Outbox) -> None:
        """Apply `session.update` and answer `session.updated`. Raises `ProtocolError`, changing nothing."""
        asked = named(event.session)
        if asked.get("type") == "transcription":
            raise ProtocolError(
                "transcription sessions are not offered; use a realtime session with "
                "turn_detection.create_response false",
                code="unsupported_session",
                event_id=event.event_id,
                param="session.type",
            )
        try:
            self._check_answers(asked)
        except ProtocolError as error:
            error.event_id = event.event_id
            raise
        for side in ("input", "output"):
            form = ((asked.get("audio") or {}).get(side) or {}).get("format")
            if form is not None and form.get("type", "audio/pcm") in (None, "audio/pcm"):
                form.update(type="audio/pcm", rate=PCM_RATE)
        detection = ((asked.get("audio") or {}).get("input") or {}).get("turn_detection") or {}
        idle = detection.get("idle_timeout_ms")
        if idle is not None and not IDLE_RANGE[0] <= idle <= IDLE_RANGE[1]:
            raise ProtocolError(
                f"idle_timeout_ms is between {IDLE_RANGE[0]} and {IDLE_RANGE[1]}",
                code="invalid_value",
                event_id=event.event_id,
                param="session.audio.input.turn_detection.idle_timeout_ms",
            )
        speed = ((asked.get("audio") or {}).get("output") or {}).get("speed")
        if speed is not None and not 0.25 <= speed <= 1.5:
            raise ProtocolError(
                "speed is between 0.25 and 1.5",
                code="invalid_value",
                event_id=event.event_id,
                param="session.audio.output.speed",
            )
        output = (asked.get("audio") or {}).get("output") or {}
        if isinstance(output.get("voice"), Mapping):  # a custom voice, which is shown by its name alone
            output["voice"] = output["voice"]["id"] or None
        self._session = merged(self._session, asked)
        outbox.send(SessionUpdatedEvent, session=self._session)

    def _check_answers(self, asked: dict[str, Any]) -> None:
        """Check what says how to answer, and fill in what may be left out. Raises `ProtocolError`."""
        if asked.get("tools"):
            asked["tools"] = checked_tools(asked["tools"], "session.tools")
        tools = self._session["tools"] if asked.get("tools") is None else asked["tools"]
        check_choice(asked.get("tool_choice"), tools, "session.tool_choice")
        check_limit(asked.get("max_output_tokens"), "session.max_output_tokens")


def named(value: object) -> Any:
    """What is set of the fields that the protocol names. Others would be shown to clients that know none."""
    if isinstance(value, list):
        return [named(one) for one in value]
    if not isinstance(value, BaseModel):
        return value
    names = value.model_fields_set & type(value).model_fields.keys()
    return {name: named(getattr(value, name)) for name in names}


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`old` with what `new` names. WHOLE and lists are replaced whole.

    Null switches off what can be switched off, and leaves anything else as it is.
    """
    out = dict(old)
    for key, value in new.items():
        inside = out.get(key)
        if isinstance(value, Mapping) and isinstance(inside, Mapping) and key not in WHOLE:
            out[key] = merged(inside, value)
        elif value is not None or key in SWITCHES:
            out[key] = value
    return out
