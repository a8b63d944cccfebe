"""How many calls each key has: in this process, or in all workers of a server."""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

FILE = "shares"
_COUNT = struct.Struct("<i")


class Shares(Protocol):
    """The places that each key has."""

    def take(self, key: str) -> bool:
        """Take one for the key with this fingerprint; False when it has taken all it may."""

    def give_back(self, key: str) -> None:
        """Give one back."""


class OwnShares:
    """Those of a server that is one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        if self._taken[key] >= self._limit:
            return False
        self._taken[key] += 1
        return True

    def give_back(self, key: str) -> None:
        self._taken[key] -= 1


class Seat(NamedTuple):
    """A worker's number, and the directory that all workers of its server know."""

    directory: Path
    worker: int


class WorkerShares:
    """Those of a server of several workers: a row of counts for each worker, a column for each key.

    A worker that died leaves its counts behind until its successor begins, which is at once.
    """

    def __init__(self, seat: Seat, workers: int, keys: Sequence[str], limit: int) -> None:
        self._seat = seat
        self._workers = workers
        self._keys = {key: column for column, key in enumerate(keys)}
        self._limit = limit
        size = workers * len(self._keys) * _COUNT.size
        self._file = os.open(seat.directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        os.ftruncate(self._file, size)
        for column in self._keys.values():
            self._write(column, 0)
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def take(self, key: str) -> bool:
        return self._add(key, 1)

    def give_back(self, key: str) -> None:
        self._add(key, -1)

    def _add(self, key: str, calls: int) -> bool:
        column = self._keys[key]
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            taken = [self._read(worker, column) for worker in range(self._workers)]
            if calls > 0 and sum(taken) + calls > self._limit:
                return False
            self._write(column, taken[self._seat.worker] + calls)
            return True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _at(self, worker: int, column: int) -> int:
        return (worker * len(self._keys) + column) * _COUNT.size

    def _read(self, worker: int, column: int) -> int:
        count: int = _COUNT.unpack(os.pread(self._file, _COUNT.size, self._at(worker, column)))[0]
        return count

    def _write(self, column: int, count: int) -> None:
        os.pwrite(self._file, _COUNT.pack(count), self._at(self._seat.worker, column))
