"""Downloads from a hub, here a small server on this machine that does as badly as it is told."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import hub
from models.api import BackendUnavailableError
from models.hub import HubFile, fetch, locate

BODY = bytes(range(256)) * 4_000
WANTED = HubFile("someone/something", "onnx/model.onnx", "a" * 40, sha256(BODY).hexdigest())
PLACE = f"/someone/something/resolve/{'a' * 40}/onnx/model.onnx"


class Hub(ThreadingHTTPServer):
    """Serves BODY after a redirect, as the real one does; `faults` are taken one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.ranges = True
        self.faults: list[int] = []  # a status to answer with, or minus the bytes after which to hang up
        self.asked: list[tuple[str, str | None]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        if self.path == PLACE:
            self.send_response(302)
            self.send_header("Location", "/blob")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        span = self.headers["Range"]
        self.server.asked.append((self.path, span))
        fault = self.server.faults.pop(0) if self.server.faults else 0
        begin = int(span.removeprefix("bytes=").removesuffix("-")) if span and self.server.ranges else 0
        body = self.server.body[begin:]
        if fault > 0 or self.path != "/blob":
            self.send_error(fault or 404)
        elif begin and not body:
            self.send_error(416)
        else:
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: -fault or None])
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint + "/")
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = WANTED.place(tmp_path)
    path.parent.mkdir(parents=True)
    return path.with_name("model.onnx.part")


def get(directory: Path, wanted: HubFile = WANTED, **options: Any) -> Path:
    return fetch(wanted, directory=directory, retry_delay=0, **options)


def test_a_file_is_downloaded_once(server: Hub, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = get(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert path == tmp_path / "someone/something" / ("a" * 40) / "onnx/model.onnx"
    assert path.read_bytes() == BODY
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(BODY), len(BODY))
    assert get(tmp_path) == path
    assert get(tmp_path, offline=True) == path
    assert server.asked == [("/blob", None)]
    assert not list(path.parent.glob("*.part"))


def test_a_broken_connection_is_resumed(server: Hub, tmp_path: Path) -> None:
    server.faults = [-100_000, 503, -50_000]
    told: list[tuple[int, int | None]] = []
    assert get(tmp_path, progress=lambda *now: told.append(now)).read_bytes() == BODY
    assert [span for _, span in server.asked] == [None, "bytes=100000-", "bytes=100000-", "bytes=150000-"]
    assert {total for _, total in told} == {len(BODY)}


def test_a_later_run_resumes_what_an_earlier_one_left(server: Hub, part: Path, tmp_path: Path) -> None:
    server.faults = [-100_000, 500, 500, 500]
    with pytest.raises(
        BackendUnavailableError,
        match=r"cannot download .*: the server answered 500 .*resumes where it broke off",
    ):
        get(tmp_path)
    assert part.read_bytes() == BODY[:100_000]
    assert get(tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("/blob", "bytes=100000-")


def test_a_server_that_knows_no_ranges_begins_again(server: Hub, part: Path, tmp_path: Path) -> None:
    server.ranges = False
    part.write_bytes(BODY[:1_000])
    assert get(tmp_path).read_bytes() == BODY


def test_nothing_is_asked_twice_of_a_download_that_was_complete(
    server: Hub, part: Path, tmp_path: Path
) -> None:
    part.write_bytes(BODY)
    assert get(tmp_path).read_bytes() == BODY
    assert [span for _, span in server.asked] == [f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("left", [b"", b"junk", BODY + b"more"])
def test_another_file_than_the_pinned_one_is_not_kept(
    server: Hub, part: Path, tmp_path: Path, left: bytes
) -> None:
    server.body = BODY[::-1]
    part.write_bytes(left)
    with pytest.raises(BackendUnavailableError, match="SHA-256 differs"):
        get(tmp_path)
    assert not part.exists()
    assert not WANTED.place(tmp_path).exists()
    server.body = BODY
    assert get(tmp_path).read_bytes() == BODY


def test_a_damaged_file_is_fetched_anew(server: Hub, part: Path, tmp_path: Path) -> None:
    path = WANTED.place(tmp_path)
    path.write_bytes(BODY[:-1] + b"x")
    with pytest.raises(BackendUnavailableError, match="is damaged, and downloads are off"):
        get(tmp_path, offline=True)
    assert get(tmp_path).read_bytes() == BODY


def test_offline_nothing_is_asked(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailableError, match=f"is not there, and downloads are off.*{PLACE}"):
        get(tmp_path, offline=True)
    assert server.asked == []
    assert not list(tmp_path.iterdir())


def test_a_refusal_is_not_asked_again(server: Hub, tmp_path: Path) -> None:
    server.faults = [403]
    with pytest.raises(BackendUnavailableError, match=r"cannot download .*403"):
        get(tmp_path)
    missing = HubFile("someone/else", "model.onnx", "a" * 40, "0" * 64)
    with pytest.raises(BackendUnavailableError, match=r"cannot download .*404"):
        get(tmp_path, missing)
    assert len(server.asked) == 2


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "no address", "http://[", "ftp://127.0.0.1"])
def test_no_hub_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(BackendUnavailableError, match=r"cannot download .*put it at"):
        get(tmp_path)


def test_a_full_disk_is_said(server: Hub, tmp_path: Path) -> None:
    def full(done: int, total: int | None) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BackendUnavailableError, match=r"cannot download .*No space left on device"):
        get(tmp_path, progress=full)


