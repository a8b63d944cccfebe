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

from models.api import (
    BackendError,
    MusicChunk,
    MusicRequest,
    MusicState,
    SoundChunk,
    SoundRequest,
    SteerMusic,
    Stream,
)
from models.engine import Engine
from realtime import own_events
from realtime.artefacts import Artefacts, Sound, StoredSound
from realtime.protocol import Outbox
from realtime.response import Reason, Response
from realtime.speaking.mixer import Lane, Pcm
from realtime.speaking.recorded import Recorded
from realtime.speaking.speaker import Speaker
from realtime.speaking.take import Take
from realtime.transport.link import AudioOwner

log = logging.getLogger(__name__)

# s for the music to answer an edit. It comes behind what the stream holds, within 0.15 s as things stand.
ANSWER_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What to play. `name` is how one speaks of it; `artefact_id` is set where it exists already."""

    kind: Literal["music", "sound"]
    name: str
    request: MusicRequest | SoundRequest | Sound | StoredSound
    duration_ms: float | None = None
    artefact_id: str = ""


def describe(piece: Piece, state: MusicState | None) -> str:
    """The piece in words, with what is true of it: "calm solo piano in A minor, 70 beats a minute"."""
    if state is None:
        return piece.name
    return f"{piece.name} in {state.key}, {state.tempo:.0f} beats a minute"


@dataclass(frozen=True, slots=True)
class Steered:
    """What an edit makes of the music: in words, and what sounds on both sides of the bar line."""

    words: str
    before: MusicState | None
    after: MusicState


@dataclass(frozen=True, slots=True)
class _Bar:
    """A bar that is on its way: where on the lane it begins, and the piece that it belongs to."""

    at: int
    piece: Piece
    state: MusicState


@dataclass(frozen=True, slots=True)
class _Edit:
    """An edit on its way to the music, and who waits for the answer."""

    piece: Piece
    answer: asyncio.Future[Steered | None]


class Player:
    """One lane's worth of background. `changed` is called when a piece begins or ends."""

    def __init__(
        self,
        engine: Engine,
        speaker: Speaker,
        lane: Lane,
        outbox: Outbox,
        group: asyncio.TaskGroup,
        artefacts: Artefacts,
        *,
        buffered: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.playing: str | None = None
        self.newest: MusicState | None = None  # of the bar told last, on its way perhaps; kept afterwards
        self._engine = engine
        self._speaker = speaker
        self._lane = lane
        self._outbox = outbox
        self._group = group
        self._artefacts = artefacts
        self._buffered = buffered
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._response: Response | None = None
        self._reason: Reason | None = None
        self.artefact_id = ""  # of what plays or has played
        self._take: Take | None = None
        self._coming: deque[_Bar] = deque()
        self._bar: _Bar | None = None  # that sounds
        self._stream: Stream[MusicChunk | SoundChunk] | None = None
        self._piece: Piece | None = None  # as the newest bar has it
        self._edits: deque[_Edit] = deque()  # not yet answered
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

    async def steer(self, piece: Piece) -> Steered | None:
        """Change the music that plays into `piece`, from the next bar line that is not rendered yet.

        None when that cannot be done to what plays: nothing does, or a sound, or the last bar of a piece.
        Raises `BackendError`, and what plays goes on as it was, when nobody could play such a piece.
        """
        if self._stream is None or self._piece is None or not isinstance(piece.request, MusicRequest):
            return None
        edit = _Edit(piece, asyncio.get_running_loop().create_future())
        self._edits.append(edit)
        await self._stream.send(SteerMusic(piece.request.brief))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                steered = await edit.answer
        except TimeoutError:
            raise BackendError(
                "the music did not say that it changes; ask again, or for a new piece"
            ) from None
        if steered is None and self._stream is not None:
            await self._probe(piece.request)
        return steered

    async def _probe(self, request: MusicRequest) -> None:
        """Raise the cause if nobody can play this."""
        async with aclosing(self._engine.open(request)) as stream:
            async for _ in stream:
                return

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
            async with aclosing(self._open(piece.request)) as stream:
                async for chunk in stream:
                    states = chunk.states if isinstance(chunk, MusicChunk) else ()
                    if not chunk.pcm:
                        self._answered(states)
                        continue
                    if self.playing is None:
                        self._begin(piece, response, response_id, states[0] if states else None)
                        self._stream = stream if isinstance(piece.request, MusicRequest) else None
                        if not begun.done():
                            begun.set_result(self.playing or piece.name)
                    self._expect(states)
                    if self._take is not None:
                        self._take.add(chunk.pcm, self._lane.consumed)
                    pcm = np.frombuffer(chunk.pcm, np.int16).reshape(-1, 2).astype(np.float32) / 32768.0
                    await self._write(pcm)
            self._unsteered()
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

    def _open(
        self, request: MusicRequest | SoundRequest | Sound | StoredSound
    ) -> Stream[MusicChunk | SoundChunk]:
        if isinstance(request, Sound | StoredSound):
            return Recorded(request)
        return self._engine.open(request)

    async def _write(self, pcm: Pcm) -> None:
        """Put sound on the lane: up to twice its room while somebody waits for what comes behind."""
        waited_for = any(not edit.answer.done() for edit in self._edits)
        if waited_for and self._lane.buffered < 2 * self._lane.capacity:
            self._lane.write(pcm)
            self._speaker.wake()
        else:
            await self._speaker.write(self._lane, pcm)

    def _begin(
        self, piece: Piece, response: Response, response_id: str | None, state: MusicState | None
    ) -> None:
        self.playing = describe(piece, state)
        self.artefact_id = piece.artefact_id
        self._response = response
        self._coming.clear()
        self._piece = piece
        self._lane.finished = False
        self._lane.resume()  # an empty lane may have been held with the others
        response.create()
        response.audio_started()
        self._keep(piece, response_id)
        self._changed()

    def _keep(self, piece: Piece, response_id: str | None) -> None:
        """Show what begins on the shelf, and record it where it is not a recording itself."""
        if isinstance(piece.request, Sound | StoredSound):
            return
        made = self._artefacts.get(piece.artefact_id)
        if made is None:
            assert self.playing is not None
            made = self._artefacts.add(
                piece.kind,
                origin="made",
                name=self.playing,
                duration_ms=piece.duration_ms,
                request=piece.request,
            )
            self.artefact_id = made.id
            self._outbox.send(own_events.ArtefactCreated, **made.as_event(), response_id=response_id)
        if (recording := self._artefacts.record(made)) is not None:
            self._take = Take(recording, self._lane.consumed)

    def _end(self, piece: Piece) -> None:
        if self._take is not None:
            self._take.close(self._lane.consumed)
            self._take = None
        if self.playing is None:
            return
        self.playing = None
        self._response = None
        self._unsteered()
        self._piece = None
        self._coming.clear()
        self._bar = None
        if piece.kind == "music":
            self._outbox.send(own_events.MusicState, artefact_id=self.artefact_id, playing=False)
        self._changed()

    def _answered(self, states: tuple[MusicState, ...]) -> None:
        """The music says ahead what the oldest edit makes of it; nothing, if it stays as it is."""
        if not self._edits:
            return
        if not states:
            self._answer(None)
            return
        before, self._piece = self.newest, self._edits[0].piece
        self._expect(states)
        self._answer(Steered(describe(self._piece, states[0]), before, states[0]))

    def _unsteered(self) -> None:
        """No bar is to come that could be changed."""
        self._stream = None
        while self._edits:
            self._answer(None)

    def _answer(self, steered: Steered | None) -> None:
        edit = self._edits.popleft()
        if not edit.answer.done():  # who asked may have been interrupted
            edit.answer.set_result(steered)

    def _expect(self, states: tuple[MusicState, ...]) -> None:
        """Bars that begin in what is written next, or after it."""
        here = self._lane.consumed + self._lane.buffered
        for state in states:
            at = here + state.offset
            while self._coming and self._coming[-1].at >= at:
                self._coming.pop()  # told ahead; it may have been edited since
            if self._piece is not None:
                self._coming.append(_Bar(at, self._piece, state))
            self.newest = state

    def _tell_bars(self) -> None:
        while self._coming and self._coming[0].at <= self._lane.consumed:
            self._bar = self._coming.popleft()
            self._rename(describe(self._bar.piece, self._bar.state))
            self.tell_bar()

    def _rename(self, name: str) -> None:
        """A bar has begun with which the piece became another."""
        if name == self.playing:
            return
        self.playing = name
        self._changed()

    def tell_bar(self) -> None:
        """Tell the client which bar sounds, if one does."""
        if self._bar is None:
            return
        state = self._bar.state
        self._outbox.send(
            own_events.MusicState,
            artefact_id=self.artefact_id,
            playing=True,
            bar=state.bar,
            beats=state.beats,
            tempo=state.tempo,
            key=state.key,
            section=state.section,
            chords=list(state.chords),
            instruments=list(state.instruments),
        )
