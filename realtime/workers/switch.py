"""What joins the workers into one server: requests are put through to the worker whose call they concern.

An ASGI layer around a worker's own application, which knows nothing of other workers:

    a new call             goes to the worker with the fewest calls
    what concerns a call   goes to the worker that its id names: rtc_<worker>_<random>
    /metrics               is added up over all workers

Workers reach each other over a unix socket of each. What comes over it is never put through again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from realtime.server import RESUME_HEADER
from realtime.telemetry import Metrics
from realtime.workers import exposition
from realtime.workers.board import Board
from realtime.workers.relay import relay

log = logging.getLogger(__name__)

CALLS = "/v1/realtime/calls"
TIMEOUT = httpx.Timeout(10.0, connect=1.0)  # s; a busy worker takes 0.1 to answer an offer
_OF_CALL = re.compile(rf"{CALLS}/rtc_(\d+)_[^/]*(/|$)")
_CALL_ID = re.compile(r"rtc_(\d+)_")
# Meant for one connection (RFC 9110 7.6.1), or true of the body as it was sent only.
_OWN_HEADERS = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}


def call_prefix(worker: int) -> str:
    """What the ids of a worker's calls begin with."""
    return f"rtc_{worker}"


def worker_socket(directory: Path, worker: int) -> Path:
    """Where a worker answers its colleagues."""
    return directory / f"worker-{worker}.sock"


class Switch:
    """The switchboard of one worker, for as long as `async with Switch(...)` lasts."""

    def __init__(
        self, worker: int, board: Board, directory: Path, metrics: Metrics, *, max_body: int, max_event: int
    ) -> None:
        self._worker = worker
        self._board = board
        self._directory = directory
        self._metrics = metrics
        self._max_body = max_body
        self._max_event = max_event
        self._colleagues: dict[int, httpx.AsyncClient] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for worker in range(len(self._board.records())):
            # Not kept alive: a socket of a worker that has been replaced would fail the next request.
            transport = httpx.AsyncHTTPTransport(
                uds=os.fspath(worker_socket(self._directory, worker)),
                limits=httpx.Limits(max_keepalive_connections=0),
                verify=False,  # there is no TLS on a unix socket
            )
            client = httpx.AsyncClient(transport=transport, base_url="http://worker", timeout=TIMEOUT)
            self._colleagues[worker] = await self._exit.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    def around(self, app: ASGIApp) -> ASGIApp:
        """The worker's own application with the switchboard in front."""

        async def switched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await self._join(app, scope, receive, send)
            elif (scope["method"], scope["path"]) == ("GET", "/metrics"):
                text = self._own_metrics() if _from_colleague(scope) else await self._all_metrics()
                await Response(text, media_type=CONTENT_TYPE_LATEST)(scope, receive, send)
            elif _from_colleague(scope) or (worker := self._responsible(scope)) == self._worker:
                await app(scope, receive, send)
            else:
                await self._put_through(worker, app, scope, receive, send)

        return switched

    def _responsible(self, scope: Scope) -> int:
        """Which worker should answer."""
        named = _named(scope)
        if named is not None:
            # A worker that there never was is not asked: our application says that there is no such call.
            return named if named in self._colleagues else self._worker
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", CALLS):
            return self._board.emptiest(self._worker)
        return self._worker

    async def _join(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: a conversation of its own lives where it arrives, any other where its call does."""
        worker = self._worker if _from_colleague(scope) else self._responsible(scope)
        if worker == self._worker:
            await app(scope, receive, send)
            return
        try:
            path = worker_socket(self._directory, worker)
            await relay(WebSocket(scope, receive, send), path, max_event=self._max_event)
        except OSError as error:
            log.warning("worker %d does not answer: %r", worker, error)
            await app(scope, receive, send)

    async def _put_through(
        self, worker: int, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let a colleague answer. Where it does not, our own application does, with the same body."""
        messages = await self._read(receive)
        if messages[-1]["type"] == "http.disconnect":
            return
        request = Request(scope)
        headers = [(name, value) for name, value in request.headers.items() if name not in _OWN_HEADERS]
        try:
            answer = await self._colleagues[worker].request(
                scope["method"],
                str(request.url.replace(scheme="http", netloc="worker")),
                headers=headers,
                content=b"".join(message.get("body", b"") for message in messages),
            )
        except httpx.TransportError as error:
            log.warning("worker %d does not answer: %r", worker, error)
            await app(scope, _replay(messages, receive), send)
            return
        response = Response(answer.content, answer.status_code)
        response.raw_headers += [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _OWN_HEADERS | {"date"}
        ]
        await response(scope, receive, send)

    async def _read(self, receive: Receive) -> list[Message]:
        """The body's messages; the last of them says so, unless the body is larger than is taken."""
        messages: list[Message] = []
        size = 0
        while size <= self._max_body:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        return messages

    async def _all_metrics(self) -> str:
        """The whole server's metrics: of all workers that live, with the counts of those that have ended."""
        records = self._board.records()
        others = [w for w, record in enumerate(records) if record.pid and w != self._worker]
        answers = await asyncio.gather(*(self._metrics_of(worker) for worker in others))
        texts = [self._own_metrics(), *(text for text in answers if text)]
        texts.append(exposition.retired(self._directory))
        calls = GaugeMetricFamily(
            "audiogpt_worker_sessions", "Calls in progress, by worker", labels=["worker", "pid"]
        )
        for worker, record in enumerate(records):
            if record.pid:
                calls.add_metric([str(worker), str(record.pid)], record.calls)
        return exposition.merge(texts) + exposition.expose([calls])

    async def _metrics_of(self, worker: int) -> str:
        try:
            answer = await self._colleagues[worker].get("/metrics")
        except httpx.TransportError as error:
            log.warning("worker %d does not tell its metrics: %r", worker, error)
            return ""
        return answer.text

    def _own_metrics(self) -> str:
        text = generate_latest(self._metrics.registry).decode()
        exposition.tell(self._directory, self._worker, text)
        return text


def _named(scope: Scope) -> int | None:
    """The worker whose call the path, the query or the headers name."""
    in_path = _OF_CALL.match(scope["path"])
    if in_path:
        return int(in_path[1])
    connection = HTTPConnection(scope)
    for name in (
        connection.query_params.get("call_id", ""),
        connection.query_params.get("resume", ""),
        connection.headers.get(RESUME_HEADER, ""),
    ):
        if found := _CALL_ID.match(name):
            return int(found[1])
    return None


def _from_colleague(scope: Scope) -> bool:
    """Whether it came over the unix socket, whose address has no port."""
    server = scope.get("server")
    return server is not None and server[1] is None


def _replay(messages: list[Message], receive: Receive) -> Receive:
    left = list(messages)

    async def replayed() -> Message:
        return left.pop(0) if left else await receive()

    return replayed
