"""An asyncio loop whose clock jumps to whatever is due next: 30 s of dialogue in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: moves the loop's clock forward instead."""

    loop: VirtualClockLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("the dialogue is stuck: nothing is left that could happen")
            self.loop.now += timeout
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual; begins at 1000 s so that nothing mistakes it for zero."""

    def __init__(self) -> None:
        self.now = 1000.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def play(dialogue: Coroutine[Any, Any, T], *, seconds: float = 600) -> T:
    """Run a coroutine on the virtual clock; fails when it takes more than `seconds` of it."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await dialogue

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(bounded())
