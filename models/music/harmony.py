"""Harmony: the chords of a section, and how an instrument with several voices moves between them."""

from __future__ import annotations

from functools import lru_cache

from models.music.score import BEATS, Metre, Plan, Tune
from models.music.theory import Chord, Key, build_chord, nearest

Changes = tuple[tuple[float, Chord], ...]  # the chords of a bar with the quarter note where each begins


def _middle(metre: Metre) -> float:
    """Where a second chord enters."""
    return {"4/4": 2.0, "3/4": 2.0, "6/8": 1.5, "2/4": 1.0, "5/4": 3.0}[metre]


def _chord(key: Key, token: str, colour: str) -> Chord:
    degree, _, dominant = token.partition(":")
    # A dominant other than the fifth's belongs to major; a mode such as dorian would lose its colour.
    allowed = key.mode == "major" or (key.mode == "minor" and degree == "5")
    return build_chord(key, int(degree) - 1, colour, bool(dominant) and allowed)


@lru_cache(maxsize=512)
def _section(tune: Tune, key: Key, colour: str, seed: int, letter: str, bars: int) -> tuple[Changes, ...]:
    choices = tune.style.minor_progressions if tune.minor else tune.style.major_progressions
    progression = choices[(seed + "ABCD".index(letter)) % len(choices)].split("|")
    result = []
    for i in range(bars):
        tokens = progression[i % len(progression)].split()
        result.append(
            tuple(zip((0.0, _middle(tune.metre)), (_chord(key, t, colour) for t in tokens), strict=False))
        )
    return tuple(result)


def section_chords(plan: Plan, letter: str, bars: int) -> tuple[Changes, ...]:
    """The chords of each bar of a section."""
    return _section(plan.tune, plan.key, plan.style.colour, plan.seed, letter, bars)


def tonic_chord(plan: Plan) -> Chord:
    """The chord on which the piece comes to rest."""
    return build_chord(plan.key, 0, "power" if plan.style.colour == "power" else "triad", dominant=False)


def dominant_chord(plan: Plan) -> Chord:
    """The chord that wants to go home: V7 in major and minor, the mode's own fifth elsewhere."""
    colour = "power" if plan.style.colour == "power" else "triad"
    return build_chord(plan.key, 4, colour, dominant=plan.key.mode in ("major", "minor"))


def chord_at(changes: Changes, position: float) -> Chord:
    """The chord that sounds at a position of the bar."""
    current = changes[0][1]
    for start, chord in changes:
        if start <= position + 1e-6:
            current = chord
    return current


def chord_end(changes: Changes, position: float, metre: Metre) -> float:
    """Where the chord that sounds at `position` ends."""
    return next((start for start, _ in changes if start > position + 1e-6), float(BEATS[metre]))


@lru_cache(maxsize=4096)
def voicing(
    pcs: tuple[int, ...], before: tuple[int, ...], centre: int, low: int, high: int
) -> tuple[int, ...]:
    """Close position of `pcs` within [low, high] that moves least from the voicing `before` it.

    `before` is empty for the first chord, which is then laid around `centre`. With voices that do not all
    fit into the range, the lowest are kept.
    """
    if len(pcs) == 2:  # a power chord stands on its root
        root = nearest(pcs[0], centre - 7, low, high)
        return tuple(p for p in (root, root + 7, root + 12) if p <= high)
    candidates = []
    for rotation in range(len(pcs)):
        order = sorted(pcs, key=lambda pc, base=pcs[rotation]: (pc - base) % 12)  # type: ignore[misc]
        for bottom in range(low + (order[0] - low) % 12, high + 1, 12):
            pitches = tuple(bottom + (pc - order[0]) % 12 for pc in order)
            if pitches[-1] <= high:
                candidates.append(pitches)
    if not candidates:
        return tuple(sorted(low + (pc - low) % 12 for pc in pcs))[: max(1, len(pcs) - 1)]

    def cost(pitches: tuple[int, ...]) -> float:
        drift = abs(sum(pitches) / len(pitches) - centre)
        if not before:
            return drift
        motion = sum(min(abs(p - q) for q in before) for p in pitches)
        return motion + 0.35 * drift

    return min(candidates, key=cost)


def upper_structure(chord: Chord, with_bass: bool, voices: int) -> tuple[int, ...]:
    """Which notes of the chord `voices` voices play: with a bass, a rich chord leaves its root to it."""
    pcs = chord.pcs
    if with_bass and len(pcs) >= 4:
        pcs = pcs[1:]
    return pcs[: max(voices, 2)]
