"""Model files from a hub: pinned to a commit, checked by SHA-256, resumed where they broke off.

Not huggingface_hub's own client: since 1.31 it begins an interrupted file anew in the next process (2.4.0,
`_download_to_tmp_and_move`; issue 4196 there), and what was fetched has to be checked against our sums
anyway. Files come from `$HF_ENDPOINT` (a mirror) or the public hub, and lie under
`$XDG_CACHE_HOME/audiogpt-live/models`.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx

from models.api import BackendUnavailableError

log = logging.getLogger(__name__)

ENDPOINT = "https://huggingface.co"
TRIES = 3  # in a row without a new byte, until a download is given up
RETRY_DELAY = 1.0  # s before the next try
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # s
_REFERENCE = re.compile(
    r"hub:(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[\w.-]+(/[\w.-]+)*)"
    r"@(?P<revision>[0-9a-f]{40})#(?P<sha256>[0-9a-f]{64})"
)

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here and those that there are in all (None: the server does not say)."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository (`owner/name`) at a commit (40 hex digits), and its SHA-256 (64)."""

    repository: str
    file: str
    revision: str
    sha256: str

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(str(self)) or {".", ".."} & set(self._parts()):
            raise ValueError(f"{self} is no file of a hub; write hub:OWNER/NAME/FILE@COMMIT#SHA256")

    @classmethod
    def parse(cls, reference: str) -> Self:
        """Read `hub:OWNER/NAME/FILE@COMMIT#SHA256`. Raises `ValueError`."""
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise ValueError(f"{reference!r} is no file of a hub; write hub:OWNER/NAME/FILE@COMMIT#SHA256")
        return cls(**found.groupdict())

    def __str__(self) -> str:
        return f"hub:{self.repository}/{self.file}@{self.revision}#{self.sha256}"

    def place(self, directory: Path) -> Path:
        """Where it lies under a cache directory: all files of one commit side by side."""
        return directory.joinpath(self.repository, self.revision, self.file)

    def url(self) -> str:
        """Where it is downloaded from."""
        endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT
        return f"{endpoint}/{self.repository}/resolve/{self.revision}/{quote(self.file)}"

    def _parts(self) -> list[str]:
        return [*self.repository.split("/"), *self.file.split("/")]


def cache_directory() -> Path:
    """Where downloads are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "audiogpt-live" / "models"


def locate(model: str, pinned: HubFile, *, offline: bool = False) -> Path:
    """The file that a backend's `model` option means. Raises `BackendUnavailableError` with the remedy.

    Args:
        model: a file, a directory that holds `pinned.file`, or `hub:OWNER/NAME/FILE@COMMIT#SHA256`; empty
            takes `pinned`.
        pinned: what the backend was made for.
        offline: never download; only what is here already will do.
    """
    if not model or model.startswith("hub:"):
        try:
            wanted = HubFile.parse(model) if model else pinned
        except ValueError as error:
            raise BackendUnavailableError(str(error)) from error
        return fetch(wanted, offline=offline, progress=logged(wanted.file))
    path = Path(model).expanduser()
    if path.is_dir():
        path /= pinned.file
    if not path.is_file():
        raise BackendUnavailableError(
            f"there is no model {path}; leave the setting empty to download {pinned.file}"
        )
    return path


def fetch(
    wanted: HubFile,
    *,
    directory: Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    retry_delay: float = RETRY_DELAY,
) -> Path:
    """The file on this machine, downloaded if need be. It blocks; safe in several processes at once.

    Args:
        wanted: which file.
        directory: the cache; None takes `cache_directory()`.
        offline: never download.
        progress: called for every piece that comes.
        retry_delay: s between tries.

    Raises:
        BackendUnavailableError: it is not here and cannot be had, with cause and remedy.
    """
    path = wanted.place(directory or cache_directory())
    part = path.with_name(path.name + ".part")
    url = wanted.url()
    try:
        if _intact(path, wanted.sha256):
            return path
        if offline:
            state = "damaged" if path.exists() else "not there"
            raise BackendUnavailableError(
                f"{path} is {state}, and downloads are off: allow them once, or put {url} there"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if _intact(path, wanted.sha256):  # somebody else has fetched it meanwhile
                return path
            _download(url, part, progress or (lambda done, total: None), retry_delay)
            if not _intact(part, wanted.sha256):
                part.unlink()
                raise BackendUnavailableError(
                    f"what came from {url} is not the file that was asked for: its SHA-256 differs; "
                    "nothing of it is kept, try again"
                )
            part.replace(path)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise BackendUnavailableError(
            f"cannot download {url}: {_cause(error)}; try again (it resumes where it broke off), or put it "
            f"at {path}"
        ) from error
    return path


def logged(name: str) -> Progress:
    """Progress as a line in the log for every tenth of the file `name`."""
    tenth = -1

    def progress(done: int, total: int | None) -> None:
        nonlocal tenth
        if total and (now := 10 * done // total) != tenth:
            tenth = now
            log.info("%s: %.1f of %.1f MB", name, done / 1e6, total / 1e6)

    return progress


def _intact(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process downloads to `path` inside."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(url: str, part: Path, progress: Progress, retry_delay: float) -> None:
    """Bring `part` up to the whole file, going on with what it holds after every broken connection."""
    failures = 0
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        while True:
            before = _size(part)
            try:
                return _transfer(client, url, part, progress)
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                if isinstance(error, httpx.HTTPStatusError) and not error.response.is_server_error:
                    raise
                failures = 0 if _size(part) > before else failures + 1
                if failures >= TRIES:
                    raise
                log.warning("the download of %s broke off: %s", url, _cause(error))
                time.sleep(retry_delay)


def _transfer(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    begin = _size(part)
    # Uncompressed, so that the bytes that come are the file's and can be counted.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it was here already; its sum will tell
        response.raise_for_status()
        done = begin if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if done else "wb") as file:
            for piece in response.iter_raw():
                file.write(piece)
                done += len(piece)
                progress(done, total)


def _cause(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answered {error.response.status_code} {error.response.reason_phrase}"
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
