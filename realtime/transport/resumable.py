"""A link that outlives the connection beneath it: when that drops, the client may come back with another.

aiortc has no ICE restart and the protocol no second offer, so a client whose network changed makes a new
connection and names its conversation by a token. In between nothing is lost on either side:

- events are kept, the latest KEPT_EVENTS, and those after the last one the client names are sent again;
- audio that left after the client's last sign of life was heard by nobody: it is kept, and played again
  first. `playout_delay_ms` counts it as not yet audible, so that a reply cut short in the meantime leaves in
  the history what was heard;
- `presence` tells the session when nobody is there, which then stops its clock.

A client that says goodbye is not waited for.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any, NamedTuple, Protocol

import numpy as np

from realtime.transport.link import FRAME_MS, AudioOwner, InputAudio, Link, Losses, StereoFrame
from realtime.transport.mailbox import Mailbox

log = logging.getLogger(__name__)

KEPT_EVENTS = 256  # some ten turns, as many as a data channel is given before it opens
KEPT_FRAMES = 350  # 7 s: what leaves until a vanished client is noticed, 1.3 MB at most
FADE_SAMPLES = 240  # 5 ms: the first frame played again begins in the middle of a sound
PRESENCE_CHANGES = 64  # unread; the session reads them at once


class Presence(enum.Enum):
    """What happened to the client."""

    LOST = enum.auto()
    BACK = enum.auto()  # it receives again
    CAUGHT_UP = enum.auto()  # it was played what it had not heard


class Carrier(Link, Protocol):
    """A link that can be replaced by another."""

    @property
    def farewell(self) -> bool:
        """Whether the client ended the link on purpose. Means nothing before the iterators end."""
        ...

    @property
    def last_sign(self) -> float:
        """When the client was last known to be there (the loop's clock, seconds)."""
        ...

    async def ready(self) -> bool:
        """Wait until what is sent arrives; False when the link ended first."""
        ...


class _Sent(NamedTuple):
    """An event that was sent, or would have been."""

    text: str
    unsent: bool


class _Played(NamedTuple):
    """A frame, and when it left (the loop's clock)."""

    at: float
    frame: StereoFrame
    owner: AudioOwner | None


class ResumableLink:
    """See `Link` for what the methods promise, and `resume` for what is new.

    `token` is what names the conversation, `grace_s` how long nobody may be there. `presence` yields LOST
    once and then, when a connection is ready, BACK and CAUGHT_UP.
    """

    def __init__(self, link: Carrier, token: str, grace_s: float) -> None:
        self.token = token
        self.grace_s = grace_s
        self.presence: Mailbox[Presence] = Mailbox(PRESENCE_CHANGES)
        self._loop = asyncio.get_running_loop()
        self._link = link  # the latest
        self.kind = link.kind
        self._attached = True  # whether `_link` takes events
        self._there = True  # whether the client hears us
        self._closed = asyncio.Event()
        self._changed = asyncio.Event()  # set and replaced when `_link` changes
        self._deadline: asyncio.TimerHandle | None = None
        self._kept: deque[_Sent] = deque(maxlen=KEPT_EVENTS)
        self._played: deque[_Played] = deque(maxlen=KEPT_FRAMES)  # over `_link`, perhaps not yet heard
        self._unheard: deque[_Played] = deque(maxlen=KEPT_FRAMES)  # to be played again
        self._earlier = Losses()  # of the links before
        self._tasks: set[asyncio.Task[None]] = set()

    # -- Link ---------------------------------------------------------------------------------------

    async def audio(self) -> AsyncIterator[InputAudio]:
        link: Carrier | None = self._link
        while link is not None:
            async for piece in link.audio():
                yield piece
            link = await self._after(link)

    async def events(self) -> AsyncIterator[str]:
        link: Carrier | None = self._link
        while link is not None:
            async for event in link.events():
                yield event
            self._lose(link)
            link = await self._after(link)

    def send(self, event: str) -> None:
        if self._closed.is_set():
            return
        self._kept.append(_Sent(event, unsent=not self._attached))
        if self._attached:
            self._link.send(event)

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        if self._there:
            self._pass_on(frame, owner)
        elif frame is not None:
            self._unheard.append(_Played(self._loop.time(), frame, owner))

    def flush(self) -> None:
        self._played.clear()
        self._unheard.clear()
        self._link.flush()

    def losses(self) -> Losses:
        now = self._link.losses()
        return Losses(self._earlier.dropped + now.dropped, self._earlier.concealed + now.concealed)

    @property
    def playout_delay_ms(self) -> float:
        return self._link.playout_delay_ms + len(self._unheard) * FRAME_MS

    @property
    def recalled_ms(self) -> float:
        # Of a link that was lost, all that may not have been heard is in `_unheard` already.
        waiting = self._link.recalled_ms if self._attached else 0.0
        return waiting + len(self._unheard) * FRAME_MS

    async def aclose(self) -> None:
        self._close()
        await self._link.aclose()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- besides ------------------------------------------------------------------------------------

    @property
    def current(self) -> Link:
        """The latest link itself."""
        return self._link

    @property
    def closed(self) -> bool:
        """Whether the conversation is over: nobody can come back any more."""
        return self._closed.is_set()

    def resume(self, link: Carrier, last_event: str = "") -> bool:
        """Go on over `link`; the one before is closed. False when the conversation is over already.

        `last_event` is the id of the last event that the client received.

        Events after that one are sent at once; where it is not known, those that were sent to nobody. Audio
        follows when the link is ready.
        """
        self._lose(self._link)
        if self._closed.is_set():
            return False
        before = self._link
        missed = self._missed(last_event)
        lost = before.losses()
        self._earlier = Losses(*(a + b for a, b in zip(self._earlier, lost, strict=True)))
        self._link = link
        self.kind = link.kind
        self._attached = True
        for event in missed:
            link.send(event)
        self._kept = deque((_Sent(sent.text, unsent=False) for sent in self._kept), maxlen=KEPT_EVENTS)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._spawn(before.aclose(), "close the link before")
        self._spawn(self._welcome(link), "welcome back")
        return True

    # -- inside -------------------------------------------------------------------------------------

    async def _after(self, link: Carrier) -> Carrier | None:
        """The link that follows `link`, once there is one; None when there will be none."""
        while self._link is link and not self._closed.is_set():
            await self._changed.wait()
        return None if self._closed.is_set() else self._link

    def _lose(self, link: Carrier) -> None:
        """This link has ended, or is to be replaced. Nothing happens for one that already is."""
        if link is not self._link or not self._attached:
            return
        if link.farewell or not self.grace_s:
            self._close()
            return
        self._attached = False
        if self._deadline is None:
            log.info("a client was lost; it may come back within %g s", self.grace_s)
            self._deadline = self._loop.call_later(self.grace_s, self._give_up)
        self._forget_heard()
        self._unheard.extendleft(reversed(self._played))
        self._played.clear()
        if self._there:
            self._there = False
            self.presence.put(Presence.LOST)

    def _give_up(self) -> None:
        log.info("a client did not come back")
        self._close()

    def _close(self) -> None:
        self._closed.set()
        self._attached = self._there = False
        self._changed.set()
        self.presence.close()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _pass_on(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        self._link.play(frame, owner)
        if frame is not None:
            self._played.append(_Played(self._loop.time(), frame, owner))
        self._forget_heard()

    def _forget_heard(self) -> None:
        """Drop the frames that the client had time to hear before its last sign."""
        heard = self._link.last_sign - self._link.playout_delay_ms / 1000
        while self._played and self._played[0].at < heard:
            self._played.popleft()

    def _missed(self, last_event: str) -> list[str]:
        """The kept events that the client has not received."""
        if last_event:
            mark = f'"event_id":"{last_event}"'
            for index in range(len(self._kept) - 1, -1, -1):
                if mark in self._kept[index].text:
                    return [sent.text for sent in list(self._kept)[index + 1 :]]
        return [sent.text for sent in self._kept if sent.unsent]

    async def _welcome(self, link: Carrier) -> None:
        """Once `link` carries sound, play what was not heard; then the client is there."""
        if not await link.ready() or link is not self._link or self._closed.is_set():
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.presence.put(Presence.BACK)
        due = self._loop.time()
        fade = True
        while self._unheard and link is self._link and self._attached:
            _, frame, owner = self._unheard.popleft()
            self._pass_on(faded_in(frame) if fade else frame, owner)
            fade = False
            due += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - self._loop.time()))
        if link is self._link and self._attached:
            self._there = True
            self.presence.put(Presence.CAUGHT_UP)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def faded_in(frame: StereoFrame) -> StereoFrame:
    """The frame with its first FADE_SAMPLES rising from silence."""
    out = frame.copy()
    ramp = np.linspace(0, 1, FADE_SAMPLES, dtype=np.float32)[:, None]
    out[:FADE_SAMPLES] = np.rint(out[:FADE_SAMPLES] * ramp).astype(np.int16)
    return out
