"""Nobody says anything after we have: the client may want us to take the word again (`idle_timeout_ms`).

The clock runs while there is nothing but silence: from the last sample of ours that the person heard, for as
long as nobody speaks, nothing plays, and nothing is being thought about.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from openai.types.realtime import InputAudioBufferCommittedEvent, InputAudioBufferTimeoutTriggered

from models.api import ChatMessage
from realtime.protocol import new_id
from realtime.thinking.history import Entry

if TYPE_CHECKING:
    from realtime.session import Session


class Idle:
    """Watches one session. The session tells it whenever what it does has changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_at: float | None = None  # loop time since when there is silence
        self._quiet_ms = 0  # of the person's audio at that time
        self._timeout_ms: int | None = None
        self._answered = False  # there has been a response

    def changed(self, activity: str) -> None:
        """The session does something else now, or is told to keep another time."""
        before, self._timeout_ms = self._timeout_ms, self._session.state.idle_timeout_ms
        if activity != "listening":
            self._answered = self._answered or activity in ("speaking", "playing")
            self._quiet_at = None
        elif self._quiet_at is None or self._timeout_ms != before:
            delay_ms = self._session.link.playout_delay_ms
            self._quiet_at = self._loop.time() + delay_ms / 1000
            self._quiet_ms = self._session.ears.milliseconds + round(delay_ms)
        self._set()

    def stop(self) -> None:
        """Nobody is there, or the session is over. `changed` begins anew."""
        self._quiet_at = None
        self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout_ms = self._timeout_ms
        if timeout_ms is not None and self._quiet_at is not None and self._answered:
            self._timer = self._loop.call_at(self._quiet_at + timeout_ms / 1000, self._over, timeout_ms)

    def _over(self, timeout_ms: int) -> None:
        """It was silent for that long: commit the silence, and answer it."""
        session = self._session
        self._timer = None
        if session.capture.active or session.turns.replying:
            self._quiet_at = None  # what is to be kept may be silent too; the next change begins anew
            return
        item = Entry(new_id("item"), "user", "")
        note = {"event": "idle", "seconds": timeout_ms / 1000}
        item.told.append(ChatMessage("system", json.dumps(note)))
        session.outbox.send(
            InputAudioBufferTimeoutTriggered,
            item_id=item.id,
            audio_start_ms=self._quiet_ms,
            audio_end_ms=max(session.ears.milliseconds, self._quiet_ms),
        )
        previous = session.last_id
        session.outbox.send(InputAudioBufferCommittedEvent, item_id=item.id, previous_item_id=previous)
        session.add(item, previous)
        self._quiet_at = None
        if session.state.answers:
            session.turns.answer(item, asked=False)
