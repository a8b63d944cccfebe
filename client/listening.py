"""What the client hears: when there was voice, and a recording on the real timeline.

**Voiced**, on the receiving side: the same 20 ms windows in steps of 5 ms as in `client/audio.py`, and the
same run longer than a click, above a fixed -45 dBFS: what is still arriving has no peak yet to compare
with, and a server's voice peaks near full scale. A sample counts as received at the arrival of its packet
plus its place in it, the earliest moment at which it can be heard.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.audio import BLOCK_MS, LEAST_RUN, RATE, WINDOW_BLOCKS, Pcm, resample

VOICED_DBFS = -45.0
VOICED_ENERGY = 10 ** (VOICED_DBFS / 10)
BLOCK_S = BLOCK_MS / 1000
JOIN_S = 0.2  # sounds closer than this are one: the gaps between words and syllables
BREAK_S = 0.1  # without a packet for this long, the window starts afresh
KEPT_SOUNDS = 1000  # a long call forgets its oldest ones
SLACK_S = 0.2  # how far a stream's own clock may lead or trail the arrivals before it is set again
RTP_WRAP = 1 << 32


@dataclass(slots=True)
class Sound:
    """One stretch of voiced audio, on the event loop's clock (seconds)."""

    start: float
    stop: float


class Ear:
    """Finds the voiced stretches in audio as it arrives. Feed it mono or stereo int16, in order."""

    def __init__(self, rate: int) -> None:
        self.sounds: deque[Sound] = deque(maxlen=KEPT_SOUNDS)
        self._size = rate * BLOCK_MS // 1000
        self._rate = rate
        self._window: deque[float] = deque([0.0] * WINDOW_BLOCKS, maxlen=WINDOW_BLOCKS)
        self._onset: float | None = None  # first loud block of a run not yet long enough
        self._run = 0
        self._next_at = 0.0

    def hear(self, pcm: NDArray[np.int16], at: float) -> None:
        """Take int16 samples of shape (n,) or (n, 2), the first of which is heard at `at`."""
        if at - self._next_at > BREAK_S:
            self._window.extend([0.0] * WINDOW_BLOCKS)
            self._run = 0
        self._next_at = at + len(pcm) / self._rate
        for index, energy in enumerate(self._energies(pcm)):
            self._judge(energy, at + index * BLOCK_S)

    def last_sound_at(self) -> float | None:
        """When the last voiced block heard so far ends."""
        return self.sounds[-1].stop if self.sounds else None

    def first_after(self, moment: float) -> Sound | None:
        """The first stretch that starts at or after `moment`."""
        return next((sound for sound in self.sounds if sound.start >= moment), None)

    def sounding_at(self, moment: float) -> Sound | None:
        """The stretch that `moment` lies in."""
        return next((sound for sound in self.sounds if sound.start < moment <= sound.stop), None)

    def voiced_seconds(self, since: float, until: float) -> float:
        """How much voiced audio came between two moments."""
        return sum(max(0.0, min(until, sound.stop) - max(since, sound.start)) for sound in self.sounds)

    def _energies(self, pcm: NDArray[np.int16]) -> list[float]:
        count = len(pcm) // self._size
        if not count:
            return []
        blocks = pcm[: count * self._size].reshape(count, -1).astype(np.float32)
        energies: list[float] = (np.einsum("ij,ij->i", blocks, blocks) / (blocks.shape[1] * 2.0**30)).tolist()
        return energies

    def _judge(self, energy: float, at: float) -> None:
        self._window.append(energy)
        if sum(self._window) / WINDOW_BLOCKS <= VOICED_ENERGY:
            self._run = 0
            return
        loud = energy > VOICED_ENERGY
        if self._run == 0:
            # The block that lifts the window over the threshold carries the energy: it is the onset.
            self._onset = at
        self._run += 1
        if self._run < LEAST_RUN or self._onset is None:
            return
        last = self.sounds[-1] if self.sounds else None
        if last is not None and self._onset - last.stop < JOIN_S:
            if loud:
                last.stop = at + BLOCK_S
        else:
            self.sounds.append(Sound(self._onset, at + BLOCK_S))


class RtpPlacement:
    """Where on the timeline the packets of an RTP stream belong, by their own clock.

    The first packet sets the clock; packets that jitter keep their place relative to it. A stream whose
    clock leaves the arrivals by more than `SLACK_S` (a sender that restarts, or does not count its
    silences) is set again.
    """

    def __init__(self) -> None:
        self._origin: float | None = None
        self._last = 0  # unwrapped timestamp

    def place(self, timestamp: int, arrival: float) -> float:
        """The moment (seconds, the loop's clock) of the first sample of a packet with an RTP `timestamp`."""
        step = (timestamp - self._last + RTP_WRAP // 2) % RTP_WRAP - RTP_WRAP // 2
        self._last += step
        if self._origin is not None:
            moment = self._origin + self._last / RATE
            if abs(moment - arrival) <= SLACK_S:
                return moment
        self._origin = arrival - self._last / RATE
        return arrival


class QueuePlacement:
    """Where audio without time stamps belongs: behind what came before, as a player's queue would have it."""

    def __init__(self) -> None:
        self._end: float | None = None

    def place(self, seconds: float, arrival: float) -> float:
        """The moment of the first sample of a piece that lasts `seconds`."""
        start = arrival if self._end is None or arrival - self._end > SLACK_S else self._end
        self._end = start + seconds
        return start

    def cut(self) -> None:
        """Forget what is queued: the player was told to drop it."""
        self._end = None


class Recording:
    """Everything received, on the real timeline, with silence where nothing came.

    Kept in memory: 11 MB a minute at 48 kHz stereo.
    """

    def __init__(self, rate: int, started: float) -> None:
        self._rate = rate
        self._started = started
        self._pieces: list[tuple[int, Pcm]] = []

    def add(self, pcm: Pcm, at: float) -> None:
        """Keep int16 samples of shape (n,) or (n, 2) that belong at `at` (the loop's clock)."""
        self._pieces.append((round((at - self._started) * self._rate), pcm))

    def cut(self, at: float) -> None:
        """Drop what would be heard from `at` on."""
        end = round((at - self._started) * self._rate)
        self._pieces = [(start, pcm[: max(0, end - start)]) for start, pcm in self._pieces if start < end]

    def render(self, until: float) -> Pcm:
        """The whole as int16 stereo at RATE, shape (n, 2), from the start of the call to `until`."""
        length = max(0, round((until - self._started) * self._rate))
        out = np.zeros((length, 2), np.int16)
        for start, pcm in self._pieces:
            if start < 0:
                pcm, start = pcm[-start:], 0
            fits = pcm[: max(0, length - start)]
            if len(fits):
                out[start : start + len(fits)] = fits.reshape(len(fits), -1)
        return resample(out, self._rate, RATE)
