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
    RealtimeConversationItemUserMessage,
    ResponseCancelEvent,
    SessionUpdateEvent,
)
from openai.types.realtime.realtime_server_event import ConversationItemRetrieved

from realtime.conversation_items import entry_of
from realtime.protocol import ClientEvent, ProtocolError, parse
from realtime.references import CreateResponse, ResponseParams
from realtime.response_request import options_of
from realtime.security.limits import OverLimitError
from realtime.thinking.history import Entry
from realtime.transport.audio_formats import AudioFormat
from realtime.transport.resumable import ResumableLink

if TYPE_CHECKING:
    from realtime.session import Session


@runtime_checkable
class TakesAudioEvents(Protocol):
    """A link whose audio comes inside the events (WebSocket)."""

    def append(self, audio: str) -> None:
        """Take base64 audio. Raises ValueError that says what is wrong with it."""
        ...

    def set_formats(self, incoming: AudioFormat, outgoing: AudioFormat) -> None:
        """What audio is coded in from now on, the client's and ours."""
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
                session.turns.withdraw()  # what was prepared was prepared under the old settings
                await session.apply_state()
            case ConversationItemCreateEvent():
                await self._create_item(event)
            case CreateResponse(response=params):
                self._create_response(params)
            case ResponseCancelEvent(response_id=response_id):
                beside = await session.turns.cancel_beside(response_id)
                if not beside and not await session.cancel(response_id):
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
                entry = Entry(item_id, "assistant", "", interrupted=True) if self._passed(item_id) else None
                session.outbox.send(ConversationItemRetrieved, item=(entry or self._find(item_id)).as_item())
            case ConversationItemDeleteEvent(item_id=item_id):
                self._find(item_id)
                session.history.delete(item_id)
                if item_id in session.outbox.begun:
                    session.outbox.begun.remove(item_id)
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
        if self._passed(item_id):
            session.outbox.send(
                ConversationItemTruncatedEvent, item_id=item_id, content_index=0, audio_end_ms=max(0, end_ms)
            )
            return
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

    async def _create_item(self, event: ConversationItemCreateEvent) -> None:
        session = self._session
        after = event.previous_item_id
        if after not in (None, "root") and session.history.find(after) is None:
            raise ProtocolError(
                f"there is no item {after!r} to put this one after; leave previous_item_id out for the end",
                code="item_not_found",
                param="previous_item_id",
            )
        if isinstance(event.item, RealtimeConversationItemUserMessage):
            await session.uploads.create(event.item, after)
        else:
            session.insert(entry_of(event.item, session.history), after)

    def _create_response(self, params: ResponseParams | None) -> None:
        session = self._session
        options = options_of(params, session.state, session.history)
        if options.out_of_band and options.modality == "text":
            session.turns.answer_beside(options)
            return
        if not options.out_of_band and session.turns.busy:
            raise ProtocolError(
                "a response is in progress; wait for response.done or send response.cancel",
                code="conversation_already_has_active_response",
            )
        question = session.history.last or Entry("", "system", "")
        if not session.turns.answer(question, options=options):
            raise ProtocolError("too many turns are waiting for an answer", code="too_many_turns")

    def _passed(self, item_id: str) -> bool:
        """Whether it was heard, or sent, and is no part of the conversation, as music is not."""
        return item_id in self._session.outbox.begun and self._session.history.find(item_id) is None

    def _find(self, item_id: str) -> Entry:
        entry = self._session.history.find(item_id)
        if entry is None:
            raise ProtocolError(f"there is no item {item_id!r}", code="item_not_found", param="item_id")
        return entry
