"""The thread that does everything with files, in the order in which it was asked, off the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_PENDING = 64 * 2**20  # bytes that wait to be written: a disk that stalls must not take all memory


class Writer:
    """One thread. What waits for it is bounded in bytes: beyond that it refuses."""

    def __init__(self, most_pending: int = MOST_PENDING) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="artefacts")
        self._most = most_pending
        self._pending = 0
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, work: Callable[[], None], size: int = 0) -> bool:
        """Have `work` done, which holds `size` bytes; False when too much waits already. Never blocks."""
        with self._lock:
            if self._closed or (size and self._pending + size > self._most):
                return False
            self._pending += size
        self._thread.submit(self._do, work, size)
        return True

    async def ask(self, work: Callable[[], T]) -> T:
        """Do `work` behind everything that was handed over before; its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Do what was handed over, then end. Blocks."""
        with self._lock:
            self._closed = True
        self._thread.shutdown(wait=True)

    def _do(self, work: Callable[[], None], size: int) -> None:
        try:
            work()
        except Exception:
            log.exception("an artefact's file could not be kept")
        finally:
            with self._lock:
                self._pending -= size
