"""The files of all sessions of one process: written, kept within quotas and a time, and found again.

    <server's directory>/<session>/owner.json     whose session it is; touched for as long as it lasts
                                  /<artefact>.json what there is to know of it, written once it can be had
                                  /<artefact>      a WAV file, or a picture as it was given

Everything here happens on the writer's thread but for what hands work to it. A file is there or not: other
processes of the server serve downloads from the same directory, and may remove the oldest files as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from realtime.artefacts import Artefact, Data, Sound, StoredSound
from realtime.security.access import Visitor
from realtime.shelf.settings import ArtefactSettings
from realtime.shelf.wav import HEADER, header
from realtime.shelf.writer import Writer

log = logging.getLogger(__name__)

SWEEP = 30.0  # s between two looks at what is too old
ORPHANED = 120.0  # s beyond the retention time until the files of a worker that died are removed
LONGEST = 600  # s of a recording of what we make: 115 MB in stereo
LOW_WATER = 0.95  # of the server's quota, to which it is emptied when it is full
TRIES, TRY_EVERY = 5, 0.1  # s; what is captured is written soon after the event that tells of it
OWNER = "owner.json"
_ID = re.compile(r"[a-z]{1,8}_[0-9A-Za-z]{1,64}")


@dataclass(frozen=True, slots=True)
class Card:
    """What is written down beside a file. `rate` in Hz and `channels` are of a sound, and else 0."""

    kind: str
    name: str
    number: int
    text: str
    media_type: str = ""
    rate: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """An artefact that can be had. `path` is None where there is only its text; `size` is in bytes."""

    owner: Visitor
    card: Card
    path: Path | None
    size: int
    modified: float


class _Session:
    """What this process keeps of one session. Used by the writer's thread."""

    def __init__(self, path: Path, owner: Visitor) -> None:
        self.path = path
        self.owner = owner
        self.sizes: dict[str, int] = {}  # by artefact, the oldest first
        self.ended: float | None = None


