"""What joins workers: the board, the sum of the metrics, and the switch between two of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from models.engine import runtime_directory
from realtime.process import STOPPING, first_cause, until_signal
from realtime.telemetry import Metrics
from realtime.workers import control, exposition
from realtime.workers.board import Board, Record, WorkerPlaces
from realtime.workers.switch import CALLS, Switch, call_prefix, worker_socket

# -- the board ----------------------------------------------------------------------------------------


@pytest.fixture
def boards(tmp_path: Path) -> Any:
    """The same board as three processes have it open."""
    with Board(tmp_path, 3) as one, Board(tmp_path, 3) as two, Board(tmp_path, 3) as three:
        yield one, two, three


def test_the_limit_is_the_whole_servers(boards: tuple[Board, ...]) -> None:
    places = [WorkerPlaces(board, worker, 4) for worker, board in enumerate(boards)]
    assert [places[worker].take() for worker in (0, 0, 0, 1, 2, 0)] == [True] * 4 + [False] * 2
    places[1].give_back()
    assert places[2].take()
    assert [record.calls for record in boards[0].records()] == [3, 0, 1]


def test_a_worker_that_is_gone_has_no_calls_and_gets_none(boards: tuple[Board, ...]) -> None:
    first, second, supervisor = boards
    assert first.emptiest(2) == 2, "while nobody takes calls"
    first.enter(0, 100)
    second.enter(1, 101)
    first.add(0, 1)
    assert first.emptiest(0) == 1
    second.add(1, 1)
    assert (first.emptiest(0), second.emptiest(1)) == (0, 1), "among equals one's own"
    supervisor.leave(1)
    assert supervisor.records() == [Record(100, 1), Record(), Record()]
    assert second.emptiest(1) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=40), st.integers(1, 6))
def test_places_are_never_more_than_the_limit(moves: list[tuple[int, bool]], limit: int) -> None:
    with runtime_directory() as directory, Board(directory, 3) as board:
        places = [WorkerPlaces(board, worker, limit) for worker in range(3)]
        held = [0, 0, 0]
        for worker, takes in moves:
            if takes:
                taken = places[worker].take()
                assert taken == (sum(held) < limit)
                held[worker] += taken
            elif held[worker]:
                places[worker].give_back()
                held[worker] -= 1
            assert [record.calls for record in board.records()] == held


# -- metrics ------------------------------------------------------------------------------------------


def told(sessions: int, frames: int, turn: float) -> str:
    metrics = Metrics()
    metrics.sessions.set(sessions)
    metrics.frames.inc(frames)
    metrics.turn.observe(turn)
    metrics.refused.labels("full").inc()
    return generate_latest(metrics.registry).decode()


def test_metrics_add_up() -> None:
    lines = exposition.merge([told(1, 10, 0.04), told(2, 5, 0.4)]).splitlines()
    assert "audiogpt_sessions 3.0" in lines
    assert "audiogpt_frames_sent_total 15.0" in lines
    assert 'audiogpt_turn_seconds_bucket{le="0.05"} 1.0' in lines
    assert 'audiogpt_turn_seconds_bucket{le="+Inf"} 2.0' in lines
    assert 'audiogpt_sessions_refused_total{reason="full"} 2.0' in lines
    assert "# TYPE audiogpt_turn_seconds histogram" in lines
    created = [line for line in lines if line.startswith("audiogpt_frames_sent_created ")]
    assert float(created[0].split()[1]) < 3e9, "a time is not added to another"


def test_what_a_dead_worker_had_counted_stays_counted(tmp_path: Path) -> None:
    assert exposition.retired(tmp_path) == ""
    for _ in range(2):
        exposition.tell(tmp_path, 1, told(7, 3, 0.1))
        exposition.tell(tmp_path, 1, told(7, 4, 0.1))
        exposition.retire(tmp_path, 1)
        exposition.retire(tmp_path, 1)  # one that had told nothing since
    lines = exposition.merge([told(1, 10, 0.1), exposition.retired(tmp_path)]).splitlines()
    assert "audiogpt_frames_sent_total 18.0" in lines
    assert "audiogpt_turn_seconds_count 3.0" in lines
    assert "audiogpt_sessions 1.0" in lines, "its calls ended with it"


# -- supervisor and worker ----------------------------------------------------------------------------


async def test_lines_end_with_the_other_side() -> None:
    reader = asyncio.StreamReader()
    begin = control.Begin({"server": {"workers": 2}}, "1", "/run/x", 1, False)
    reader.feed_data(control.line(begin) + control.line(control.Go()) + b'{"type":')
    reader.feed_eof()
    assert [control.to_worker.decode(line) async for line in control.lines(reader)] == [begin, control.Go()]


# -- the switch ---------------------------------------------------------------------------------------


@dataclass
class FakeWorker:
    """An application with calls by id, behind a switch, on a port and a unix socket of its own."""

    number: int
    url: str
    board: Board
    server: uvicorn.Server
    task: asyncio.Task[None]
    ended: asyncio.Queue[int]  # close codes that the application was told


def application(number: int, board: Board, ended: asyncio.Queue[int]) -> Starlette:
    async def create(request: Request) -> Response:
        body = (await request.body()).decode()
        board.add(number, 1)
        location = f"{CALLS}/{call_prefix(number)}_new"
        return Response(f"{number}: {body}", 201, {"Location": location}, media_type="application/sdp")

    async def show(request: Request) -> Response:
        return JSONResponse([number, request.url.path, request.url.query, request.headers.get("x-a")])

    async def talk(socket: WebSocket) -> None:
        if socket.query_params.get("refuse"):
            await socket.send_denial_response(JSONResponse({"why": "full"}, 503, {"Retry-After": "5"}))
            return
        await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
        await socket.send_text(f"worker {number}")
        while (message := await socket.receive())["type"] == "websocket.receive":
            if message.get("text") == "bye":
                await socket.close(4404, "it is over")
                return
            await (socket.send_bytes(message["bytes"]) if message.get("bytes") else socket.send_text("heard"))
        ended.put_nowait(message["code"])

    return Starlette(
        routes=[
            Route(CALLS, create, methods=["POST"]),
            Route(CALLS + "/{call_id}/hangup", show, methods=["POST"]),
            Route("/healthz", show),
            WebSocketRoute("/v1/realtime", talk),
        ]
    )


class _Server(uvicorn.Server):
    """As in `realtime.serving`: signals are not its business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def fake_worker(directory: Path, number: int) -> AsyncIterator[FakeWorker]:
    async with AsyncExitStack() as stack:
        board = stack.enter_context(Board(directory, 2))
        switch = await stack.enter_async_context(
            Switch(number, board, directory, Metrics(), max_body=100, max_event=1_000)
        )
        port = socket.create_server(("127.0.0.1", 0))
        own = socket.socket(socket.AF_UNIX)
        own.bind(str(worker_socket(directory, number)))
        own.listen()
        ended: asyncio.Queue[int] = asyncio.Queue()
        app = application(number, board, ended)
        server = _Server(
            uvicorn.Config(switch.around(app), ws="websockets-sansio", lifespan="off", log_config=None)
        )
        task = asyncio.create_task(server.serve(sockets=[port, own]))
        board.enter(number, 1000 + number)
        url = "http://{}:{}".format(*port.getsockname())
        try:
            yield FakeWorker(number, url, board, server, task, ended)
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def workers() -> AsyncIterator[list[FakeWorker]]:
    with runtime_directory() as directory:
        async with fake_worker(directory, 0) as zero, fake_worker(directory, 1) as one:
            yield [zero, one]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def test_new_calls_go_to_the_worker_with_the_fewest(
    workers: list[FakeWorker], http: httpx.AsyncClient
) -> None:
    answers = [await http.post(workers[0].url + CALLS, content=f"offer {n}") for n in range(4)]
    assert [answer.text for answer in answers] == ["0: offer 0", "1: offer 1", "0: offer 2", "1: offer 3"]
    for answer in answers:
        assert answer.status_code == 201
        assert answer.headers["content-type"].startswith("application/sdp")
        assert answer.headers["location"] == f"{CALLS}/rtc_{answer.text[0]}_new"
        assert len(answer.headers.get_list("content-length")) == 1


