"""One session's shelf: what `Artefacts` hands over goes to the writer, and nobody waits for it."""

from __future__ import annotations

from functools import partial

from realtime.artefacts import Artefact, Data, Sound, StoredSound
from realtime.security.access import Visitor
from realtime.shelf.store import Store

DOWNLOADS = "/v1/audiogpt/artefacts"
BATCH_S = 1  # of a recording that is handed over at once: ten times less work than each piece of 100 ms
_STALLED = "the disk was too slow to keep it"


class SessionShelf:
    """See `artefacts.Shelf`. `owner` is who may download from it."""

    def __init__(self, store: Store, session_id: str, owner: Visitor) -> None:
        self._store = store
        self._session_id = session_id
        self._owner = owner
        self._refused: dict[str, str] = {}
        self._kept: set[str] = set()
        self._growing: dict[str, Growing] = {}

    def url(self, artefact_id: str) -> str:
        """See `artefacts.Shelf`."""
        return f"{DOWNLOADS}/{self._session_id}/{artefact_id}"

    def put(self, artefact: Artefact, content: Sound | Data | None) -> None:
        """See `artefacts.Shelf`."""
        size = 0
        if content is not None:
            size = len(content.content if isinstance(content, Data) else content.pcm)
            self._kept.add(artefact.id)
        if not self._store.writer.submit(partial(self._put, artefact, content), size):
            self._refused[artefact.id] = _STALLED

    def record(self, artefact: Artefact, rate: int, channels: int) -> Growing:
        """See `artefacts.Shelf`."""
        self._kept.add(artefact.id)
        self._refused.pop(artefact.id, None)
        begin = partial(self._store.begin, self._session_id, self._owner, artefact, rate, channels)
        self._store.writer.submit(begin)
        growing = Growing(self._store, self._session_id, artefact.id, rate, channels)
        self._growing[artefact.id] = growing
        return growing

    def forget(self, artefact_id: str) -> None:
        """See `artefacts.Shelf`."""
        self._refused.pop(artefact_id, None)
        self._kept.discard(artefact_id)
        self._growing.pop(artefact_id, None)
        self._store.writer.submit(partial(self._store.forget, self._session_id, artefact_id))

    async def find(self, artefact_id: str) -> StoredSound | None:
        """See `artefacts.Shelf`."""
        if artefact_id not in self._kept:
            return None
        if (growing := self._growing.get(artefact_id)) is not None:
            growing.hand_over()
        return await self._store.writer.ask(partial(self._store.stored, self._session_id, artefact_id))

    def let_go(self, artefact_id: str) -> str:
        """See `artefacts.Shelf`."""
        if artefact_id in self._refused:
            return self._refused[artefact_id]
        if artefact_id not in self._kept or self._store.holds(self._session_id, artefact_id):
            return ""
        return f"I keep the newest {self._store.quota_mb} MB of a conversation only"

    def close(self) -> None:
        """The session is over."""
        for growing in self._growing.values():
            growing.close()
        self._store.writer.submit(partial(self._store.end, self._session_id))

    def _put(self, artefact: Artefact, content: Sound | Data | None) -> None:
        if refused := self._store.put(self._session_id, self._owner, artefact, content):
            self._refused[artefact.id] = refused


class Growing:
    """A recording in the making; see `artefacts.Recording`."""

    def __init__(self, store: Store, session_id: str, artefact_id: str, rate: int, channels: int) -> None:
        self._store = store
        self._what = (session_id, artefact_id)
        self._form = (rate, channels)
        self._batch = BATCH_S * 2 * rate * channels
        self._room = store.longest(rate, channels)
        self._pieces: list[bytes] = []
        self._size = 0
        self._closed = False

    def write(self, pcm: bytes) -> None:
        """See `artefacts.Recording`."""
        pcm = pcm[: self._room]
        self._room -= len(pcm)
        if pcm and not self._closed:
            self._pieces.append(pcm)
            self._size += len(pcm)
            if self._size >= self._batch:
                self.hand_over()

    def hand_over(self) -> None:
        """Have written what there is."""
        if not self._pieces:
            return
        work = partial(self._store.append, *self._what, self._pieces)
        if not self._store.writer.submit(work, self._size):
            self._room = 0  # rather a beginning than one with a hole
        self._pieces, self._size = [], 0

    def close(self) -> None:
        """See `artefacts.Recording`."""
        if not self._closed:
            self._closed = True
            self.hand_over()
            self._store.writer.submit(partial(self._store.complete, *self._what, *self._form))
