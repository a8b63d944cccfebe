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

import uvloop

from models.api import BackendError
from models.engine import Engine, Hosts, runtime_directory
from realtime import config
from realtime.config import ConfigError, Settings
from realtime.process import first_cause, until_signal
from realtime.security.startup import load_keys, share_secret

BACKLOG = 512


class StartError(Exception):
    """The server cannot serve; the message says why."""


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
    out.add_argument("--workers", type=int, help="processes that hold calls (server.workers)")
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
    if given.workers is not None:
        flags.append(f"server.workers={given.workers}")
    return config.load(flags, profile=given.profile, file=given.config)


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A listening socket. Raises `ConfigError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=reuse_port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror or error}. "
            f"Choose another with --port, or stop what uses it."
        ) from None


def check_access(settings: Settings, listener: socket.socket) -> None:
    """Close the listener and raise `ConfigError` when others could reach us and need no key."""
    try:
        load_keys(settings.security, [listener])
    except ConfigError:
        listener.close()
        raise


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Load, warm up and serve in this process until cancelled. Raises `BackendError` and `StartError`."""
    # Here and not above: a supervisor of workers holds no calls, and does without some 70 MB of code.
    from realtime.serving import serving
    from realtime.telemetry import Metrics
    from realtime.warmup import WarmupError, warm_up

    try:
        async with (
            Engine(settings.assignments()) as engine,
            serving(
                settings, engine, [listener], version=installed_version(), metrics=Metrics()
            ) as readiness,
        ):
            turn = await warm_up(engine, settings)
            readiness.ready = True
            announce(settings, listener.getsockname(), turn.stages)
            await asyncio.Event().wait()
    except* WarmupError as errors:
        raise StartError(str(first_cause(errors))) from None


async def serve_with_workers(settings: Settings, listener: socket.socket) -> None:
    """Load, start the workers and watch over them until cancelled. Raises `BackendError` and `StartError`."""
    from realtime.workers.supervisor import WorkerError, Workers

    host, port = listener.getsockname()[:2]
    listener.close()  # it has shown that nobody else has the port, which sockets that share theirs cannot

    share_secret(settings.security)

    def another() -> socket.socket:
        return listen(host, port, reuse_port=True)

    try:
        with runtime_directory() as directory:
            async with (
                Workers(settings, directory, installed_version(), another) as workers,
                Hosts(settings.assignments(), directory),
                workers.serving() as stages,
            ):
                announce(settings, (host, port), stages)
                await asyncio.Event().wait()
    except WorkerError as error:
        raise StartError(f"a worker cannot serve: {error}") from None


def announce(settings: Settings, address: tuple[str, int], stages: dict[str, float]) -> None:
    """Say where we are and what runs."""
    host, port = address[:2]
    shown = f"[{host}]" if ":" in host else host
    lines = [
        f"AudioGPT Live is ready: http://{shown}:{port}",
        f"  profile   {settings.profile}",
        *(f"  {role:<9} {assignment.backend}" for role, assignment in settings.assignments().items()),
        *([f"  workers   {settings.server.workers}"] if settings.server.workers > 1 else []),
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
        check_access(settings, listener)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    with listener:
        code = 0
        try:
            run = serve if settings.server.workers == 1 else serve_with_workers
            uvloop.run(until_signal(run(settings, listener)))
        except* (BackendError, StartError) as errors:
            print(f"error: {first_cause(errors)}", file=sys.stderr)
            code = 1
        except* ConfigError as errors:  # a directory that cannot be written to
            print(f"error: {first_cause(errors)}", file=sys.stderr)
            code = 2
        except* KeyboardInterrupt:
            pass  # Ctrl-C before the loop could take it
    return code


if __name__ == "__main__":
    sys.exit(main())
