"""The composer's heart: a plan and a bar number give a bar, always the same one.

Nothing is remembered between bars, so any bar can be composed at any time, and a steered piece goes on at
bar `n` of its new plan as if it had been so from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from models.music.accompaniment import chord_notes, velocity
from models.music.bass import bass_notes
from models.music.brief import resolve, steer
from models.music.counter import counter_notes
from models.music.drums import drum_notes, final_hit
from models.music.form import Place, place
from models.music.harmony import Changes, chord_at, dominant_chord, section_chords, tonic_chord, voicing
from models.music.melody import TuneNote, section_tune, varied
from models.music.score import Bar, Note, Part, Plan
from models.music.style import CANON
from models.music.theory import Chord, fold, nearest
from models.plan import MusicBrief


def _changes(plan: Plan, here: Place, index: int) -> list[Changes]:
    """The section's chords, with a cadence where the piece ends."""
    bars = list(section_chords(plan, here.section.letter, here.section.bars))
    if here.last_of_piece:
        bars[here.bar] = ((0.0, tonic_chord(plan)),)
    elif plan.bars is not None and index == plan.bars - 2:
        bars[here.bar] = ((0.0, dominant_chord(plan)),)
    return bars


def _plays(part: Part, here: Place) -> bool:
    if part.required or here.last_of_piece:
        return True
    if here.name == "intro" or part.role in here.section.silent:
        return part.role not in here.section.silent
    # In the quiet, the inner parts leave first.
    return here.energy >= {"counter": 0.35, "pad": 0.15}.get(part.role, 0.0)


def _tune(plan: Plan, here: Place, bar: int) -> tuple[TuneNote, ...]:
    """The tune in a bar of the section; told again it varies, from the phrase's second bar on."""
    letter, length = here.section.letter, here.section.bars
    roots = tuple(
        tuple((start, chord.degree) for start, chord in changes)
        for changes in section_chords(plan, letter, length)
    )
    notes = section_tune(plan.tune, plan.seed, letter, here.cycle, roots)[bar]
    told_again = here.repeat > 0 or here.cycle > 0
    return varied(notes, plan.seed, here.first + bar) if told_again and bar % 4 else notes


def _lead(plan: Plan, part: Part, here: Place, bars: Sequence[Changes]) -> list[Note]:
    instrument = part.instrument
    centre = max(instrument.low + 11, min(instrument.high - 8, 72))
    notes = []
    for note in _tune(plan, here, here.bar):
        if here.energy < 0.3 and not note.strong and note.length <= 0.5:
            continue  # fewer words when it is quiet
        notes.append(_sung(plan, part, here, note, chord_at(bars[here.bar], note.start), centre))
    return notes


def _canon(plan: Plan, part: Part, here: Place, bars: Sequence[Changes]) -> list[Note]:
    """A second voice that answers a bar later, lower; each note yields to the harmony of now."""
    instrument = part.instrument
    centre = max(instrument.low + 11, min(instrument.high - 11, 65))
    answer = _tune(plan, here, here.bar - 1) if here.bar else ()
    return [
        _sung(
            plan,
            part,
            here,
            replace(note, strong=note.length >= 0.5, shift=0),
            chord_at(bars[here.bar], note.start),
            centre,
        )
        for note in answer
    ]


def _sung(plan: Plan, part: Part, here: Place, note: TuneNote, chord: Chord, centre: int) -> Note:
    low, high = part.instrument.low, part.instrument.high
    pitch = chord.pitch(note.degree, centre - 10) + note.shift
    if note.strong and not note.shift and pitch % 12 not in chord.consonant:
        # The tune was made over other chords (a cadence, another style): yield by a step at most.
        near = min((nearest(pc, pitch, low, high) for pc in chord.consonant), key=lambda p: abs(p - pitch))
        pitch = near if abs(near - pitch) <= 2 else pitch
    length = min(note.length, plan.beats - note.start) * 0.93
    accent = 4.0 if note.strong else 0.0
    return Note(
        note.start,
        length,
        fold(pitch, low, high),
        velocity(part, here, note.start, accent),
        part.instrument,
        part.role,
    )


