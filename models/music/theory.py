"""Keys, scales and chords: the small part of music theory that the composer computes with.

A pitch class (`pc`) is 0 to 11 with C = 0; a pitch is a MIDI note number with middle C = 60. A degree
counts scale steps from the tonic, 0 being the tonic and 7 the tonic an octave higher, so that a tune kept
in degrees survives a change of key or mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from models.plan import Mode, Tonic

PITCH_CLASS: dict[str, int] = {
    "C": 0, "C#": 1, "Db": 1, "D": 2, "D#": 3, "Eb": 3, "E": 4, "F": 5, "F#": 6, "Gb": 6,
    "G": 7, "G#": 8, "Ab": 8, "A": 9, "A#": 10, "Bb": 10, "B": 11,
}  # fmt: skip
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SCALES: dict[Mode, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
# Fifths between the mode's tonic and that of the major key with the same signature.
_SIGNATURE_SHIFT: dict[Mode, int] = {
    "lydian": 1, "major": 0, "mixolydian": -1, "dorian": -2, "minor": -3, "phrygian": -4,
}  # fmt: skip
_LETTERS_IN_FIFTHS = "FCGDAEB"


@dataclass(frozen=True)
class Key:
    """A tonic as it is written, and a mode."""

    tonic: Tonic
    mode: Mode

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode}"

    @property
    def pc(self) -> int:
        """Pitch class of the tonic."""
        return PITCH_CLASS[self.tonic]

    @property
    def is_minor(self) -> bool:
        """Whether the third above the tonic is minor."""
        return SCALES[self.mode][2] == 3

    @cached_property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes, tonic first."""
        return tuple((self.pc + step) % 12 for step in SCALES[self.mode])

    @property
    def fifths(self) -> int:
        """Sharps (positive) or flats (negative) of the key signature."""
        accidental = self.tonic.count("#") - self.tonic[1:].count("b")
        return _LETTERS_IN_FIFTHS.index(self.tonic[0]) - 1 + 7 * accidental + _SIGNATURE_SHIFT[self.mode]

    def name(self, pc: int) -> str:
        """Spell a pitch class the way this key does."""
        return (SHARPS if self.fifths > 0 else FLATS)[pc % 12]


@dataclass(frozen=True)
class Chord:
    """A chord in a key. `pcs` has the root first, then upwards in thirds.

    `scale` is the key's scale bent to the chord: in A minor under E7 its seventh degree is G sharp.
    """

    degree: int  # of the root, 0 to 6
    pcs: tuple[int, ...]
    symbol: str
    scale: tuple[int, ...]

    @property
    def root(self) -> int:
        """Pitch class of the root."""
        return self.pcs[0]

    @property
    def consonant(self) -> frozenset[int]:
        """Pitch classes that a tune may rest on: the chord's own, and the third that a power chord lacks."""
        return frozenset(self.pcs) | {self.scale[(self.degree + 2) % 7]}

    def pitch(self, degree: int, octave_base: int) -> int:
        """The pitch of a scale degree; degree 0 is the first tonic at or above MIDI note `octave_base`."""
        tonic = octave_base + (self.scale[0] - octave_base) % 12
        octave, step = divmod(degree, 7)
        return tonic + 12 * octave + (self.scale[step] - self.scale[0]) % 12


_SYMBOLS: dict[tuple[int, ...], str] = {
    (0, 4, 7): "", (0, 3, 7): "m", (0, 3, 6): "dim", (0, 4, 8): "aug", (0, 7): "5",
    (0, 4, 7, 10): "7", (0, 4, 7, 11): "maj7", (0, 3, 7, 10): "m7", (0, 3, 6, 10): "m7b5",
    (0, 3, 6, 9): "dim7", (0, 4, 7, 10, 2): "9", (0, 4, 7, 11, 2): "maj9", (0, 3, 7, 10, 2): "m9",
    (0, 4, 7, 10, 1): "7b9", (0, 3, 7, 10, 1): "m7b9", (0, 3, 6, 10, 1): "m7b5", (0, 4, 7, 11, 1): "maj7",
}  # fmt: skip
VOICES = {"power": 2, "triad": 3, "seventh": 4, "ninth": 5}


def build_chord(key: Key, degree: int, colour: str, dominant: bool) -> Chord:
    """Stack thirds of the key's scale on `degree` (0 to 6).

    `colour` is a name in VOICES. A `dominant` chord gets a major third and, above a triad, a minor
    seventh whatever the mode says. A diminished triad, which sounds like an accident outside jazz, is
    replaced by the chord a third below that shares two of its notes.
    """
    voices = VOICES[colour]
    steps = [(key.scale[(degree + 2 * i) % 7] - key.scale[degree]) % 12 for i in range(5)]
    if steps[2] == 6 and voices <= 3 and not dominant:
        return build_chord(key, (degree - 2) % 7, colour, dominant=False)
    if dominant:
        steps[1:4] = [4, 7, 10]
    if colour == "power":
        steps = [0, 7]
    elif dominant and colour == "triad":
        voices = 3 if key.is_minor else 4
    intervals = tuple(steps[:voices])
    if voices == 5 and steps[4] == 1 and not dominant:
        intervals = intervals[:4]  # a flat ninth over a minor chord grates: leave it out
    root = key.scale[degree]
    pcs = tuple((root + i) % 12 for i in intervals)
    scale = list(key.scale)
    for position, pc in enumerate(pcs):
        scale[(degree + 2 * position) % 7] = pc if colour != "power" else scale[(degree + 2 * position) % 7]
    return Chord(degree, pcs, key.name(root) + _SYMBOLS.get(intervals, ""), tuple(scale))


def nearest(pc: int, pitch: int, low: int, high: int) -> int:
    """The pitch of class `pc` that is closest to `pitch` within [low, high] (at least an octave wide)."""
    best = pitch + (pc - pitch + 6) % 12 - 6
    while best < low:
        best += 12
    while best > high:
        best -= 12
    return best


def fold(pitch: int, low: int, high: int) -> int:
    """Move a pitch by octaves into [low, high] (at least an octave wide)."""
    return nearest(pitch % 12, pitch, low, high)
