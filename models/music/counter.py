"""Second voices: long guide tones that move as little as they can, or the tune's answer in canon."""

from __future__ import annotations

from collections.abc import Sequence

from models.music.accompaniment import note_of
from models.music.figure import Hit
from models.music.form import Place
from models.music.harmony import Changes, chord_end
from models.music.score import Note, Part, Plan
from models.music.theory import Chord, fold, nearest

_CENTRE = 62  # MIDI note around which the first of them moves; each further one lies a fourth lower
_PASSING_ENERGY = 0.5


def counter_notes(
    plan: Plan, part: Part, place: Place, bars: Sequence[Changes], rank: int, following: Chord
) -> list[Note]:
    """A second voice for the bar, with a step towards `following`, the chord after it, in every other bar.

    `rank` numbers the second voices, so that each takes another note of the chord.
    """
    instrument = part.instrument
    centre = max(instrument.low + 8, min(instrument.high - 8, _CENTRE - 5 * rank))
    low, high = max(instrument.low, centre - 10), min(instrument.high, centre + 10)
    pitch = centre
    for changes in bars[: place.bar]:  # where the line has got to
        for _, chord in changes:
            pitch = _guide_tone(chord, rank, pitch, low, high)
    notes: list[Note] = []
    for start, chord in bars[place.bar]:
        pitch = _guide_tone(chord, rank, pitch, low, high)
        end = chord_end(bars[place.bar], start, plan.metre)
        notes.append(note_of(plan, part, place, Hit(start, end - start, "x"), pitch))
    last = notes[-1]
    leads_on = place.energy > _PASSING_ENERGY and (place.bar + rank) % 2 == 0
    if leads_on and plan.beats - last.start >= 2.0:
        at = plan.beats - 1.0
        goal = _guide_tone(following, rank, pitch, low, high)
        step = _step_towards(goal, pitch, bars[place.bar][-1][1])
        notes[-1] = note_of(plan, part, place, Hit(last.start, at - last.start, "x"), pitch)
        notes.append(note_of(plan, part, place, Hit(at, 1.0, "x"), fold(step, low, high)))
    return notes


def _guide_tone(chord: Chord, rank: int, pitch: int, low: int, high: int) -> int:
    """Of the two chord notes that are this voice's, the one nearest to where it is."""
    wanted = [chord.pcs[(1 + rank + k) % len(chord.pcs)] for k in (0, 1)]
    return min((nearest(pc, pitch, low, high) for pc in wanted), key=lambda p: abs(p - pitch))


def _step_towards(goal: int, pitch: int, chord: Chord) -> int:
    """The next note of the chord's scale from `pitch` towards `goal`."""
    direction = 1 if goal >= pitch else -1
    return next(
        p for p in range(pitch + direction, pitch + 4 * direction, direction) if p % 12 in chord.scale
    )
