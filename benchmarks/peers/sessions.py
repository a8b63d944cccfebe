"""How many sessions a server holds: levels of more and more callers, until one is too many."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import percentile
from benchmarks.peers.arrivals import Tally
from benchmarks.peers.caller import converse
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.environment import PeerError
from client.errors import ClientError
from client.speech import Speech

P95_GROWTH = 1.3  # times the p95 of a single session
LATE_SHARE = 0.001
TRIES = 2  # of a level: a machine has hiccups of its own, so one bad run proves nothing
SETTLE_S = 0.5  # between the last handshake and the first word
CYCLE_S = 5.5  # a turn with its pause: callers begin spread over it
QUICK_CYCLE_S = 0.6
PAUSE_S = (0.3, 1.0)
MOST_SESSIONS = 64


@dataclass(frozen=True, slots=True)
class Level:
    """What `sessions` callers at once met. A turn that was never answered is infinite."""

    sessions: int
    turns_ms: tuple[float, ...]
    tally: Tally
    cpu_share: float = 0.0  # cores kept busy by the server
    client_late_share: float = 0.0  # of our own microphone's packets: above 1 %, the client is the bottleneck
    refused: str = ""  # why not all could connect

    @property
    def p95(self) -> float:
        """ms; infinite where more than 5 % of the turns went unanswered."""
        return percentile(self.turns_ms, 0.95) if self.turns_ms else math.inf

    def holds(self, single_p95: float) -> bool:
        """Whether this is as good as a single session."""
        good = self.p95 <= P95_GROWTH * single_p95 and self.tally.late_share < LATE_SHARE
        return good and not self.refused

    def as_json(self, single_p95: float) -> dict[str, Any]:
        """The level as a JSON object; None stands for infinite."""
        p50 = percentile(self.turns_ms, 0.5) if self.turns_ms else math.inf
        return {
            "sessions": self.sessions,
            "turns": len(self.turns_ms),
            "unanswered": sum(math.isinf(value) for value in self.turns_ms),
            "p50_ms": finite(p50),
            "p95_ms": finite(self.p95),
            "frames": self.tally.frames,
            "late_frames": self.tally.late,
            "missing_frames": self.tally.missing,
            "late_percent": round(self.tally.late_share * 100, 3),
            "cpu_percent_a_session": round(self.cpu_share * 100 / self.sessions, 2),
            "client_late_percent": round(self.client_late_share * 100, 2),
            "refused": self.refused,
            "holds": self.holds(single_p95),
        }


def finite(value: float) -> float | None:
    """To a tenth; None for infinite."""
    return None if math.isinf(value) else round(value, 1)


async def measure(
    contestant: Contestant, sessions: int, turns: int, question: Speech, *, quick: bool = False
) -> Level:
    """Let `sessions` callers hold `turns` turns each, out of step."""
    chance = random.Random(sessions)  # noqa: S311 - no secret
    spread = QUICK_CYCLE_S if quick else CYCLE_S
    async with AsyncExitStack() as stack:
        try:
            # One by one: the handshakes are not what is measured.
            callers = [await stack.enter_async_context(contestant.call()) for _ in range(sessions)]
        except (ClientError, PeerError) as error:
            return Level(sessions, (), Tally(), refused=str(error))
        await asyncio.sleep(SETTLE_S)
        began, before = time.monotonic(), contestant.cpu_s()
        lives = [
            converse(
                caller,
                question,
                turns,
                [number * spread / sessions, *(chance.uniform(*PAUSE_S) for _ in range(turns - 1))],
            )
            for number, caller in enumerate(callers)
        ]
        taken = await asyncio.gather(*lives)
        busy = (contestant.cpu_s() - before) / (time.monotonic() - began)
    sent = sum(caller.microphone.sent for caller in callers)
    return Level(
        sessions,
        tuple(latency for each in taken for latency in each),
        sum((caller.arrivals.tally for caller in callers), Tally()),
        cpu_share=busy,
        client_late_share=sum(caller.microphone.late for caller in callers) / max(1, sent),
    )


class Climb:
    """One server's way up, from a single session on.

    Late frames of the single session do not end it: were they the server's, the next levels would show it.
    """

    def __init__(self, single: Level) -> None:
        self.single_p95 = single.p95
        self.levels = [single]
        self.over = False

    @property
    def held(self) -> int:
        """The most sessions of a level that held; 0 where not even one did."""
        return max((level.sessions for level in self.levels if level.holds(self.single_p95)), default=0)

    async def step(self, measure_once: Callable[[], Awaitable[Level]]) -> Level | None:
        """Measure the next level, again if it fails; None when it is over."""
        if self.over:
            return None
        for _ in range(TRIES):
            level = await measure_once()
            if level.holds(self.single_p95):
                break
        else:
            self.over = True
        self.levels.append(level)
        return level


def turns_at(sessions: int, least_turns: int, least_each: int) -> int:
    """Turns for each caller so that a level has `least_turns`, and everybody at least `least_each`."""
    return max(least_each, math.ceil(least_turns / sessions))


def parse_levels(text: str) -> Sequence[int]:
    """`2,3,4` as numbers that grow. Raises `ValueError` for anything else."""
    try:
        levels = [int(word) for word in text.split(",")]
    except ValueError:
        levels = []
    if not levels or levels != sorted(set(levels)) or levels[0] < 2 or levels[-1] > MOST_SESSIONS:
        raise ValueError(
            f"--sessions {text}: give growing numbers from 2 to {MOST_SESSIONS}, such as 2,3,4,6"
        )
    return levels
