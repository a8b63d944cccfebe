"""Steering while it plays: at bar lines, without a seam, and nothing but what was asked."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from models.api import SPEAKING_RATE, Audio, BackendError, MusicChunk, MusicState, SteerMusic
from models.music.composer import CHUNK, ComposerJob
from models.music.piece import compose
from models.plan import MusicBrief

OpenJob = Callable[..., ComposerJob]


def run(job: ComposerJob, steps: int, chunks: list[MusicChunk]) -> None:
    for _ in range(steps):
        job.step(chunks.append)


def bars_of(chunks: list[MusicChunk]) -> list[tuple[int, MusicState]]:
    return [(i * CHUNK + state.offset, state) for i, chunk in enumerate(chunks) for state in chunk.states]


def test_no_drums_add_a_cello(open_job: OpenJob) -> None:
    job, chunks = open_job(MusicBrief(style="lo-fi", tempo=80), 3), list[MusicChunk]()
    run(job, 50, chunks)
    assert job.feed(SteerMusic(brief=MusicBrief(without=("drums",), instruments=("cello",))), chunks.append)
    before = bars_of(chunks)[-1][1].bar
    run(job, 60, chunks)
    states = bars_of(chunks)
    for _, state in states:
        assert ("drums" in state.instruments) is (state.bar <= before)
        assert ("cello" in state.instruments) is (state.bar > before)
        assert (state.key, state.tempo) == (states[0][1].key, 80)
    bar = 4 * 60 / 80 * SPEAKING_RATE
    assert [frame for frame, _ in states] == [round(i * bar) for i in range(len(states))]


def test_key_tempo_metre_and_style_from_the_next_bar_line(open_job: OpenJob) -> None:
    job, chunks = (
        open_job(MusicBrief(style="jazz trio", tonic="C", mode="major", tempo=120), 1),
        list[MusicChunk](),
    )
    run(job, 25, chunks)
    brief = MusicBrief(style="techno", tonic="D", mode="minor", tempo=90, metre="3/4")
    job.feed(SteerMusic(brief=brief), chunks.append)
    run(job, 60, chunks)
    states = bars_of(chunks)
    assert [state.key for _, state in states[:2]] == ["C major"] * 2
    assert {(s.key, s.tempo, s.beats) for _, s in states[2:]} == {("D minor", 90.0, 3)}
    lengths = [(second - first) / SPEAKING_RATE for (first, _), (second, _) in pairwise(states)]
    assert lengths[:2] == pytest.approx([2.0, 2.0], abs=1e-4)
    assert lengths[2:] == pytest.approx([2.0] * len(lengths[2:]), abs=1e-4)


def test_steering_makes_no_click(open_job: OpenJob) -> None:
    # Bowed and blown sounds only: what is struck begins with a step of its own.
    wish = MusicBrief(style="string quartet", tempo=120)
    job, chunks = open_job(wish, 1), list[MusicChunk]()
    for change in (
        {"tonic": "E"},
        {"mode": "major"},
        {"instruments": ("flute", "choir")},
        {"style": "ambient"},
    ):
        run(job, 40, chunks)
        wish = wish.model_copy(update={"without": ("harp", "bells", "bass"), **change})
        job.feed(SteerMusic(brief=wish), chunks.append)
    run(job, 60, chunks)
    samples = np.frombuffer(b"".join(c.pcm for c in chunks), "<i2").reshape(-1, 2).astype(int)
    assert np.abs(samples).max() < 32767
    steps = np.abs(np.diff(samples, axis=0)).max(axis=1)
    for frame, _ in bars_of(chunks)[1:]:
        assert steps[frame - 64 : frame + 64].max() <= np.percentile(steps, 99.9)


def test_a_wish_that_cannot_be_met_changes_nothing(open_job: OpenJob) -> None:
    job, chunks = open_job(MusicBrief(style="folk"), 1), list[MusicChunk]()
    run(job, 5, chunks)
    with pytest.raises(BackendError, match="no instrument is called"):
        job.feed(SteerMusic(brief=MusicBrief(instruments=("kazoodle",))), chunks.append)
    with pytest.raises(BackendError, match="takes SteerMusic, not Audio"):
        job.feed(Audio(pcm=b""), chunks.append)
    run(job, 60, chunks)
    assert len({state.instruments for _, state in bars_of(chunks)}) <= 2


def test_asked_to_end_it_ends(open_job: OpenJob) -> None:
    job, chunks = open_job(MusicBrief(style="rock", tempo=150), 1), list[MusicChunk]()
    run(job, 40, chunks)
    job.feed(SteerMusic(brief=MusicBrief(bars=1)), chunks.append)
    while job.step(chunks.append):
        assert len(chunks) < 120
    assert bars_of(chunks)[-1][1].section == "ending"
    assert job.feed(SteerMusic(brief=MusicBrief(style="folk")), chunks.append)  # too late: no harm


def test_the_score_of_a_steered_piece_can_be_made_again(open_job: OpenJob) -> None:
    first, second = MusicBrief(style="bossa", tempo=150), MusicBrief(mode="minor", without=("drums",))
    job, chunks = open_job(first, 4), list[MusicChunk]()
    run(job, 30, chunks)
    job.feed(SteerMusic(brief=second), chunks.append)
    at = bars_of(chunks)[-1][1].bar  # bars are numbered from 1, so this is the next one's index
    run(job, 100, chunks)
    states = [state for _, state in bars_of(chunks)]
    score = list(compose(first, 4, len(states), [(at, second)]))
    assert [(str(bar.plan.key), bar.instruments) for bar in score] == [(s.key, s.instruments) for s in states]
