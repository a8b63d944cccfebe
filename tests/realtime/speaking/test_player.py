"""The player on the virtual clock: pieces that begin, are steered, and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import api
from models.plan import MusicBrief, SoundBrief
from realtime.artefacts import Artefacts
from realtime.protocol import Outbox
from realtime.speaking.mixer import Mixer
from realtime.speaking.player import ANSWER_TIMEOUT, Piece, Player, Steered
from realtime.speaking.speaker import Speaker
from realtime.telemetry import Metrics
from tests.fakes import FakeEngine, FakeLink, Words
from tests.music import UNPLAYABLE, MusicEngine
from tests.virtual_clock import play

CALM = MusicBrief(style="solo piano", tonic="A", mode="major", tempo=120)


def piece(brief: MusicBrief, name: str = "piano") -> Piece:
    return Piece("music", name, api.MusicRequest(brief, 7))


class Booth:
    """A player and its listener."""

    def __init__(self, group: asyncio.TaskGroup, engine: FakeEngine) -> None:
        self.engine = engine
        self.link = FakeLink(engine.words)
        self.mixer = Mixer()
        self.speaker = Speaker(self.link, self.mixer, Metrics())
        self.changes: list[tuple[float, str | None]] = []  # when the piece became what
        self.player = Player(
            engine,  # type: ignore[arg-type]
            self.speaker,
            self.mixer.music,
            Outbox(self.link),
            group,
            Artefacts(),
            buffered=lambda: True,
            changed=self._changed,
        )
        self.speaker.owner = lambda: self.player.owner

    def _changed(self) -> None:
        self.changes.append((asyncio.get_running_loop().time(), self.player.playing))

    def bars(self) -> list[tuple[int, str, float]]:
        return [
            (e["bar"], e["key"], e["tempo"])
            for e in self.link.log
            if e["type"] == "audiogpt.music.state" and e["playing"]
        ]

    def heard_bars(self) -> list[int]:
        """The bars that sounded, from the samples: each is its number, until the next begins."""
        samples = self.link.audible().astype(float)
        values = np.round(samples / (100 * 10 ** (-3 / 20))).astype(int)  # the mixer's music gain: -3 dB
        found: list[int] = []
        for value in values[np.flatnonzero(np.diff(values, prepend=0))]:
            if value and (not found or found[-1] != value):
                found.append(int(value))
        return found


def in_a_booth(visit: Callable[[Booth], Awaitable[None]], engine: type[FakeEngine] = MusicEngine) -> None:
    async def dialogue() -> None:
        async with asyncio.TaskGroup() as group:
            booth = Booth(group, engine(Words(), lambda _: []))
            speaking = group.create_task(booth.speaker.run())
            await visit(booth)
            await booth.player.stop()
            speaking.cancel()

    play(dialogue())


def test_the_mode_changes_at_the_next_bar_line_and_nothing_is_dropped() -> None:
    async def visit(booth: Booth) -> None:
        assert await booth.player.start(piece(CALM), None) == "piano in A major, 120 beats a minute"
        await asyncio.sleep(2.5)  # in the second bar; the third is on its way
        steered = await booth.player.steer(piece(CALM.model_copy(update={"mode": "minor"})))
        assert steered is not None
        assert steered.words == "piano in A minor, 120 beats a minute"
        assert steered.before is not None
        assert (steered.before.key, steered.after.key) == ("A major", "A minor")
        assert booth.player.playing == "piano in A major, 120 beats a minute", "what is heard still"
        await asyncio.sleep(8)
        assert booth.player.playing == "piano in A minor, 120 beats a minute"
        bars = booth.bars()
        assert [bar for bar, _, _ in bars] == list(range(1, len(bars) + 1))
        assert [key for _, key, _ in bars] == ["A major"] * 2 + ["A minor"] * (len(bars) - 2)
        assert booth.heard_bars() == list(range(1, len(bars) + 1))
        assert len(booth.engine.played) == 1  # type: ignore[attr-defined]
        assert booth.link.types().count("audiogpt.artefact.created") == 1

    in_a_booth(visit)


def test_the_name_changes_with_the_sound() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        await asyncio.sleep(0.5)
        begun = booth.link.recording[0][0]
        edited = CALM.model_copy(update={"tempo": 60.0, "style": "jazz"})
        assert await booth.player.steer(piece(edited, "jazz")) is not None
        await asyncio.sleep(6)
        [(_, first), (when, second)] = booth.changes
        assert (first, second) == (
            "piano in A major, 120 beats a minute",
            "jazz in A major, 60 beats a minute",
        )
        assert when - begun == pytest.approx(2.0, abs=0.041), "a bar is 2 s at 120"

    in_a_booth(visit)


def test_the_answer_does_not_wait_for_the_sound_before_it() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        await asyncio.sleep(3.05)
        begun = asyncio.get_running_loop().time()
        assert await booth.player.steer(piece(CALM.model_copy(update={"mode": "minor"}))) is not None
        assert asyncio.get_running_loop().time() - begun <= 0.15, "0.4 s of music was on its way"
        await asyncio.sleep(3)
        assert booth.mixer.music.buffered <= booth.mixer.music.capacity
        assert booth.mixer.music.underruns == 0

    in_a_booth(visit)


def test_of_two_edits_in_one_bar_the_last_is_heard() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        answers = [
            await booth.player.steer(piece(CALM.model_copy(update=change)))
            for change in ({"tonic": "D"}, {"tonic": "E", "tempo": 60.0})
        ]
        assert [answer and answer.after.bar for answer in answers] == [2, 2]
        assert answers[1] is not None
        assert answers[1].before is not None
        assert answers[1].before.key == "D major"
        await asyncio.sleep(5)
        assert booth.bars()[:3] == [(1, "A major", 120.0), (2, "E major", 60.0)]

    in_a_booth(visit)


def test_what_nobody_can_play_is_said_and_the_piece_goes_on() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        with pytest.raises(api.BackendError, match=f"no instrument is called '{UNPLAYABLE}'"):
            await booth.player.steer(piece(MusicBrief(instruments=(UNPLAYABLE,), mode="minor")))
        await asyncio.sleep(6)
        assert {key for _, key, _ in booth.bars()} == {"A major"}
        assert len(booth.bars()) > 2
        running, probe = booth.engine.played  # type: ignore[attr-defined]
        assert probe.closed
        assert not running.closed

    in_a_booth(visit)


def test_what_is_over_or_is_no_music_is_not_steered() -> None:
    async def visit(booth: Booth) -> None:
        assert await booth.player.steer(piece(CALM)) is None
        rain = Piece("sound", "rain", api.SoundRequest(SoundBrief(description="rain"), 7))
        await booth.player.start(rain, None)
        assert await booth.player.steer(piece(CALM)) is None
        await booth.player.start(piece(CALM.model_copy(update={"bars": 1})), None)
        await asyncio.sleep(0.9)  # all is made but not yet heard
        assert booth.player.playing
        assert await booth.player.steer(piece(CALM)) is None
        await asyncio.sleep(5)
        assert booth.player.playing is None
        assert await booth.player.steer(piece(CALM)) is None
        assert booth.player.newest is not None, "whoever begins it anew wants to know"

    in_a_booth(visit)


def test_an_edit_whose_asker_was_interrupted_is_heard_and_told() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        await asyncio.sleep(0.5)
        asking = asyncio.create_task(booth.player.steer(piece(CALM.model_copy(update={"mode": "minor"}))))
        await asyncio.sleep(0)
        asking.cancel()
        later = await booth.player.steer(piece(CALM.model_copy(update={"mode": "minor", "tempo": 90.0})))
        assert later is not None
        assert later.before is not None
        assert later.before.key == "A minor"
        await asyncio.sleep(5)
        assert booth.player.playing == "piano in A minor, 90 beats a minute"

    in_a_booth(visit)


def test_who_waits_for_an_answer_of_a_piece_that_is_stopped_gets_none() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        await asyncio.sleep(0.5)
        asking = asyncio.create_task(booth.player.steer(piece(CALM)))
        await asyncio.sleep(0)
        await booth.player.stop()
        assert await asking is None

    in_a_booth(visit)


def test_music_that_never_answers_is_no_dead_end() -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(api.BackendError, match="did not say that it changes"):
            await booth.player.steer(piece(CALM))
        assert asyncio.get_running_loop().time() - begun == pytest.approx(ANSWER_TIMEOUT)
        assert booth.mixer.music.buffered <= 2.1 * booth.mixer.music.capacity
        assert booth.player.playing

    in_a_booth(visit, FakeEngine)


EDITS: dict[str, Any] = {"tonic": ["C", "D", "E"], "mode": ["major", "minor"], "tempo": [60.0, 97.0, 150.0]}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 4), st.fixed_dictionaries({k: st.sampled_from(v) for k, v in EDITS.items()})),
        max_size=4,
    )
)
def test_whenever_edits_come_every_bar_is_heard_once_and_told_truly(
    edits: list[tuple[float, dict[str, Any]]],
) -> None:
    async def visit(booth: Booth) -> None:
        await booth.player.start(piece(CALM), None)
        promised: list[Steered] = []
        for wait, change in edits:
            await asyncio.sleep(wait)
            steered = await booth.player.steer(piece(CALM.model_copy(update=change)))
            assert steered is not None
            promised.append(steered)
        await asyncio.sleep(9)
        bars = booth.bars()
        count = len(booth.heard_bars())
        assert booth.heard_bars() == list(range(1, count + 1))
        # A bar is told with the frame before it, at the earliest.
        assert [bar for bar, _, _ in bars] in (booth.heard_bars(), list(range(1, count + 2)))
        last = {steered.after.bar: steered.after for steered in promised}  # of those for one bar
        told = {bar: (key, tempo) for bar, key, tempo in bars}
        for bar, state in last.items():
            assert told[bar] == (state.key, state.tempo)
        for before, after in pairwise(bars):
            assert after[0] in last or before[1:] == after[1:], "nobody asked for a change there"

    in_a_booth(visit)
