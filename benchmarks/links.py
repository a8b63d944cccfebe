"""Simulated links: the packets of a talking sender, with loss, jitter and bursts. Pure, seeded."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

PERIOD_S = 0.020
BASE_S = 0.050  # the quickest way through every link; added delays do not count it


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet: its number, when it was sent, and when it arrived (None: lost). Seconds."""

    number: int
    sent: float
    arrival: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link. `name` is for tables; loss a share, jitter uniform between 0 and `jitter_ms`.

    `loss_run` is how many packets a loss takes in the mean: 1 is independent, more is a Gilbert channel with
    the same share of loss.
    """

    name: str
    loss: float = 0.0
    jitter_ms: float = 0.0
    loss_run: float = 1.0

    def packets(self, count: int, seed: int) -> list[Sent]:
        """Send `count` packets."""
        rng = random.Random(seed)  # noqa: S311 - no secret
        losing = self._losses(rng)
        return [
            Sent(
                number,
                number * PERIOD_S,
                None if losing() else number * PERIOD_S + BASE_S + rng.uniform(0, self.jitter_ms / 1000),
            )
            for number in range(count)
        ]

    def _losses(self, rng: random.Random) -> Callable[[], bool]:
        if self.loss_run <= 1:
            return lambda: rng.random() < self.loss
        stay = 1 - 1 / self.loss_run
        enter = self.loss * (1 - stay) / (1 - self.loss)  # so that the share of time in `bad` is the loss
        bad = False

        def losing() -> bool:
            nonlocal bad
            bad = rng.random() < (stay if bad else enter)
            return bad

        return losing


@dataclass(frozen=True, slots=True)
class Burst:
    """A clean link with one disturbance in its middle.

    `fault(rng, k)` is the extra delay (seconds) of its packet `k`; None loses the packet.
    """

    name: str
    length: int  # packets
    fault: Callable[[random.Random, int], float | None]

    def packets(self, before: int, after: int, seed: int) -> tuple[list[Sent], float]:
        """Packets of a link with 4 ms of jitter and this burst, and when the receiver has it behind it."""
        rng = random.Random(seed)  # noqa: S311 - no secret
        packets = []
        for number in range(before + self.length + after):
            sent = number * PERIOD_S
            extra: float | None = rng.uniform(0, 0.004)
            if before <= number < before + self.length:
                extra = self.fault(rng, number - before)
            packets.append(Sent(number, sent, None if extra is None else sent + BASE_S + extra))
        return packets, (before + self.length) * PERIOD_S + BASE_S


LINKS = (
    *(
        Link(f"{loss:.0%} loss, {jitter} ms jitter", loss, jitter)
        for loss in (0.0, 0.01, 0.05, 0.1)
        for jitter in (0, 20, 60)
    ),
    Link("5% loss in runs of 4, 20 ms jitter", 0.05, 20, loss_run=4.0),
)

STALL_PACKETS = 15  # 300 ms
BURSTS = (
    Burst("one packet lost", 1, lambda rng, k: None),
    Burst("10 packets lost in a row (200 ms)", 10, lambda rng, k: None),
    Burst("300 ms stall, then all at once", STALL_PACKETS, lambda rng, k: (STALL_PACKETS - k) * PERIOD_S),
    Burst("2 s of 150 ms jitter", 100, lambda rng, k: rng.uniform(0, 0.150)),
)
