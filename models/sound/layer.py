"""What a layer of sound is: the typed outcome of parsing, and what a kind is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from models.sound.dsp import Random, Samples


@dataclass(frozen=True, slots=True)
class Layer:
    """One sound of a scene and how it is to be. The defaults are what a bare word means."""

    kind: str
    surface: str = ""  # what it falls, knocks, treads or blows on: "tin", "gravel"; others are ignored
    intensity: float = 0.0  # -1 very light to 1 very heavy
    distance: float = 0.0  # -1 very near, 0 as recorded, 1 far away
    pan: float = 0.0  # -1 left to 1 right
    pace: float = 1.0  # times the natural speed
    count: int | None = None  # how often an event happens
    stage: int = 0  # "knocks, then a bell": the bell is of stage 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the catalogue. `make` yields stereo blocks: for ever (texture), until it is over (event)."""

    name: str
    make: Callable[[Layer, Random], Iterator[Samples]]
    gain: float  # dB that brings it to -20 dBFS RMS (a texture) or -16 dBFS in its loudest 400 ms (an event)
    texture: bool = True
    pause: tuple[float, float] = (
        2.0,
        4.0,
    )  # seconds between an event's end and its recurrence over a texture
    room: float = 0.0  # how much of the room is heard, 0 to 1
    surfaces: tuple[str, ...] = ()  # those it knows
    words: str = ""  # what else a person calls it: phrases with commas between

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything it is called, its name first."""
        return (self.name, *(word for word in self.words.split(", ") if word))
