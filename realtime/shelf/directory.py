"""The directory in which one server keeps the files of its sessions, and what crashed servers left.

It has mode 0700 and a lock, which every process of the server holds, shared, for as long as it lives. The
kernel lets a dead process's lock go: a directory whose lock can be had alone is nobody's any more. So no
process id is compared, which another process may have by then.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Self

log = logging.getLogger(__name__)

PREFIX = "audiogpt-artefacts-"
LOCK = "lock"
MARK = b"This directory belongs to AudioGPT Live, which removes it.\n"


class UnusableDirectoryError(OSError):
    """The files cannot be kept there; the message says why."""


class ServerDirectory:
    """A server's directory, for as long as `with ServerDirectory(...)` lasts.

    Processes that give the same `name` share it; the last to leave removes it. Without a name it is this
    process's own. Leftovers beside it are removed first. Raises `UnusableDirectoryError`.
    """

    def __init__(self, parent: Path | None = None, name: str = "") -> None:
        self._parent = Path(tempfile.gettempdir()) if parent is None else parent
        try:
            self._parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self._parent)
            self.path, self._lock = self._hold(name)
        except OSError as error:
            raise UnusableDirectoryError(
                f"artefacts.directory: cannot keep files in {self._parent}: {error.strerror or error}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave it. Idempotent."""
        if self._lock < 0:
            return
        lock, self._lock = self._lock, -1
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self.path, ignore_errors=True)
        except BlockingIOError:
            pass  # another process of this server goes on
        finally:
            os.close(lock)

    def _hold(self, name: str) -> tuple[Path, int]:
        while True:
            if name:
                path = self._parent / (PREFIX + name)
                path.mkdir(mode=0o700, exist_ok=True)
                if not _is_ours(path):
                    raise PermissionError(f"{path} belongs to somebody else")
            else:
                path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
            try:
                lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                continue  # who left last removed it just now
            fcntl.flock(lock, fcntl.LOCK_SH)
            if _is_still(lock, path / LOCK):
                os.pwrite(lock, MARK, 0)
                return path, lock
            os.close(lock)


def remove_leftovers(parent: Path) -> int:
    """Remove the directories of servers that died without doing so; return how many there were."""
    removed = 0
    for path in parent.glob(f"{PREFIX}*"):
        if not _is_ours(path):
            continue
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # one that is being made has no lock yet, and any other is not of this program
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.pread(lock, len(MARK), 0) == MARK:
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
        except BlockingIOError:
            pass  # it is in use
        finally:
            os.close(lock)
    if removed:
        log.info("removed the artefacts of %d servers that had ended without doing so", removed)
    return removed


def _is_ours(path: Path) -> bool:
    """Whether it is a real directory of this user: /tmp is everybody's."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _is_still(lock: int, path: Path) -> bool:
    """Whether the lock that was waited for is the one there: who left last may have removed it."""
    try:
        there, held = path.lstat(), os.fstat(lock)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)
