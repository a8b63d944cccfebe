"""The engine as an edge sees it: `Engine.open(request) -> Stream`.

Backends that compute run in processes of their own (`host.py`), because several hold the GIL while they do
(PocketSphinx stalls a neighbouring thread by 17 ms at the median); those that only wait, or are done in a
fraction of a millisecond, run here. The
processes are `Hosts`' to keep running. Several edges may share them: a GPU is one engine for all.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self, cast, overload

from models import api
from models.api import Role
from models.engine import wire
from models.engine.hosts import (
    LOAD_TIMEOUT,
    STATUS,
    Assignment,
    Hosts,
    on_the_edge,
    runtime_directory,
    socket_path,
)
from models.engine.streams import FailedStream, InlineStream, Link, LocalStream
from models.registry import entry, load

log = logging.getLogger(__name__)


class Engine:
    """All backends of one edge, for as long as `async with Engine(...)` lasts.

    Entering starts the backend processes and loads every backend, all at once, and raises
    `BackendUnavailableError` that says what is missing. Leaving aborts all streams and ends the processes.
    `Engine.attached` uses processes that run already, and leaves them running.
    """

    def __init__(self, assignments: Mapping[Role, Assignment]) -> None:
        self.assignments = dict(assignments)
        self._directory: Path | None = None
        self._links: dict[Role, list[Link]] = {}
        self._local: dict[Role, api.AsyncBackend] = {}
        self._inline: dict[Role, api.Backend] = {}
        self._exit = AsyncExitStack()

    @classmethod
    def attached(cls, assignments: Mapping[Role, Assignment], directory: Path) -> Self:
        """An engine on the processes of the `Hosts` that were given this directory and these assignments."""
        engine = cls(assignments)
        engine._directory = directory
        return engine

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for role, assignment in self.assignments.items():
                if not on_the_edge(role, assignment):
                    continue
                backend = load(role, assignment.backend, assignment.options)
                if entry(role, assignment.backend).runs == "inline":
                    self._inline[role] = cast(api.Backend, backend)
                    continue
                local = cast(api.AsyncBackend, backend)
                stack.push_async_callback(local.aclose)
                self._local[role] = local
            directory = self._directory
            if directory is None:
                directory = stack.enter_context(runtime_directory())
                await stack.enter_async_context(Hosts(self.assignments, directory))
            await stack.enter_async_context(self._connected(directory))
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    @overload
    def open(self, request: api.VadRequest) -> api.Stream[api.SpeechProbability]: ...
    @overload
    def open(self, request: api.AsrRequest) -> api.Stream[api.Hypothesis]: ...
    @overload
    def open(self, request: api.TurnRequest) -> api.Stream[api.TurnProbability]: ...
    @overload
    def open(self, request: api.PlanRequest) -> api.Stream[api.TextDelta | api.ToolCall | api.PlanDone]: ...
    @overload
    def open(self, request: api.SpeechRequest) -> api.Stream[api.SpeechChunk]: ...
    @overload
    def open(self, request: api.VoicesRequest) -> api.Stream[api.Voice]: ...
    @overload
    def open(self, request: api.MusicRequest) -> api.Stream[api.MusicChunk]: ...
    @overload
    def open(self, request: api.SoundRequest) -> api.Stream[api.SoundChunk]: ...
    def open(self, request: api.Request) -> api.Stream[Any]:
        """Begin a stream. It never blocks and never fails: what goes wrong is raised where it is read.

        Close the stream (`contextlib.aclosing`): that aborts the work and frees its slot.
        """
        role = api.ROLE_OF[type(request)]
        if role not in self.assignments:
            return FailedStream(
                api.BackendUnavailableError(f"no {role} backend was chosen: set {role}.backend")
            )
        if role in self._local:
            return LocalStream(self._local[role].stream(request))
        if role in self._inline:
            return InlineStream(self._inline[role], request)
        links = [link for link in self._links[role] if link.connected.is_set()] or self._links[role]
        least = min(link.load for link in links)
        # By lot among equals: edges know their own streams only, and must not all begin with the first.
        return random.choice([link for link in links if link.load == least]).open(request)  # noqa: S311

    def streams(self) -> dict[Role, int]:
        """How many streams this edge has open, by role (a gauge)."""
        return {role: sum(link.load for link in links) for role, links in self._links.items()}

    def restarts(self) -> dict[Role, int]:
        """How often a backend's process died and was started again, by role (a counter)."""
        return {role: sum(link.restarts for link in links) for role, links in self._links.items()}

    @asynccontextmanager
    async def _connected(self, directory: Path) -> AsyncIterator[None]:
        """Connected to every process inside; leaving ends this edge's streams."""
        self._links = {
            role: [Link(role, socket_path(directory, role, index)) for index in range(assignment.processes)]
            for role, assignment in self.assignments.items()
            if not on_the_edge(role, assignment)
        }
        links = [link for links in self._links.values() for link in links]
        reader, writer = await asyncio.open_unix_connection(directory / STATUS)
        tasks = [asyncio.create_task(link.keep(), name=f"link {link.role}") for link in links]
        tasks.append(asyncio.create_task(self._follow(reader), name="status of the hosts"))
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                await asyncio.gather(*(link.connected.wait() for link in links))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        """Hand on what the supervisor of the processes says. Its end is its owner's to notice."""
        splitter = wire.Splitter()
        while data := await reader.read(1 << 16):
            for body in splitter.feed(data):
                match wire.status.decode(body):
                    case wire.HostUp(role=role, index=index, restarts=restarts):
                        self._links[role][index].host_up(restarts)
                    case wire.HostDown(role=role, index=index, cause=cause):
                        self._links[role][index].host_down(cause)