def test_several_at_once_download_once(server: Hub, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(get, [tmp_path] * 8))
    assert {path.read_bytes() == BODY for path in paths} == {True}
    assert len(server.asked) == 1


def test_what_a_backends_option_may_be(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with caplog.at_level(logging.INFO, "models.hub"):
        downloaded = locate("", WANTED)
    assert downloaded == WANTED.place(tmp_path / "cache" / "audiogpt-live" / "models")
    assert caplog.messages[-1] == "onnx/model.onnx: 1.0 of 1.0 MB"
    assert 2 <= len(caplog.messages) <= 11
    other = HubFile("someone/else", "model.onnx", "b" * 40, WANTED.sha256)
    assert locate(str(WANTED), other, offline=True) == downloaded
    assert locate(str(downloaded), other) == downloaded
    assert locate(str(downloaded.parent), other) == downloaded
    monkeypatch.setenv("HOME", str(downloaded.parent))
    assert locate("~/model.onnx", other) == downloaded
    for wrong, words in [
        (str(tmp_path), "there is no model .*leave the setting empty"),
        ("hub:someone/else/model.onnx@main", "write hub:OWNER/NAME/FILE@COMMIT#SHA256"),
    ]:
        with pytest.raises(BackendUnavailableError, match=words):
            locate(wrong, WANTED)


def test_without_variables_the_places_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert hub.cache_directory() == Path("/home/somebody/.cache/audiogpt-live/models")
    assert WANTED.url() == "https://huggingface.co" + PLACE


names = st.from_regex(r"[\w.-]{1,8}", fullmatch=True)
hexadecimal = st.sampled_from("0123456789abcdef")


@given(st.lists(names, min_size=3, max_size=5), st.text(hexadecimal, min_size=40, max_size=40))
def test_a_reference_survives_its_text_and_never_leaves_the_cache(parts: list[str], revision: str) -> None:
    repository, file = "/".join(parts[:2]), "/".join(parts[2:])
    try:
        wanted = HubFile(repository, file, revision, "0" * 64)
    except ValueError:
        assert {".", ".."} & set(parts)
        return
    assert HubFile.parse(str(wanted)) == wanted
    assert wanted.place(Path("/cache")).resolve().is_relative_to("/cache")


@pytest.mark.parametrize(
    "fields",
    [
        ("owner", "file", "a" * 40, "0" * 64),
        ("owner/name", "../file", "a" * 40, "0" * 64),
        ("owner/name", "/file", "a" * 40, "0" * 64),
        ("owner/name", "file", "main", "0" * 64),
        ("owner/name", "file", "a" * 40, "0" * 63),
    ],
)
def test_what_is_not_pinned_is_refused(fields: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match="write hub:OWNER/NAME/FILE@COMMIT#SHA256"):
        HubFile(*fields)