def _last_chord(plan: Plan, part: Part, here: Place) -> list[Note]:
    """How a part ends the piece: the tonic chord, once, held."""
    if part.role == "drums":
        return final_hit(plan, part, here)
    chord, low, high = tonic_chord(plan), part.instrument.low, part.instrument.high
    if part.role == "bass":
        pitches: tuple[int, ...] = (nearest(chord.root, low + 7, low, high),)
    elif part.role == "lead":
        centre = max(low + 11, min(high - 11, 72))
        pitches = (fold(chord.pitch(0, centre - 6), low, high),)
    elif part.role == "counter":
        pitches = (nearest(chord.pcs[1], (low + high) // 2, low, high),)
    else:
        centre = max(low + 9, min(high - 9, 58))
        pitches = voicing(chord.pcs, (), centre, max(low, centre - 14), min(high, centre + 14))
    loud = velocity(part, here, 0.0)
    return [Note(0.0, plan.beats * 0.98, pitch, loud, part.instrument, part.role) for pitch in pitches]


def _part_notes(plan: Plan, part: Part, here: Place, index: int, bars: Sequence[Changes]) -> list[Note]:
    if here.last_of_piece:
        return _last_chord(plan, part, here)
    if part.role == "drums":
        return drum_notes(plan, part, here, index)
    if part.role == "lead":
        return _lead(plan, part, here, bars)
    if part.role in ("bass", "counter"):
        after = place(plan, index + 1)
        following = _changes(plan, after, index + 1)[after.bar][0][1]
        if part.role == "bass":
            return bass_notes(plan, part, here, bars, following)
        if part.figure == CANON and here.bar:
            return _canon(plan, part, here, bars)
        rank = [p for p in plan.parts if p.role == "counter"].index(part)
        return counter_notes(plan, part, here, bars, rank, following)
    return chord_notes(plan, part, here, bars)


def _opening(notes: list[Note], plan: Plan, here: Place, chord: Chord) -> list[Note]:
    """The root at once, if the first bar would begin with a rest: somebody is waiting to hear it start."""
    if any(note.start < 1e-6 for note in notes):
        return []
    pitched = [part for part in plan.parts if part.role != "drums"]
    if not pitched:
        return []
    part = next((p for p in pitched if p.role in ("bass", "comp", "arp")), pitched[0])
    low, high = part.instrument.low, part.instrument.high
    pitch = nearest(chord.root, min(high - 6, max(low + 7, 48)), low, high)
    return [Note(0.0, 1.0, pitch, velocity(part, here, 0.0), part.instrument, part.role)]


def compose_bar(plan: Plan, index: int) -> Bar:
    """Compose bar `index` (0 is the first) of the plan's piece."""
    here = place(plan, index)
    bars = _changes(plan, here, index)
    playing = [part for part in plan.parts if _plays(part, here)] or list(plan.parts)
    notes = [note for part in playing for note in _part_notes(plan, part, here, index, bars)]
    if index == 0:
        notes += _opening(notes, plan, here, bars[here.bar][0][1])
    return Bar(
        index=index,
        plan=plan,
        section=here.name,
        energy=here.energy,
        chords=bars[here.bar],
        notes=tuple(sorted(notes, key=lambda note: (note.start, note.pitch))),
        instruments=tuple(dict.fromkeys(part.instrument.name for part in playing)),
        final=here.last_of_piece,
    )


class Piece:
    """A piece being played: the next bar, and the plan that it will come from."""

    def __init__(self, brief: MusicBrief, seed: int) -> None:
        self.plan = resolve(brief, seed)
        self.next_bar = 0
        self.finished = False

    def steer(self, brief: MusicBrief) -> None:
        """Let the bars from the next one on be what `brief` says. Raises `BackendError`, changing nothing."""
        self.plan = steer(self.plan, brief, self.next_bar)

    def advance(self) -> Bar:
        """Compose the next bar. The one marked `final` is the last."""
        bar = compose_bar(self.plan, self.next_bar)
        self.next_bar += 1
        self.finished = bar.final
        return bar


def compose(
    brief: MusicBrief, seed: int, bars: int, steering: Sequence[tuple[int, MusicBrief]] = ()
) -> Iterator[Bar]:
    """The first `bars` bars of a piece, as played when each brief of `steering` came before its bar.

    This repeats exactly what a stream has played, so a score or a MIDI file needs nothing recorded but
    the briefs. `steering` holds (bar index from 0, brief) in order.
    """
    piece = Piece(brief, seed)
    waiting = list(steering)
    while piece.next_bar < bars and not piece.finished:
        while waiting and waiting[0][0] <= piece.next_bar:
            piece.steer(waiting.pop(0)[1])
        yield piece.advance()
