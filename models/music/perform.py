"""Performance: from notes on a grid to moments in time, with swing, strums and human looseness.

Timing errors only delay, so that a bar never reaches back over its own bar line, where steering cuts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

from models.music.instruments import Instrument
from models.music.score import Bar, Note

_STRUM_S = 0.014  # between neighbouring strings
_VELOCITY_SD = 3.0


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note in time: seconds from the bar line."""

    start: float
    end: float
    pitch: int
    velocity: int
    instrument: Instrument


def swung(position: float, swing: float, unit: float) -> float:
    """Where a grid position falls when the second of each pair of `unit`s comes at `swing` of the pair."""
    pair = 2 * unit
    base = position // pair * pair
    inside = (position - base) / pair
    bent = inside * 2 * swing if inside <= 0.5 else swing + (inside - 0.5) * 2 * (1 - swing)
    return base + bent * pair


def perform(bar: Bar) -> list[Sounding]:
    """Play a bar, in time order. The same bar always comes out the same."""
    plan = bar.plan
    style = plan.style
    rng = Random(f"{plan.seed}:{bar.index}:feel")  # noqa: S311
    swing = 0.5 if plan.metre == "6/8" else style.swing
    beat = 60.0 / plan.tempo
    strings: dict[tuple[Instrument, float], int] = defaultdict(int)
    latest: dict[tuple[Instrument, float], float] = {}
    result = []
    for note in bar.notes:
        chord = (note.instrument, note.start)
        if chord not in latest:  # one player's hands move together
            latest[chord] = abs(rng.gauss(0.0, style.looseness)) if note.start > 0 else 0.0
        start = swung(note.start, swing, style.swing_unit) * beat + latest[chord]
        if "guitars" in note.instrument.families or "harp" in note.instrument.name:
            start += strings[chord] * _STRUM_S
            strings[chord] += 1
        end = max(start + 0.05, swung(note.start + note.length, swing, style.swing_unit) * beat)
        result.append(Sounding(start, end, note.pitch, _velocity(note, rng), note.instrument))
    return sorted(result, key=lambda s: s.start)


def _velocity(note: Note, rng: Random) -> int:
    return max(1, min(127, round(note.velocity + rng.gauss(0.0, _VELOCITY_SD))))
