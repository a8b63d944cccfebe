"""Plays one piece of music, or one sound, on a lane of its own, behind whatever the assistant says.

A piece is a response outside the conversation (see `realtime/response.py`); it outlives the reply that
asked for it, and ends when it is over, stopped or replaced.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.api import BackendError, MusicChunk, MusicRequest, MusicState, SoundRequest
from models.engine import Engine
from realtime import own_events
from realtime.protocol import Outbox, new_id
from realtime.response import Reason, Response
from realtime.speaking.mixer import Lane
from realtime.speaking.speaker import Speaker
from realtime.transport.link import AudioOwner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """What to play. `name` is how one speaks of it."""

    kind: Literal["music", "sound"]
    name: str
    request: MusicRequest | SoundRequest
    duration_ms: float | None = None


def describe(piece: Piece, state: MusicState | None) -> str:
    """The piece in words, with what is true of it: "calm solo piano in A minor, 70 beats a minute"."""
    if state is None:
        return piece.name
    return f"{piece.name} in {state.key}, {state.tempo:.0f} beats a minute"


class Player:
    """One lane's worth of background. `changed` is called when a piece begins or ends."""

    def __init__(
        self,
        engine: Engine,
        speaker: Speaker,
        lane: Lane,
        outbox: Outbox,
        group: asyncio.TaskGroup,
        *,
        buffered: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.playing: str | None = None
        self._engine = engine
        self._speaker = speaker
        self._lane = lane
        self._outbox = outbox
        self._group = group
        self._buffered = buffered
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._response: Response | None = None
        self._reason: Reason | None = None
        self._artefact_id = ""
        self._coming: deque[tuple[int, MusicState]] = deque()
        self._bar: MusicState | None = None  # that sounds
        speaker.on_frame.append(self._tell_bars)

    @property
    def owner(self) -> AudioOwner | None:
        """Whose sound the lane carries."""
        return self._response.owner if self._response and self._lane.audible else None

    @property
    def response_id(self) -> str | None:
        """The id of the response that plays."""
        return self._response.id if self._response else None

    @property
    def held(self) -> bool:
        """Whether a piece is there, but silent while the person speaks."""
        return self.playing is not None and self._lane.paused

    async def start(self, piece: Piece, response_id: str | None) -> str:
        """Replace what plays. Returns, once there is sound, what it is in words. Raises `BackendError`."""
        await self.stop()
        begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task = self._group.create_task(self._run(piece, begun, response_id), name=piece.kind)
        try:
            return await begun
        except asyncio.CancelledError:
            await self.stop()  # the reply that wanted it was interrupted before there was sound
            raise

    async def stop(self, reason: Reason | None = None) -> bool:
        """Stop what plays; False when nothing did."""
        task = self._task
        if task is None or task.done():
            return False
        self._reason = reason
        task.cancel()
        await asyncio.wait({task})
        return True

    def hold(self) -> None:
        """Fall silent for as long as the person speaks."""
        self._lane.pause()

    def resume(self) -> bool:
        """Go on after `hold`; False when nothing was held."""
        held = self.held
        self._lane.resume()
        self._speaker.wake()
        return held

    async def _run(self, piece: Piece, begun: asyncio.Future[str], response_id: str | None) -> None:
        response = Response(
            self._outbox, buffered=self._buffered(), conversation_id=None, metadata={"audiogpt": piece.kind}
        )
        self._reason = None
        try:
            async with aclosing(self._engine.open(piece.request)) as stream:
                async for chunk in stream:
                    states = chunk.states if isinstance(chunk, MusicChunk) else ()
                    if self.playing is None:
                        self._begin(piece, response, response_id, states[0] if states else None)
                        if not begun.done():
                            begun.set_result(self.playing or piece.name)
                    here = self._lane.consumed + self._lane.buffered
                    self._coming.extend((here + state.offset, state) for state in states)
                    pcm = np.frombuffer(chunk.pcm, np.int16).reshape(-1, 2).astype(np.float32) / 32768.0
                    await self._speaker.write(self._lane, pcm)
            self._lane.finished = True
            await self._speaker.drained(self._lane)
            response.finish("completed")
            response.drained()
        except BackendError as error:
            response.finish("failed", error=str(error))
            if begun.done():
                self._outbox.send(own_events.Notice, level="error", message=str(error))
            else:
                begun.set_exception(error)
        finally:
            # Also when cancelled: the piece is over, whatever ended it.
            self._speaker.silence(self._lane)
            self._lane.finished = True
            if not begun.done():
                begun.set_exception(BackendError(f"{piece.name}: there was no sound"))
                begun.exception()
            response.finish("cancelled", reason=self._reason)
            response.cleared()
            self._end(piece)

    def _begin(
        self, piece: Piece, response: Response, response_id: str | None, state: MusicState | None
    ) -> None:
        self.playing = describe(piece, state)
        self._artefact_id = new_id("art")
        self._response = response
        self._coming.clear()
        self._lane.finished = False
        self._lane.resume()  # an empty lane may have been held with the others
        response.create()
        response.audio_started()
        self._outbox.send(
            own_events.ArtefactCreated,
            id=self._artefact_id,
            kind=piece.kind,
            name=self.playing,
            duration_ms=piece.duration_ms,
            response_id=response_id,
        )
        self._changed()

    def _end(self, piece: Piece) -> None:
        if self.playing is None:
            return
        self.playing = None
        self._response = None
        self._coming.clear()
        self._bar = None
        if piece.kind == "music":
            self._outbox.send(own_events.MusicState, artefact_id=self._artefact_id, playing=False)
        self._changed()

    def _tell_bars(self) -> None:
        while self._coming and self._coming[0][0] <= self._lane.consumed:
            _, self._bar = self._coming.popleft()
            self.tell_bar()

    def tell_bar(self) -> None:
        """Tell the client which bar sounds, if one does."""
        if (state := self._bar) is None:
            return
        self._outbox.send(
            own_events.MusicState,
            artefact_id=self._artefact_id,
            playing=True,
            bar=state.bar,
            beats=state.beats,
            tempo=state.tempo,
            key=state.key,
            section=state.section,
            chords=list(state.chords),
            instruments=list(state.instruments),
        )
