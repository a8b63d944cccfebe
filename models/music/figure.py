"""Reading figures: a pattern written for a style's own metre, fitted to the metre that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from models.music.score import BEATS, Metre
from models.music.style import StyleMetre


@dataclass(frozen=True, slots=True)
class Hit:
    """A symbol of a figure: where it begins in the bar and how long it is held, in quarter notes."""

    start: float
    length: float
    symbol: str


def _beats_from(source: float, target: float) -> list[tuple[float, float, float]]:
    """Which stretches of the source bar make the target bar: (source begin, length, target begin)."""
    if target <= source:
        return [(0.0, target, 0.0)]
    stretches = [(0.0, source, 0.0)]
    at = source
    while at < target:  # begin the pattern anew, from its second beat so that one does not sound twice
        length = min(target - at, source - 1.0 if source > 1 else source)
        stretches.append((1.0, length, at))
        at += length
    return stretches


def _stretches(source: StyleMetre, target: Metre) -> list[tuple[float, float, float]]:
    if target == source:
        return [(0.0, float(BEATS[source]), 0.0)]
    if target == "6/8" and source != "3/4":
        half = BEATS[source] / 2  # each half gives its first three eighths
        return [(0.0, min(1.5, half), 0.0), (half, min(1.5, half), 1.5)]
    return _beats_from(float(BEATS[source]), float(BEATS[target]))


@lru_cache(maxsize=2048)
def read_figure(figure: str, source: StyleMetre, target: Metre) -> tuple[tuple[Hit, ...], ...]:
    """The bars of a figure, each a sequence of hits in time order, every one inside the target bar."""
    bars = []
    for text in figure.split("|"):
        step = BEATS[source] / len(text) if text else 0.0
        raw = []
        for i, symbol in enumerate(text):
            if symbol in ".-":
                continue
            held = len(text[i + 1 :]) - len(text[i + 1 :].lstrip("-")) + 1
            raw.append(Hit(i * step, held * step, symbol))
        hits = []
        for begin, length, at in _stretches(source, target):
            end = begin + length
            hits += [
                Hit(at + hit.start - begin, min(hit.length, end - hit.start), hit.symbol)
                for hit in raw
                if begin <= hit.start < end
            ]
        bars.append(tuple(hits))
    return tuple(bars)
