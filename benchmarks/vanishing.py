"""The process behind `churn`, `python -m benchmarks.vanishing URL COUNT`: calls, talks, ends on the spot."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import AsyncExitStack

import uvloop

from benchmarks.caller import Errand
from benchmarks.caller_process import CONNECTING, spoken
from client.errors import ClientError
from client.headless import HeadlessClient
from client.speech import prepare

QUESTION = "what time is it"
TALK_S = 3.0  # in which some have asked and are being answered, and others are in the middle of it


async def main(url: str, count: int) -> None:
    """Never returns. Raises `ClientError` when a call cannot be made."""
    Errand((url,), count, turns=1)  # refuses what is not this machine, and too many
    speech = prepare(spoken(QUESTION), "webrtc")
    gate = asyncio.Semaphore(CONNECTING)
    async with AsyncExitStack() as calls:

        async def connect() -> HeadlessClient:
            async with gate:
                return await calls.enter_async_context(HeadlessClient(url, record=False))

        clients = await asyncio.gather(*(connect() for _ in range(count)))

        async def talk(client: HeadlessClient) -> None:
            await asyncio.sleep(random.uniform(0, TALK_S))  # noqa: S311 - no secret
            await client.speak(speech)

        talking = [asyncio.ensure_future(talk(client)) for client in clients]
        await asyncio.wait(talking, timeout=TALK_S)
        os._exit(0)  # no hang-up, no `finally`: that is the point


if __name__ == "__main__":
    try:
        uvloop.run(main(sys.argv[1], int(sys.argv[2])))
    except ClientError as problem:
        sys.exit(str(problem))
