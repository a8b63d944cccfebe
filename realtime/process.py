"""How a process of the server ends: in good order by a signal, or with a cause that can be told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM)


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until it is done or one of STOPPING comes; its clean-up is waited for.

    A second signal interrupts the clean-up's waiting too.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work, name="main")
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)


def first_cause(error: BaseException) -> BaseException:
    """The first error in a group of groups: each task group on its way has put one around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
