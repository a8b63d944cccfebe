"""The embedded music backend: composes by rule and plays with FluidSynth. Needs no download."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from models.api import (
    SPEAKING_RATE,
    BackendError,
    Emit,
    MusicChunk,
    MusicRequest,
    MusicState,
    SteerMusic,
)
from models.music.perform import perform
from models.music.piece import Piece, compose_bar
from models.music.render import BLOCK, DEFAULT_SOUNDFONT, Renderer, SoundFont, piece_gain
from models.music.score import Bar, Plan
from models.music.theory import Chord

CHUNK = 4_800  # frames of a quantum: 100 ms, 75 of FluidSynth's blocks
_GAIN_BARS = 24  # bars whose loudness stands for the piece: past the intro, into the chorus (5 ms to compose)
_TAIL = 3 * SPEAKING_RATE  # how long the last chord may ring
_FADE = 2 * SPEAKING_RATE  # of which it fades

assert CHUNK % BLOCK == 0


def _gain(plan: Plan) -> float:
    length = _GAIN_BARS if plan.bars is None else min(_GAIN_BARS, plan.bars)
    return piece_gain(islice((compose_bar(plan, i) for i in range(length)), length))


def _state(bar: Bar, offset: int) -> MusicState:
    names: dict[Chord, None] = dict.fromkeys(chord for _, chord in bar.chords)
    return MusicState(
        offset=offset,
        bar=bar.index + 1,
        beats=bar.plan.beats,
        tempo=bar.plan.tempo,
        key=str(bar.plan.key),
        section=bar.section,
        chords=tuple(chord.symbol for chord in names),
        instruments=bar.instruments,
    )


class ComposerJob:
    """One piece being composed and played, bar by bar, 100 ms a step."""

    def __init__(self, font: SoundFont, request: MusicRequest) -> None:
        self._piece = Piece(request.brief, request.seed)
        self._bar_frame = 0.0  # where the next bar begins; exact, so that rounding never adds up
        self._seated: Plan | None = None
        self._renderer = Renderer(font)

    def feed(self, item: Any, emit: Emit) -> bool:
        """Take a `SteerMusic`; it is heard from the next bar line that has not been rendered.

        Answers at once with a chunk that holds no sound: its state tells ahead what sounds from that bar on.
        One without a state says that the piece stays as it is: it is over, or nobody here can play the brief.
        """
        if not isinstance(item, SteerMusic):
            raise BackendError(f"a music stream takes SteerMusic, not {type(item).__name__}")
        try:
            states = self._steered(item)
        except BackendError:  # it comes again, with its cause, to who asks for a new piece of this brief
            states = ()
        emit(MusicChunk(pcm=b"", states=states))
        return True

    def _steered(self, item: SteerMusic) -> tuple[MusicState, ...]:
        if self._piece.finished:
            return ()
        self._piece.steer(item.brief)
        bar = compose_bar(self._piece.plan, self._piece.next_bar)
        return (_state(bar, round(self._bar_frame) - self._renderer.position),)

    def step(self, emit: Emit) -> bool:
        """Render 100 ms, composing the bars that begin in it."""
        begin = self._renderer.position
        states = []
        while not self._piece.finished and round(self._bar_frame) < begin + CHUNK:
            states.append(self._next_bar(begin))
        samples = self._renderer.render(CHUNK)
        done = False
        if self._piece.finished:
            # The last chord rings on after its bar, and fades, so that it ends in silence by itself.
            past = begin - self._bar_frame + np.arange(1, CHUNK + 1)
            samples *= np.clip((_TAIL - past) / _FADE, 0.0, 1.0).astype(np.float32)[:, None]
            done = begin + CHUNK >= self._bar_frame + _TAIL
        pcm = np.rint(samples * 32767.0).astype("<i2").tobytes()
        emit(MusicChunk(pcm=pcm, states=tuple(states)))
        return not done

    def _next_bar(self, begin: int) -> MusicState:
        bar = self._piece.advance()
        if bar.plan is not self._seated:
            self._renderer.seat(bar.plan.parts, bar.plan.style.reverb, _gain(bar.plan))
            self._seated = bar.plan
        self._renderer.schedule(perform(bar), self._bar_frame)
        state = _state(bar, round(self._bar_frame) - begin)
        self._bar_frame += bar.plan.bar_seconds * SPEAKING_RATE
        return state

    def close(self) -> None:
        """Free the synthesiser."""
        self._renderer.close()


class ComposerMusic:
    """Composer and synthesiser. `soundfont` is a General MIDI SoundFont file.

    Raises `BackendUnavailableError` when FluidSynth or the SoundFont is not installed.
    """

    produces = True

    def __init__(self, soundfont: str = DEFAULT_SOUNDFONT) -> None:
        self._font = SoundFont(soundfont)

    def open(self, request: Any) -> ComposerJob:
        """Begin a piece. Raises `BackendError` for what the brief names and nobody here can play."""
        if not isinstance(request, MusicRequest):
            raise BackendError(f"the composer plays MusicRequest, not {type(request).__name__}")
        return ComposerJob(self._font, request)
