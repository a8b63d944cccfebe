"""Capture: what the person gives next is material to keep, not a request to obey.

The ears go on as always; the session asks here first. Dictation ends with the turn, which waits longer;
a melody or a recording ends by loudness (`material.py`), because a hum may be no speech to anybody. Either
ends at once with "that's it". Time is counted in the samples that arrive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from models.api import HEARING_RATE
from realtime import own_events
from realtime.artefacts import Artefact, Artefacts, Kind, Sound
from realtime.hearing.turn import Rules
from realtime.protocol import Outbox
from realtime.thinking.material import (
    FRAME,
    LEAD_FRAMES,
    ONSET_FRAMES,
    WORD_MOST,
    Bounds,
    Material,
    NoiseFloor,
    after_pause,
    cancels,
    end_phrase,
    level,
    loudness,
    says_nothing,
    trimmed,
    without_end,
)

CaptureKind = Literal["dictation", "melody", "recording"]
State = Literal["done", "empty", "cancelled"]

DICTATION_SILENCE_MS = 2_500  # one thinks while one dictates
SPOKEN_SILENCE_MS = 700  # of what is said for a recording: its words are known before the recording ends
MOST_SECONDS = 120.0
CLOSING_FRAMES = 75  # 1.5 s: how long the last words of a recording are waited for
# 300 ms: how much later than it left the assistant's own voice may come back. Less than is kept from before
# the first sound, so that nothing is lost by it.
ECHO_FRAMES = 15
BOUNDS: dict[CaptureKind, Bounds] = {
    # Its turn ends it. This gives up 10 s after speech without a word, and never before the turn's own bound.
    "dictation": Bounds(quiet_ms=10_000, most_ms=130_000),
    "melody": Bounds(quiet_ms=1_800),
    "recording": Bounds(quiet_ms=2_000),
}
_KEPT_AS: dict[CaptureKind, Kind] = {"dictation": "text", "melody": "melody", "recording": "recording"}


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a capture. `artefact` is None unless `state` is "done"."""

    artefact: Artefact | None
    kind: CaptureKind
    then: str
    text: str = ""
    state: State = "done"

    def as_event(self) -> dict[str, Any]:
        """The system message that tells a planner."""
        event: dict[str, Any] = {"event": "captured", "kind": self.kind, "state": self.state}
        if self.artefact is not None:
            seconds = round((self.artefact.duration_ms or 0) / 1000, 1)
            event |= {"artefact": self.artefact.id, "name": self.artefact.name, "seconds": seconds}
        return event | {"text": self.text, "then": self.then}


