"""Drums: a style's groove, its fills at the ends of sections, and the crash that answers them."""

from __future__ import annotations

from random import Random

from models.music.figure import read_figure
from models.music.form import Place
from models.music.score import Note, Part, Plan
from models.music.styles import (
    CLAP,
    COMPOUND,
    CONGA,
    CRASH,
    HAT,
    KICK,
    LOW_CONGA,
    OPEN,
    PEDAL,
    RIDE,
    RIM,
    SHAKER,
    SNARE,
    SOFT,
)

_FORCE = {"X": 1.0, "x": 0.8, "o": 0.5}
_TOMS = (50, 48, 47, 45, 43, 41)  # high to low
_FILL_ENERGY = 0.35  # below this a fill would tear the quiet
_CRASH_ENERGY = 0.55
_BY_HAND = {  # a percussionist without a kit
    KICK: LOW_CONGA, SNARE: CONGA, CLAP: CONGA, RIM: CONGA, HAT: SHAKER, PEDAL: SHAKER,
    OPEN: SHAKER, RIDE: SHAKER,    CRASH: 54, **dict.fromkeys(_TOMS, CONGA),
}  # fmt: skip


def _velocity(force: float, energy: float) -> int:
    return max(1, min(127, round((62 + 50 * energy) * force + 8)))


def _fill(plan: Plan, part: Part, place: Place, rng: Random, start: float) -> list[Note]:
    """Sixteenths from `start` to the bar line, growing louder."""
    kind = plan.style.fill
    steps = int((plan.beats - start) * 4)
    notes = []
    for i in range(steps):
        sparse = rng.random() < {"brush": 1.0, "snare": 0.3, "toms": 0.15}.get(kind, 0.0)
        if sparse and i % 2:
            continue
        key = _TOMS[min(i * len(_TOMS) // max(steps, 1), 5)] if kind == "toms" else SNARE
        force = 0.55 + 0.4 * i / max(steps, 1)
        notes.append(Note(start + i / 4, 0.25, key, _velocity(force, place.energy), part.instrument, "drums"))
    return notes


def drum_notes(plan: Plan, part: Part, place: Place, index: int) -> list[Note]:
    """What the drummer plays in a bar."""
    rng = Random(f"{plan.seed}:{index}:drums")  # noqa: S311
    style = plan.style
    lines = COMPOUND if plan.metre == "6/8" else style.drums or SOFT
    source = "3/4" if plan.metre == "6/8" else style.metre
    if lines is SOFT:
        source = "4/4"
    fills = place.ends_section and style.fill != "none" and place.energy >= _FILL_ENERGY and plan.beats > 2
    fill_from = (
        float(plan.beats - (2 if place.energy > 0.7 and plan.beats >= 4 else 1))
        if fills
        else float(plan.beats)
    )
    notes = []
    for i, drum in enumerate(lines):
        if i and place.energy < drum.energy:
            continue
        bars = read_figure(drum.figure, source, plan.metre)
        for hit in bars[place.bar % len(bars)]:
            if hit.start >= fill_from - 1e-6 and drum.key != KICK:
                continue
            force = _FORCE[hit.symbol]
            if force == 0.5 and place.energy < 0.45 and rng.random() < 0.4:
                continue  # ghost notes go first when it gets quiet
            notes.append(
                Note(hit.start, 0.25, drum.key, _velocity(force, place.energy), part.instrument, "drums")
            )
    if fills:
        notes += _fill(plan, part, place, rng, fill_from)
    if place.bar == 0 and index > 0 and place.energy >= _CRASH_ENERGY and style.fill in ("toms", "snare"):
        notes.append(Note(0.0, 2.0, CRASH, _velocity(0.8, place.energy), part.instrument, "drums"))
    if not notes:
        notes.append(Note(0.0, 0.25, lines[0].key, _velocity(0.7, place.energy), part.instrument, "drums"))
    return _by_hand(notes) if part.instrument.name == "hand percussion" else notes


def final_hit(plan: Plan, part: Part, place: Place) -> list[Note]:
    """The drummer's last stroke."""
    loud = plan.style.fill in ("toms", "snare")
    keys = (KICK, CRASH) if loud else (KICK, RIDE)
    notes = [Note(0.0, 1.0, key, _velocity(0.8, place.energy), part.instrument, "drums") for key in keys]
    return _by_hand(notes) if part.instrument.name == "hand percussion" else notes


def _by_hand(notes: list[Note]) -> list[Note]:
    return [
        Note(n.start, n.length, _BY_HAND.get(n.pitch, n.pitch), n.velocity, n.instrument, n.role)
        for n in notes
    ]
