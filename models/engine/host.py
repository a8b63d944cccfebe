"""A backend's own process: `python -m models.engine.host ROLE NAME OPTIONS SOCKET FD`.

It loads one backend, listens on the unix socket SOCKET, says `Ready` on FD, and serves every edge that
connects until its supervisor closes FD. Started by `models.engine.hosts`, never by hand.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
import threading
import time
from pathlib import Path
from typing import cast

from models.api import Backend, BackendUnavailableError, Role
from models.engine import wire
from models.engine.edges import Edges
from models.engine.runner import Runner
from models.registry import load

# Who computes while others must not wait gets the lower priority: the edge paces everybody's audio at
# nice 0, a bar of music is composed a second ahead.
NICENESS: dict[Role, int] = {"vad": 0, "turn": 1, "tts": 1, "asr": 2, "music": 4, "sound": 4}
BACKLOG = 128  # edges that may wait to be taken on


def serve(role: Role, name: str, options: dict[str, object], path: Path, control: socket.socket) -> int:
    """Load the backend and run it on this thread; a second thread serves the edges. Returns the exit code."""
    started = time.perf_counter()
    try:
        backend = cast(Backend, load(role, name, options))
    except (BackendUnavailableError, ValueError, TypeError) as error:
        control.sendall(wire.pack(wire.LoadFailed(str(error))))
        return 1
    runner = Runner(backend)
    path.unlink(missing_ok=True)  # of a predecessor that died
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(BACKLOG)
        threading.Thread(target=Edges(listener, control, runner).serve, name="edges", daemon=True).start()
        control.sendall(wire.pack(wire.Ready(load_ms=(time.perf_counter() - started) * 1000)))
        runner.run()
    return 0


def main() -> int:
    """Read the command line that `Hosts` gave."""
    role, name, options, path, descriptor = sys.argv[1:6]
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {role}: %(message)s")
    os.nice(NICENESS.get(cast(Role, role), 0))
    supervisor = os.getppid()
    with socket.socket(fileno=int(descriptor)) as control:
        try:
            return serve(cast(Role, role), name, json.loads(options), Path(path), control)
        except (BrokenPipeError, ConnectionResetError):
            return 0  # the supervisor went away while we were loading
        finally:
            if os.getppid() != supervisor:  # it was killed, and could not tidy up behind itself
                shutil.rmtree(Path(path).parent, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
