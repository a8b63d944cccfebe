"""The latest audio, by absolute sample: what a turn needs that begins before anybody knew of it."""

from __future__ import annotations

from collections import deque

from models.api import HEARING_RATE

RING_MS = 3_000  # audio remembered, more than any prefix needs


class Ring:
    """The last RING_MS of audio, by absolute sample, and all of it since `kept`."""

    def __init__(self) -> None:
        self.total = 0
        self.kept: int | None = None
        self._pieces: deque[tuple[int, bytes]] = deque()

    def append(self, pcm: bytes) -> None:
        """Add the next piece, int16 mono at HEARING_RATE."""
        self._pieces.append((self.total, pcm))
        self.total += len(pcm) // 2
        oldest = self.total - RING_MS * HEARING_RATE // 1000
        oldest = oldest if self.kept is None else min(oldest, self.kept)
        while self._pieces[0][0] < oldest and self._pieces[0][0] + len(self._pieces[0][1]) // 2 <= oldest:
            self._pieces.popleft()

    def between(self, start: int, stop: int | None = None) -> bytes:
        """The samples [start, stop) that are still there; to the newest without a `stop`."""
        out = bytearray()
        for begin, pcm in self._pieces:
            if begin + len(pcm) // 2 > start and (stop is None or begin < stop):
                end = None if stop is None else max(0, stop - begin) * 2
                out += pcm[max(0, start - begin) * 2 : end]
        return bytes(out)
