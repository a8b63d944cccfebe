"""Files on a shelf: quotas, time, and what is said of what is gone. The clock is the test's."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.artefacts import Artefacts, Sound, SoundGoneError, StoredSound
from realtime.security.access import Visitor
from realtime.shelf import store as store_module
from realtime.shelf.settings import ArtefactSettings
from realtime.shelf.shelf import SessionShelf
from realtime.shelf.store import ORPHANED, Store
from realtime.shelf.wav import HEADER
from realtime.shelf.writer import Writer

MB = 2**20
SESSION = "sess_1"
ANYBODY = Visitor()


class Shelves:
    """A store, and shelves on it."""

    def __init__(self, directory: Path, shared: bool = False, **limits: float) -> None:
        self.now = 1_000_000.0
        self.store = Store(
            directory, ArtefactSettings.model_validate(limits), shared=shared, now=lambda: self.now
        )

    def session(self, session_id: str = SESSION, owner: Visitor = ANYBODY) -> Artefacts:
        # A memory of nothing but the newest: what is played comes from files.
        return Artefacts(SessionShelf(self.store, session_id, owner), most_seconds=0)

    async def settle(self) -> None:
        await self.store.writer.ask(lambda: None)

    async def sweep(self) -> None:
        await self.store.writer.ask(self.store.sweep)

    def files(self) -> set[str]:
        return {path.name for path in self.store.directory.glob("*/art_*") if path.suffix != ".json"}


@pytest.fixture
async def shelves(tmp_path: Path) -> AsyncIterator[Shelves]:
    made = Shelves(tmp_path, quota_mb=3, server_quota_mb=6, retention_minutes=10)
    yield made
    made.store.close()


def sound(megabytes: float = 1.0, value: int = 1) -> Sound:
    return Sound(value.to_bytes(2, "little") * int(megabytes * MB / 2), 48_000, 2)


async def read(stored: Sound | StoredSound) -> bytes:
    assert isinstance(stored, StoredSound)
    return stored.path.read_bytes()[stored.offset : stored.offset + stored.size]


async def test_a_sound_is_a_wav_file_and_is_played_from_it(shelves: Shelves) -> None:
    artefacts = shelves.session()
    kept = artefacts.add("recording", origin="captured", sound=Sound(b"\1\0" * 8_000, 8_000), text="hi")
    artefacts.add("recording", origin="captured", sound=sound(0.1))
    stored = await artefacts.playable(kept)
    assert await read(stored) == b"\1\0" * 8_000
    assert stored.seconds == 1.0
    assert kept.url == f"/v1/audiogpt/artefacts/{SESSION}/{kept.id}"
    with wave.open(str(shelves.store.directory / SESSION / kept.id)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, 8_000, 8_000)


async def test_the_oldest_goes_when_the_session_is_full_and_says_so(shelves: Shelves) -> None:
    artefacts = shelves.session()
    kept = [artefacts.add("recording", origin="captured", sound=sound(), text="hi") for _ in range(4)]
    await shelves.settle()
    assert shelves.files() == {made.id for made in kept[2:]}  # their headers are over the 3 MB
    with pytest.raises(SoundGoneError, match=r"recording 1 is gone, .* newest 3 MB .*; its words are still"):
        await artefacts.playable(kept[0])
    assert (await shelves.store.find(SESSION, kept[0].id)) is None
    assert artefacts.find("number one") is kept[0]


async def test_what_is_larger_than_all_is_not_kept(shelves: Shelves) -> None:
    artefacts = shelves.session()
    small = artefacts.add("recording", origin="captured", sound=sound())
    large = artefacts.add("recording", origin="uploaded", sound=sound(4))
    artefacts.add("recording", origin="captured", sound=sound(0.1))
    with pytest.raises(SoundGoneError, match="larger than the 3 MB"):
        await artefacts.playable(large)
    assert small.id in shelves.files(), "nothing had to go for it"


async def test_the_oldest_of_all_sessions_goes_when_the_server_is_full(shelves: Shelves) -> None:
    kept = []
    for number in range(8):
        artefacts = shelves.session(f"sess_{number}")
        kept.append((artefacts, artefacts.add("recording", origin="captured", sound=sound())))
        await shelves.settle()
        path = shelves.store.directory / f"sess_{number}" / kept[-1][1].id
        os.utime(path, (number, number))
    assert shelves.files() == {made.id for _, made in kept[3:]}
    gone, first = kept[0]
    gone.add("recording", origin="captured", sound=sound(0.1))
    with pytest.raises(SoundGoneError, match="is gone"):
        await gone.playable(first)


async def test_files_stay_for_the_retention_time_after_the_session(shelves: Shelves) -> None:
    over, lasting = shelves.session("sess_1"), shelves.session("sess_2")
    for artefacts in (over, lasting):
        artefacts.add("recording", origin="captured", sound=sound(0.1))
    over.close()
    await shelves.settle()
    shelves.now += 599
    await shelves.sweep()
    assert len(shelves.files()) == 2
    shelves.now += 1
    await shelves.sweep()
    assert len(shelves.files()) == 1
    assert [path.name for path in shelves.store.directory.iterdir()] == ["sess_2"]


async def test_without_retention_they_go_with_the_session(tmp_path: Path) -> None:
    shelves = Shelves(tmp_path, retention_minutes=0)
    artefacts = shelves.session()
    artefacts.add("text", origin="written", text="buy milk")
    await shelves.settle()
    assert os.listdir(tmp_path)
    artefacts.close()
    await shelves.settle()
    assert not os.listdir(tmp_path)
    shelves.store.close()


async def test_another_worker_finds_them_and_removes_those_of_a_dead_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "TRY_EVERY", 0)
    one, two = Shelves(tmp_path, True), Shelves(tmp_path, True)
    owner = Visitor("key", "token")
    kept = one.session(owner=owner).add("text", origin="written", text="buy milk")
    await one.settle()
    found = await two.store.find(SESSION, kept.id)
    assert found is not None
    assert (found.owner, found.card.text, found.path) == (owner, "buy milk", None)
    for _ in range(200):  # it lives: its worker says so every 30 s
        one.now += 30
        two.now += 30
        await one.sweep()
        await two.sweep()
    assert await two.store.find(SESSION, kept.id) is not None
    two.now += 3_600 + ORPHANED - 1
    await two.sweep()
    assert await two.store.find(SESSION, kept.id) is not None
    two.now += 2
    await two.sweep()
    assert await two.store.find(SESSION, kept.id) is None
    one.store.close()
    two.store.close()


async def test_a_recording_can_be_had_while_it_grows(shelves: Shelves) -> None:
    artefacts = shelves.session()
    made = artefacts.add("music", origin="made", name="a waltz", text="in C")
    recording = artefacts.record(made)
    assert recording is not None
    second = b"\1\0\2\0" * 48_000
    recording.write(second)
    recording.write(second[:4_000])
    assert await read(await artefacts.playable(made)) == second + second[:4_000]
    recording.write(second)
    recording.close()
    recording.close()
    recording.write(second)
    assert await read(await artefacts.playable(made)) == second + second[:4_000] + second
    with wave.open(str(shelves.store.directory / SESSION / made.id)) as file:
        assert file.getnframes() == 97_000
    again = artefacts.record(made)
    assert again is not None
    again.write(second[:400])
    assert await read(await artefacts.playable(made)) == second[:400]


async def test_a_recording_ends_at_its_bound_and_lets_older_ones_go(shelves: Shelves) -> None:
    artefacts = shelves.session()
    old = artefacts.add("recording", origin="captured", sound=sound())
    made = artefacts.add("sound", origin="made", name="rain")
    recording = artefacts.record(made)
    assert recording is not None
    for _ in range(40):
        recording.write(bytes(192_000))
    recording.close()
    await shelves.settle()
    assert shelves.files() == {made.id}
    assert (shelves.store.directory / SESSION / made.id).stat().st_size == 3 * MB
    artefacts.add("recording", origin="captured", sound=sound(0.1))
    with pytest.raises(SoundGoneError):
        await artefacts.playable(old)


async def test_what_a_session_forgets_is_removed(shelves: Shelves) -> None:
    artefacts = Artefacts(SessionShelf(shelves.store, SESSION, ANYBODY), most=2)
    for _ in range(3):
        artefacts.add("recording", origin="captured", sound=sound(0.1))
    await shelves.settle()
    assert len(shelves.files()) == 2
    assert len(list((shelves.store.directory / SESSION).iterdir())) == 5  # with their cards, and the owner's


@pytest.mark.parametrize(
    "name", ["..", ".", "", "owner.json", "../sess_1", "art_1/../..", "art_1.json", "art_\0", "art_é", "/etc"]
)
async def test_no_path_leads_elsewhere(shelves: Shelves, name: str) -> None:
    shelves.session().add("text", origin="written", text="x")
    assert await shelves.store.find(SESSION, name) is None
    assert await shelves.store.find(name, "owner") is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_ids_are_looked_for_below_the_directory(session_id: str, artefact_id: str) -> None:
    looked: list[Path] = []

    async def look() -> None:
        store = Store(Path("/nowhere"), ArtefactSettings())
        store._look = lambda *ids: looked.append(store.directory.joinpath(*ids))  # type: ignore[method-assign]
        await store.find(session_id, artefact_id)
        store.close()

    asyncio.run(look())
    for path in looked:
        assert len(path.parts) == 4
        assert ".." not in path.parts
        assert str(path) == os.path.normpath(path)


async def test_a_disk_that_stalls_is_not_waited_for_in_memory() -> None:
    stalled = asyncio.Event()
    loop = asyncio.get_running_loop()
    writer = Writer(most_pending=100)

    def stall() -> None:
        asyncio.run_coroutine_threadsafe(stalled.wait(), loop).result()

    assert writer.submit(stall, 60)
    assert not writer.submit(lambda: None, 60)
    assert writer.submit(lambda: None), "what has no size is no load"
    stalled.set()
    await writer.ask(lambda: None)
    assert writer.submit(lambda: None, 100)
    await asyncio.to_thread(writer.close)
    assert not writer.submit(lambda: None, 1)


async def test_a_write_that_fails_costs_no_more_than_itself(shelves: Shelves) -> None:
    artefacts = shelves.session()
    first = artefacts.add("recording", origin="captured", sound=sound(0.1))
    await shelves.settle()
    (shelves.store.directory / SESSION).chmod(0o500)
    second = artefacts.add("recording", origin="captured", sound=sound(0.1))
    await shelves.settle()
    (shelves.store.directory / SESSION).chmod(0o700)
    third = artefacts.add("recording", origin="captured", sound=sound(0.1))
    await shelves.settle()
    assert {first.id, third.id} <= shelves.files()
    if os.geteuid():  # nothing is forbidden to root
        with pytest.raises(SoundGoneError, match="could not be written"):
            await artefacts.playable(second)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["put", "record", "write", "close"]), st.integers(1, 30)), max_size=25)
)
def test_the_quota_holds_whatever_is_kept(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]]
) -> None:
    async def keep() -> None:
        shelves = Shelves(tmp_path_factory.mktemp("shelf"), quota_mb=1)
        artefacts = shelves.session()
        recordings = []
        for move, size in moves:
            pcm = np.zeros(size * 20_000, np.int16).tobytes()
            if move == "put":
                artefacts.add("recording", origin="captured", sound=Sound(pcm, 8_000))
            elif move == "record":
                recordings.append(artefacts.record(artefacts.add("music", origin="made", name="x")))
            elif recordings and move == "write":
                recordings[-1].write(pcm)  # type: ignore[union-attr]
            elif recordings:
                recordings.pop().close()  # type: ignore[union-attr]
            await shelves.settle()
            files = list(shelves.store.directory.glob("*/art_*[!n]"))
            assert sum(path.stat().st_size for path in files) <= MB
            for path in files:
                assert path.read_bytes()[:4] == b"RIFF"
                assert path.stat().st_size >= HEADER
        artefacts.close()
        shelves.store.close()
        for path in shelves.store.directory.glob("*/art_*[!n]"):
            with wave.open(io.BytesIO(path.read_bytes())) as file:
                assert file.getnframes() * file.getnchannels() * 2 == path.stat().st_size - HEADER

    asyncio.run(keep())
