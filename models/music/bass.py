"""Bass lines: a style's figure over the chords, walking where it walks, leading into what follows."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from models.music.accompaniment import chord_tone, hits_of, note_of
from models.music.figure import Hit
from models.music.form import Place
from models.music.harmony import Changes, chord_at, chord_end
from models.music.score import Note, Part, Plan
from models.music.theory import Chord, fold, nearest

_SPAN = 17  # semitones above its lowest note that a bass line uses
_THIRD, _FIFTH, _SEVENTH = 1, 2, 3
_TONES = {"3": _THIRD, "5": _FIFTH, "7": _SEVENTH}


def bass_notes(plan: Plan, part: Part, place: Place, bars: Sequence[Changes], following: Chord) -> list[Note]:
    """A bass line for the bar; `following` is the first chord after it, which approach notes lead to."""
    rng = Random(f"{plan.seed}:{place.first + place.bar}:{part.instrument.name}")  # noqa: S311
    low, high = part.instrument.low, min(part.instrument.high, part.instrument.low + _SPAN)
    changes = bars[place.bar]
    hits = hits_of(part, plan, place)
    notes: list[Note] = []
    previous = nearest(changes[0][1].root, low + 8, low, high)
    for i, hit in enumerate(hits):
        chord = chord_at(changes, hit.start)
        end = chord_end(changes, hit.start, plan.metre)
        after = chord_at(changes, end) if end < plan.beats else following
        if hit.symbol == "w":
            last = i + 1 == len(hits) or hits[i + 1].start >= end - 1e-6
            target = nearest(after.root, previous, low, high)
            pitch = _walk(chord, previous, target, last, rng)
        elif hit.symbol == "a":
            pitch = _approach(chord, nearest(after.root, previous, low, high), plan.style.chromatic, rng)
        else:
            pitch = _tone(chord, hit.symbol, low, high)
        if hit.symbol != "a" and _begins_chord(changes, hit):
            pitch = _tone(chord, "R", low, high)
        previous = fold(pitch, low, high)
        notes.append(note_of(plan, part, place, hit, previous))
    return notes


def _begins_chord(changes: Changes, hit: Hit) -> bool:
    return any(abs(start - hit.start) < 1e-6 for start, _ in changes)


def _tone(chord: Chord, symbol: str, low: int, high: int) -> int:
    """Root, octave, third, fifth or seventh, near the bottom of the range."""
    root = nearest(chord.root, low + 7, low, high)
    if symbol in _TONES:
        return nearest(chord_tone(chord, _TONES[symbol]), root + 4, low, high)
    return root + 12 if symbol == "8" and root + 12 <= high else root


def _approach(chord: Chord, target: int, chromatic: bool, rng: Random) -> int:
    """A neighbour of the note to come: of the scale, or by a half step where the style likes it."""
    if chromatic or target % 12 not in chord.scale:
        return target + rng.choice((-1, -2, 1, 2))
    below = chord.scale[(chord.scale.index(target % 12) - 1) % 7]
    return target - (target - below) % 12


def _walk(chord: Chord, previous: int, target: int, last: bool, rng: Random) -> int:
    """The next quarter of a walking bass: along the chord and its scale, landing beside the next root."""
    if last:
        return target + rng.choice((-1, 1, -1, 2))
    direction = 1 if target > previous or (target == previous and rng.random() < 0.5) else -1
    choices = [previous + direction * step for step in (1, 2, 3, 4, 5)]
    tones = [p for p in choices if p % 12 in chord.pcs]
    steps = [p for p in choices if p % 12 in chord.scale]
    if tones and rng.random() < 0.6:
        return tones[0]
    return steps[0] if steps else previous + direction * 2
