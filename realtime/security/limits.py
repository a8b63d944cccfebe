"""How much a session, and a key, may do: token buckets, on whatever clock.

Events are a session's own; audio and responses are counted over all sessions of a key, in this process.
Without keys nobody can be told from anybody, and every session is counted alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realtime.config import SecuritySettings

EVENT_BURST = 10  # seconds' worth of events that may come at once: 40 s of audio in pieces of 20 ms
TOKENS_PER_SECOND = 10  # of the person's audio, as the protocol's own server counts: 1 for 100 ms
MINUTE = 60.0


class OverLimitError(ValueError):
    """More than is allowed; `retry_after` s later there is room again."""

    code = "rate_limit_exceeded"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Bucket:
    """Holds `capacity`, and is refilled by `rate` a second."""

    def __init__(self, capacity: float, rate: float, now: float) -> None:
        self.capacity = capacity
        self._rate = rate
        self._level = capacity
        self._at = now

    def level(self, now: float) -> float:
        """How much there is; below nothing after a `borrow`."""
        self._level = min(self.capacity, self._level + max(0.0, now - self._at) * self._rate)
        self._at = max(now, self._at)
        return self._level

    def take(self, amount: float, now: float) -> bool:
        """Take so much; False, and nothing taken, when there is less."""
        if self.level(now) < amount:
            return False
        self._level -= amount
        return True

    def borrow(self, amount: float, now: float) -> float:
        """Take so much in any case; returns the seconds until it is paid back."""
        self._level = self.level(now) - amount
        return max(0.0, -self._level / self._rate)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until there is so much."""
        return max(0.0, (min(amount, self.capacity) - self.level(now)) / self._rate)


@dataclass(frozen=True, slots=True)
class Remaining:
    """One entry of `rate_limits.updated`."""

    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float  # until all of it is there again


class Allowance:
    """What all sessions of one key may do in a minute."""

    def __init__(self, settings: SecuritySettings, now: float) -> None:
        self.audio = Bucket(settings.audio_per_minute, settings.audio_per_minute / MINUTE, now)
        self.responses = Bucket(settings.responses_per_minute, settings.responses_per_minute / MINUTE, now)

    def remaining(self, now: float) -> tuple[Remaining, ...]:
        """As `rate_limits.updated` says it: responses are requests, and audio is tokens."""
        rows: tuple[tuple[Literal["requests", "tokens"], Bucket, int], ...] = (
            ("requests", self.responses, 1),
            ("tokens", self.audio, TOKENS_PER_SECOND),
        )
        return tuple(
            Remaining(
                name,
                limit=round(bucket.capacity * scale),
                remaining=max(0, int(bucket.level(now) * scale)),
                reset_seconds=round(bucket.wait(bucket.capacity, now), 3),
            )
            for name, bucket, scale in rows
        )


class Meter:
    """Counts one session."""

    def __init__(self, settings: SecuritySettings, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._allowance = allowance
        self._clock = clock
        rate = settings.events_per_second
        self._events = Bucket(rate * EVENT_BURST, rate, clock())

    def delay(self) -> float:
        """An event came over a connection that can wait: how many seconds it has to."""
        return self._events.borrow(1, self._clock())

    def takes_event(self) -> bool:
        """An event came over a connection that cannot wait: False when it has to be dropped."""
        return self._events.take(1, self._clock())

    def audio(self, seconds: float) -> None:
        """Audio came. Raises `OverLimitError` when it has to be dropped."""
        now = self._clock()
        if not self._allowance.audio.take(seconds, now):
            wait = self._allowance.audio.wait(seconds, now)
            raise OverLimitError(
                f"more than {self._settings.audio_per_minute} s of audio came within a minute, and this was "
                f"dropped; send audio as it is recorded, and go on in {wait:.1f} s",
                wait,
            )

    def response(self) -> None:
        """A response is asked for. Raises `OverLimitError` when it must not be given."""
        now = self._clock()
        if not self._allowance.responses.take(1, now):
            wait = self._allowance.responses.wait(1, now)
            raise OverLimitError(
                f"more than {self._settings.responses_per_minute} responses were asked for within a minute; "
                f"ask again in {wait:.1f} s",
                wait,
            )

    def remaining(self) -> tuple[Remaining, ...]:
        """What is left for this session's owner."""
        return self._allowance.remaining(self._clock())


class Limits:
    """The limits of everybody."""

    def __init__(self, settings: SecuritySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}

    def meter(self, key: str) -> Meter:
        """For a new session of the key with this fingerprint; empty for one without a key."""
        return Meter(self._settings, self._of(key), self._clock)

    def remaining(self, key: str) -> tuple[Remaining, ...]:
        """What is left for a key."""
        return self._of(key).remaining(self._clock())

    def _of(self, key: str) -> Allowance:
        fresh = Allowance(self._settings, self._clock())
        return self._allowances.setdefault(key, fresh) if key else fresh
