"""Sound effects and soundscapes computed from nothing: no recordings, no weights, the first block at once.

`parse` says which layers a description asks for, `catalogue` how each kind is made, `scene` how they go
together in time. Same brief and seed, same samples.
"""

from __future__ import annotations

import numpy as np

from models.api import Emit, SoundChunk, SoundRequest
from models.plan import SoundBrief
from models.sound.dsp import Samples
from models.sound.parse import parse
from models.sound.scene import scene


class ProceduralSound:
    """Backend of role `sound`. A job computes 100 ms a step, in about 2 ms a layer."""

    produces = True

    def __init__(self) -> None:
        # The first block designs filters and answers of the room; here nobody waits for it.
        warm = self.open(SoundRequest(brief=SoundBrief(description="distant thunder")))
        warm.step(lambda _: None)
        warm.close()

    def open(self, request: SoundRequest) -> ProceduralJob:
        """Begin a stream. Raises `BackendError` when the description asks for what there is no kind for."""
        return ProceduralJob(request)


class ProceduralJob:
    """One scene, block by block (`models.api.Job`)."""

    def __init__(self, request: SoundRequest) -> None:
        self._blocks = scene(parse(request.brief.description), request.brief.seconds, request.seed)

    def feed(self, item: object, emit: Emit) -> bool:
        raise TypeError("a sound takes no messages")

    def step(self, emit: Emit) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        emit(SoundChunk(pcm=_pcm(block)))
        return True

    def close(self) -> None:
        self._blocks = iter(())


def _pcm(block: Samples) -> bytes:
    return np.rint(block.T * 32_767).astype("<i2").tobytes()
