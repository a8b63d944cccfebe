"""What a style is, and how it is found by its spoken name. The styles themselves are in `styles.py`.

Figures are text, one character a step, `|` between the bars of a figure longer than one:

    chords   x chord  X accented  b low root  f low fifth  0-5 one voice of the chord, from below
    bass     R root  5 fifth  3 third  7 seventh  8 octave  a approach to the next root  w walk
    drums    x hit  X accented  o soft
    melody   x a note
    all      - hold  . rest

The number of steps divides the bar: 16 in a bar of four are sixteenths, 12 are triplets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.music.instruments import Role
from models.plan import Tonic

CANON = "canon"  # the figure of a second voice that answers the tune a bar later
StyleMetre = Literal["4/4", "3/4", "2/4"]


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a style's ensemble."""

    role: Role
    instrument: str
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the form. `letter` says which tune it uses; `silent` roles do not play."""

    name: str
    letter: str
    bars: int
    energy: float
    silent: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Drum:
    """One drum's figure; it joins in from this energy on."""

    key: int
    figure: str
    energy: float = 0.0


@dataclass(frozen=True)
class Style:
    """Everything a style decides when the brief leaves it open."""

    name: str
    aliases: tuple[str, ...]
    tempo: tuple[int, int]
    keys: tuple[Tonic, ...]
    minor: bool
    major_progressions: tuple[str, ...]
    minor_progressions: tuple[str, ...]
    ensemble: tuple[Seat, ...]
    form: tuple[Section, ...]
    rhythms: tuple[str, ...]  # of the melody
    drums: tuple[Drum, ...]
    metre: StyleMetre = "4/4"
    colour: Literal["power", "triad", "seventh", "ninth"] = "triad"
    swing: float = 0.5  # where the off-beat falls in its pair: 0.5 straight, 0.67 triplets
    swing_unit: float = 0.5  # 0.5 swings eighths, 0.25 sixteenths
    bass: str = "R---R---R---R---"  # for an added bass instrument
    comp: str = "x---x---x---x---"  # for an added chord instrument
    arp: str = "0.1.2.3.2.1.2.1."
    fill: Literal["toms", "snare", "brush", "none"] = "toms"
    leap: float = 0.2  # how often the tune jumps
    chromatic: bool = False  # blue notes and approach notes
    reverb: float = 0.4  # send, 0 to 1
    looseness: float = 0.006  # seconds: standard deviation of a player's timing
    moods: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()  # which guitar, bass or drums, when somebody adds "a guitar"
    trim: float = 0.0  # dB, measured (ITU-R BS.1770, three seeds), to bring the style to render.LOUDNESS
