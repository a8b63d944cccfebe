"""The speaker's clock, on the virtual one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from realtime.speaking.mixer import Mixer, Pcm
from realtime.speaking.speaker import SILENCE_FRAMES, Speaker
from realtime.telemetry import Metrics
from realtime.transport.link import FRAME_SAMPLES, IDLE_MS, AudioOwner, StereoFrame
from tests.virtual_clock import VirtualClockLoop, play


class Clocked:
    """A link that notes when it was given a frame, and of whom."""

    def __init__(self) -> None:
        self.sound: list[float] = []
        self.silence: list[float] = []
        self.owners: list[AudioOwner | None] = []
        self.flushed = 0
        self.work: list[float] = []  # s that the next frames hold up the loop

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        loop = asyncio.get_running_loop()
        if frame is None:
            self.silence.append(loop.time())
        else:
            self.sound.append(loop.time())
            self.owners.append(owner)
        if self.work:
            assert isinstance(loop, VirtualClockLoop)
            loop.now += self.work.pop(0)

    def flush(self) -> None:
        self.flushed += 1


class Room:
    def __init__(self) -> None:
        self.link = Clocked()
        self.metrics = Metrics()
        self.speaker = Speaker(self.link, Mixer(), self.metrics)  # type: ignore[arg-type]
        self.speaker.owner = lambda: AudioOwner("resp", "item")
        self.lane = self.speaker.mixer.speech

    @property
    def late(self) -> float:
        return self.metrics.registry.get_sample_value("audiogpt_frames_late_total") or 0.0


def in_a_room(visit: Callable[[Room], Awaitable[None]]) -> None:
    async def dialogue() -> None:
        room = Room()
        speaking = asyncio.create_task(room.speaker.run())
        await asyncio.sleep(0)
        await visit(room)
        speaking.cancel()
        await asyncio.wait({speaking})

    play(dialogue())


def frames(count: int) -> Pcm:
    return np.full((count * FRAME_SAMPLES, 2), 0.1, np.float32)


def test_frames_leave_every_20_ms_for_minutes_without_drift() -> None:
    async def visit(room: Room) -> None:
        await room.speaker.write(room.lane, frames(3_000))
        await room.speaker.drained(room.lane)
        began = room.link.sound[0]
        assert len(room.link.sound) == 3_000
        assert np.allclose(room.link.sound, began + 0.02 * np.arange(3_000), atol=1e-6)
        assert room.late == 0

    in_a_room(visit)


def test_the_first_frame_leaves_at_once() -> None:
    async def visit(room: Room) -> None:
        await asyncio.sleep(1.2345)
        now = asyncio.get_running_loop().time()
        await room.speaker.write(room.lane, frames(2))
        await room.speaker.drained(room.lane)
        assert room.link.sound[0] == now

    in_a_room(visit)


def test_after_the_sound_come_200_ms_of_silence_and_then_only_signs_of_life() -> None:
    async def visit(room: Room) -> None:
        await room.speaker.write(room.lane, frames(1))
        await asyncio.sleep(0.5)
        assert len(room.link.silence) == SILENCE_FRAMES
        await asyncio.sleep(10)
        idle = np.diff(room.link.silence[SILENCE_FRAMES:])
        assert np.allclose(idle, IDLE_MS / 1000)

    in_a_room(visit)


def test_waking_up_for_nothing_plays_nothing() -> None:
    async def visit(room: Room) -> None:
        room.speaker.wake()
        await asyncio.sleep(0.3)
        assert room.link.silence == []

    in_a_room(visit)


def test_a_busy_loop_makes_no_drift_and_what_was_late_is_counted() -> None:
    async def visit(room: Room) -> None:
        room.link.work = [0.0, 0.005, 0.0, 0.035, 0.0]  # the fourth makes the fifth 15 ms late
        await room.speaker.write(room.lane, frames(8))
        await room.speaker.drained(room.lane)
        due = room.link.sound[0] + 0.02 * np.arange(8)
        assert np.allclose(np.array(room.link.sound) - due, [0, 0, 0, 0, 0.015, 0, 0, 0], atol=1e-6)
        assert room.late == 1

    in_a_room(visit)


def test_after_a_long_stall_the_clock_starts_anew() -> None:
    async def visit(room: Room) -> None:
        room.link.work = [0.0, 1.0]
        await room.speaker.write(room.lane, frames(6))
        await room.speaker.drained(room.lane)
        assert np.allclose(np.diff(room.link.sound), [0.02, 1.0, 0.02, 0.02, 0.02], atol=1e-6)
        assert room.late == 1

    in_a_room(visit)


def test_who_writes_waits_for_room() -> None:
    async def visit(room: Room) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await room.speaker.write(room.lane, frames(25))  # 500 ms: all there is room for
        assert loop.time() == began
        await room.speaker.write(room.lane, frames(5))
        assert 0.08 - 1e-6 <= loop.time() - began <= 0.1
        assert room.lane.buffered <= room.lane.capacity
        await room.speaker.drained(room.lane)
        assert len(room.link.sound) == 30

    in_a_room(visit)


def test_drained_waits_through_a_pause() -> None:
    async def visit(room: Room) -> None:
        loop = asyncio.get_running_loop()
        await room.speaker.write(room.lane, frames(5))
        await asyncio.sleep(0.03)
        room.lane.pause()
        draining = asyncio.create_task(room.speaker.drained(room.lane))
        await asyncio.sleep(2)
        assert not draining.done()
        room.lane.resume()
        room.speaker.wake()
        resumed = loop.time()
        await draining
        assert loop.time() - resumed < 0.1
        assert room.lane.consumed == 5 * FRAME_SAMPLES

    in_a_room(visit)


def test_silencing_flushes_the_link_and_frees_who_waits() -> None:
    async def visit(room: Room) -> None:
        await room.speaker.write(room.lane, frames(20))
        draining = asyncio.create_task(room.speaker.drained(room.lane))
        writing = asyncio.create_task(room.speaker.write(room.lane, frames(0)))
        await asyncio.sleep(0.05)
        sounded = len(room.link.sound)
        room.speaker.silence(room.lane)
        assert len(room.link.sound) == sounded + 1  # the tail of the cut, at once
        await asyncio.wait_for(draining, 0.001)
        await writing
        assert room.link.flushed == 1
        await asyncio.sleep(0.5)
        assert len(room.link.sound) == sounded + 1

    in_a_room(visit)


def test_the_tail_of_a_cut_belongs_to_whom_was_cut() -> None:
    async def visit(room: Room) -> None:
        await room.speaker.write(room.lane, frames(20))
        await asyncio.sleep(0.05)
        room.speaker.owner = lambda: None
        room.speaker.silence(room.lane)
        await asyncio.sleep(0.1)
        assert room.link.owners == [AudioOwner("resp", "item")] * len(room.link.owners)

    in_a_room(visit)


def test_observers_see_every_frame() -> None:
    async def visit(room: Room) -> None:
        seen: list[int] = []
        room.speaker.on_frame.append(lambda: seen.append(room.lane.consumed))
        await room.speaker.write(room.lane, frames(3))
        await room.speaker.drained(room.lane)
        assert seen == [FRAME_SAMPLES, 2 * FRAME_SAMPLES, 3 * FRAME_SAMPLES]

    in_a_room(visit)
