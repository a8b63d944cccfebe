"""The edges connected to a backend process: one thread that takes them on and reads what they say.

What is for an edge is sent by the runner's own thread, at once, because a backend that holds the GIL would
keep an output from leaving for as long as it computes (PocketSphinx: 17 ms at the median). It never waits
there: what an edge does not take is kept and sent by this thread, so that one that hangs holds up no other.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable

from models.engine import wire
from models.engine.runner import Runner

log = logging.getLogger(__name__)

READ_SIZE = 1 << 18
# Bytes kept for an edge that does not read. Credit windows hold a stream to some 230 kB (six chunks of 200 ms
# of stereo), so this is far over what hundreds of streams can owe: who exceeds it has stopped for good.
MAX_KEPT = 256 * 1024 * 1024


class Connection:
    """One edge's connection, as the runner sees it: `send` may be called from any thread."""

    def __init__(self, connection: socket.socket, ask_for_room: Callable[[Connection], None]) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.splitter = wire.Splitter()
        self._ask_for_room = ask_for_room
        self._kept = bytearray()
        self._lock = threading.Lock()
        self._lost = False

    def send(self, message: wire.ToEdge) -> None:
        """Send without waiting; what does not fit is kept and sent by `flush`."""
        data = wire.pack(message)
        with self._lock:
            if self._lost:
                return
            sent = 0 if self._kept else self._send(data)
            if sent == len(data) or self._lost:
                return
            first = not self._kept
            self._kept += data[sent:]
            if len(self._kept) > MAX_KEPT:
                log.error("an edge takes nothing any more; it is dropped")
                self._lose()
        if first:
            self._ask_for_room(self)

    def flush(self) -> bool:
        """There is room again: send what was kept. Returns whether all of it has left."""
        with self._lock:
            del self._kept[: self._send(self._kept)]
            return not self._kept

    def close(self) -> None:
        """The connection is over; nothing is sent any more."""
        with self._lock:
            self._lose()
            self.socket.close()

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose()
            return 0

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._kept.clear()
            # The reading side then sees the end of the stream, and tells the runner.
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the connection was closed already")


class Edges:
    """Serves every edge that connects to `listener`, until `control` is closed by the other side."""

    def __init__(self, listener: socket.socket, control: socket.socket, runner: Runner) -> None:
        listener.setblocking(False)  # who knocked may be gone by the time we accept
        self._listener = listener
        self._control = control
        self._runner = runner
        self._selector = selectors.DefaultSelector()
        self._without_room: deque[Connection] = deque()
        self._woken, self._wake = os.pipe()

    def serve(self) -> None:
        """Run until the supervisor closes `control` or dies, then stop the runner."""
        for watched in (self._listener, self._control, self._woken):
            self._selector.register(watched, selectors.EVENT_READ)
        try:
            while self._serve_once():
                pass
        finally:
            self._runner.stop()

    def _serve_once(self) -> bool:
        for key, events in self._selector.select():
            if key.fileobj is self._control:
                return False
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._woken:
                self._await_room()
            else:
                connection: Connection = key.data
                if events & selectors.EVENT_WRITE and connection.flush():
                    self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
                if events & selectors.EVENT_READ:
                    self._read(connection)
        return True

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:
            log.warning("an edge could not be taken on: %s", error)
            return
        connection = Connection(accepted, self._ask_for_room)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _ask_for_room(self, connection: Connection) -> None:
        """From the runner's thread: `connection` has something kept (a deque's two ends are thread-safe)."""
        self._without_room.append(connection)
        os.write(self._wake, b".")

    def _await_room(self) -> None:
        os.read(self._woken, 4096)
        while self._without_room:
            connection = self._without_room.popleft()
            if connection.socket.fileno() >= 0:
                both = selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(connection.socket, both, connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(READ_SIZE)
            for body in connection.splitter.feed(data):
                self._runner.put(connection, wire.to_host.decode(body))
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a reset is an end like any other
        except ValueError as error:  # msgspec's errors are ValueErrors too
            log.error("an edge sent what cannot be read; it is dropped: %s", error)
            data = b""
        if not data:
            self._selector.unregister(connection.socket)
            connection.close()
            self._runner.lose(connection)
