"""The speaker: pulls a frame from the mixer every 20 ms, on an absolute clock, and gives it to the link.

It sleeps while there is nothing to play, and starts at once when there is: the first frame of a reply does
not wait for a tick.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from models.api import SPEAKING_RATE
from realtime.speaking.mixer import Lane, Mixer, Pcm
from realtime.telemetry import Metrics
from realtime.transport.link import FRAME_MS, IDLE_MS, AudioOwner, Link, StereoFrame

LATE_S = 0.010  # a frame this late eats half of what a 20 ms receiver buffer holds: counted
GIVE_UP_S = 0.2  # behind by this much, the clock starts anew instead of sending a burst
REMEMBERED = 250  # frames, 5 s: a longer way from here to somebody's ear is none that one talks over
SILENCE_FRAMES = 10  # 200 ms of silence sent after the sound, so that receivers fade on real samples


class Speaker:
    """One session's playback."""

    def __init__(self, link: Link, mixer: Mixer, metrics: Metrics) -> None:
        self.mixer = mixer
        self.owner: Callable[[], AudioOwner | None] = lambda: None
        self.on_frame: list[Callable[[], None]] = []
        # What leaves, and when (loop time); None for the silence in between.
        self.on_sent: Callable[[StereoFrame | None, float], None] = lambda frame, now: None
        self.spoke_at = 0.0  # loop time at which the voice last sounded
        self._link = link
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._pulled = asyncio.Event()
        self._listened = asyncio.Event()  # cleared while nobody is there to hear
        self._listened.set()
        self._held_at = 0.0  # loop time of `hold`
        self._held = 0.0  # s that were spent held in all
        self._owner: AudioOwner | None = None  # of the frame that left last; None while nothing plays
        self._ahead = 0  # frames that left before they were due
        # Of the voice's last frames: when each left, by a clock that stands while held, and its samples.
        self._left_at: deque[float] = deque(maxlen=REMEMBERED)
        self._left: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    async def run(self) -> None:
        """Play for as long as the session lasts."""
        while True:
            while not self.mixer.audible:
                await self._rest()
            await self._play()

    async def _rest(self) -> None:
        """Wait for sound; let the link hear of the silence now and then."""
        try:
            async with asyncio.timeout(IDLE_MS / 1000):
                await self._wake.wait()
            self._wake.clear()
        except TimeoutError:
            self._link.play(None, None)

    async def write(self, lane: Lane, pcm: Pcm) -> None:
        """Append to a lane, waiting for room; wakes the speaker."""
        while len(pcm):
            if lane.room:
                part = pcm[: lane.room]
                lane.write(part)
                pcm = pcm[len(part) :]
                self.wake()
            else:
                await self._next_pull()

    async def drained(self, lane: Lane) -> None:
        """Wait until everything on the lane has left."""
        while lane.buffered:
            await self._next_pull()

    def wake(self) -> None:
        """Something may be audible now (also after a lane was resumed)."""
        self._wake.set()

    def hold(self) -> None:
        """Stop the clock: nobody is there. What is written waits, and so does who writes it."""
        if self._listened.is_set():
            self._held_at = asyncio.get_running_loop().time()
        self._listened.clear()

    def release(self) -> None:
        """Go on at the next sample."""
        if not self._listened.is_set():
            self._held += asyncio.get_running_loop().time() - self._held_at
        self._listened.set()

    def audible(self, delay_ms: float) -> int:
        """Samples of the voice that were audible at a client to whom sound takes `delay_ms`.

        Counted by when each frame left: a voice that has been silent for longer was heard to its end.
        """
        if not self._left:
            return self.mixer.speech.consumed
        now = asyncio.get_running_loop().time() if self._listened.is_set() else self._held_at
        then = now - self._held - delay_ms / 1000
        index = max(0, bisect_right(self._left_at, then) - 1)
        begin, end = self._left[index]
        return min(end, begin + max(0, round((then - self._left_at[index]) * SPEAKING_RATE)))

    def silence(self, *lanes: Lane) -> None:
        """Drop what the lanes hold, and what of it has not left the link yet."""
        for lane in lanes:
            lane.clear()
        self._link.flush()
        self.end_cut()
        self.wake()
        self._announce_pull()  # whoever waits for the lane to drain has nothing to wait for

    def end_cut(self) -> None:
        """Let the tail of what was cut leave at once.

        Whoever cuts says next that the response is over, and no sound of it may come after that.
        """
        if self._owner is not None and self._listened.is_set() and self.mixer.audible:
            self._ahead += 1
            self._send()

    async def _next_pull(self) -> None:
        await self._pulled.wait()

    def _announce_pull(self) -> None:
        """Wake everyone who waits for a pull; who waits from now on waits for the next."""
        self._pulled.set()
        self._pulled = asyncio.Event()

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        silent = 0
        while silent < SILENCE_FRAMES:
            if not self._listened.is_set():
                await self._listened.wait()
                due = loop.time()
            late = loop.time() - due
            if late > LATE_S:
                self._metrics.frames_late.inc()
            if late > GIVE_UP_S:
                due += late
            if self._ahead:
                self._ahead -= 1
                due += FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due - loop.time()))
                continue
            silent = 0 if self._send() else silent + 1
            self._announce_pull()
            for observer in self.on_frame:
                observer()
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
        self._owner = None
        self._ahead = 0

    def _send(self) -> bool:
        """Mix the next frame and let it leave; False when it is silence."""
        self._owner = self.owner() or self._owner  # the tail of a cut belongs to whom was cut
        spoken = self.mixer.speech.consumed
        frame = self.mixer.pull()
        self._link.play(frame, self._owner if frame is not None else None)
        self._sent(frame, spoken)
        self._metrics.frames.inc()
        return frame is not None

    def _sent(self, frame: StereoFrame | None, spoken: int) -> None:
        now = asyncio.get_running_loop().time()
        self.on_sent(frame, now)
        if self.mixer.speech.consumed > spoken:
            self.spoke_at = now
            self._left_at.append(now - self._held)
            self._left.append((spoken, self.mixer.speech.consumed))
