"""Form: which section a bar belongs to, and how much happens there."""

from __future__ import annotations

from dataclasses import dataclass

from models.music.score import Plan
from models.music.style import Section

_ROOM_FOR_INTRO = 16  # a piece shorter than this many bars begins with its theme


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bar stands in the form: `bar` counts from 0 inside the section, which began at `first`."""

    section: Section
    bar: int
    first: int
    name: str
    energy: float
    last_of_piece: bool
    cycle: int  # how often the form has come round before
    repeat: int  # how often this tune was heard before in this round

    @property
    def ends_section(self) -> bool:
        """Whether the next bar belongs to another section."""
        return self.bar == self.section.bars - 1

    @property
    def ends_phrase(self) -> bool:
        """Whether a phrase of four bars ends here."""
        return self.bar % 4 == 3 or self.ends_section


def place(plan: Plan, index: int) -> Place:
    """Find bar `index` (0 is the first). After the last section the form repeats without its intro."""
    form = plan.tune.style.form
    body = tuple(section for section in form if section.name != "intro")
    short = plan.bars is not None and plan.bars < _ROOM_FOR_INTRO
    sections = body if short or plan.story else form  # a story has its own beginning
    total = sum(section.bars for section in sections)
    offset, first, cycle = index, 0, 0
    if index >= total:
        length = sum(section.bars for section in body)
        cycle, offset = divmod(index - total, length)
        first, sections, cycle = total + cycle * length, body, cycle + 1
    repeat = 0
    for i, section in enumerate(sections):
        if offset < section.bars:
            repeat = sum(
                before.letter == section.letter and "lead" not in before.silent for before in sections[:i]
            )
            break
        offset -= section.bars
        first += section.bars
    energy, name = section.energy + 0.8 * plan.energy, section.name
    for chapter in plan.story:
        if index >= chapter.bar:
            energy, name = chapter.energy, chapter.name
    final = plan.bars is not None and index >= plan.bars - 1
    return Place(
        section, offset, first, "ending" if final else name, min(1.0, max(0.1, energy)), final, cycle, repeat
    )
