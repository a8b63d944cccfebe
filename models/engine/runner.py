"""The runner: one thread that gives every stream of a backend its turn.

A step of the runner, read aloud: take in what the edges said; pick the most pressing job; let it feed or
step once; send what it emitted; end it if it is complete. A job that fails ends alone, with its cause. The
streams of all edges stand in one line: who goes next does not depend on whose stream it is.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.api import Backend, BackendError, BusyError, Job, Request, VoicesRequest
from models.engine import wire

log = logging.getLogger(__name__)


class Edge(Protocol):
    """Whoever opened streams. Each edge numbers its own."""

    def send(self, message: wire.ToEdge) -> None:
        """Send without waiting. What an edge that is gone would have got is dropped."""


@dataclass(slots=True)
class Slot:
    """A stream inside the runner: its job, what waits to be fed, how many outputs its edge has room for."""

    edge: Edge
    stream: int
    job: Job
    credit: int
    waiting: deque[Any] = field(default_factory=deque)
    arrived: int = 0  # when the oldest waiting item came, in commands taken in


def pick(slots: Iterable[Slot], *, produces: bool) -> Slot | None:
    """Choose who goes next.

    Input first, oldest first: whoever waits to be heard holds up a turn. Then the producer with the most
    credit, because its listener has the least left to play.
    """
    chosen: Slot | None = None
    for slot in slots:
        if slot.waiting:
            if chosen is None or not chosen.waiting or slot.arrived < chosen.arrived:
                chosen = slot
        elif (
            produces
            and slot.credit > 0
            and (chosen is None or (not chosen.waiting and slot.credit > chosen.credit))
        ):
            chosen = slot
    return chosen


class Runner:
    """Drives the jobs of one backend for all its edges."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._slots: dict[tuple[Edge, int], Slot] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._stopped = False
        self._clock = 0

    def put(self, edge: Edge, command: wire.ToHost) -> None:
        """Hand over a command of an edge (from any thread)."""
        self._call(lambda: self._take(edge, command))

    def lose(self, edge: Edge) -> None:
        """Close all streams of an edge that is gone (from any thread)."""
        self._call(lambda: self._lose(edge))

    def _call(self, action: Callable[[], None]) -> None:
        with self._wake:
            self._inbox.append(action)
            self._wake.notify()

    def stop(self) -> None:
        """End `run` (from any thread)."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def run(self) -> None:
        """Serve until `stop`; then close every job."""
        while True:
            with self._wake:
                while not self._stopped and not self._inbox and self._next() is None:
                    self._wake.wait()
                if self._stopped:
                    break
                actions = list(self._inbox)
                self._inbox.clear()
            for action in actions:
                action()
            slot = self._next()
            if slot is not None:
                self._advance(slot)
        for edge, stream in list(self._slots):
            self._forget(edge, stream)

    def _next(self) -> Slot | None:
        return pick(self._slots.values(), produces=self._backend.produces)

    def _take(self, edge: Edge, command: wire.ToHost) -> None:
        self._clock += 1
        match command:
            case wire.Open(stream=stream, request=request, window=window):
                try:
                    self._slots[edge, stream] = Slot(edge, stream, self._open(request), window)
                except Exception as error:  # noqa: BLE001  one request must not end the others
                    edge.send(self._ending(stream, error))
            case wire.Feed(stream=stream, item=item) if slot := self._slots.get((edge, stream)):
                if not slot.waiting:
                    slot.arrived = self._clock
                slot.waiting.append(item)
            case wire.Credit(stream=stream, count=count) if slot := self._slots.get((edge, stream)):
                slot.credit += count
            case wire.Close(stream=stream):
                self._forget(edge, stream)

    def _open(self, request: Request) -> Job:
        if isinstance(request, VoicesRequest) and not getattr(self._backend, "lists_voices", False):
            raise BackendError("this voice backend does not tell its voices")
        return self._backend.open(request)

    def _lose(self, edge: Edge) -> None:
        for owner, stream in list(self._slots):
            if owner is edge:
                self._forget(edge, stream)

    def _advance(self, slot: Slot) -> None:
        def emit(item: Any) -> None:
            slot.credit -= 1
            slot.edge.send(wire.Out(slot.stream, item))

        try:
            if slot.waiting:
                goes_on = slot.job.feed(slot.waiting.popleft(), emit)
                slot.arrived = self._clock
            else:
                goes_on = slot.job.step(emit)
        except Exception as error:  # noqa: BLE001  a failing step fails its own stream only
            self._forget(slot.edge, slot.stream)
            slot.edge.send(self._ending(slot.stream, error))
            return
        if not goes_on:
            self._forget(slot.edge, slot.stream)
            slot.edge.send(wire.End(slot.stream))

    def _forget(self, edge: Edge, stream: int) -> None:
        slot = self._slots.pop((edge, stream), None)
        if slot is None:
            return
        try:
            slot.job.close()
        except Exception:
            log.exception("closing stream %d failed", stream)

    @staticmethod
    def _ending(stream: int, error: Exception) -> wire.End:
        if not isinstance(error, BackendError):
            log.error("stream %d failed", stream, exc_info=error)
            return wire.End(stream, error=f"{type(error).__name__}: {error}")
        return wire.End(stream, error=str(error), busy=isinstance(error, BusyError))
