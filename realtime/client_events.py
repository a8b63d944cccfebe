"""What a client's events do to its session. A wrong event gets an `error` event and harms nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from openai.types.realtime import (
    ConversationItemCreateEvent,
    ConversationItemDeletedEvent,
    ConversationItemDeleteEvent,
    ConversationItemRetrieveEvent,
    ConversationItemTruncatedEvent,
    ConversationItemTruncateEvent,
    InputAudioBufferAppendEvent,
    InputAudioBufferClearedEvent,
    InputAudioBufferClearEvent,
    InputAudioBufferCommitEvent,
    OutputAudioBufferClearEvent,
    ResponseCancelEvent,
    ResponseCreateEvent,
    SessionUpdateEvent,
)
from openai.types.realtime.realtime_server_event import ConversationItemRetrieved

from realtime.protocol import ClientEvent, ProtocolError, new_id, parse
from realtime.security.limits import OverLimitError
from realtime.thinking.history import Entry
from realtime.transport.resumable import ResumableLink

if TYPE_CHECKING:
    from realtime.session import Session

MOST_TEXT = 8_000  # characters of a typed message: some minutes of speech


@runtime_checkable
class TakesAudioEvents(Protocol):
    """A link whose audio comes inside the events (WebSocket)."""

    def append(self, audio: str) -> None:
        """Take base64 audio. Raises ValueError that says what is wrong with it."""
        ...


class ClientEvents:
    """Handles one session's incoming events."""

    def __init__(self, session: Session, link: object) -> None:
        self._session = session
        self._link = link

    async def handle(self, text: str, limit: int) -> None:
        """Obey one event (JSON text of at most `limit` characters)."""
        try:
            event = parse(text, limit)
            try:
                await self._obey(event)
            except ProtocolError as error:
                error.event_id = error.event_id or event.event_id
                raise
        except ProtocolError as error:
            self._session.outbox.error(error)

    async def _obey(self, event: ClientEvent) -> None:
        session = self._session
        match event:
            case InputAudioBufferAppendEvent():
                self._append(event)
            case SessionUpdateEvent():
                session.state.update(event, session.outbox)
                await session.apply_state()
            case ConversationItemCreateEvent():
                self._create_item(event)
            case ResponseCreateEvent():
                self._create_response()
            case ResponseCancelEvent(response_id=response_id):
                if not await session.cancel(response_id):
                    raise ProtocolError("no response is in progress", code="response_cancel_not_active")
            case OutputAudioBufferClearEvent():
                await session.stop_all("client_cancelled")
            case InputAudioBufferCommitEvent():
                if not await session.ears.commit():
                    raise ProtocolError(
                        "the input audio buffer is empty; append audio first",
                        code="input_audio_buffer_commit_empty",
                    )
            case InputAudioBufferClearEvent():
                if not await session.ears.clear():  # or else the session tells, when it goes on
                    session.outbox.send(InputAudioBufferClearedEvent)
            case ConversationItemRetrieveEvent(item_id=item_id):
                session.outbox.send(ConversationItemRetrieved, item=self._find(item_id).as_item())
            case ConversationItemDeleteEvent(item_id=item_id):
                self._find(item_id)
                session.history.delete(item_id)
                session.outbox.send(ConversationItemDeletedEvent, item_id=item_id)
            case ConversationItemTruncateEvent(item_id=item_id, audio_end_ms=audio_end_ms):
                await self._truncate(item_id, audio_end_ms)

    async def _truncate(self, item_id: str, end_ms: int) -> None:
        """Take back what the client did not play. What still sounds is stopped first, as by a cancel."""
        session = self._session
        reply = session.turns.reply
        if reply is not None and reply.response.opened and reply.response.item_id == item_id:
            await session.turns.interrupt("client_cancelled")
            if session.history.find(item_id) is None:
                return  # no word of it was heard, and the client has been told so
        entry = self._find(item_id)
        if entry.role != "assistant" or entry.spoken_words is None:
            raise ProtocolError(
                "only the assistant's audio can be truncated", code="invalid_item", param="item_id"
            )
        session.outbox.send(
            ConversationItemTruncatedEvent,
            item_id=item_id,
            content_index=0,
            audio_end_ms=entry.truncate(end_ms),
        )

    def _append(self, event: InputAudioBufferAppendEvent) -> None:
        link = self._link.current if isinstance(self._link, ResumableLink) else self._link
        if not isinstance(link, TakesAudioEvents):
            raise ProtocolError(
                "on WebRTC the audio comes over the media track; do not append it",
                code="unsupported_event",
            )
        try:
            link.append(event.audio)
        except ValueError as error:
            code = error.code if isinstance(error, OverLimitError) else "invalid_audio"
            raise ProtocolError(str(error), code=code, param="audio") from None

    def _create_item(self, event: ConversationItemCreateEvent) -> None:
        session = self._session
        item = event.item
        if item.type != "message":
            raise ProtocolError(
                f"items of type {item.type!r} are not offered yet; create a message",
                code="unsupported_item",
                param="item.type",
            )
        texts = [
            getattr(part, "text", None) or getattr(part, "transcript", None) or "" for part in item.content
        ]
        text = "\n".join(text for text in texts if text).strip()
        if not text:
            raise ProtocolError(
                "the message has no text; give content [{type: input_text, text: …}]",
                code="empty_item",
                param="item.content",
            )
        if len(text) > MOST_TEXT:
            raise ProtocolError(
                f"the message has {len(text)} characters; the limit is {MOST_TEXT}",
                code="item_too_long",
                param="item.content",
            )
        entry = Entry(item.id or new_id("item"), item.role, text, spoken=False)
        if session.history.find(entry.id) is not None:
            raise ProtocolError(
                f"there is an item {entry.id!r} already", code="duplicate_item", param="item.id"
            )
        session.add(entry, session.history.last_id)

    def _create_response(self) -> None:
        session = self._session
        if session.turns.replying:
            raise ProtocolError(
                "a response is in progress; wait for response.done or send response.cancel",
                code="conversation_already_has_active_response",
            )
        last = session.history.last
        if last is None:
            raise ProtocolError("there is nothing to answer; create an item first", code="empty_conversation")
        if not session.turns.answer(last):
            raise ProtocolError("too many turns are waiting for an answer", code="too_many_turns")

    def _find(self, item_id: str) -> Entry:
        entry = self._session.history.find(item_id)
        if entry is None:
            raise ProtocolError(f"there is no item {item_id!r}", code="item_not_found", param="item_id")
        return entry
