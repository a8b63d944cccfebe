"""Who plays what: the style's ensemble, with what the person wants and without what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.api import BackendError
from models.music.instruments import INSTRUMENTS, Instrument, Role, meant_by
from models.music.score import Part
from models.music.style import Style

MAX_WANTED = 12  # 15 melodic MIDI channels, less what the style itself brings
_SOLOISTS = (
    "piano", "flute", "vibraphone", "violin", "acoustic guitar", "clarinet", "harp", "synth lead", "trumpet",
    "music box", "tenor sax", "choir", "organ", "accordion",
)  # fmt: skip
_CHORD_PLAYERS = (
    "piano", "nylon guitar", "harp", "vibraphone", "organ", "harpsichord", "poly synth", "strings",
    "brass section", "choir", "accordion",
)  # fmt: skip


def _figure(style: Style, role: Role) -> str:
    """What an added instrument plays in this role."""
    return {"bass": style.bass, "comp": style.comp, "arp": style.arp}.get(role, "")


def _role(instrument: Instrument, parts: Sequence[Part]) -> Role:
    """What an added instrument does.

    A wind or a violin is added to be heard: it leads, unless who leads was asked for too. Others take the
    first place they are good at that is empty; else they join in with what they are best at.
    """
    best = instrument.roles[0]
    leaders = [part for part in parts if part.role == "lead"]
    if best == "lead" and not {"comp", "arp"} & set(instrument.roles):
        asked_for = any(part.required for part in leaders)
        return "counter" if asked_for and "counter" in instrument.roles else "lead"
    taken = {part.role for part in parts}
    return next((role for role in instrument.roles if role not in taken), best)


def _seats(style: Style, excluded: frozenset[str]) -> list[Part]:
    return [
        Part(seat.role, INSTRUMENTS[seat.instrument], seat.figure)
        for seat in style.ensemble
        if seat.instrument not in excluded
    ]


def _second_role(part: Part, parts: Sequence[Part], style: Style) -> list[Part]:
    """What a soloist does when another takes the tune: chords or a second line, or nothing."""
    if any(other.instrument == part.instrument for other in parts):
        return []  # a pianist's left hand is already there
    able: list[Role] = ["comp", "counter"]
    return [
        Part(role, part.instrument, _figure(style, role)) for role in able if role in part.instrument.roles
    ][:1]


def _add(parts: list[Part], instrument: Instrument, style: Style) -> list[Part]:
    """One bass, one drummer and one soloist are enough: a newcomer replaces one whom nobody asked for."""
    role = _role(instrument, parts)
    replaced = [p for p in parts if p.role == role and not p.required and role in ("bass", "drums", "lead")]
    remaining = [part for part in parts if part not in replaced]
    if role == "lead":
        for part in replaced:
            remaining += _second_role(part, remaining, style)
    return [*remaining, Part(role, instrument, _figure(style, role), required=True)]


def _chosen(spoken: str, style: Style) -> tuple[Instrument, frozenset[str]]:
    """What a spoken name means in this style: "guitar" is another one in jazz than in rock."""
    instrument, satisfying = meant_by(spoken)
    preferred = next((name for name in style.preferred if name in satisfying), instrument.name)
    return INSTRUMENTS[preferred], satisfying


def cast_parts(style: Style, wanted: Sequence[str], without: Sequence[str]) -> tuple[Part, ...]:
    """Give every place to an instrument.

    A name in `wanted` beats a group in `without` ("no strings, but a cello"); the same name in both is a
    contradiction. Raises `BackendError` for that, and for names that nothing is near to.
    """
    excluded: frozenset[str] = frozenset().union(*(meant_by(name)[1] for name in without))
    named = frozenset(meant_by(name)[0].name for name in without)
    if len(set(wanted)) > MAX_WANTED:
        raise BackendError(f"{len(set(wanted))} instruments are too many; ask for at most {MAX_WANTED}")
    parts = _seats(style, excluded)
    for name in wanted:
        if meant_by(name)[0].name in named:
            raise BackendError(f"{name!r} is both wanted and unwanted; ask for one or the other")
        instrument, satisfying = _chosen(name, style)
        if instrument.name in excluded:
            instrument = meant_by(name)[0]
        there = [part.instrument.name for part in parts if part.instrument.name in satisfying]
        if there:
            chosen = instrument.name if instrument.name in there else there[0]
            parts = [replace(p, required=p.required or p.instrument.name == chosen) for p in parts]
        else:
            parts = _add(parts, instrument, style)
    parts = _with_chords(parts, style, excluded)
    return tuple(_with_lead(parts, style, excluded))


def _stand_in(choices: Sequence[str], excluded: frozenset[str]) -> Instrument:
    for name in choices:
        if name not in excluded:
            return INSTRUMENTS[name]
    raise BackendError("every instrument that could carry the music is unwanted; allow at least one")


def _with_chords(parts: list[Part], style: Style, excluded: frozenset[str]) -> list[Part]:
    """If every chord player of the style was unwanted, let another instrument play what they would have."""
    seats = [seat for seat in style.ensemble if seat.role in ("comp", "arp", "pad")]
    lost = [seat for seat in seats if seat.instrument in excluded]
    if len(lost) < len(seats) or not lost or any(part.role in ("comp", "arp", "pad") for part in parts):
        return parts
    instrument = _stand_in(_CHORD_PLAYERS, excluded)
    return [*parts, Part(lost[0].role, instrument, lost[0].figure)]


def _with_lead(parts: list[Part], style: Style, excluded: frozenset[str]) -> list[Part]:
    """If the style's soloist was unwanted, somebody else takes the tune: best one who was asked for."""
    if any(part.role == "lead" for part in parts) or not any(seat.role == "lead" for seat in style.ensemble):
        return parts
    able = [part for part in parts if "lead" in part.instrument.roles]
    for part in sorted(able, key=lambda part: not part.required):
        if part.role in ("pad", "counter"):  # one line at a time
            return [*(p for p in parts if p is not part), replace(part, role="lead", figure="")]
        return [*parts, replace(part, role="lead", figure="")]
    return [*parts, Part("lead", _stand_in(_SOLOISTS, excluded), "")]
