"""Sound, rendered whole: what the tests of the sound role measure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models.api import SoundChunk, SoundRequest
from models.plan import SoundBrief
from models.sound.procedural import ProceduralSound

Render = Callable[..., NDArray[np.float64]]


@pytest.fixture(scope="session")
def chunks() -> Callable[..., list[bytes]]:
    backend = ProceduralSound()

    @lru_cache(maxsize=512)
    def make(description: str, limit: float, seconds: float | None, seed: int) -> tuple[bytes, ...]:
        request = SoundRequest(brief=SoundBrief(description=description, seconds=seconds), seed=seed)
        job = backend.open(request)
        out: list[SoundChunk] = []
        while sum(len(chunk.pcm) for chunk in out) < limit * 48_000 * 4 and job.step(out.append):
            pass
        job.close()
        return tuple(chunk.pcm for chunk in out)

    def render(
        description: str, limit: float = 6.0, seconds: float | None = None, seed: int = 0
    ) -> list[bytes]:
        """The chunks of a stream, at most `limit` seconds of them."""
        return list(make(description, limit, seconds, seed))

    return render


@pytest.fixture(scope="session")
def sound(chunks: Callable[..., list[bytes]]) -> Render:
    def render(*args: object, **options: object) -> NDArray[np.float64]:
        """The stream as samples of -1 to 1, `(2, n)`."""
        pcm = b"".join(chunks(*args, **options))
        return np.frombuffer(pcm, "<i2").reshape(-1, 2).T / 32_768

    return render
