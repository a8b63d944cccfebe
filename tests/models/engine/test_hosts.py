"""Several edges on one set of backend processes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from models.api import AsrRequest, Audio, BackendError, BusyError, EndOfUtterance, SpeechRequest
from models.engine import Assignment, Engine, Hosts, runtime_directory, wire
from models.engine.hosts import STATUS, socket_path

FAKES = "tests.models.engine.fake_backends"
ASSIGNMENTS: dict[Any, Assignment] = {
    "asr": Assignment(f"{FAKES}:Echo", {"slots": 2}),
    "tts": Assignment(f"{FAKES}:Counter"),
}


@pytest.fixture
async def directory() -> AsyncIterator[Path]:
    with runtime_directory() as path:
        async with Hosts(ASSIGNMENTS, path):
            yield path
    assert not path.exists()


@pytest.fixture
async def engines(directory: Path) -> AsyncIterator[tuple[Engine, Engine]]:
    first, second = (Engine.attached(ASSIGNMENTS, directory) for _ in range(2))
    async with first, second:
        yield first, second


async def hear(engine: Engine, *pieces: bytes) -> str:
    async with aclosing(engine.open(AsrRequest())) as stream:
        for piece in pieces:
            await stream.send(Audio(piece))
        await stream.send(EndOfUtterance())
        return [hypothesis async for hypothesis in stream][-1].text


async def test_only_this_user_can_enter_the_directory(directory: Path) -> None:
    assert os.stat(directory).st_mode & 0o777 == 0o700


async def test_streams_of_two_edges_do_not_mix(engines: tuple[Engine, Engine]) -> None:
    """Both number their streams from 1."""
    assert await asyncio.gather(hear(engines[0], b"1"), hear(engines[1], b"123", b"4")) == ["1", "4"]

    async def numbers(engine: Engine, count: int) -> list[int]:
        async with aclosing(engine.open(SpeechRequest(str(count)))) as stream:
            return [int.from_bytes(chunk.pcm, "little") async for chunk in stream]

    first, second = await asyncio.gather(numbers(engines[0], 50), numbers(engines[1], 20))
    assert first == list(range(1, 51))
    assert second == list(range(1, 21))


async def test_a_stream_of_one_edge_takes_the_slot_of_all(engines: tuple[Engine, Engine]) -> None:
    first, second = engines
    async with aclosing(first.open(AsrRequest())), aclosing(first.open(AsrRequest())) as last:
        await last.send(Audio(b"1"))
        await anext(last)  # by now both are open
        with pytest.raises(BusyError):
            await anext(second.open(AsrRequest()))


async def test_a_lost_edge_gives_back_its_slots(directory: Path) -> None:
    async with Engine.attached(ASSIGNMENTS, directory) as staying:
        async with Engine.attached(ASSIGNMENTS, directory) as leaving:
            streams = [leaving.open(AsrRequest()), leaving.open(AsrRequest())]
            for stream in streams:
                await stream.send(Audio(b"1"))
                await anext(stream)
        for stream in streams:
            with pytest.raises(BackendError, match="the engine was closed"):
                await anext(stream)
        async with aclosing(staying.open(AsrRequest())) as one, aclosing(staying.open(AsrRequest())) as two:
            for stream in (one, two):
                await stream.send(Audio(b"12"))
                assert (await anext(stream)).text == "2"


async def test_every_edge_is_told_why_a_process_died_and_finds_it_again(
    engines: tuple[Engine, Engine],
) -> None:
    first, second = engines
    async with aclosing(first.open(AsrRequest())) as bystander, aclosing(second.open(AsrRequest())) as fatal:
        await fatal.send(Audio(b"die"))
        for stream in (bystander, fatal):
            with pytest.raises(BackendError, match="exit code 3; it is being restarted"):
                await anext(stream)
    for engine in engines:
        for _ in range(200):
            try:
                assert await hear(engine, b"123") == "3"
                break
            except BackendError:
                await asyncio.sleep(0.05)
        else:
            pytest.fail("the backend did not come back")
        assert engine.restarts() == {"asr": 1, "tts": 0}


async def test_an_edge_that_reads_nothing_holds_up_no_other(
    directory: Path, engines: tuple[Engine, Engine]
) -> None:
    """It is owed more than its socket holds. The runner goes on; the rest comes when the edge reads again."""
    with socket.socket(socket.AF_UNIX) as hung:
        hung.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hung.settimeout(20)
        hung.connect(str(socket_path(directory, "tts", 0)))
        count = 20_000
        hung.sendall(wire.pack(wire.Open(1, SpeechRequest(str(count)), count + 1)))
        for engine in engines:
            async with aclosing(engine.open(SpeechRequest("300"))) as stream:
                assert len([chunk async for chunk in stream]) == 300
        splitter, outputs = wire.Splitter(), 0

        def read_all() -> int:
            nonlocal outputs
            while data := hung.recv(1 << 16):
                for body in splitter.feed(data):
                    match wire.to_edge.decode(body):
                        case wire.Out():
                            outputs += 1
                        case wire.End(error=error):
                            assert error is None
                            return outputs
            return outputs

        assert await asyncio.to_thread(read_all) == count


async def test_an_edge_that_sends_nonsense_is_dropped_alone(
    directory: Path, engines: tuple[Engine, Engine]
) -> None:
    for nonsense in (b"\xff\xff\xff\xff", b"\x02\x00\x00\x00\xc1\xc1"):
        with socket.socket(socket.AF_UNIX) as strange:
            strange.connect(str(socket_path(directory, "asr", 0)))
            strange.sendall(nonsense)
            assert await asyncio.to_thread(strange.recv, 1) == b""
    assert await hear(engines[0], b"12") == "2"


async def test_an_edge_waits_until_all_is_loaded(directory: Path) -> None:
    """And one that comes late is told how things are."""
    async with Engine.attached(ASSIGNMENTS, directory) as late:
        assert await hear(late, b"1") == "1"
    with socket.socket(socket.AF_UNIX) as watcher:
        watcher.connect(str(directory / STATUS))
        assert await asyncio.to_thread(watcher.recv, 1 << 10)


async def test_a_directory_with_too_long_a_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", os.fspath(long))
    with pytest.raises(ValueError, match="too long for unix sockets"), runtime_directory():
        pytest.fail("it must not be made")
