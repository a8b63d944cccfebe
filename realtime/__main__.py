"""`python -m realtime`: read the settings, load the models, warm up, serve."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path

import uvicorn
import uvloop

from models.api import BackendError
from models.engine import Engine
from realtime import config, telemetry
from realtime.calls import Calls
from realtime.config import ConfigError, Settings
from realtime.server import Readiness, build
from realtime.warmup import WarmupError, warm_up

log = logging.getLogger("realtime")

BACKLOG = 512
CLOSE_TIMEOUT = 5  # s calls have to end when the server is stopped


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(
        prog="python -m realtime",
        description="Serve the voice assistant: a page to speak to, and the OpenAI Realtime protocol.",
        epilog="settings (--set, or AUDIOGPT_SECTION__KEY in the environment):\n" + config.describe(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("--port", type=int, help="port to listen on (server.port)")
    out.add_argument("--host", help="address to listen on (server.host)")
    out.add_argument("--profile", help="which backends serve the roles: " + ", ".join(config.PROFILES))
    out.add_argument("--config", type=Path, metavar="FILE", help="TOML file of settings")
    out.add_argument(
        "--set", action="append", default=[], metavar="section.key=value", help="one setting; repeatable"
    )
    return out


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from the command line and everything behind it. Raises `ConfigError`."""
    given = parser().parse_args(arguments)
    flags = list(given.set)
    if given.port is not None:
        flags.append(f"server.port={given.port}")
    if given.host is not None:
        flags.append(f"server.host={given.host}")
    return config.load(flags, profile=given.profile, file=given.config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `ConfigError` when the address cannot be had."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror or error}. "
            f"Choose another with --port, or stop what uses it."
        ) from None


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Load, warm up and serve until a signal comes. Raises `BackendError` and `WarmupError`."""
    metrics = telemetry.Metrics()
    readiness = Readiness()
    version = installed_version()
    backends: dict[str, str] = {
        role: assignment.backend for role, assignment in settings.assignments().items()
    }
    async with Engine(settings.assignments()) as engine:
        calls = Calls(engine, settings, metrics, version)
        app = build(settings, calls, metrics, readiness, backends=backends, version=version)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
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
            serving = group.create_task(server.serve(sockets=[listener]), name="http")
            try:
                turn = await warm_up(engine, settings)
                readiness.ready = True
                announce(settings, listener, backends, turn.stages)
                await serving
            finally:
                watching.cancel()
                server.should_exit = True


def announce(
    settings: Settings, listener: socket.socket, backends: dict[str, str], stages: dict[str, float]
) -> None:
    """Say where we are and what runs."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    lines = [
        f"AudioGPT Live is ready: http://{shown}:{port}",
        f"  profile   {settings.profile}",
        *(f"  {role:<9} {name}" for role, name in backends.items()),
        "  warm-up   " + ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in stages.items()),
    ]
    print("\n".join(lines), flush=True)


def installed_version() -> str:
    """This package's version."""
    try:
        return package_version("audiogpt-live")
    except PackageNotFoundError:
        return "0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code is 2 for wrong settings, 1 for what is missing."""
    try:
        settings = read_settings(arguments)
        listener = listen(settings.server.host, settings.server.port)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    with listener:
        code = 0
        try:
            uvloop.run(serve(settings, listener))
        except* (BackendError, WarmupError) as errors:
            print(f"error: {errors.exceptions[0]}", file=sys.stderr)
            code = 1
        except* KeyboardInterrupt:
            pass  # Ctrl-C is how one stops it
    return code


if __name__ == "__main__":
    sys.exit(main())
