"""Accompaniment: bass lines, chords, broken chords, pads and second voices over a section's harmony."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from models.music.figure import Hit, read_figure
from models.music.form import Place
from models.music.harmony import Changes, chord_at, chord_end, upper_structure, voicing
from models.music.score import Note, Part, Plan
from models.music.theory import Chord, fold, nearest

_BASS_SPAN = 17  # semitones above its lowest note that a bass line uses
_THIN = 0.3  # energy below which chords are struck once and broken chords play every other note


def velocity(part: Part, place: Place, position: float, accent: float = 0.0) -> int:
    """Loudness of a note: the part's weight, the section's energy, the beat, an accent."""
    base = {"lead": 66, "counter": 54, "comp": 54, "arp": 52, "pad": 50, "bass": 64, "drums": 64}[part.role]
    beat = 5 if position < 1e-6 else 2 if position % 1.0 < 1e-6 else 0
    return max(1, min(127, round(base + 36 * place.energy + beat + accent)))


def _hits(part: Part, plan: Plan, place: Place) -> Sequence[Hit]:
    bars = read_figure(part.figure, plan.style.metre, plan.metre)
    return bars[place.bar % len(bars)]


def _tone(chord: Chord, third: int) -> int:
    """The chord's third, fifth or seventh (1, 2, 3), or the nearest thing to it that the chord has."""
    if len(chord.pcs) == 2:
        return chord.pcs[min(third, 1)] if third != 1 else chord.pcs[0]
    return chord.pcs[min(third, len(chord.pcs) - 1)]


def bass_notes(plan: Plan, part: Part, place: Place, bars: Sequence[Changes], following: Chord) -> list[Note]:
    """A bass line for the bar; `following` is the first chord after it, which approach notes lead to."""
    rng = Random(f"{plan.seed}:{place.first + place.bar}:{part.instrument.name}")  # noqa: S311
    low, high = part.instrument.low, min(part.instrument.high, part.instrument.low + _BASS_SPAN)
    changes = bars[place.bar]
    hits = _hits(part, plan, place)
    notes: list[Note] = []
    previous = nearest(changes[0][1].root, low + 8, low, high)
    for i, hit in enumerate(hits):
        chord = chord_at(changes, hit.start)
        home = nearest(chord.root, low + 7, low, high)
        changed = any(abs(start - hit.start) < 1e-6 for start, _ in changes)
        end = chord_end(changes, hit.start, plan.metre)
        target = nearest(
            (chord_at(changes, end) if end < plan.beats else following).root, previous, low, high
        )
        if hit.symbol == "R" or (changed and hit.symbol in "w538"):
            pitch = home
        elif hit.symbol == "w":
            near_end = i + 1 == len(hits) or hits[i + 1].start >= end - 1e-6
            pitch = _walk(chord, previous, target, near_end, rng)
        elif hit.symbol == "8":
            pitch = home + 12 if home + 12 <= high else home
        elif hit.symbol == "a":
            pitch = target + rng.choice((-1, -2, 1, 2) if plan.style.chromatic else (-2, 2))
            if not plan.style.chromatic:
                pitch = (
                    nearest(chord.scale[(chord.scale.index(target % 12) - 1) % 7], target, low, high)
                    if target % 12 in chord.scale
                    else pitch
                )
        else:
            pitch = nearest(_tone(chord, {"3": 1, "5": 2, "7": 3}[hit.symbol]), home + 4, low, high)
        pitch = fold(pitch, low, high)
        notes.append(_note(plan, part, place, hit, pitch))
        previous = pitch
    return notes


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


def _note(plan: Plan, part: Part, place: Place, hit: Hit, pitch: int, accent: float = 0.0) -> Note:
    length = min(hit.length, plan.beats - hit.start) * 0.96
    return Note(
        hit.start, length, pitch, velocity(part, place, hit.start, accent), part.instrument, part.role
    )


def _register(part: Part, shares_lead: bool) -> tuple[int, int, int]:
    """Centre and bounds of a chord part: around middle C, lower under a tune on the same keyboard."""
    instrument = part.instrument
    wish = {"pad": 60, "arp": 62}.get(part.role, 58) - (7 if shares_lead else 0)
    if "guitars" in instrument.families:
        wish = 55
    centre = max(instrument.low + 9, min(instrument.high - 9, wish))
    return centre, max(instrument.low, centre - 14), min(instrument.high, centre + 14)


