"""One process that serves calls: HTTP in front, sessions behind, until it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from socket import socket

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from models.engine import Engine
from realtime import telemetry
from realtime.calls import Calls, Places
from realtime.config import ConfigError, Settings
from realtime.security import redaction
from realtime.security.access import Access
from realtime.security.guard import Guard
from realtime.security.shares import OwnShares, Seat, WorkerShares
from realtime.security.startup import load_keys
from realtime.server import LAST_EVENT_HEADER, RESUME_HEADER, Readiness, Server, build
from realtime.shelf import download
from realtime.shelf.directory import ServerDirectory, UnusableDirectoryError
from realtime.shelf.store import Store

CLOSE_TIMEOUT = 5  # s requests have to end when the server is stopped
# A message of the WebSocket beyond the limit of events is read, to be refused in an `error` event. One of
# twice that closes the connection (1009): somebody has to stop reading.
WIRE_FACTOR = 2


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
    seat: Seat | None = None,
) -> AsyncIterator[Readiness]:
    """Answer on these sockets inside; leaving ends all requests and calls.

    `around` puts a layer around the application; `seat` is this worker's, where there are several. What is
    yielded says whether we are ready: set it. Raises `ConfigError` when others can reach us, and need no key.
    """
    redaction.install()
    readiness = Readiness()
    backends: dict[str, str] = {
        role: assignment.backend for role, assignment in settings.assignments().items()
    }
    access = Access(settings.security, load_keys(settings.security, sockets))
    limit = settings.security.sessions_per_key
    shares = (
        OwnShares(limit)
        if seat is None
        else WorkerShares(seat, settings.server.workers, access.keys.fingerprints, limit)
    )
    directory = _directory(settings, seat)
    store = Store(directory.path, settings.artefacts, shared=seat is not None)
    calls = Calls(
        engine, settings, metrics, version, places=places, shares=shares, prefix=prefix, store=store
    )
    app = build(
        Server(settings, calls, access, metrics, readiness, backends=backends, version=version, store=store)
    )
    server = _Server(
        uvicorn.Config(
            with_cors(Guard(around(app), access, metrics), access.origins),
            ws="websockets-sansio",
            ws_max_size=WIRE_FACTOR * settings.server.max_event,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=CLOSE_TIMEOUT,
        )
    )
    async with _closed(store, directory), asyncio.TaskGroup() as group, calls.running():
        watching = group.create_task(telemetry.watch_loop(metrics), name="loop lag")
        sweeping = group.create_task(store.run(), name="retention")
        answering = group.create_task(server.serve(sockets=list(sockets)), name="http")
        try:
            yield readiness
        finally:
            readiness.ready = False
            watching.cancel()
            sweeping.cancel()
            server.should_exit = True
            await asyncio.wait({answering})


def _directory(settings: Settings, seat: Seat | None) -> ServerDirectory:
    """Where artefacts are kept: workers share one, called after the directory that they share already."""
    parent = settings.artefacts.directory
    try:
        return ServerDirectory(Path(parent) if parent else None, seat.directory.name if seat else "")
    except UnusableDirectoryError as error:
        raise ConfigError(str(error)) from error


@asynccontextmanager
async def _closed(store: Store, directory: ServerDirectory) -> AsyncIterator[None]:
    """Leave the directory when the last session has written its files."""
    try:
        yield
    finally:
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(directory.close)


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app`, callable by pages of these origins."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=[
            *("Authorization", "Content-Type", "X-OpenAI-Agents-SDK"),
            *(RESUME_HEADER, LAST_EVENT_HEADER),
            *("Range", "If-Range", "If-None-Match"),
        ],
        expose_headers=["Location", *download.EXPOSED],
    )
