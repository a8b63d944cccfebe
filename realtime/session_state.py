"""A session's settings as the protocol shows and changes them (`session.created`, `session.update`)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from openai.types.realtime import SessionCreatedEvent, SessionUpdatedEvent, SessionUpdateEvent
from pydantic import BaseModel

from realtime.config import Settings
from realtime.hearing.turn import Rules
from realtime.protocol import Outbox, ProtocolError

SESSION_LIFETIME = 3_600  # s shown as `expires_at`; the idle timeout usually ends a session earlier

SILENCE_RANGE = (60, 10_000)  # ms, as in `TurnSettings`
# Null is off. Any other setting keeps its value when null is sent: stock clients send what they do not use.
SWITCHES = ("turn_detection", "transcription", "noise_reduction", "tracing", "prompt")


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
        return bool((self._turn_detection or {"create_response": False}).get("create_response", True))

    @property
    def interrupts(self) -> bool:
        """Whether speech interrupts the assistant."""
        return bool((self._turn_detection or {"interrupt_response": False}).get("interrupt_response", True))

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
        silence = asked.get("silence_duration_ms")
        silence = 500 if silence is None else min(max(int(silence), SILENCE_RANGE[0]), SILENCE_RANGE[1])
        return replace(
            rules,
            threshold=min(max(float(asked.get("threshold") or 0.5), 0.05), 0.95),
            complete_ms=silence,
            silence_ms=silence,
            unfinished_ms=silence,
        )

    def announce(self, outbox: Outbox) -> None:
        """`session.created`."""
        outbox.send(SessionCreatedEvent, session=self._session)

    def update(self, event: SessionUpdateEvent, outbox: Outbox) -> None:
        """Apply `session.update` and answer `session.updated`. Raises `ProtocolError`, changing nothing."""
        asked = _named(event.session)
        if asked.get("type") == "transcription":
            raise ProtocolError(
                "transcription sessions are not offered; use a realtime session with "
                "turn_detection.create_response false",
                code="unsupported_session",
                event_id=event.event_id,
                param="session.type",
            )
        if asked.get("tools"):
            raise ProtocolError(
                "function tools of the client are not offered yet; leave `tools` empty",
                code="unsupported_tools",
                event_id=event.event_id,
                param="session.tools",
            )
        for side in ("input", "output"):
            form = ((asked.get("audio") or {}).get(side) or {}).get("format") or {}
            if form.get("type", "audio/pcm") != "audio/pcm" or form.get("rate", 24_000) != 24_000:
                raise ProtocolError(
                    "audio is audio/pcm at rate 24000",
                    code="unsupported_format",
                    event_id=event.event_id,
                    param=f"session.audio.{side}.format",
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


def _named(value: object) -> Any:
    """What is set of the fields that the protocol names. Others would be shown to clients that know none."""
    if isinstance(value, list):
        return [_named(one) for one in value]
    if not isinstance(value, BaseModel):
        return value
    names = value.model_fields_set & type(value).model_fields.keys()
    return {name: _named(getattr(value, name)) for name in names}


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`old` with what `new` names. `turn_detection` and lists are replaced whole.

    Null switches off what can be switched off, and leaves anything else as it is.
    """
    out = dict(old)
    for key, value in new.items():
        inside = out.get(key)
        if isinstance(value, Mapping) and isinstance(inside, Mapping) and key != "turn_detection":
            out[key] = merged(inside, value)
        elif value is not None or key in SWITCHES:
            out[key] = value
    return out
