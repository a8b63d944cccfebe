"""The HTTP side of a server with scripted models, on a real port, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from models import api
from realtime.config import load
from realtime.process import first_cause
from realtime.serving import serving
from realtime.telemetry import Metrics
from tests.fakes import FakeEngine, Words

KEY = "a-key-for-tests-0001"
OTHER_KEY = "a-key-for-tests-0002"


@dataclass(frozen=True)
class Edge:
    """A running server."""

    url: str
    metrics: Metrics

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws")


@contextmanager
def edge(
    *flags: str, environment: Mapping[str, str] | None = None, host: str = "127.0.0.1"
) -> Iterator[Edge]:
    """Serve until left. `environment` is what the server sees of it."""
    settings = load(["media.addresses=127.0.0.1", *flags], environment={})
    metrics, words = Metrics(), Words()
    engine = FakeEngine(words, lambda request: [api.TextDelta("one two three")])
    up, ended = threading.Event(), threading.Event()
    listener = socket.create_server((host, 0))
    failure: list[BaseException] = []

    async def serve() -> None:
        leave = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(leave.set))
        async with serving(settings, engine, [listener], version="0", metrics=metrics) as readiness:  # type: ignore[arg-type]
            readiness.ready = True
            up.set()
            await leave.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  it is told to the test
            failure.append(error)
        finally:
            up.set()
            ended.set()

    stops: list[Callable[[], object]] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUDIOGPT_API_KEYS", "AUDIOGPT_TOKEN_SECRET"):
            patch.delenv(name, raising=False)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert up.wait(30)
            if failure:
                raise first_cause(failure.pop())
            yield Edge(f"http://127.0.0.1:{listener.getsockname()[1]}", metrics)
        finally:
            if not ended.is_set():
                stops[0]()
            thread.join(30)
            listener.close()
    assert ended.is_set()
    assert not failure, failure
