"""A backend's own process: `python -m models.engine.host ROLE NAME OPTIONS FD`.

It loads one backend, says `Ready`, and serves streams until the edge closes the socket. Started by
`models.engine.engine`, never by hand.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import cast

from models.api import Backend, BackendUnavailableError, Role
from models.engine import wire
from models.engine.runner import Runner
from models.registry import load

# Who computes while others must not wait gets the lower priority: the edge paces everybody's audio at
# nice 0, a bar of music is composed a second ahead.
NICENESS: dict[Role, int] = {"vad": 0, "tts": 1, "asr": 2, "music": 4, "sound": 4}


def serve(role: Role, name: str, options: dict[str, object], connection: socket.socket) -> int:
    """Load the backend and run it on this thread; a second thread reads the socket. Returns the exit code."""
    sending = threading.Lock()

    def send(message: wire.ToEdge) -> None:
        with sending:
            connection.sendall(wire.pack(message))

    started = time.perf_counter()
    try:
        backend = cast(Backend, load(role, name, options))
    except (BackendUnavailableError, ValueError, TypeError) as error:
        send(wire.LoadFailed(str(error)))
        return 1
    runner = Runner(backend, send)

    def read() -> None:
        splitter = wire.Splitter()
        try:
            while data := connection.recv(1 << 18):
                for body in splitter.feed(data):
                    runner.put(wire.to_host.decode(body))
        except OSError:
            pass  # the edge is gone: the same as the end of the stream
        finally:
            runner.stop()

    threading.Thread(target=read, name="reader", daemon=True).start()
    send(wire.Ready(load_ms=(time.perf_counter() - started) * 1000))
    try:
        runner.run()
    except (BrokenPipeError, ConnectionResetError):
        return 0  # the edge went away while an output was on its way
    return 0


def main() -> int:
    """Read the command line of the engine."""
    role, name, options, descriptor = sys.argv[1:5]
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {role}: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the edge, which then closes the socket
    os.nice(NICENESS.get(cast(Role, role), 0))
    with socket.socket(fileno=int(descriptor)) as connection:
        return serve(cast(Role, role), name, json.loads(options), connection)


if __name__ == "__main__":
    sys.exit(main())
