"""One process that serves calls: HTTP in front, sessions behind, until it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from models.engine import Engine
from realtime import telemetry
from realtime.calls import Calls, Places
from realtime.config import Settings
from realtime.server import Readiness, build

CLOSE_TIMEOUT = 5  # s requests have to end when the server is stopped


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: signals are our process's business (`process.py`)."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    settings: Settings,
    engine: Engine,
    sockets: Sequence[socket],
    *,
    version: str,
    metrics: telemetry.Metrics,
    places: Places | None = None,
    prefix: str = "rtc",
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> AsyncIterator[Readiness]:
    """Answer on these sockets inside; leaving ends all requests and calls.

    `around` puts a layer around the application. What is yielded says whether we are ready: set it.
    """
    readiness = Readiness()
    backends: dict[str, str] = {
        role: assignment.backend for role, assignment in settings.assignments().items()
    }
    calls = Calls(engine, settings, metrics, version, places=places, prefix=prefix)
    app = build(settings, calls, metrics, readiness, backends=backends, version=version)
    server = _Server(
        uvicorn.Config(
            around(app),
            ws="websockets-sansio",
            ws_max_size=settings.server.max_event,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=CLOSE_TIMEOUT,
        )
    )
    async with asyncio.TaskGroup() as group, calls.running():
        watching = group.create_task(telemetry.watch_loop(metrics), name="loop lag")
        answering = group.create_task(server.serve(sockets=list(sockets)), name="http")
        try:
            yield readiness
        finally:
            readiness.ready = False
            watching.cancel()
            server.should_exit = True
            await asyncio.wait({answering})
