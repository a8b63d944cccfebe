"""One composer for all the music tests: loading the SoundFont costs 50 ms."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from models.api import MusicChunk, MusicRequest, MusicState
from models.music.composer import ComposerJob, ComposerMusic
from models.plan import MusicBrief

Played = tuple[NDArray[np.int16], list[tuple[int, MusicState]]]
Play = Callable[..., Played]


@pytest.fixture(scope="session")
def composer() -> ComposerMusic:
    return ComposerMusic()


@pytest.fixture
def open_job(composer: ComposerMusic) -> Iterator[Callable[..., ComposerJob]]:
    jobs: list[ComposerJob] = []

    def opened(brief: MusicBrief, seed: int = 0) -> ComposerJob:
        jobs.append(composer.open(MusicRequest(brief=brief, seed=seed)))
        return jobs[-1]

    yield opened
    for job in jobs:
        job.close()


def gather(chunks: list[MusicChunk]) -> Played:
    """All samples, shape (frames, 2), and the states with the frame where each bar begins."""
    states: list[tuple[int, MusicState]] = []
    frames = 0
    for chunk in chunks:
        states += [(frames + state.offset, state) for state in chunk.states]
        frames += len(chunk.pcm) // 4
    return np.frombuffer(b"".join(c.pcm for c in chunks), "<i2").reshape(-1, 2), states


@pytest.fixture
def play(open_job: Callable[..., ComposerJob]) -> Play:
    """Play a brief for so many steps, or to its end."""

    def played(brief: MusicBrief, seed: int = 0, steps: int = 10_000) -> Played:
        job = open_job(brief, seed)
        chunks: list[MusicChunk] = []
        for _ in range(steps):
            if not job.step(chunks.append):
                break
        return gather(chunks)

    return played
