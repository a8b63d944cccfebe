"""The engine with real backend processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from models import registry
from models.api import (
    AsrRequest,
    Audio,
    BackendError,
    BackendUnavailableError,
    BusyError,
    EndOfUtterance,
    Hypothesis,
    SpeechRequest,
    TurnRequest,
    VoicesRequest,
)
from models.engine import Assignment, Engine
from models.engine.streams import WINDOW
from models.registry import BACKENDS, Entry

FAKES = "tests.models.engine.fake_backends"


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    assignments = {
        "asr": Assignment(f"{FAKES}:Echo", {"slots": 2}),
        "tts": Assignment(f"{FAKES}:Counter"),
    }
    async with Engine(assignments) as running:  # type: ignore[arg-type]
        yield running


async def hear(engine: Engine, *pieces: bytes) -> list[Hypothesis]:
    async with aclosing(engine.open(AsrRequest())) as stream:
        for piece in pieces:
            await stream.send(Audio(piece))
        await stream.send(EndOfUtterance())
        return [hypothesis async for hypothesis in stream]


async def test_a_listening_stream_answers_what_it_is_sent(engine: Engine) -> None:
    heard = await hear(engine, b"ab", b"cdef")
    assert [(h.text, h.final) for h in heard] == [("2", False), ("6", False), ("6", True)]


async def test_a_producing_stream_comes_in_order_and_ends(engine: Engine) -> None:
    async with aclosing(engine.open(SpeechRequest("300"))) as stream:
        numbers = [int.from_bytes(chunk.pcm, "little") async for chunk in stream]
    assert numbers == list(range(1, 301))


async def test_a_producer_runs_ahead_by_its_window_only(engine: Engine) -> None:
    async with aclosing(engine.open(SpeechRequest("forever"))) as stream:
        await anext(stream)
        await hear(engine, b"x")  # another stream's whole round trip goes by meanwhile
        first = stream._items[-1] if stream._items else None  # type: ignore[attr-defined]
        assert first is None or int.from_bytes(first.pcm, "little") <= WINDOW["tts"] + 1


async def test_streams_do_not_mix(engine: Engine) -> None:
    async def numbers(count: int) -> int:
        async with aclosing(engine.open(SpeechRequest(str(count)))) as stream:
            return len([chunk async for chunk in stream])

    assert await asyncio.gather(*(numbers(count) for count in (1, 40, 7, 0))) == [1, 40, 7, 0]


async def test_a_refused_request_fails_its_stream_with_the_cause(engine: Engine) -> None:
    with pytest.raises(BackendError, match="no such voice; choose another"):
        await anext(engine.open(SpeechRequest("fail")))


async def test_a_voice_that_does_not_list_its_voices_is_not_asked_for_them(engine: Engine) -> None:
    with pytest.raises(BackendError, match="does not tell its voices"):
        async with aclosing(engine.open(VoicesRequest())) as stream:
            await anext(aiter(stream))


async def test_a_failing_step_fails_its_own_stream_only(engine: Engine) -> None:
    async with aclosing(engine.open(AsrRequest())) as good, aclosing(engine.open(AsrRequest())) as bad:
        await bad.send(Audio(b"fail"))
        with pytest.raises(BackendError, match="the decoder broke"):
            await anext(bad)
        await good.send(Audio(b"12"))
        assert (await anext(good)).text == "2"


async def test_no_free_slot_is_busy_and_a_closed_stream_frees_its_slot(engine: Engine) -> None:
    first, second = engine.open(AsrRequest()), engine.open(AsrRequest())
    with pytest.raises(BusyError):
        await anext(engine.open(AsrRequest()))
    await first.aclose()
    assert len(await hear(engine, b"1")) == 2
    await second.aclose()


async def test_a_dead_process_fails_its_streams_and_is_restarted(engine: Engine) -> None:
    async with aclosing(engine.open(AsrRequest())) as stream:
        await stream.send(Audio(b"die"))
        with pytest.raises(BackendError, match=r"exit code 3; it is being restarted"):
            await anext(stream)
    for _ in range(100):
        try:
            assert (await hear(engine, b"123"))[-1].text == "3"
            break
        except BackendError:
            await asyncio.sleep(0.05)
    else:
        pytest.fail("the backend did not come back")
    assert engine.restarts()["asr"] == 1


async def test_what_is_missing_is_named() -> None:
    with pytest.raises(BackendUnavailableError, match="apt-get install libvoice1"):
        async with Engine({"tts": Assignment(f"{FAKES}:Missing")}):
            pytest.fail("it must not load")


async def test_an_unknown_backend_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"choose one of: .*pocketsphinx"):
        async with Engine({"asr": Assignment("sphinx")}):
            pytest.fail("it must not load")


async def test_closing_the_engine_ends_its_streams() -> None:
    async with Engine({"tts": Assignment(f"{FAKES}:Counter")}) as engine:
        stream = engine.open(SpeechRequest("forever"))
        await anext(stream)
    with pytest.raises(BackendError, match="the engine was closed"):
        _ = [chunk async for chunk in stream]


async def test_a_role_that_nothing_serves_says_so(engine: Engine) -> None:
    async with aclosing(engine.open(TurnRequest(b"ab"))) as stream:
        await stream.send(EndOfUtterance())
        with pytest.raises(BackendUnavailableError, match=r"no turn backend was chosen: set turn\.backend"):
            await anext(stream)
    assert engine.streams() == {"asr": 0, "tts": 0}


async def test_a_quick_listener_is_done_on_the_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {**BACKENDS["asr"], "echo": Entry(f"{FAKES}:Echo", runs="inline")}
    monkeypatch.setitem(registry.BACKENDS, "asr", rows)  # type: ignore[arg-type]
    async with Engine({"asr": Assignment("echo", {"slots": 1})}) as engine:
        assert [h.text for h in await hear(engine, b"ab", b"cdef")] == ["2", "6", "6"]
        async with aclosing(engine.open(AsrRequest())) as stream:
            with pytest.raises(BusyError):
                await anext(engine.open(AsrRequest()))
            await stream.send(Audio(b"fail"))
            with pytest.raises(BackendError, match="the decoder broke"):
                await anext(stream)
        assert len(await hear(engine, b"1")) == 2
