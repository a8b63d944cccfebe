"""An edit of music: what it changed, and what it leaves as it was when the piece has to begin anew."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from models.api import MusicState
from models.plan import MusicBrief
from realtime.speaking.player import Steered


def changed(old: MusicBrief, new: MusicBrief, steered: Steered) -> dict[str, Any]:
    """What an edit changed, as facts. Key and tempo are those that the music told, not those asked for."""
    before, after = steered.before, steered.after
    facts: dict[str, Any] = {}
    if before is None or before.key != after.key:
        facts["key"] = after.key
    if before is None or round(before.tempo) != round(after.tempo):
        facts["tempo"] = round(after.tempo)
    if new.style and new.style != old.style:
        facts["style"] = new.style
    if new.metre and new.metre != old.metre:
        facts["metre"] = new.metre
    if new.density is not None and new.density != old.density:
        facts["density"] = (
            "busier" if new.density > (0.5 if old.density is None else old.density) else "sparser"
        )
    if new.bars != old.bars:
        facts["length"] = f"{new.bars} bars long" if new.bars else "until you say stop"
    for name, fact in (("mood", "mood"), ("instruments", "with"), ("without", "without")):
        if added := [item for item in getattr(new, name) if item not in getattr(old, name)]:
            facts[fact] = added
    return facts


def begun_anew(old: MusicBrief, new: MusicBrief, last: MusicState | None) -> MusicBrief:
    """The edited brief for a piece that plays no more: in the key and at the tempo that it had.

    What neither brief says, the composer chose, and might choose otherwise for other instruments: the seed
    alone keeps only the tune.
    """
    if last is None or new == old:
        return new
    tonic, _, mode = last.key.partition(" ")
    had = {"tonic": tonic, "tempo": last.tempo} | ({"mode": mode} if new.mood == old.mood else {})
    left_open = {name: value for name, value in had.items() if getattr(new, name) is None}
    try:
        return MusicBrief.model_validate(new.model_dump() | left_open)
    except ValidationError:  # another backend's way to write a key
        return new
