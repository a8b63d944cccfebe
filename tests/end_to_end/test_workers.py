"""Two workers on one port, with real models: calls spread, outlive other workers, and end cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.processes import tree
from client.headless import HeadlessClient

CALLS = "/v1/realtime/calls"
LIMIT = 4  # calls at once
QUESTION = "what is two plus two"  # answered in two words
PATIENCE = 20.0  # s for what takes a moment


@pytest.fixture(scope="module")
def pair(start_server: Callable[..., Any]) -> Iterator[Any]:
    with start_server("server.workers=2", f"server.max_sessions={LIMIT}", "asr.slots=1") as server:
        directory = runtime_directory(server.process.pid)
        yield server
        processes = tree(server.process.pid)
        assert len(processes) >= 3
    assert not [pid for pid in processes if alive(pid)]
    assert not directory.exists()


def command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    return any(command_line(pid))  # a zombie has none


def runtime_directory(server: int) -> Path:
    """Where the sockets are: each backend process is given the path of its own."""
    for pid in tree(server):
        for argument in command_line(pid):
            if argument.endswith(".sock"):
                return Path(argument).parent
    raise AssertionError("no backend process")


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def get(url: str, path: str) -> httpx.Response:
    return httpx.get(url + path, timeout=PATIENCE)  # a connection of its own: to either worker


def sessions(url: str) -> tuple[float, dict[int, tuple[int, float]]]:
    """Calls in the whole server, and (pid, calls) by worker."""
    text = get(url, "/metrics").text
    total = re.search(r"^audiogpt_sessions (\S+)", text, re.MULTILINE)
    assert total is not None
    workers = re.findall(r'^audiogpt_worker_sessions\{pid="(\d+)",worker="(\d+)"\} (\S+)', text, re.MULTILINE)
    return float(total[1]), {int(worker): (int(pid), float(calls)) for pid, worker, calls in workers}


def by_worker(url: str) -> list[float]:
    return [calls for _, (_, calls) in sorted(sessions(url)[1].items())]


async def answered(client: HeadlessClient) -> None:
    client.text(QUESTION)
    await client.log.wait_for("response.done", PATIENCE)


@asynccontextmanager
async def conversation(url: str) -> AsyncIterator[ClientConnection]:
    # No limit to what waits unread: a client that stops reading does not see the goodbye either.
    async with connect(url.replace("http", "ws") + "/v1/realtime", max_queue=None) as socket:
        assert json.loads(await socket.recv())["type"] == "session.created"
        yield socket


async def says_something(socket: ClientConnection) -> bool:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}
    await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
    await socket.send('{"type":"response.create"}')
    async with asyncio.timeout(PATIENCE):
        while json.loads(await socket.recv())["type"] != "response.output_audio.delta":
            pass
    return True


async def ended(socket: ClientConnection) -> None:
    async with asyncio.timeout(PATIENCE):
        try:
            async for _ in socket:
                pass
        except ConnectionClosed:
            return


async def worker_of_the_newest(url: str, before: list[float]) -> int:
    after = by_worker(url)
    (worker,) = [number for number in range(2) if after[number] > before[number]]
    return worker


async def test_calls_are_spread_counted_and_hung_up_wherever_they_are(pair: Any) -> None:
    for _ in range(8):
        assert get(pair.url, "/readyz").status_code == 200
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(HeadlessClient(pair.url, record=False)) for _ in range(LIMIT)
        ]
        ids = [client.call_id or "" for client in clients]
        assert sorted(id.rpartition("_")[0] for id in ids) == ["rtc_0", "rtc_0", "rtc_1", "rtc_1"]
        for _ in range(4):  # asked of either worker
            assert await asyncio.to_thread(sessions, pair.url) == (
                LIMIT,
                {n: (pid, 2) for n, (pid, _) in sessions(pair.url)[1].items()},
            )
        await asyncio.gather(*(answered(client) for client in clients))
        async with httpx.AsyncClient(base_url=pair.url) as http:
            full = await http.post(CALLS, content="v=0", headers={"Content-Type": "application/sdp"})
            assert full.status_code == 503
            assert "all 4 lines are busy" in full.json()["error"]["message"]
            for call_id in ids:
                assert (await http.post(f"{CALLS}/{call_id}/hangup")).status_code == 200
                assert (await http.post(f"{CALLS}/{call_id}/hangup")).status_code == 404
        for unknown in ("rtc_0_none", "rtc_1_none", "rtc_7_none", "rtc_none"):
            gone = await asyncio.to_thread(httpx.post, f"{pair.url}{CALLS}/{unknown}/hangup")
            assert gone.status_code == 404
            assert "no such call" in gone.json()["error"]["message"]
        assert by_worker(pair.url) == [0, 0]


async def test_a_worker_that_dies_takes_only_its_own_calls_with_it(pair: Any) -> None:
    url = pair.url
    turns = re.compile(r"^audiogpt_sessions_started_total\S* (\S+)", re.MULTILINE)
    async with AsyncExitStack() as stack:
        placed: dict[int, ClientConnection] = {}
        for _ in range(30):  # the kernel chooses: one of each will come
            before = by_worker(url)
            socket = await stack.enter_async_context(conversation(url))
            worker = await worker_of_the_newest(url, before)
            if worker not in placed:
                placed[worker] = socket
            else:
                await socket.close()
                await asyncio.to_thread(until, lambda: sum(by_worker(url)) == len(placed), "a call goes on")
            if len(placed) == 2:
                break
        assert all([await says_something(socket) for socket in placed.values()])
        started = sum(map(float, turns.findall(get(url, "/metrics").text)))

        pid = sessions(url)[1][1][0]
        os.kill(pid, signal.SIGKILL)
        await ended(placed[1])
        assert await says_something(placed[0])

        def replaced() -> bool:
            return sessions(url)[1].get(1, (pid, 0.0))[0] != pid

        await asyncio.to_thread(until, replaced, "the worker is not replaced")
        assert by_worker(url) == [1, 0]
        assert sum(map(float, turns.findall(get(url, "/metrics").text))) >= started
        assert await says_something(placed[0])
        for _ in range(8):
            assert get(url, "/readyz").status_code == 200
        async with HeadlessClient(url, record=False) as client:
            assert (client.call_id or "").startswith("rtc_1_"), "the new worker has the fewest calls"
            await answered(client)


async def test_a_conversation_is_resumed_through_either_worker(pair: Any) -> None:
    """The token names the call; the WebSocket that brings it may reach the other worker."""
    url = pair.url.replace("http", "ws") + "/v1/realtime"
    for _ in range(6):
        async with connect(f"{url}?resume=rtc_1_none.token") as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), PATIENCE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4404
            assert "conversation is over" in closed.value.rcvd.reason


async def test_what_is_kept_is_downloaded_from_either_worker(pair: Any) -> None:
    async with conversation(pair.url) as socket:
        words = {"type": "input_text", "text": "write down: buy milk"}
        item = {"type": "message", "role": "user", "content": [words]}
        await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await socket.send('{"type":"response.create"}')
        async with asyncio.timeout(PATIENCE):
            while (event := json.loads(await socket.recv()))["type"] != "audiogpt.artefact.created":
                pass
        for _ in range(8):  # the kernel chooses the worker by the connection's port
            answer = get(pair.url, event["url"])
            assert (answer.status_code, answer.text) == (200, "buy milk")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert get(pair.url, event["url"]).status_code == 200, "the files outlive the call"
    assert get(pair.url, event["url"][:-1]).status_code == 404


def test_a_killed_supervisor_leaves_nothing_behind() -> None:
    command = [sys.executable, "-m", "realtime", "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as supervisor:
        try:

            def serving() -> bool:
                sockets = [Path(arg) for pid in tree(supervisor.pid) for arg in command_line(pid)]
                return any(
                    path.with_name("worker-1.sock").exists() for path in sockets if path.suffix == ".sock"
                )

            until(serving, "no worker")
            directory = runtime_directory(supervisor.pid)
            processes = tree(supervisor.pid)
        finally:
            supervisor.kill()
        until(lambda: not any(alive(pid) for pid in processes), "processes are left")
    assert not directory.exists()