async def test_a_request_to_a_call_reaches_its_worker_from_either(
    workers: list[FakeWorker], http: httpx.AsyncClient
) -> None:
    for arrives in workers:
        for owner in (0, 1):
            path = f"{CALLS}/rtc_{owner}_ab/hangup"
            answer = await http.post(f"{arrives.url}{path}?x=1", headers={"X-A": "b"})
            assert answer.json() == [owner, path, "x=1", "b"]
        for nobody in ("rtc_9_ab", "rtc_ab"):
            answer = await http.post(f"{arrives.url}{CALLS}/{nobody}/hangup")
            assert answer.json()[0] == arrives.number
        assert (await http.get(f"{arrives.url}/healthz")).json()[0] == arrives.number


async def test_a_worker_that_is_gone_is_stood_in_for(
    workers: list[FakeWorker], http: httpx.AsyncClient
) -> None:
    workers[1].server.should_exit = True
    await workers[1].task
    workers[0].board.add(0, 5)  # so that the other one would be preferred
    assert (await http.post(workers[0].url + CALLS, content="offer")).text == "0: offer"
    assert (await http.post(f"{workers[0].url}{CALLS}/rtc_1_ab/hangup")).json()[0] == 0
    async with connect(workers[0].url.replace("http", "ws") + "/v1/realtime?resume=rtc_1_a.b") as ws:
        assert await ws.recv() == "worker 0"


