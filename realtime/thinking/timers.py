"""Timers of one session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

MOST_TIMERS = 20  # nobody follows more; each is a task


@dataclass(frozen=True, slots=True, eq=False)  # two alike are two timers
class Timer:
    """`ends` is loop time."""

    label: str
    seconds: float
    ends: float


class Timers:
    """Runs them in the session's task group; `over` is called when one ends."""

    def __init__(self, group: asyncio.TaskGroup, over: Callable[[Timer], None]) -> None:
        self._group = group
        self._over = over
        self._running: dict[Timer, asyncio.Task[None]] = {}

    def set(self, seconds: float, label: str) -> Timer:
        """Start one. Raises ValueError when there are too many."""
        if len(self._running) >= MOST_TIMERS:
            raise ValueError(f"there are already {MOST_TIMERS} timers; cancel one first")
        timer = Timer(label, seconds, asyncio.get_running_loop().time() + seconds)
        self._running[timer] = self._group.create_task(self._wait(timer), name=f"timer {label}")
        return timer

    def cancel(self, label: str) -> list[Timer]:
        """Cancel those with this label, or all when it is empty; return them."""
        wanted = label.casefold()
        gone = [timer for timer in self._running if not wanted or timer.label.casefold() == wanted]
        for timer in gone:
            self._running.pop(timer).cancel()
        return gone

    def describe(self) -> tuple[str, ...]:
        """ "tea, 42 seconds left", soonest first."""
        now = asyncio.get_running_loop().time()
        running = sorted(self._running, key=lambda timer: timer.ends)
        return tuple(
            f"{timer.label or 'timer'}, {max(0, round(timer.ends - now))} seconds left" for timer in running
        )

    async def _wait(self, timer: Timer) -> None:
        await asyncio.sleep(timer.seconds)
        self._running.pop(timer, None)
        self._over(timer)
