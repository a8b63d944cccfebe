"""Sound that is already there, as a stream like those of the engine: what a `Player` plays."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE, BackendError, Input, SoundChunk
from realtime.artefacts import Sound, StoredSound
from realtime.resampling import Resampler

PIECE_MS = 100  # at a time: 120 s made whole would hold up everybody's audio
READ_S = 1  # of a file that is read at once, by a thread: one switch to it a second
FADE_SAMPLES = SPEAKING_RATE // 200  # 5 ms in and out: a recording may begin or end in the middle of a wave


class Recorded:
    """Plays a sound from its beginning, resampled to stereo at SPEAKING_RATE piece by piece.

    A file that is removed meanwhile ends where it is: nothing of it is held open.
    """

    def __init__(self, sound: Sound | StoredSound) -> None:
        self._channels = sound.channels
        self._file = sound if isinstance(sound, StoredSound) else None
        self._read = 0  # bytes of the file
        self._left = self._samples(sound.pcm if isinstance(sound, Sound) else b"")
        self._size = sound.rate * PIECE_MS // 1000
        self._resamplers = [Resampler(sound.rate, SPEAKING_RATE) for _ in range(sound.channels)]
        self._held = np.zeros((0, 2), np.int16)  # the end, until it is known not to be the last
        self._begun = self._over = False

    def __aiter__(self) -> Recorded:
        return self

    async def __anext__(self) -> SoundChunk:
        while not self._over:
            if len(self._left) < self._size and self._file is not None:
                await self._read_on(self._file)
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

    async def _read_on(self, file: StoredSound) -> None:
        """Have the next second; nothing at the end of the file."""
        length = min(READ_S * 2 * file.channels * file.rate, file.size - self._read)
        pcm = await asyncio.to_thread(_part, file, self._read, length) if length > 0 else b""
        self._read += len(pcm)
        if not pcm:
            self._file = None
        self._left = np.concatenate([self._left, self._samples(pcm)])

    def _samples(self, pcm: bytes) -> NDArray[np.int16]:
        block = 2 * self._channels
        return np.frombuffer(pcm[: len(pcm) // block * block], np.int16).reshape(-1, self._channels)

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


def _part(file: StoredSound, begin: int, length: int) -> bytes:
    try:
        with file.path.open("rb") as opened:
            opened.seek(file.offset + begin)
            return opened.read(length)
    except FileNotFoundError:  # let go meanwhile
        return b""


def _stereo(columns: list[NDArray[np.int16]]) -> NDArray[np.int16]:
    return np.stack([columns[0], columns[-1]], axis=1)
