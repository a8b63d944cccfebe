"""From a brief to a plan: every question that the person left open is answered here.

`resolve` answers from the style and the seed; `steer` answers from the plan that already plays, so that
only what is asked changes.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from models.music.describe import completed
from models.music.ensemble import cast_parts
from models.music.instruments import meant_by
from models.music.score import Chapter, Metre, Plan, Tune
from models.music.story import energy_of, read_story, valence_of
from models.music.style import Style
from models.music.styles import STYLES, find_style, style_named
from models.music.theory import Key
from models.plan import Mode, MusicBrief

_BY_INSTRUMENT = (
    ({"banjo"}, "country"), ({"fiddle", "accordion", "bagpipes", "whistle"}, "folk"),
    ({"harpsichord", "recorder"}, "baroque"), ({"harp", "crystal"}, "ambient"),
    ({"distorted guitar", "overdriven guitar", "power drums"}, "rock"), ({"music box"}, "music box"),
    ({"double bass", "tenor sax", "brushed drums"}, "jazz trio"), ({"nylon guitar"}, "bossa"),
    ({"808 drums", "synth bass", "electronic drums"}, "house"), ({"electric piano", "vibraphone"}, "lo-fi"),
    ({"french horn", "timpani", "choir"}, "film score"), ({"tuba", "trumpet"}, "march"),
    ({"viola", "cello", "violin"}, "string quartet"),
    ({"electric guitar"}, "rock"), ({"drums", "electric bass", "hand percussion"}, "lo-fi"),
)  # fmt: skip


def _words(brief: MusicBrief) -> str:
    return " ".join((brief.description, *brief.mood)).lower()


def _style_by_mood(words: str) -> Style | None:
    best = max(STYLES.values(), key=lambda style: sum(f" {mood} " in f" {words} " for mood in style.moods))
    return best if any(f" {mood} " in f" {words} " for mood in best.moods) else None


def _style_asked(brief: MusicBrief) -> Style | None:
    if brief.style:
        return style_named(brief.style)
    return find_style(brief.description) if brief.description else None


def _style(brief: MusicBrief, rng: Random) -> Style:
    asked = _style_asked(brief)
    if asked:
        return asked
    if brief.instruments:
        names = {meant_by(name)[0].name for name in brief.instruments}
        if names == {"piano"}:
            return STYLES["solo piano"]
        for hints, style in _BY_INSTRUMENT:
            if hints & names:
                return STYLES[style]
    by_mood = _style_by_mood(_words(brief))
    if by_mood:
        return by_mood
    return STYLES[rng.choice(("lo-fi", "solo piano", "folk", "film score", "ambient", "house"))]


def _mode(brief: MusicBrief, style: Style) -> Mode:
    if brief.mode:
        return brief.mode
    valence = valence_of(_words(brief))
    if valence:
        return "major" if valence > 0 else "minor"
    return "minor" if style.minor else "major"


def _tempo(brief: MusicBrief, style: Style, rng: Random) -> float:
    if brief.tempo is not None:
        return brief.tempo
    low, high = style.tempo
    words = _words(brief)
    position = min(1.0, max(0.0, rng.uniform(0.3, 0.7) + energy_of(words)))
    if "slow" in words:
        position -= 0.6
    elif "fast" in words or "quick" in words:
        position += 0.6
    return float(min(300, max(30, round(low + position * (high - low)))))


def _energy(brief: MusicBrief) -> float:
    if brief.density is not None:
        return brief.density - 0.5
    return energy_of(_words(brief))


def resolve(brief: MusicBrief, seed: int) -> Plan:
    """Plan a new piece. Raises `BackendError` for an unknown style or instrument, or a contradiction."""
    brief = completed(brief)
    rng = Random(f"{seed}:plan")  # noqa: S311  a piece must be repeatable, not secret
    style = _style(brief, rng)
    metre: Metre = brief.metre or style.metre
    home = rng.choice(style.keys)
    key = Key(brief.tonic or home, _mode(brief, style))
    return Plan(
        style=style,
        tune=Tune(style, key.is_minor, metre),
        key=key,
        tempo=_tempo(brief, style, rng),
        metre=metre,
        parts=cast_parts(style, brief.instruments, brief.without),
        energy=_energy(brief),
        bars=brief.bars,
        seed=seed,
        story=read_story(brief.description),
    )


def steer(plan: Plan, brief: MusicBrief, bar: int) -> Plan:
    """Change the plan into what `brief` says, from `bar` on; tune, tempo and key stay unless it names others.

    The ensemble is the style's, with what the brief adds and leaves out. A length that has already gone by
    ends the piece with the next bar. Raises `BackendError` as `resolve` does.
    """
    brief = completed(brief)
    style = _style_asked(brief) or plan.style
    metre: Metre = brief.metre or plan.metre
    mode = brief.mode
    if mode is None and valence_of(" ".join(brief.mood).lower()):
        mode = "minor" if valence_of(" ".join(brief.mood).lower()) < 0 else "major"
        mode = plan.key.mode if (mode == "minor") == plan.key.is_minor else mode
    asks_energy = brief.density is not None or energy_of(_words(brief)) != 0
    story = read_story(brief.description)
    if _since_its_start(story) == _since_its_start(plan.story):
        story = ()  # an edit repeats what was said before: the story that is being told goes on
    return replace(
        plan,
        style=style,
        tune=replace(plan.tune, metre=metre),
        key=Key(brief.tonic or plan.key.tonic, mode or plan.key.mode),
        tempo=brief.tempo or plan.tempo,
        metre=metre,
        parts=cast_parts(style, brief.instruments, brief.without),
        energy=_energy(brief) if asks_energy else plan.energy,
        bars=None if brief.bars is None else max(brief.bars, bar + 1),
        story=tuple(replace(c, bar=c.bar + bar) for c in story) or plan.story,
    )


def _since_its_start(story: tuple[Chapter, ...]) -> list[tuple[int, str]]:
    """When each chapter comes after the first, and its name."""
    return [(chapter.bar - story[0].bar, chapter.name) for chapter in story]
