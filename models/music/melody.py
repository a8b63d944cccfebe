"""Melody: motifs of rhythm and contour, phrases that answer each other, chord tones where it counts.

A tune is kept in scale degrees over a section's chords, so that key, mode, style and instruments can
change under it and it stays the same tune.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from random import Random

from models.music.figure import Hit, read_figure
from models.music.score import BEATS, Tune

LOWEST, HIGHEST = -3, 10  # degrees: an octave and a half around the tonic's octave
_STEPS = ((1, 5), (-1, 5), (2, 2), (-2, 2), (0, 2))
_LEAPS = ((3, 3), (-3, 3), (4, 2), (-4, 1), (5, 1), (7, 1))


@dataclass(frozen=True, slots=True)
class TuneNote:
    """A note of the tune. `shift` is a chromatic inflection in semitones (a blue note)."""

    start: float
    length: float
    degree: int
    strong: bool
    shift: int = 0


def _contour(rng: Random, length: int, leap: float) -> list[int]:
    """Steps between successive notes; a leap is followed by a step back, as singers like it."""
    steps: list[int] = []
    for _ in range(length):
        if steps and abs(steps[-1]) >= 3:
            steps.append(-1 if steps[-1] > 0 else 1)
            continue
        choices = _LEAPS if rng.random() < leap else _STEPS
        steps.append(rng.choices([s for s, _ in choices], [w for _, w in choices])[0])
    return steps


def _to_chord(degree: int, tones: frozenset[int]) -> int:
    """The chord tone (as a degree) nearest to `degree`."""
    return min(
        (degree + d for d in (0, 1, -1, 2, -2, 3, -3) if (degree + d) % 7 in tones),
        key=lambda x: abs(x - degree),
    )


def _inside(degree: int) -> int:
    while degree > HIGHEST:
        degree -= 7
    while degree < LOWEST:
        degree += 7
    return degree


def _rhythms(tune: Tune, rng: Random) -> list[tuple[Hit, ...]]:
    """Two motifs of rhythm and a cadence: the first motif's opening, then a long note."""
    pool = [bar for text in tune.style.rhythms for bar in read_figure(text, tune.style.metre, tune.metre)]
    full = [bar for bar in pool if bar] or [(Hit(0.0, float(BEATS[tune.metre]), "x"),)]
    first = rng.choice(full)
    second = rng.choice(pool)
    middle = BEATS[tune.metre] / 2
    opening = [Hit(h.start, min(h.length, middle - h.start), h.symbol) for h in first if h.start < middle]
    rest = BEATS[tune.metre] - middle
    return [first, second, (*opening, Hit(middle, rest * 0.75, "x"))]


@lru_cache(maxsize=256)
def section_tune(
    tune: Tune, seed: int, letter: str, cycle: int, roots: tuple[tuple[tuple[float, int], ...], ...]
) -> tuple[tuple[TuneNote, ...], ...]:
    """The tune of a section.

    Args:
        tune: The style whose rhythms and leaps it has, and the metre.
        seed: The piece's seed.
        letter: Which of the piece's tunes.
        cycle: How often the form has come round: the main tune A stays, the others are made anew.
        roots: For each bar, the degrees (0 to 6) of the chords' roots and where they begin.

    Returns:
        For each bar its notes in time order; the last bar of each phrase of four comes to rest.
    """
    rng = Random(f"{seed}:{letter}:{cycle if letter != 'A' else 0}:tune")  # noqa: S311
    rhythms = _rhythms(tune, rng)
    pattern = rng.choice(("abac", "aabc", "abbc", "abac"))
    contours = {name: _contour(rng, 24, tune.style.leap) for name in "abc"}
    centre = {"A": 3, "B": 5, "C": 4, "D": 5}[letter]
    degree = centre
    on_root = False  # whether the last bar's first note doubled the bass
    bars = []
    for i, chords in enumerate(roots):
        name = pattern[i % 4]
        rhythm = rhythms["abc".index(name)]
        arch = 2.0 * math.sin(math.pi * (i + 0.5) / len(roots))
        notes = []
        for j, hit in enumerate(rhythm):
            root = [r for start, r in chords if start <= hit.start + 1e-6][-1]
            tones = frozenset((root + k) % 7 for k in (0, 2, 4))
            if j == 0:
                if hit.start == 0.0 and on_root:
                    tones -= {root}  # the bass has the root there: no octaves in parallel with it
                target = round(0.5 * degree + 0.5 * (centre + arch))
                degree = _to_chord(target, tones)
            else:
                degree += contours[name][j]
            strong = hit.start % 1.0 < 1e-6 and (hit.start % 2.0 < 1e-6 or hit.length >= 1.0)
            degree = _inside(degree)
            if strong:
                degree = _to_chord(degree, tones)
            if j == 0:
                on_root = hit.start == 0.0 and degree % 7 == root
            notes.append(TuneNote(hit.start, hit.length, degree, strong))
        if name == "c" and notes:
            last = notes[-1]
            home = frozenset({0, 2} if i == len(roots) - 1 and root in (0, 4) else {root % 7, (root + 2) % 7})
            degree = _to_chord(last.degree, home if root != 4 else frozenset({4, 1}))
            notes[-1] = TuneNote(last.start, last.length, degree, strong=True)
        bars.append(tuple(_coloured(notes, rng) if tune.style.chromatic else notes))
    return tuple(bars)


def _coloured(notes: list[TuneNote], rng: Random) -> list[TuneNote]:
    """Blue thirds and chromatic approaches on weak notes that step up into the next one."""
    result = []
    for note, after in zip_longest(notes, notes[1:]):
        approach = (
            after is not None and not note.strong and after.degree - note.degree == 1 and note.length <= 0.5
        )
        shift = 1 if approach and note.degree % 7 in (0, 1, 3, 4, 5) and rng.random() < 0.5 else 0
        result.append(TuneNote(note.start, note.length, note.degree, note.strong, shift))
    return result


def varied(notes: tuple[TuneNote, ...], seed: int, bar: int) -> tuple[TuneNote, ...]:
    """The same bar told again: long notes get a neighbour or an echo, some weak ones fall away."""
    rng = Random(f"{seed}:{bar}:variation")  # noqa: S311
    result: list[TuneNote] = []
    for i, note in enumerate(notes):
        chance = rng.random()
        if not note.strong and i and chance < 0.12:
            continue
        if note.length >= 1.0 and i + 1 < len(notes) and chance < 0.4:
            half = note.length / 2
            step = rng.choice((-1, 1, 2, 0))
            result.append(replace(note, length=half))
            result.append(TuneNote(note.start + half, half, _inside(note.degree + step), strong=False))
        else:
            result.append(note)
    return tuple(result)