async def test_a_body_that_is_too_large_is_not_hoarded(
    workers: list[FakeWorker], http: httpx.AsyncClient
) -> None:
    """The one who answers sees that it is too large: here it gets what was read, over the limit of 100."""
    workers[0].board.add(0, 5)
    answer = await http.post(workers[0].url + CALLS, content="v" * 500)
    assert answer.text.startswith("1: ")
    assert 100 < len(answer.text) <= 503


async def test_metrics_are_the_whole_servers(workers: list[FakeWorker], http: httpx.AsyncClient) -> None:
    workers[0].board.add(1, 3)
    for arrives in workers:
        lines = (await http.get(arrives.url + "/metrics")).text.splitlines()
        assert "audiogpt_sessions 0.0" in lines
        assert 'audiogpt_worker_sessions{pid="1001",worker="1"} 3.0' in lines


@pytest.mark.parametrize("query", ["call_id=rtc_1_ab", "resume=rtc_1_ab.token"])
async def test_a_websocket_to_a_call_reaches_its_worker(workers: list[FakeWorker], query: str) -> None:
    url = workers[0].url.replace("http", "ws") + "/v1/realtime"
    async with connect(url) as ws:
        assert await ws.recv() == "worker 0"
    async with connect(f"{url}?{query}", subprotocols=["realtime"]) as ws:  # type: ignore[list-item]
        assert ws.subprotocol == "realtime"
        assert await ws.recv() == "worker 1"
        await ws.send("hello")
        assert await ws.recv() == "heard"
        await ws.send(b"\x00\x01")
        assert await ws.recv() == b"\x00\x01"
        await ws.send("bye")
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert (ws.close_code, ws.close_reason) == (4404, "it is over")


async def test_refusals_and_goodbyes_pass_through(workers: list[FakeWorker]) -> None:
    url = workers[0].url.replace("http", "ws") + "/v1/realtime"
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{url}?call_id=rtc_1_ab&refuse=1")
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "5"
    async with connect(url, additional_headers={"X-AudioGPT-Resume": "rtc_1_ab.token"}) as ws:
        assert await ws.recv() == "worker 1"
        await ws.close(1001)
    async with asyncio.timeout(5):
        assert await workers[1].ended.get() == 1001


# -- how a process ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", STOPPING)
async def test_a_signal_ends_the_work_in_good_order(number: signal.Signals) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("tidied up")

    await until_signal(work())
    assert done == ["tidied up"]


async def test_work_that_fails_says_why() -> None:
    async def work() -> None:
        async with asyncio.TaskGroup(), asyncio.TaskGroup():
            raise ValueError("no such voice")

    with pytest.raises(ExceptionGroup) as failed:
        await until_signal(work())
    assert str(first_cause(failed.value)) == "no such voice"
