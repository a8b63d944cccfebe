"""Ears on the virtual clock: audio to turns, and what happens when a recogniser fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models import api
from realtime.hearing.ears import (
    Ears,
    HearingEvent,
    HearingFailed,
    PartialText,
    Paused,
    SpeechDropped,
    SpeechStarted,
    SpeechSustained,
    TurnOver,
)
from realtime.hearing.manner import AFTER_MS, BEFORE_MS, judged
from realtime.hearing.turn import Rules
from realtime.transport.link import InputAudio
from tests.fakes import FakeEngine, Words
from tests.virtual_clock import play

PIECE = 320
LOUD = 10_000


class Recorder:
    """A recogniser that keeps all PCM it was sent, and understands what it is told to."""

    def __init__(self, text: str = "", *, fail_after: int | None = None) -> None:
        self.heard = b""
        self.closed = False
        self.text = text
        self._fail_after = fail_after
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    async def send(self, item: api.Input) -> None:
        if isinstance(item, api.EndOfUtterance):
            end = len(self.heard) // 2
            self._out.put_nowait(
                api.Hypothesis(self.text, 0, end, final=True, adaptation=f"after {self.text}")
            )
            self._out.put_nowait(None)
            return
        assert isinstance(item, api.Audio)
        self.heard += item.pcm
        if self._fail_after is not None and len(self.heard) // 2 > self._fail_after:
            self._out.put_nowait(api.BackendError("the recogniser's process ended"))

    def __aiter__(self) -> Recorder:
        return self

    async def __anext__(self) -> Any:
        match await self._out.get():
            case None:
                raise StopAsyncIteration
            case Exception() as error:
                raise error
            case item:
                return item

    async def aclose(self) -> None:
        self.closed = True
        self._out.put_nowait(None)


class SlowVad:
    """Judges by loudness, and takes its time to accept audio (backpressure)."""

    def __init__(self, delays: list[float], *, fail_after: int | None = None) -> None:
        self._delays = delays
        self._left = fail_after
        self._rest = np.zeros(0, np.int16)
        self._end = 0
        self._count = 0
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    async def send(self, item: api.Audio) -> None:
        self._rest = np.concatenate([self._rest, np.frombuffer(item.pcm, np.int16)])
        while len(self._rest) >= api.VAD_FRAME:
            frame, self._rest = self._rest[: api.VAD_FRAME], self._rest[api.VAD_FRAME :]
            self._end += api.VAD_FRAME
            self._out.put_nowait(api.SpeechProbability(float(np.mean(frame >= LOUD)), self._end, 0.1))
        self._count += 1
        if self._left is not None and self._count == self._left:
            self._out.put_nowait(api.BackendError("the detector's process ended"))
        if self._delays:
            await asyncio.sleep(self._delays[self._count % len(self._delays)])

    def __aiter__(self) -> SlowVad:
        return self

    async def __anext__(self) -> Any:
        item = await self._out.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def aclose(self) -> None:
        return


class ScriptedEngine:
    """Opens what the script says: one recogniser after the other, one detector after the other."""

    def __init__(self, recognisers: Callable[[int], Any], detectors: Callable[[int], Any]) -> None:
        self.assignments: dict[str, Any] = {}
        self.asr: list[Any] = []
        self.vad: list[Any] = []
        self.requests: list[api.AsrRequest] = []
        self._recognisers = recognisers
        self._detectors = detectors

    def open(self, request: api.Request) -> Any:
        if isinstance(request, api.AsrRequest):
            self.requests.append(request)
            self.asr.append(self._recognisers(len(self.asr)))
            return self.asr[-1]
        self.vad.append(self._detectors(len(self.vad)))
        return self.vad[-1]


class Listener:
    """Ears under way with a microphone: every sample has a value of its own, so that each can be told."""

    def __init__(self, engine: Any, *, prefix_ms: int = 300) -> None:
        self.ears = Ears(engine, Rules(), prefix_ms=prefix_ms, language="en")
        self.events: list[HearingEvent] = []
        self.spoken = np.zeros(0, np.int16)
        self._audio: asyncio.Queue[InputAudio | None] = asyncio.Queue()

    async def microphone(self) -> AsyncIterator[InputAudio]:
        while (piece := await self._audio.get()) is not None:
            yield piece

    async def collect(self) -> None:
        while True:
            self.events.append(await self.ears.events.get())

    async def sound(self, ms: int, *, loud: bool) -> None:
        for _ in range(ms // 20):
            at = len(self.spoken) + np.arange(PIECE)
            piece = (at % 9_000 + (LOUD if loud else 0)).astype(np.int16)
            self.spoken = np.concatenate([self.spoken, piece])
            self._audio.put_nowait(InputAudio(piece.tobytes()))
            await asyncio.sleep(0.02)

    async def speak(self, ms: int) -> None:
        await self.sound(ms, loud=True)

    async def silence(self, ms: int) -> None:
        await self.sound(ms, loud=False)

    async def hold(self, value: int, ms: int) -> None:
        for _ in range(ms // 20):
            self._audio.put_nowait(InputAudio(np.full(PIECE, value, np.int16).tobytes()))
            await asyncio.sleep(0.02)

    def close(self) -> None:
        self._audio.put_nowait(None)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def listening(engine: Any, **options: Any) -> AsyncIterator[Listener]:
    listener = Listener(engine, **options)
    async with asyncio.TaskGroup() as group:
        collecting = group.create_task(listener.collect())
        hearing = group.create_task(listener.ears.run(listener.microphone()))
        yield listener
        listener.close()
        await hearing
        await asyncio.sleep(0)
        collecting.cancel()


def is_part(heard: bytes, spoken: np.ndarray[Any, Any]) -> range:
    """Where the samples heard stand in what was spoken; fails unless they are one stretch of it."""
    samples = np.frombuffer(heard, np.int16)
    for begin in np.flatnonzero(spoken == samples[0]):
        if np.array_equal(spoken[begin : begin + len(samples)], samples):
            return range(int(begin), int(begin) + len(samples))
    raise AssertionError("what was heard is not a stretch of what was spoken")


def run(dialogue: Callable[[], Coroutine[Any, Any, None]]) -> None:
    play(dialogue(), seconds=120)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.019, 0.021, 0.05]), max_size=5),
    st.integers(0, 400),
    st.lists(st.tuples(st.integers(5, 40), st.integers(1, 60)), min_size=1, max_size=4),
)
def test_a_recogniser_hears_every_sample_once_and_in_order(
    delays: list[float], prefix_ms: int, script: list[tuple[int, int]]
) -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder("yes"), lambda _: SlowVad(delays))
        async with listening(engine, prefix_ms=prefix_ms) as listener:
            await listener.silence(500)
            for loud, quiet in script:
                await listener.speak(loud * 20)
                await listener.silence(quiet * 20)
            await listener.silence(3_000)
            overs = listener.of(TurnOver)
            done = [stream for stream in engine.asr if (stream.heard and not stream.closed) or stream.text]
            last_stop = 0
            for stream in done:
                stretch = is_part(stream.heard, listener.spoken)
                assert stretch.start >= last_stop  # no speech is heard twice
                last_stop = max(
                    [0, *(over.stop_ms * 16 for over in overs if over.stop_ms * 16 <= stretch.stop)]
                )
            for over, stream in zip(overs, engine.asr, strict=False):
                stretch = is_part(stream.heard, listener.spoken)
                assert stretch.start <= over.start_ms * 16
                assert stretch.stop >= over.stop_ms * 16

    run(dialogue)


def test_a_turn_from_onset_to_text() -> None:
    async def dialogue() -> None:
        words = Words()
        engine = FakeEngine(words, lambda _: [])
        async with listening(engine) as listener:
            await listener.hold(0, 400)
            await listener.hold(words.value("stop"), 300)
            await listener.hold(words.value("now"), 300)
            await listener.hold(0, 1_200)
            kinds = [type(event) for event in listener.events]
            assert kinds == [SpeechStarted, SpeechSustained, PartialText, PartialText, Paused, TurnOver]
            (over,) = listener.of(TurnOver)
            assert over.text == "stop now"
            assert abs(over.start_ms - 400) <= 32
            assert abs(over.stop_ms - 1_000) <= 32
            assert 190 <= over.endpoint_ms <= 512
            assert over.asr_ms == 0

    run(dialogue)


def test_how_it_sounds_is_evidence_of_what_is_said_over_us_alone() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder("stop"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            for over_us in (False, True):
                listener.ears.over_us = over_us
                await listener.silence(400)
                await listener.speak(600)
                await listener.silence(1_200)
            before, over = listener.of(TurnOver)
            assert before.evidence.request is None
            begin, stop = 16 * over.start_ms, 16 * over.stop_ms
            around = listener.spoken[begin - 16 * BEFORE_MS : stop + 16 * AFTER_MS]
            assert over.evidence == judged(over.evidence, around.tobytes())

    run(dialogue)


def test_the_speakers_adaptation_is_passed_on() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda n: Recorder(f"turn {n}"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            for _ in range(3):
                await listener.speak(600)
                await listener.silence(800)
        assert [request.adaptation for request in engine.requests] == [None, "after turn 0", "after turn 1"]
        assert [over.text for over in listener.of(TurnOver)] == ["turn 0", "turn 1", "turn 2"]

    run(dialogue)


def test_a_detector_that_fails_is_opened_again_and_told_of_once() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(
            lambda _: Recorder("hello"),
            lambda n: SlowVad([], fail_after=5 if n == 0 else 1 if n < 4 else None),
        )
        async with listening(engine) as listener:
            await listener.silence(6_000)
            await listener.speak(600)
            await listener.silence(800)
        assert len(engine.vad) == 5
        assert listener.of(HearingFailed) == [HearingFailed("the detector's process ended")]
        (over,) = listener.of(TurnOver)
        assert abs(over.start_ms - 6_000) <= 64  # time goes on from where it was

    run(dialogue)


def test_a_recogniser_that_fails_loses_its_turn_and_not_the_next() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(
            lambda n: Recorder("hello", fail_after=12_800 if n == 0 else None), lambda _: SlowVad([])
        )
        async with listening(engine) as listener:
            await listener.speak(3_000)
            await listener.silence(2_400)
            assert [type(event) for event in listener.events] == [
                SpeechStarted,
                SpeechSustained,
                HearingFailed,
                SpeechDropped,
            ]
            await listener.speak(600)
            await listener.silence(2_400)
            assert [over.text for over in listener.of(TurnOver)] == ["hello"]
            assert len(engine.asr) == 2

    run(dialogue)


def test_a_recogniser_that_never_works_is_told_of_once_a_turn() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder(fail_after=0), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            for _ in range(2):
                await listener.speak(2_000)
                await listener.silence(800)
            failed = HearingFailed("the recogniser's process ended")
            assert listener.of(HearingFailed) == [failed, failed]
            assert len(listener.of(SpeechStarted)) == len(listener.of(SpeechDropped)) == 2
            assert listener.of(TurnOver) == []

    run(dialogue)


def test_a_recogniser_that_fails_at_the_end_gives_the_turn_what_was_understood() -> None:
    class Breaks(Recorder):
        async def send(self, item: api.Input) -> None:
            if isinstance(item, api.EndOfUtterance):
                self._out.put_nowait(api.BackendError("broken"))
            else:
                await super().send(item)
                self._out.put_nowait(api.Hypothesis("so far", 0, 1))

    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Breaks(), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            await listener.speak(600)
            await listener.silence(2_400)
        assert [over.text for over in listener.of(TurnOver)] == ["so far"]
        assert listener.of(HearingFailed) == [HearingFailed("broken")]

    run(dialogue)


def test_in_manual_mode_everything_is_heard_and_the_client_commits() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda n: Recorder(f"text {n}"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            listener.ears.automatic = False
            assert not await listener.ears.commit()
            for number in range(2):
                await listener.speak(400)
                await listener.silence(1_000)
                assert listener.of(TurnOver)[number:] == []
                assert await listener.ears.commit()
                await listener.silence(20)
        first, second = listener.of(TurnOver)
        assert (first.text, first.start_ms, first.stop_ms, first.why) == ("text 0", 0, 1_400, "committed")
        assert (second.text, second.start_ms, second.stop_ms) == ("text 1", 1_400, 2_820)
        assert listener.of(SpeechStarted) == []
        heard = b"".join(stream.heard for stream in engine.asr)
        assert np.array_equal(np.frombuffer(heard, np.int16), listener.spoken)

    run(dialogue)


def test_in_manual_mode_a_dead_recogniser_is_asked_again_once_a_second() -> None:
    async def dialogue() -> None:
        engine = FakeEngine(Words(), lambda _: [])
        engine.fail["asr"] = "dead"
        async with listening(engine) as listener:
            listener.ears.automatic = False
            await listener.speak(3_500)
            assert len(listener.of(HearingFailed)) == 4

    run(dialogue)


def test_a_commit_ends_an_automatic_turn_at_once() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder("now"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            assert not await listener.ears.commit()
            await listener.speak(600)
            assert await listener.ears.commit()
            await asyncio.sleep(0.001)
            assert [over.why for over in listener.of(TurnOver)] == ["committed"]

    run(dialogue)


def test_clear_forgets_the_turn_and_says_so() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder("never"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            assert not await listener.ears.clear()
            await listener.speak(600)
            assert await listener.ears.clear()
            await listener.silence(1_000)
            assert [type(event) for event in listener.events] == [
                SpeechStarted,
                SpeechSustained,
                SpeechDropped,
            ]
            assert engine.asr[0].closed

    run(dialogue)


def test_leaving_manual_mode_leaves_no_recogniser_behind() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda n: Recorder(f"text {n}"), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            listener.ears.automatic = False
            await listener.silence(400)
            listener.ears.automatic = True
            await listener.speak(600)
            await listener.silence(800)
            assert [over.text for over in listener.of(TurnOver)] == ["text 1"]
            assert engine.asr[0].closed

    run(dialogue)


def test_noise_is_withdrawn() -> None:
    async def dialogue() -> None:
        engine = ScriptedEngine(lambda _: Recorder(""), lambda _: SlowVad([]))
        async with listening(engine) as listener:
            await listener.silence(320)
            await listener.speak(60)
            await listener.silence(600)
            assert [type(event) for event in listener.events] == [SpeechStarted, SpeechDropped]
            assert engine.asr[0].closed

    run(dialogue)
