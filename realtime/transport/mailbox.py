"""A bounded queue between one writer that never waits and one reader that does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(AsyncIterator[T], Generic[T]):
    """Iterate it to read; the iteration ends once it is closed and empty.

    A full mailbox drops its oldest item for a new one, counted in `dropped`. Everything happens on one event
    loop. One task reads at a time.
    """

    def __init__(self, capacity: int) -> None:
        self.dropped = 0
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._closed = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        return len(self._items) >= self._capacity

    def put(self, item: T) -> None:
        """Add an item; nothing happens once the mailbox is closed."""
        if self._closed:
            return
        if self.full:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._changed.set()

    def take_all(self) -> list[T]:
        """Everything that is there now, without waiting."""
        items = list(self._items)
        self._items.clear()
        return items

    def close(self) -> None:
        """Let the reader come to its end after what is there."""
        self._closed = True
        self._changed.set()

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()
