"""A link that outlives its connections, on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.transport.link import FRAME_SAMPLES, AudioOwner, InputAudio, Losses, StereoFrame
from realtime.transport.resumable import FADE_SAMPLES, KEPT_EVENTS, ResumableLink
from tests.fakes import FakeLink, Words
from tests.virtual_clock import play

GRACE = 20.0
OWNER = AudioOwner("resp_1", "item_1")


class Line(FakeLink):
    """One connection: `break_off` and `hang_up` are its two ways to end, `connect` its beginning."""

    def __init__(self, kind: str = "webrtc", *, connected: bool = True) -> None:
        super().__init__(Words(), kind)
        self.farewell = False
        self.last_sign = asyncio.get_running_loop().time()
        self.flushed = 0
        self.lost = Losses()
        self.sent: list[str] = []
        self._settled = asyncio.Event()
        if connected:
            self.connect()

    def connect(self) -> None:
        self._settled.set()

    async def ready(self) -> bool:
        await self._settled.wait()
        return not self.closed

    async def aclose(self) -> None:
        await super().aclose()
        self._settled.set()

    async def break_off(self) -> None:
        await self.aclose()

    async def hang_up(self) -> None:
        self.farewell = True
        await self.aclose()

    def send(self, event: str) -> None:
        self.sent.append(json.loads(event)["event_id"])

    def flush(self) -> None:
        self.flushed += 1

    def losses(self) -> Losses:
        return self.lost

    def played(self) -> list[int]:
        """The number in each frame played (its last sample: the first of a stretch fades in)."""
        return [int(frame[-1, 0]) for _, frame in self.recording]


class Caller:
    """A resumable link over a first connection, read as a session would."""

    def __init__(self, grace: float = GRACE) -> None:
        self.line = Line()
        self.link = ResumableLink(self.line, "token", grace)
        self.events: list[str] = []
        self.pieces: list[InputAudio] = []
        self.presence: list[str] = []
        self.over_at: float | None = None

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._collect(self.link.events(), self.events))
            group.create_task(self._collect(self.link.audio(), self.pieces))
            group.create_task(self._attend())
        self.over_at = now()

    async def _collect(self, source: AsyncIterator[Any], into: list[Any]) -> None:
        async for item in source:
            into.append(item)  # noqa: PERF401  one by one, to be looked at meanwhile

    async def _attend(self) -> None:
        async for presence in self.link.presence:
            self.presence.append(presence.name)

    def tell(self, *names: str) -> None:
        for name in names:
            self.link.send(json.dumps({"event_id": name}, separators=(",", ":")))

    async def resume(self, last_event: str = "", **options: Any) -> Line:
        line = Line(**options)
        assert self.link.resume(line, last_event)
        await asyncio.sleep(0.001)
        return line


def now() -> float:
    return asyncio.get_running_loop().time()


def frame(number: int) -> StereoFrame:
    return np.full((FRAME_SAMPLES, 2), number, np.int16)


def on_a_call(dialogue: Any, grace: float = GRACE) -> Any:
    """Play `dialogue(caller)`; afterwards the link is closed and all its iterators have ended."""

    async def call() -> Any:
        caller = Caller(grace)
        following = asyncio.create_task(caller.follow())
        await asyncio.sleep(0)
        result = await dialogue(caller)
        await caller.link.aclose()
        await following
        return result

    coroutine: Coroutine[Any, Any, Any] = call()
    return play(coroutine)


def test_it_is_its_connection_while_that_lasts() -> None:
    async def dialogue(caller: Caller) -> None:
        caller.line.send_event(type="hello")
        await caller.line.silence(20)
        caller.tell("a", "b")
        caller.link.play(frame(7), OWNER)
        caller.line.lost = Losses(1, 2)
        assert (caller.link.kind, caller.link.current) == ("webrtc", caller.line)
        assert caller.line.sent == ["a", "b"]
        assert caller.line.played() == [7]
        assert caller.link.losses() == Losses(1, 2)
        assert len(caller.events) == len(caller.pieces) == 1

    on_a_call(dialogue)


def test_events_and_audio_go_on_over_the_next_connection() -> None:
    async def dialogue(caller: Caller) -> None:
        caller.line.lost = Losses(1, 2)
        await caller.line.break_off()
        await asyncio.sleep(1)
        line = await caller.resume(kind="websocket")
        line.lost = Losses(10, 20)
        line.send_event(type="hello")
        await line.silence(20)
        assert len(caller.events) == len(caller.pieces) == 1
        assert caller.presence == ["LOST", "BACK", "CAUGHT_UP"]
        assert caller.link.kind == "websocket"
        assert caller.link.losses() == Losses(11, 22)
        await asyncio.sleep(GRACE * 2)
        assert not caller.link.closed

    on_a_call(dialogue)


def test_a_living_connection_can_be_replaced_too() -> None:
    async def dialogue(caller: Caller) -> None:
        line = await caller.resume()
        assert caller.line.closed
        assert caller.presence == ["LOST", "BACK", "CAUGHT_UP"]
        caller.tell("a")
        assert (caller.line.sent, line.sent) == ([], ["a"])

    on_a_call(dialogue)


def test_who_says_goodbye_is_not_waited_for() -> None:
    async def dialogue(caller: Caller) -> None:
        await caller.line.hang_up()
        await asyncio.sleep(0.001)
        assert caller.link.closed
        assert caller.over_at is not None
        assert not caller.link.resume(Line())

    on_a_call(dialogue)


def test_nobody_is_waited_for_longer_than_the_grace() -> None:
    async def dialogue(caller: Caller) -> None:
        await caller.line.break_off()
        began = now()
        await asyncio.sleep(GRACE - 1)
        assert caller.over_at is None
        # A connection that is never ready does not begin the time anew.
        line = await caller.resume(connected=False)
        await line.break_off()
        await asyncio.sleep(2)
        assert caller.over_at == pytest.approx(began + GRACE)
        assert caller.presence == ["LOST"]

    on_a_call(dialogue)


def test_without_grace_it_ends_with_its_connection() -> None:
    async def dialogue(caller: Caller) -> None:
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        assert caller.over_at is not None

    on_a_call(dialogue, grace=0)


def test_missed_events_follow_the_last_one_received() -> None:
    async def dialogue(caller: Caller) -> None:
        caller.tell("a", "b", "c")
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        caller.tell("d")
        assert (await caller.resume("b")).sent == ["c", "d"]
        assert (await caller.resume("b")).sent == ["c", "d"]
        assert (await caller.resume("d")).sent == []

    on_a_call(dialogue)


def test_who_names_no_event_gets_those_nobody_got() -> None:
    async def dialogue(caller: Caller) -> None:
        caller.tell("a")
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        caller.tell("b", "c")
        assert (await caller.resume()).sent == ["b", "c"]
        assert (await caller.resume("never_heard_of")).sent == []

    on_a_call(dialogue)


def test_kept_events_are_bounded() -> None:
    async def dialogue(caller: Caller) -> None:
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        caller.tell(*(f"e{number}" for number in range(KEPT_EVENTS + 10)))
        line = await caller.resume()
        assert line.sent == [f"e{number}" for number in range(10, KEPT_EVENTS + 10)]

    on_a_call(dialogue)


def test_what_left_after_the_last_sign_is_played_again_before_anything_else() -> None:
    async def dialogue(caller: Caller) -> None:
        for number in range(1, 11):
            caller.link.play(frame(100 * number), OWNER)
            if number <= 5:
                caller.line.last_sign = now()
            await asyncio.sleep(0.02)
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        assert caller.link.playout_delay_ms == 6 * 20  # frame 5 left at the moment of the last sign
        assert caller.link.recalled_ms == 6 * 20
        line = Line(connected=False)
        assert caller.link.resume(line)
        await asyncio.sleep(1)
        assert line.played() == []
        assert caller.presence == ["LOST"]
        line.connect()
        await asyncio.sleep(0.11)
        assert caller.presence == ["LOST", "BACK"]
        await asyncio.sleep(0.02)
        assert caller.presence == ["LOST", "BACK", "CAUGHT_UP"]
        assert line.played() == [500, 600, 700, 800, 900, 1000]
        assert all(later - earlier == pytest.approx(0.02) for (earlier, _), (later, _) in pairs(line))
        first = line.recording[0][1][:, 0]
        assert first[0] == 0
        assert np.abs(np.diff(first)).max() <= 500 // FADE_SAMPLES + 1
        line.last_sign = now()
        caller.link.play(frame(1), OWNER)
        assert caller.link.playout_delay_ms == 0

    on_a_call(dialogue)


def pairs(line: Line) -> Any:
    return zip(line.recording, line.recording[1:], strict=False)


def test_what_was_cut_is_not_played_again() -> None:
    async def dialogue(caller: Caller) -> None:
        for _ in range(5):
            caller.link.play(frame(1), OWNER)
            await asyncio.sleep(0.02)
        await caller.line.break_off()
        await asyncio.sleep(0.001)
        assert caller.link.recalled_ms > 0
        caller.link.flush()
        assert caller.link.playout_delay_ms == caller.link.recalled_ms == 0
        assert (await caller.resume()).played() == []

    on_a_call(dialogue)


def test_a_second_loss_during_the_repetition_loses_nothing() -> None:
    async def dialogue(caller: Caller) -> None:
        for number in range(1, 6):
            caller.link.play(frame(number), OWNER)
            await asyncio.sleep(0.02)
        await caller.line.break_off()
        line = await caller.resume()
        await asyncio.sleep(0.04)
        await line.break_off()
        line = await caller.resume()
        await asyncio.sleep(0.2)
        assert line.played() == [1, 2, 3, 4, 5]

    on_a_call(dialogue)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["tell", "lose"]), st.integers(1, 5)), max_size=30))
def test_a_client_that_names_its_last_event_gets_each_exactly_once(steps: list[tuple[str, int]]) -> None:
    async def dialogue(caller: Caller) -> None:
        line, told, received = caller.line, 1, ["e0"]
        caller.tell("e0")
        line.sent.clear()
        for step, count in steps:
            if step == "tell":
                caller.tell(*(f"e{told + number}" for number in range(count)))
                told += count
            else:
                received += line.sent[: max(0, len(line.sent) - count)]  # the last ones did not arrive
                await line.break_off()
                await asyncio.sleep(0.001)
                line = await caller.resume(received[-1])
        assert received + line.sent == [f"e{number}" for number in range(told)]

    on_a_call(dialogue)
