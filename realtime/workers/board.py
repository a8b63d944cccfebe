"""Which workers take calls and how many each has: a small file that all workers of a server have open.

The limit of calls is the server's, not a worker's share of it: a caller is refused only when the whole server
is full. Each worker counts its own calls in its own record; whoever takes a place adds them all up under a
lock, which the kernel lets go of when its holder dies. Some 10 µs a call, and no process to ask.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

BOARD = "board"
_RECORD = struct.Struct("<ii")


@dataclass(frozen=True, slots=True)
class Record:
    """A worker: its process (0 when it takes no calls) and its calls."""

    pid: int = 0
    calls: int = 0


class Board:
    """The records of `workers` workers, in a directory that all of them know."""

    def __init__(self, directory: Path, workers: int) -> None:
        self._workers = workers
        self._file = os.open(directory / BOARD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, workers * _RECORD.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def records(self) -> list[Record]:
        """How things are now, by worker."""
        return [Record(*fields) for fields in _RECORD.iter_unpack(self._read())]

    def enter(self, worker: int, pid: int) -> None:
        """The worker takes calls from now on."""
        with self._locked():
            self._write(worker, Record(pid))

    def leave(self, worker: int) -> None:
        """The worker takes no calls any more, and has none."""
        with self._locked():
            self._write(worker, Record())

    def add(self, worker: int, calls: int, limit: int | None = None) -> bool:
        """Count `calls` more (or fewer) at a worker; False, and nothing done, if all then exceed `limit`."""
        with self._locked():
            records = self.records()
            if limit is not None and sum(record.calls for record in records) + calls > limit:
                return False
            before = records[worker]
            self._write(worker, Record(before.pid, before.calls + calls))
            return True

    def emptiest(self, favourite: int) -> int:
        """The worker with the fewest calls, of those that take any; the favourite if it has no more."""
        records = self.records()
        taking = [worker for worker, record in enumerate(records) if record.pid]
        return min(taking, key=lambda w: (records[w].calls, w != favourite), default=favourite)

    def _read(self) -> bytes:
        return os.pread(self._file, self._workers * _RECORD.size, 0)

    def _write(self, worker: int, record: Record) -> None:
        os.pwrite(self._file, _RECORD.pack(record.pid, record.calls), worker * _RECORD.size)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


class WorkerPlaces:
    """The server's places as one worker takes them (`realtime.calls.Places`)."""

    def __init__(self, board: Board, worker: int, limit: int) -> None:
        self._board = board
        self._worker = worker
        self._limit = limit

    def take(self) -> bool:
        return self._board.add(self._worker, 1, self._limit)

    def give_back(self) -> None:
        self._board.add(self._worker, -1)
