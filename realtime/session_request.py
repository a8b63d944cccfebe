"""A session's settings from outside its conversation: from the body of a call, a token, or `?model=`.

They are held to the same rules as a `session.update`, because they are one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from openai.types.realtime import SessionUpdateEvent

from realtime.config import Settings
from realtime.http_errors import RefusedError
from realtime.protocol import Outbox, ProtocolError, parse
from realtime.session_state import SessionState
from realtime.transport.link import Link

if TYPE_CHECKING:
    from realtime.session import Session

Updates = Sequence[SessionUpdateEvent]  # to be applied one after the other, before `session.created`


class _Unheard:
    """In place of a link: keeps what is sent."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def send(self, event: str) -> None:
        self.events.append(event)


def read_session(raw: object, settings: Settings) -> SessionUpdateEvent:
    """The settings in `raw`. Raises `RefusedError`."""
    try:
        text = json.dumps({"type": "session.update", "session": raw})
        return cast(SessionUpdateEvent, parse(text, settings.server.max_event))
    except RecursionError:
        raise RefusedError(
            400, "the session is nested too deeply", "invalid_event", param="session"
        ) from None
    except ProtocolError as error:
        raise _refused(error) from None


def session_object(session_id: str, updates: Updates, settings: Settings) -> dict[str, Any]:
    """The session that begins with these settings, as `session.created` shows it. Raises `RefusedError`."""
    state = SessionState(session_id, settings)
    unheard = _Unheard()
    outbox = Outbox(cast(Link, unheard))
    try:
        for update in updates:
            state.update(update, outbox)
    except ProtocolError as error:
        raise _refused(error) from None
    state.announce(outbox)
    shown: dict[str, Any] = json.loads(unheard.events[-1])["session"]
    return shown


def configure(session: Session, updates: Updates) -> None:
    """Begin with these settings, which `session_object` has found good; `session.created` tells of them."""
    for update in updates:
        session.state.update(update, Outbox(cast(Link, _Unheard())))


def _refused(error: ProtocolError) -> RefusedError:
    param = error.param or "session"
    return RefusedError(400, str(error).removeprefix("session.update: "), error.code, param=param)
