"""What is composed: notes, bars and the plan they come from. Plain values, no behaviour.

Positions and lengths are in quarter notes, counted from the bar line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.music.instruments import Instrument, Role
from models.music.style import Style
from models.music.theory import Chord, Key

Metre = Literal["4/4", "3/4", "6/8", "2/4", "5/4"]
BEATS: dict[str, int] = {"4/4": 4, "3/4": 3, "6/8": 3, "2/4": 2, "5/4": 5}  # quarter notes in a bar


@dataclass(frozen=True, slots=True)
class Part:
    """What one instrument does. `required` parts never fall silent: the person asked for them."""

    role: Role
    instrument: Instrument
    figure: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """From `bar` (0 is the first) on, the energy is this instead of what the form says."""

    bar: int
    name: str
    energy: float


@dataclass(frozen=True)
class Tune:
    """Where harmony and melody come from; it outlives a change of style, mode or instruments."""

    style: Style
    minor: bool  # which of the style's progressions
    metre: Metre


@dataclass(frozen=True)
class Plan:
    """A brief with every question answered: with a seed it determines each note."""

    style: Style
    tune: Tune
    key: Key
    tempo: float
    metre: Metre
    parts: tuple[Part, ...]
    energy: float  # added to each section's, -0.5 to 0.5
    bars: int | None
    seed: int
    story: tuple[Chapter, ...] = ()

    @property
    def beats(self) -> int:
        """Quarter notes in a bar."""
        return BEATS[self.metre]

    @property
    def bar_seconds(self) -> float:
        """Length of a bar."""
        return self.beats * 60.0 / self.tempo


@dataclass(frozen=True, slots=True)
class Note:
    """A note of one instrument. A drum's pitch is its key on the General MIDI percussion map."""

    start: float
    length: float
    pitch: int
    velocity: int
    instrument: Instrument
    role: Role


@dataclass(frozen=True)
class Bar:
    """A composed bar. `chords` are given with the position where each begins."""

    index: int  # 0 is the first
    plan: Plan
    section: str
    energy: float
    chords: tuple[tuple[float, Chord], ...]
    notes: tuple[Note, ...]
    instruments: tuple[str, ...]  # spoken names of what plays in this section
    final: bool = False
