"""Layers in time: textures go on, events end or come again, stages follow each other, nothing clicks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from models.sound.catalogue import KINDS
from models.sound.dsp import BLOCK, RATE, Random, Samples
from models.sound.layer import Layer
from models.sound.space import Place, limited, rng_for

FADE_IN = 0.005  # s; shorter is a click, longer dulls an attack
STAGE = 6.0  # s that a texture lasts when something else is to follow it
_SILENCE = np.zeros((2, BLOCK))


def _blocks(seconds: float) -> int:
    return round(seconds * RATE / BLOCK)


def _sources(layer: Layer, rng: Random, recurs: bool, delay: float) -> Iterator[Samples]:
    """One layer, in place. An event that `recurs` comes again after a pause, different each time."""
    kind = KINDS[layer.kind]
    place = Place(layer, kind)
    for _ in range(_blocks(delay)):
        yield _SILENCE
    while True:
        for block in kind.make(layer, rng):
            yield place(block)
        if not recurs:
            break
        for _ in range(_blocks(rng.uniform(*kind.pause) / layer.pace)):
            yield place(_SILENCE)
    for _ in range(place.tail):
        yield place(_SILENCE)


def _stage(layers: Sequence[Layer], first: int, seed: int, recurs: bool) -> Iterator[Samples]:
    """The layers of a stage mixed, for as long as one of them has something to give."""
    textures = sum(KINDS[layer.kind].texture for layer in layers)
    scale = max(1, textures) ** -0.5  # as loud together as one alone
    sources: list[Iterator[Samples]] = []
    for index, layer in enumerate(layers):
        rng = rng_for(seed, first + index)
        # Over a texture an event comes after a moment, once the ear has taken in the scene.
        delay = float(rng.uniform(0.8, 2.0)) if textures and not KINDS[layer.kind].texture else 0.0
        sources.append(_sources(layer, rng, recurs or textures > 0, delay))
    while sources:
        mix = np.zeros((2, BLOCK))
        for source in list(sources):
            block = next(source, None)
            if block is None:
                sources.remove(source)
            else:
                mix += block
        if sources:
            yield limited(mix * scale)


def _ended(blocks: Iterator[Samples], fade: float) -> Iterator[Samples]:
    """The blocks, the last `fade` seconds (100 ms at most) of them faded out."""
    held: Samples | None = None
    for block in blocks:
        if held is not None:
            yield held
        held = block
    if held is not None:
        ramp = np.ones(BLOCK)
        ramp[BLOCK - int(fade * RATE) :] = np.linspace(1, 0, int(fade * RATE))
        yield held * ramp


def _cut(blocks: Iterator[Samples], frames: int, fade: int) -> Iterator[Samples]:
    """The first `frames` of the blocks, the last `fade` of them faded out."""
    done = 0
    for block in blocks:
        piece = block[:, : frames - done]
        left = frames - done - 1 - np.arange(piece.shape[1])
        yield piece * np.clip(left / fade, 0, 1)
        done += piece.shape[1]
        if done >= frames:
            return


def scene(layers: Sequence[Layer], seconds: float | None, seed: int) -> Iterator[Samples]:
    """The stereo stream of a scene; its blocks hold BLOCK frames, the last perhaps fewer.

    Without `seconds` it lasts as long as its events do, and for ever when there is a texture in the last
    stage. With them, it is cut (faded over up to 0.5 s) or its events come again until then.
    """
    stream = _stages(layers, seconds, seed)
    if seconds is not None:
        frames = max(1, round(seconds * RATE))
        stream = _cut(stream, frames, max(1, min(RATE // 2, frames // 4)))
    rise = np.minimum(1, np.arange(BLOCK) / (FADE_IN * RATE))
    for number, block in enumerate(stream):
        yield block * rise[: block.shape[1]] if number == 0 else block


def _stages(layers: Sequence[Layer], seconds: float | None, seed: int) -> Iterator[Samples]:
    stages = [list(group) for _, group in groupby(layers, lambda layer: layer.stage)]
    first = 0
    for number, stage in enumerate(stages):
        last = number == len(stages) - 1
        endless = any(KINDS[layer.kind].texture for layer in stage)
        blocks = _stage(stage, first, seed, recurs=last and seconds is not None)
        if endless and not last:
            length = STAGE if seconds is None else min(STAGE, seconds / len(stages))
            blocks = _cut(blocks, max(1, _blocks(length)) * BLOCK, BLOCK)
        yield from blocks if endless else _ended(blocks, 0.05)
        first += len(stage)