def _voicings(
    part: Part, bars: Sequence[Changes], upto: int, with_bass: bool, voices: int, shares_lead: bool
) -> list[tuple[int, ...]]:
    """Voice-lead from the section's first chord to the last of bar `upto`; the chords of that bar."""
    centre, low, high = _register(part, shares_lead)
    before: tuple[int, ...] = ()
    result: list[tuple[int, ...]] = []
    for i, changes in enumerate(bars[: upto + 1]):
        for _, chord in changes:
            before = voicing(upper_structure(chord, with_bass, voices), before, centre, low, high)
            if i == upto:
                result.append(before)
    return result


def chord_notes(plan: Plan, part: Part, place: Place, bars: Sequence[Changes]) -> list[Note]:
    """Chords struck, strummed, broken or held, as the part's figure and the section's energy have it."""
    with_bass = any(p.role == "bass" for p in plan.parts)
    shares_lead = any(p.role == "lead" and p.instrument == part.instrument for p in plan.parts)
    voices = 4 if part.role in ("comp", "arp") else 3
    changes = bars[place.bar]
    chords = _voicings(part, bars, place.bar, with_bass, voices, shares_lead)
    starts = [start for start, _ in changes]
    whole = [Hit(s, chord_end(changes, s, plan.metre) - s, "x") for s in starts]
    thin = place.energy < _THIN and not part.required
    hits: Sequence[Hit] = whole if part.role == "pad" or not part.figure else _hits(part, plan, place)
    if thin and part.role == "comp" and hits:
        hits = whole[:1]
    notes = []
    for i, hit in enumerate(hits):
        if thin and part.role == "arp" and i % 2:
            continue
        pitches = chords[max(j for j, start in enumerate(starts) if start <= hit.start + 1e-6)]
        chord = chord_at(changes, hit.start)
        accent = 8.0 if hit.symbol == "X" else 0.0
        struck = _struck(hit.symbol, pitches, chord, part)
        notes += [_note(plan, part, place, hit, pitch, accent) for pitch in struck]
    return notes


def _struck(symbol: str, pitches: tuple[int, ...], chord: Chord, part: Part) -> tuple[int, ...]:
    """Which pitches a figure's symbol stands for."""
    low, high = part.instrument.low, part.instrument.high
    if symbol in "xX":
        return pitches
    if symbol in "bf":
        pc = chord.root if symbol == "b" else _tone(chord, 2)
        return (nearest(pc, max(low, pitches[0] - 10), low, high),)
    octave, voice = divmod(int(symbol), len(pitches))
    return (fold(pitches[voice] + 12 * octave, low, high),)


def counter_notes(
    plan: Plan, part: Part, place: Place, bars: Sequence[Changes], rank: int, following: Chord
) -> list[Note]:
    """A second voice: long guide tones that move as little as they can, with a step into the next bar.

    `rank` numbers the second voices, so that each takes another note of the chord.
    """
    instrument = part.instrument
    centre = max(instrument.low + 8, min(instrument.high - 8, 62 - 5 * rank))
    low, high = max(instrument.low, centre - 10), min(instrument.high, centre + 10)
    pitch = centre
    notes: list[Note] = []
    for i, changes in enumerate(bars[: place.bar + 1]):
        for start, chord in changes:
            wanted = [chord.pcs[(1 + rank + k) % len(chord.pcs)] for k in (0, 1)]
            before, pitch = (
                pitch,
                min((nearest(pc, pitch, low, high) for pc in wanted), key=lambda p: abs(p - pitch)),
            )
            if i == place.bar:
                length = chord_end(changes, start, plan.metre) - start
                passing = place.energy > 0.5 and length >= 2.0 and (place.bar + rank) % 2 == 0
                held = Hit(start, length - 1.0 if passing else length, "x")
                notes.append(_note(plan, part, place, held, pitch))
                if passing:
                    goal = nearest(following.pcs[min(1 + rank % 2, len(following.pcs) - 1)], pitch, low, high)
                    toward = pitch + (1 if goal >= pitch else -1)
                    toward += 0 if toward % 12 in chord.scale else (1 if goal >= pitch else -1)
                    notes.append(
                        _note(plan, part, place, Hit(start + length - 1.0, 1.0, "x"), fold(toward, low, high))
                    )
            del before
    return notes
