"""Sound that is already there, as a stream like those of the engine: what a `Player` plays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, BackendError, Input, SoundChunk
from realtime.artefacts import Sound
from realtime.resampling import Resampler

PIECE_MS = 100  # at a time: 120 s made whole would hold up everybody's audio
FADE_SAMPLES = SPEAKING_RATE // 200  # 5 ms in and out: a recording may begin or end in the middle of a wave


class Recorded:
    """Plays a sound from its beginning, resampled to stereo at SPEAKING_RATE piece by piece."""

    def __init__(self, sound: Sound) -> None:
        block = 2 * sound.channels
        whole = sound.pcm[: len(sound.pcm) // block * block]
        self._left = np.frombuffer(whole, np.int16).reshape(-1, sound.channels)
        self._size = sound.rate * PIECE_MS // 1000
        self._resamplers = [Resampler(sound.rate, SPEAKING_RATE) for _ in range(sound.channels)]
        self._held = np.zeros((0, 2), np.int16)  # the end, until it is known not to be the last
        self._begun = self._over = False

    def __aiter__(self) -> Recorded:
        return self

    async def __anext__(self) -> SoundChunk:
        while not self._over:
            piece, self._left = self._left[: self._size], self._left[self._size :]
            parts = [
                r.feed(column)
                for r, column in zip(self._resamplers, np.ascontiguousarray(piece.T), strict=True)
            ]
            made = np.concatenate([self._held, _stereo(parts)])
            if not len(piece):
                made = np.concatenate([made, _stereo([r.flush() for r in self._resamplers])])
                self._over = True
            keep = 0 if self._over else min(FADE_SAMPLES, len(made))
            out, self._held = made[: len(made) - keep], made[len(made) - keep :]
            if len(out):
                return SoundChunk(self._faded(out).tobytes())
        raise StopAsyncIteration

    async def send(self, item: Input) -> None:
        """Not for this: raises `BackendError`."""
        raise BackendError("a recording takes no input")

    async def aclose(self) -> None:
        """Nothing is held."""
        self._over = True

    def _faded(self, out: NDArray[np.int16]) -> NDArray[np.int16]:
        gain = np.ones((len(out), 1), np.float32)
        if not self._begun:
            rise = np.arange(FADE_SAMPLES, dtype=np.float32)[: len(out)] / FADE_SAMPLES
            gain[: len(rise), 0] = rise
        if self._over:
            fall = np.arange(FADE_SAMPLES, dtype=np.float32)[: len(out)] / FADE_SAMPLES
            gain[len(gain) - len(fall) :, 0] *= fall[::-1]
        self._begun = True
        return np.asarray(np.rint(out * gain), np.int16)


def _stereo(columns: list[NDArray[np.int16]]) -> NDArray[np.int16]:
    return np.stack([columns[0], columns[-1]], axis=1)
