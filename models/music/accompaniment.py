"""Accompaniment: chords struck, strummed, broken or held over a section's harmony."""

from __future__ import annotations

from collections.abc import Sequence

from models.music.figure import Hit, read_figure
from models.music.form import Place
from models.music.harmony import Changes, chord_at, chord_end, upper_structure, voicing
from models.music.score import Note, Part, Plan
from models.music.theory import Chord, fold, nearest

_THIN = 0.3  # energy below which chords are struck once and broken chords play every other note


def velocity(part: Part, place: Place, position: float, accent: float = 0.0) -> int:
    """Loudness of a note: the part's weight, the section's energy, the beat, an accent."""
    base = {"lead": 66, "counter": 54, "comp": 54, "arp": 52, "pad": 50, "bass": 64, "drums": 64}[part.role]
    beat = 5 if position < 1e-6 else 2 if position % 1.0 < 1e-6 else 0
    return max(1, min(127, round(base + 36 * place.energy + beat + accent)))


def hits_of(part: Part, plan: Plan, place: Place) -> Sequence[Hit]:
    """The part's figure in this bar."""
    bars = read_figure(part.figure, plan.style.metre, plan.metre)
    return bars[place.bar % len(bars)]


def chord_tone(chord: Chord, third: int) -> int:
    """The chord's third, fifth or seventh (1, 2, 3), or the nearest thing to it that the chord has."""
    if len(chord.pcs) == 2:
        return chord.pcs[min(third, 1)] if third != 1 else chord.pcs[0]
    return chord.pcs[min(third, len(chord.pcs) - 1)]


def note_of(plan: Plan, part: Part, place: Place, hit: Hit, pitch: int, accent: float = 0.0) -> Note:
    """The note that a part plays for a hit of its figure, cut off at the bar line."""
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
    hits: Sequence[Hit] = whole if part.role == "pad" or not part.figure else hits_of(part, plan, place)
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
        notes += [note_of(plan, part, place, hit, pitch, accent) for pitch in struck]
    return notes


def _struck(symbol: str, pitches: tuple[int, ...], chord: Chord, part: Part) -> tuple[int, ...]:
    """Which pitches a figure's symbol stands for."""
    low, high = part.instrument.low, part.instrument.high
    if symbol in "xX":
        return pitches
    if symbol in "bf":
        pc = chord.root if symbol == "b" else chord_tone(chord, 2)
        return (nearest(pc, max(low, pitches[0] - 10), low, high),)
    octave, voice = divmod(int(symbol), len(pitches))
    return (fold(pitches[voice] + 12 * octave, low, high),)