class Store:
    """All that this process keeps. With `shared`, others of the same server keep theirs in the directory."""

    def __init__(
        self,
        directory: Path,
        settings: ArtefactSettings,
        *,
        shared: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self.writer = Writer()
        self._shared = shared
        self._quota = min(settings.quota_mb, settings.server_quota_mb) * 2**20
        self._server_quota = settings.server_quota_mb * 2**20
        self._retention = settings.retention_minutes * 60
        self._now = now
        self._sessions: dict[str, _Session] = {}
        self._used = 0  # bytes in the whole directory when it was last looked at, and what we wrote since

    @property
    def quota_mb(self) -> int:
        """MB that a session may keep."""
        return self._quota // 2**20

    def longest(self, rate: int, channels: int) -> int:
        """Bytes of PCM that a recording may have."""
        return min(LONGEST * 2 * rate * channels, self._quota - HEADER)

    async def run(self) -> None:
        """Remove what is too old, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP)
            self.writer.submit(self.sweep)

    def close(self) -> None:
        """Write what is to be written, and end. Blocks: not on the event loop."""
        self.writer.close()

    async def find(self, session_id: str, artefact_id: str) -> Found | None:
        """What there is to download; None for what there is not, or no longer."""
        if not _ID.fullmatch(session_id) or not _ID.fullmatch(artefact_id):
            return None  # never a path to elsewhere
        look = partial(self._look, session_id, artefact_id)
        tries = TRIES if self._shared and session_id not in self._sessions else 1
        for again in reversed(range(tries)):
            if (found := await self.writer.ask(look)) is not None:
                return found
            if again:
                await asyncio.sleep(TRY_EVERY)  # the worker that has the session may be about to write it
        return None

    # -- on the writer's thread -----------------------------------------------------------------------------

    def put(self, session_id: str, owner: Visitor, artefact: Artefact, content: Sound | Data | None) -> str:
        """Write an artefact's file; returns why that cannot be, empty where it could."""
        session = self._open(session_id, owner)
        card = _card(artefact, content)
        if content is not None:
            parts = (
                (content.content,)
                if isinstance(content, Data)
                else (header(content.rate, content.channels, len(content.pcm)), content.pcm)
            )
            size = sum(map(len, parts))
            if size > self._quota:
                return f"it is larger than the {self.quota_mb} MB that I may keep of a conversation"
            self._make_room(session, artefact.id, size)
            path = session.path / artefact.id
            try:
                with path.open("wb") as file:
                    file.writelines(parts)
            except OSError as error:
                path.unlink(missing_ok=True)
                return f"it could not be written ({error.strerror})"
            session.sizes[artefact.id] = size
            self._used += size
        self._write_card(session, artefact.id, card)
        return ""

    def begin(self, session_id: str, owner: Visitor, artefact: Artefact, rate: int, channels: int) -> None:
        """Begin a file that comes bit by bit."""
        session = self._open(session_id, owner)
        self._remove(session, artefact.id)
        self._make_room(session, artefact.id, HEADER)
        (session.path / artefact.id).write_bytes(header(rate, channels, 0))
        session.sizes[artefact.id] = HEADER
        self._used += HEADER
        self._write_card(session, artefact.id, _card(artefact, Sound(b"", rate, channels)))

    def append(self, session_id: str, artefact_id: str, pieces: list[bytes]) -> None:
        """Append to it."""
        session = self._sessions.get(session_id)
        if session is None or artefact_id not in session.sizes:
            return  # let go meanwhile
        size = sum(map(len, pieces))
        self._make_room(session, artefact_id, size)
        with contextlib.suppress(OSError), (session.path / artefact_id).open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.writelines(pieces)
            session.sizes[artefact_id] += size
            self._used += size

    def complete(self, session_id: str, artefact_id: str, rate: int, channels: int) -> None:
        """Nothing more comes: the header can say how long it is."""
        session = self._sessions.get(session_id)
        if session is None or artefact_id not in session.sizes:
            return
        with contextlib.suppress(OSError), (session.path / artefact_id).open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            file.write(header(rate, channels, size - HEADER))

    def forget(self, session_id: str, artefact_id: str) -> None:
        """Remove what there is of it."""
        if (session := self._sessions.get(session_id)) is not None:
            self._remove(session, artefact_id)
            (session.path / f"{artefact_id}.json").unlink(missing_ok=True)

    def end(self, session_id: str) -> None:
        """The session is over: its files are kept for the retention time from now on."""
        if (session := self._sessions.get(session_id)) is not None:
            session.ended = self._now()
            self._touch(session)
            if not self._retention:
                self._drop(session_id)

    def stored(self, session_id: str, artefact_id: str) -> StoredSound | None:
        """A sound to be played from its file."""
        found = self._look(session_id, artefact_id)
        if found is None and (session := self._sessions.get(session_id)) is not None:
            self._remove(session, artefact_id)  # another process has let it go
        if found is None or found.path is None or not found.card.rate:
            return None
        card, size = found.card, found.size - HEADER
        return StoredSound(found.path, card.rate, card.channels, size, HEADER) if size > 0 else None

    def holds(self, session_id: str, artefact_id: str) -> bool:
        """Whether there is a file that was not let go, as far as this process knows."""
        session = self._sessions.get(session_id)
        return session is not None and artefact_id in session.sizes

    def sweep(self) -> None:
        """Remove what is too old, and count what there is."""
        now = self._now()
        for session_id, session in list(self._sessions.items()):
            if session.ended is None:
                self._touch(session)
            elif session.ended + self._retention <= now:
                self._drop(session_id)
        for path in self._session_paths():
            if path.name not in self._sessions:
                with contextlib.suppress(OSError):
                    if (path / OWNER).stat().st_mtime + self._retention + ORPHANED < now:
                        shutil.rmtree(path, ignore_errors=True)
        self._make_room_on_server()

    def _open(self, session_id: str, owner: Visitor) -> _Session:
        session = self._sessions.get(session_id)
        if session is None:
            session = _Session(self.directory / session_id, owner)
            session.path.mkdir(mode=0o700, exist_ok=True)
            _write_whole(session.path / OWNER, json.dumps({"key": owner.key, "token": owner.token}))
            self._sessions[session_id] = session
        return session

    def _look(self, session_id: str, artefact_id: str) -> Found | None:
        place = self.directory / session_id
        try:
            owner = Visitor(**json.loads((place / OWNER).read_text("utf-8")))
            card = Card(**json.loads((place / f"{artefact_id}.json").read_text("utf-8")))
            path = place / artefact_id if card.rate or card.media_type else None
            found = (place / f"{artefact_id}.json" if path is None else path).stat()
        except FileNotFoundError:
            return None
        return Found(owner, card, path, found.st_size if path else 0, found.st_mtime)

    def _make_room(self, session: _Session, artefact_id: str, size: int) -> None:
        """Let the oldest go until `size` more bytes of this artefact are within both quotas."""
        used = sum(session.sizes.values())
        for oldest in list(session.sizes):
            if used + size <= self._quota:
                break
            if oldest != artefact_id:
                used -= session.sizes[oldest]
                self._remove(session, oldest)
        if self._used + size > self._server_quota:
            self._make_room_on_server(size, session.path / artefact_id)

    def _make_room_on_server(self, size: int = 0, spared: Path | None = None) -> None:
        """Count what is in the directory, and let the oldest of all sessions go if it is too much."""
        files: list[tuple[float, int, Path]] = []
        for place in self._session_paths():
            for path in _files(place):
                with contextlib.suppress(OSError):
                    found = path.stat()
                    files.append((found.st_mtime, found.st_size, path))
        self._used = sum(found[1] for found in files)
        if self._used + size <= self._server_quota:
            return
        for _, taken, path in sorted(files):
            if self._used + size <= self._server_quota * LOW_WATER:
                return
            if path == spared:
                continue
            session = self._sessions.get(path.parent.name)
            if session is not None and path.name in session.sizes:
                self._remove(session, path.name)
            else:
                path.unlink(missing_ok=True)
                self._used -= taken

    def _session_paths(self) -> list[Path]:
        return [path for path in self.directory.iterdir() if _ID.fullmatch(path.name)]

    def _remove(self, session: _Session, artefact_id: str) -> None:
        self._used -= session.sizes.pop(artefact_id, 0)
        (session.path / artefact_id).unlink(missing_ok=True)

    def _drop(self, session_id: str) -> None:
        session = self._sessions.pop(session_id)
        self._used -= sum(session.sizes.values())
        shutil.rmtree(session.path, ignore_errors=True)

    def _touch(self, session: _Session) -> None:
        now = self._now()
        with contextlib.suppress(OSError):
            os.utime(session.path / OWNER, (now, now))

    def _write_card(self, session: _Session, artefact_id: str, card: Card) -> None:
        with contextlib.suppress(OSError):
            _write_whole(session.path / f"{artefact_id}.json", json.dumps(asdict(card)))


def _card(artefact: Artefact, content: Sound | Data | None) -> Card:
    card = (artefact.kind, artefact.name, artefact.number, artefact.text)
    match content:
        case Sound(_, rate, channels):
            return Card(*card, "audio/wav", rate, channels)
        case Data(_, media_type):
            return Card(*card, media_type)
    return Card(*card)


def _files(place: Path) -> list[Path]:
    """The artefacts' own files of a session: cards and owners weigh nothing."""
    with contextlib.suppress(OSError):
        return [path for path in place.iterdir() if path.suffix != ".json"]
    return []


def _write_whole(path: Path, text: str) -> None:
    """Write so that who looks finds all of it or nothing."""
    part = path.with_suffix(".part.json")
    part.write_text(text, "utf-8")
    part.rename(path)