class Capture:
    """One session's capture mode.

    The session calls `listen` with every piece of the microphone and `speech` at every onset and end, also
    while nothing is captured: the room's noise is learned from it. `sounding` tells whether the assistant
    can be heard; its own "Go ahead" is no material.
    """

    def __init__(
        self,
        artefacts: Artefacts,
        outbox: Outbox,
        collected: Callable[[Collected], None],
        *,
        sounding: Callable[[], bool] = lambda: False,
    ) -> None:
        self._artefacts = artefacts
        self._outbox = outbox
        self._collected = collected
        self._sounding = sounding
        self._noise = NoiseFloor()
        self._rest = b""  # of a frame
        self._speaking = False  # somebody speaks, or did and their words are still to come
        self._owed = False  # the words that are still to come belong to a capture that is over
        self._kind: CaptureKind | None = None
        self._then = ""
        self._material = Material(BOUNDS["recording"])
        self._frames: deque[bytes] = deque()
        self._loud: deque[bool] = deque()
        self._texts: list[str] = []
        self._closing: int | None = None  # frames since the material ended
        self._deaf = 0  # frames for which an echo of the assistant's own words may still come

    @property
    def active(self) -> bool:
        """Whether obedience is suspended."""
        return self._kind is not None

    @property
    def kind(self) -> CaptureKind | None:
        """What is being captured."""
        return self._kind

    def begin(self, kind: CaptureKind, then: str = "") -> None:
        """Collect from now on. A capture under way is given up."""
        self.cancel()
        self._kind, self._then = kind, then
        self._material = Material(BOUNDS[kind])
        # Before the first sound only the lead, and the frames that show it to be one, are kept.
        self._frames = deque(maxlen=LEAD_FRAMES + ONSET_FRAMES)
        self._loud = deque(maxlen=LEAD_FRAMES + ONSET_FRAMES)
        self._texts = []
        self._closing = None
        self._tell("waiting")

    def cancel(self) -> None:
        """Give up what is being captured, without a word."""
        if self._kind is not None:
            self._tell("cancelled")
            self._over()

    def listen(self, pcm: bytes) -> None:
        """Take a piece of the microphone: int16 mono at HEARING_RATE."""
        data = self._rest + pcm
        whole = len(data) // (2 * FRAME) * 2 * FRAME
        self._rest = data[whole:]
        for at in range(0, whole, 2 * FRAME):
            frame = data[at : at + 2 * FRAME]
            decibels = level(np.frombuffer(frame, np.int16))
            loud = decibels > self._noise.clear
            if not (self.active and self._material.begun):
                self._noise.hear(decibels)  # not from the material: a long hum is no noise
            if self._kind is not None:
                self._frame(self._kind, frame, loud)

    def speech(self, speaking: bool) -> None:
        """Somebody began to speak, or nobody does any more (`utterance` follows if there were words)."""
        if speaking and not self._speaking:
            self._owed = False  # what was owed came to nothing
        self._speaking = speaking

    def utterance(self, text: str, pcm: bytes) -> bool:
        """Take what was said and its sound. True: it belongs to a capture, so it is not to be answered."""
        kind = self._kind
        if kind is None:
            owed, self._owed = self._owed, False
            return owed
        if cancels(text) and self._believed(kind, text, pcm):
            self._finish("cancelled")
        elif kind == "dictation":
            self._dictated(text, pcm)
        else:
            self._said(kind, text, pcm)
        return True

    def rules(self, base: Rules) -> Rules:
        """The turn rules for now."""
        if self._kind is None:
            return base
        silence = DICTATION_SILENCE_MS if self._kind == "dictation" else SPOKEN_SILENCE_MS
        return replace(base, silence_ms=silence, unfinished_ms=silence, max_seconds=MOST_SECONDS)

    def completeness(self, text: str) -> float:
        """How surely these words end the capture: 1 or 0."""
        if self._kind is None:
            return 0.0
        said = cancels(text) or end_phrase(text, paused=after_pause(self._loud)) is not None
        return 1.0 if said else 0.0

    def _frame(self, kind: CaptureKind, frame: bytes, loud: bool) -> None:
        if self._closing is not None:
            self._closing += 1
            if not self._speaking or self._closing >= CLOSING_FRAMES:
                self._keep()
            return
        self._frames.append(frame if kind != "dictation" else b"")
        self._loud.append(loud)
        begun = self._material.begun
        self._deaf = ECHO_FRAMES if self._sounding() else max(0, self._deaf - 1)
        if self._deaf and not begun and not self._speaking:
            return
        # A soft voice in a loud room is still one; but its words are waited for, so its end is not that of
        # the material.
        heard = self._speaking if kind == "dictation" else loud or (self._speaking and not begun)
        match self._material.frame(heard):
            case "begun":
                self._frames = deque(self._frames)
                self._loud = deque(self._loud)
                self._tell("listening")
            case "empty":
                self._finish("empty")
            case "over" | "full" if kind == "dictation":
                self._finish("empty")  # speech, but not a word that was understood
            case "over" | "full":
                self._closing = 0
            case "waiting" if begun:
                self._forget()

    def _forget(self) -> None:
        """What seemed to be material was not."""
        self._frames = deque(self._frames, maxlen=LEAD_FRAMES + ONSET_FRAMES)
        self._loud = deque(self._loud, maxlen=LEAD_FRAMES + ONSET_FRAMES)
        self._tell("waiting")

    def _believed(self, kind: CaptureKind, text: str, pcm: bytes) -> bool:
        """Whether a recogniser that may have listened to a hum heard a short word that was said."""
        if kind == "dictation":
            return True
        return sum(loudness(pcm, self._noise.clear)) <= WORD_MOST * len(text.split())

    def _dictated(self, text: str, pcm: bytes) -> None:
        loud = loudness(pcm, self._noise.clear)
        ended = end_phrase(text, paused=after_pause(loud))
        words, phrase = ended or (text.strip(), 0)
        if says_nothing(words):
            if ended:
                self._finish("empty")
            return  # "okay, so ...": the words are still to come
        if phrase:
            loud = loud[: without_end(loud, phrase)]
        self._finish("done", words, trimmed(pcm, loud) or pcm)

    def _said(self, kind: CaptureKind, text: str, pcm: bytes) -> None:
        own = loudness(pcm, self._noise.clear)
        ended = end_phrase(text, paused=after_pause(own))
        if ended and not ended[0] and not self._believed(kind, text, pcm):
            ended = None  # a phrase that long was hummed
        words, phrase = ended or (text.strip(), 0)
        if kind == "recording" and words:
            self._texts.append(words)
        if phrase:
            self._keep(phrase)
        elif self._closing is not None:
            self._keep()

    def _keep(self, phrase: int = 0) -> None:
        """Keep what was collected, without the last `phrase` words of it."""
        loud = list(self._loud)
        if phrase:
            loud = loud[: without_end(loud, phrase)]
        pcm = trimmed(b"".join(self._frames), loud)
        self._finish("done" if pcm else "empty", " ".join(self._texts) if pcm else "", pcm)

    def _finish(self, state: State, text: str = "", pcm: bytes = b"") -> None:
        assert self._kind is not None
        artefact = None
        if state == "done":
            artefact = self._artefacts.add(
                _KEPT_AS[self._kind], origin="captured", text=text, sound=Sound(pcm, HEARING_RATE)
            )
            self._outbox.send(own_events.ArtefactCreated, **artefact.as_event())
        self._tell(state, artefact)
        collected = Collected(artefact, self._kind, self._then, text, state)
        self._over()
        self._collected(collected)

    def _over(self) -> None:
        self._owed = self._speaking
        self._kind = None
        self._frames.clear()
        self._loud.clear()

    def _tell(self, state: str, artefact: Artefact | None = None) -> None:
        shown: dict[str, Any] = {}
        if artefact is not None:
            shown = {
                "artefact_id": artefact.id,
                "text": artefact.text,
                "duration_ms": artefact.duration_ms,
            }
        self._outbox.send(own_events.CaptureChanged, kind=self._kind, state=state, **shown)
