"""Messages that a client creates with sound and pictures in them: kept, transcribed, told to the planner.

The item is in the conversation at once, a sound of it without its words; these come beside it, as those of
speech do, and whoever plans an answer waits for them (`settled`). What was given is an artefact: a sound can
be played again. Nothing here can see a picture, so that a planner is told of it and no more.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent,
    ConversationItemInputAudioTranscriptionDeltaEvent,
    ConversationItemInputAudioTranscriptionFailedEvent,
    RealtimeConversationItemUserMessage,
)

from models.api import HEARING_RATE, AsrRequest, Audio, BackendError, ChatMessage, EndOfUtterance
from realtime import own_events
from realtime.item_contents import Contents, GivenPicture, GivenSound, Limits, is_large, read_contents
from realtime.protocol import ProtocolError, new_id
from realtime.security.limits import OverLimitError
from realtime.thinking.history import Entry

if TYPE_CHECKING:
    from realtime.session import Session

log = logging.getLogger(__name__)

MOST_PENDING = 4  # sounds that wait for their words: a minute of each takes seconds of a core
PIECE = HEARING_RATE * 2 // 10  # bytes: 100 ms at a time, so that those who speak meanwhile get their turns


class Uploads:
    """One session's. `create` reads and keeps a message; transcription runs beside the conversation."""

    def __init__(self, session: Session, group: asyncio.TaskGroup, limits: Limits) -> None:
        self._session = session
        self._group = group
        self._limits = limits
        self._pending: dict[asyncio.Task[None], str] = {}  # transcriptions, and the item of each

    async def create(self, item: RealtimeConversationItemUserMessage, previous: str | None) -> None:
        """Put a message behind the item `previous` (see `insert`). Raises `ProtocolError`, adding nothing."""
        if item.id and self._session.history.find(item.id) is not None:
            raise ProtocolError(
                f"there is an item {item.id!r} already", code="duplicate_item", param="item.id"
            )
        form = self._session.state.formats[0]
        if is_large(item.content):
            contents = await asyncio.to_thread(read_contents, item.content, form, self._limits)
        else:
            contents = read_contents(item.content, form, self._limits)
        self._admit(contents)
        entry = Entry(item.id or new_id("item"), "user", contents.text, spoken=False)
        if len(contents.parts) > 1 or contents.parts[0]["type"] != "input_text":
            entry.parts = contents.parts
        entry.heard_ms = round(contents.seconds * 1000)
        self._session.insert(entry, previous)
        for picture in contents.pictures:
            self._keep_picture(entry, picture)
        for sound in contents.sounds:
            if sound.transcript:
                self._keep_sound(entry, sound, sound.transcript)
            else:
                work = self._group.create_task(self._transcribe(entry, contents, sound), name="upload")
                self._pending[work] = entry.id
                work.add_done_callback(self._pending.pop)

    async def settled(self) -> None:
        """Wait until all sounds have their words, or have been given up."""
        while self._pending:
            await asyncio.wait(set(self._pending))

    def cancel(self) -> None:
        """The session is over."""
        for work in self._pending:
            work.cancel()

    def _admit(self, contents: Contents) -> None:
        """Count it against the limits. Raises `ProtocolError`."""
        waiting = len(self._pending) + sum(not given.transcript for given in contents.sounds)
        if waiting > MOST_PENDING:
            raise ProtocolError(
                f"more than {MOST_PENDING} sounds would wait for their transcription; wait for "
                "conversation.item.input_audio_transcription.completed",
                code="too_many_uploads",
                param="item.content",
            )
        if self._session.meter is not None and contents.sounds:
            try:
                self._session.meter.audio(contents.seconds)
            except OverLimitError as error:
                raise ProtocolError(str(error), code=error.code, param="item.content") from None

    def _keep_picture(self, entry: Entry, given: GivenPicture) -> None:
        session = self._session
        kept = session.artefacts.add("image", origin="uploaded", data=given.data, media_type=given.media_type)
        session.outbox.send(own_events.ArtefactCreated, **kept.as_event())
        _tell(entry, event="picture_kept", artefact=kept.id, name=kept.name, seen=False)

    def _keep_sound(self, entry: Entry, given: GivenSound, text: str, failure: str = "") -> None:
        session = self._session
        kept = session.artefacts.add("recording", origin="uploaded", text=text, sound=given.sound)
        session.outbox.send(own_events.ArtefactCreated, **kept.as_event())
        seconds = round(given.sound.seconds, 1)
        told = {"artefact": kept.id, "name": kept.name, "seconds": seconds, "words": bool(text)}
        _tell(entry, event="sound_kept", **told, **({"error": failure} if failure else {}))

    async def _transcribe(self, entry: Entry, contents: Contents, given: GivenSound) -> None:
        session = self._session
        place = {"item_id": entry.id, "content_index": given.index}
        try:
            text, failure = await self._recognise(given.heard), ""
        except BackendError as error:
            text, failure = "", str(error)
            log.warning("session %s: an upload was not transcribed: %s", session.id, error)
            session.metrics.failures.labels("hearing").inc()
        contents.words[given.index] = text
        contents.parts[given.index]["transcript"] = text or None
        entry.text = contents.text
        self._keep_sound(entry, given, text, failure)
        if session.history.find(entry.id) is None or not session.state.transcribes:
            return
        if failure:
            cause = {"type": "server_error", "code": None, "message": failure, "param": None}
            session.outbox.send(ConversationItemInputAudioTranscriptionFailedEvent, error=cause, **place)
            return
        if text:
            session.outbox.send(ConversationItemInputAudioTranscriptionDeltaEvent, delta=text, **place)
        session.outbox.send(
            ConversationItemInputAudioTranscriptionCompletedEvent,
            transcript=text,
            usage={"type": "duration", "seconds": given.sound.seconds},
            **place,
        )

    async def _recognise(self, pcm: bytes) -> str:
        """The words of a sound. Raises `BackendError`."""
        text = ""
        async with aclosing(self._session.engine.open(AsrRequest(self._session.state.language))) as stream:
            for at in range(0, len(pcm), PIECE):
                await stream.send(Audio(pcm[at : at + PIECE]))
            await stream.send(EndOfUtterance())
            async for heard in stream:
                text = heard.text
        return text


def _tell(entry: Entry, **event: object) -> None:
    """Let planners know, beside the words of the item."""
    entry.told.append(ChatMessage("system", json.dumps(event)))
