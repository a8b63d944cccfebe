"""How much a session, and a key, may do: token buckets, on whatever clock.

Events and audio are a session's own; responses are counted over all sessions of a key, in this process.
Without keys nobody can be told from anybody, and every session is counted alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realtime.config import SecuritySettings

EVENT_BURST = 10  # seconds' worth of events that may come at once: 40 s of audio in pieces of 20 ms
# Bytes of an event that count as one more. Microphone in pieces of 20 ms or 100 ms is far below; an upload of
# 6 MiB counts 193, a second's worth, because of the 9 ms that it takes to read.
EVENT_BYTES = 32_768
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


class Meter:
    """Counts one session."""

    def __init__(self, settings: SecuritySettings, responses: Bucket, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._responses = responses
        self._clock = clock
        rate, audio, now = settings.events_per_second, settings.audio_per_minute, clock()
        self._events = Bucket(rate * EVENT_BURST, rate, now)
        self._audio = Bucket(audio, audio / MINUTE, now)

    def delay(self, size: int = 0) -> float:
        """An event of `size` bytes came over a connection that can wait: how many seconds it has to."""
        return self._events.borrow(1 + size // EVENT_BYTES, self._clock())

    def takes_event(self, size: int = 0) -> bool:
        """An event of `size` bytes came over a connection that cannot wait: False drops it."""
        return self._events.take(1 + size // EVENT_BYTES, self._clock())

    def audio(self, seconds: float) -> None:
        """Audio came. Raises `OverLimitError` when it has to be dropped."""
        now = self._clock()
        if not self._audio.take(seconds, now):
            wait = self._audio.wait(seconds, now)
            raise OverLimitError(
                f"more than {self._settings.audio_per_minute} s of audio came within a minute, and this was "
                f"dropped; send audio as it is recorded, and go on in {wait:.1f} s",
                wait,
            )

    def response(self) -> None:
        """A response is asked for. Raises `OverLimitError` when it must not be given."""
        now = self._clock()
        if not self._responses.take(1, now):
            wait = self._responses.wait(1, now)
            raise OverLimitError(
                f"more than {self._settings.responses_per_minute} responses were asked for within a minute; "
                f"ask again in {wait:.1f} s",
                wait,
            )

    def remaining(self) -> tuple[Remaining, ...]:
        """What is left, as `rate_limits.updated` says it: responses are requests, and audio is tokens."""
        now = self._clock()
        return (
            _remaining("requests", self._responses, 1, now),
            _remaining("tokens", self._audio, TOKENS_PER_SECOND, now),
        )


class Limits:
    """The limits of everybody."""

    def __init__(self, settings: SecuritySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._responses: dict[str, Bucket] = {}  # by key, of which there are as many as were set

    def meter(self, key: str) -> Meter:
        """For a new session of the key with this fingerprint; empty for one without a key."""
        fresh = self._fresh()
        responses = self._responses.setdefault(key, fresh) if key else fresh
        return Meter(self._settings, responses, self._clock)

    def remaining(self, key: str) -> Remaining:
        """What is left of the responses of a key."""
        return _remaining("requests", self._responses.get(key) or self._fresh(), 1, self._clock())

    def _fresh(self) -> Bucket:
        most = self._settings.responses_per_minute
        return Bucket(most, most / MINUTE, self._clock())


def _remaining(name: Literal["requests", "tokens"], bucket: Bucket, scale: int, now: float) -> Remaining:
    return Remaining(
        name,
        limit=round(bucket.capacity * scale),
        remaining=max(0, int(bucket.level(now) * scale)),
        reset_seconds=round(bucket.wait(bucket.capacity, now), 3),
    )
