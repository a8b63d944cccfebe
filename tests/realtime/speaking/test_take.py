"""What of a piece is recorded: all that was sent, and nothing that was not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import api
from models.plan import MusicBrief
from realtime.artefacts import Artefact, Artefacts, Recording
from realtime.protocol import Outbox
from realtime.speaking.mixer import CUT_SAMPLES, Mixer
from realtime.speaking.player import Piece, Player
from realtime.speaking.speaker import Speaker
from realtime.speaking.take import Take
from realtime.telemetry import Metrics
from tests.fakes import FakeLink, Words
from tests.music import MusicEngine
from tests.virtual_clock import play


class FakeRecording:
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.pcm = b""
        self.closed = 0

    def write(self, pcm: bytes) -> None:
        assert not self.closed
        self.pcm += pcm

    def close(self) -> None:
        self.closed += 1

    @property
    def samples(self) -> NDArray[np.int16]:
        return np.frombuffer(self.pcm, np.int16).reshape(-1, 2)


def chunk(first: int, length: int) -> bytes:
    return np.repeat(np.arange(first, first + length) % 20_000 + 1, 2).astype(np.int16).tobytes()


@given(st.lists(st.tuples(st.integers(1, 3_000), st.floats(0, 1)), max_size=12), st.integers(0, 10_000))
def test_it_holds_what_was_sent_and_the_fade_behind_it(chunks: list[tuple[int, float]], at: int) -> None:
    recording = FakeRecording()
    take, written, consumed = Take(recording, at), 0, at
    for length, share in chunks:
        take.add(chunk(written, length), consumed)
        assert len(recording.samples) <= consumed - at
        written += length
        consumed += int((at + written - consumed) * share)
    take.close(consumed)
    sent = consumed - at
    tail = min(CUT_SAMPLES, written - sent)
    assert len(recording.samples) == sent + tail
    assert recording.samples[:sent].tobytes() == chunk(0, sent)
    if tail:
        fade = recording.samples[sent:, 0] / np.frombuffer(chunk(sent, tail), np.int16)[::2]
        assert fade == pytest.approx(1 - np.arange(tail) / tail, abs=0.51)
    assert recording.closed == 1


class Kept(Artefacts):
    """Records into memory."""

    def __init__(self) -> None:
        super().__init__()
        self.takes: list[tuple[Artefact, FakeRecording]] = []

    def record(self, artefact: Artefact) -> Recording | None:
        self.takes.append((artefact, FakeRecording()))
        return self.takes[-1][1]


def in_a_booth(visit: Callable[[Player, Kept, FakeLink], Awaitable[None]]) -> None:
    async def dialogue() -> None:
        async with asyncio.TaskGroup() as group:
            words, kept, mixer = Words(), Kept(), Mixer()
            link = FakeLink(words)
            speaker = Speaker(link, mixer, Metrics())
            player = Player(
                MusicEngine(words, lambda _: []),  # type: ignore[arg-type]
                speaker,
                mixer.music,
                Outbox(link),
                group,
                kept,
                buffered=lambda: True,
                changed=lambda: None,
            )
            speaker.owner = lambda: player.owner
            speaking = group.create_task(speaker.run())
            await visit(player, kept, link)
            await player.stop()
            speaking.cancel()

    play(dialogue())


BRIEF = MusicBrief(style="solo piano", tonic="A", mode="major", tempo=120)


def test_a_piece_that_is_stopped_is_recorded_as_far_as_it_was_heard() -> None:
    async def visit(player: Player, kept: Kept, link: FakeLink) -> None:
        request = api.MusicRequest(BRIEF, 7)
        await player.start(Piece("music", "piano", request), None)
        await asyncio.sleep(1.01)
        player.hold()  # somebody speaks: the piece waits, and so does its recording
        await asyncio.sleep(5)
        player.resume()
        await asyncio.sleep(1)
        await player.stop()
        [(artefact, recording)] = kept.takes
        assert recording.closed == 1
        heard = np.concatenate([frame for _, frame in link.recording])
        assert len(recording.samples) == pytest.approx(2 * api.SPEAKING_RATE, abs=api.SPEAKING_RATE // 10)
        assert len(recording.samples) == pytest.approx(int(np.count_nonzero(heard[:, 0])), abs=2_000)
        assert kept.request(artefact) is request
        assert artefact.number == 1

    in_a_booth(visit)


def test_a_piece_is_recorded_to_its_end_and_begun_anew_under_its_number() -> None:
    async def visit(player: Player, kept: Kept, link: FakeLink) -> None:
        request = api.MusicRequest(BRIEF.model_copy(update={"bars": 1}), 7)
        await player.start(Piece("music", "piano", request), None)
        await asyncio.sleep(6)
        assert player.playing is None
        [(artefact, first)] = kept.takes
        assert first.closed == 1
        await player.start(Piece("music", "piano", request, artefact_id=artefact.id), None)
        await asyncio.sleep(6)
        assert [made for made, _ in kept.takes] == [artefact, artefact]
        assert kept.takes[1][1].pcm == first.pcm
        assert len(kept) == link.types().count("audiogpt.artefact.created") == 1

    in_a_booth(visit)
