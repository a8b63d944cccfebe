"""Steering while it plays: at bar lines, without a seam, and nothing but what was asked."""

import io
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import mido
import numpy as np
import pytest
from msgspec.structs import replace

from models.api import SPEAKING_RATE, Audio, BackendError, MusicChunk, MusicState, SteerMusic
from models.music.composer import CHUNK, ComposerJob
from models.music.midi import to_midi
from models.music.piece import compose
from models.music.score import Bar
from models.music.theory import PITCH_CLASS, SCALES
from models.plan import Mode, MusicBrief

OpenJob = Callable[..., ComposerJob]


def run(job: ComposerJob, steps: int, chunks: list[MusicChunk]) -> None:
    for _ in range(steps):
        job.step(chunks.append)


def bars_of(chunks: list[MusicChunk]) -> list[tuple[int, MusicState]]:
    """The bars that sound, and where; what was only told ahead is left out."""
    sounding = [chunk for chunk in chunks if chunk.pcm]
    return [(i * CHUNK + state.offset, state) for i, chunk in enumerate(sounding) for state in chunk.states]


def steer(job: ComposerJob, brief: MusicBrief, chunks: list[MusicChunk]) -> tuple[MusicState, ...]:
    """Steer, and return what is told ahead."""
    assert job.feed(SteerMusic(brief=brief), chunks.append)
    assert chunks[-1].pcm == b""
    return chunks[-1].states


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


@pytest.mark.parametrize("wish", [{"instruments": ("kazoodle",)}, {"style": "xyzzy"}])
def test_a_wish_that_cannot_be_met_changes_nothing(open_job: OpenJob, wish: dict[str, Any]) -> None:
    brief = MusicBrief(style="folk")
    spoiled, told = open_job(brief, 1), list[MusicChunk]()
    intact, untold = open_job(brief, 1), list[MusicChunk]()
    for job, chunks in ((spoiled, told), (intact, untold)):
        run(job, 5, chunks)
    assert steer(spoiled, MusicBrief(mode="minor", tempo=200, **wish), told) == ()
    for job, chunks in ((spoiled, told), (intact, untold)):
        run(job, 60, chunks)
    assert bars_of(told) == bars_of(untold)
    with pytest.raises(BackendError, match="takes SteerMusic, not Audio"):
        spoiled.feed(Audio(pcm=b""), told.append)


def test_what_comes_is_told_ahead_and_where(open_job: OpenJob) -> None:
    job, chunks = open_job(MusicBrief(style="solo piano", tonic="A", mode="minor", tempo=70), 3), []
    run(job, 7, chunks)
    first = steer(job, MusicBrief(tonic="C", mode="major", tempo=90), chunks)
    second = steer(job, MusicBrief(mode="major"), chunks)  # before a bar of the first has sounded
    assert [(s.key, s.tempo, s.bar) for s in (*first, *second)] == [("C major", 90, 2), ("C major", 90, 2)]
    run(job, 60, chunks)
    at, state = bars_of(chunks)[1]
    assert second == (replace(state, offset=at - 7 * CHUNK),)


def test_at_its_end_a_piece_stays_as_it_is(open_job: OpenJob) -> None:
    job, chunks = open_job(MusicBrief(style="rock", tempo=150, bars=2), 1), list[MusicChunk]()
    while not bars_of(chunks) or bars_of(chunks)[-1][1].bar < 2:
        run(job, 1, chunks)
    assert steer(job, MusicBrief(style="folk"), chunks) == ()


def tune(bars: Iterable[Bar]) -> list[tuple[int, float, float]]:
    """The rhythm of the tune: bar, beat, length."""
    return [(bar.index, n.start, n.length) for bar in bars for n in bar.notes if n.role == "lead"]


def notes_of(bars: Iterable[Bar]) -> dict[str, list[tuple[int, int]]]:
    """A MIDI file's notes by track: (tick, key)."""
    found: dict[str, list[tuple[int, int]]] = {}
    for track in mido.MidiFile(file=io.BytesIO(to_midi(bars))).tracks[1:]:
        at = 0
        for message in track:
            at += message.time
            if message.type == "note_on":
                found.setdefault(track.name, []).append((at, message.note))
    return found


@pytest.mark.parametrize("style", ["solo piano", "folk", "jazz trio", "lo-fi", "film score"])
@pytest.mark.parametrize(("mode", "other"), [("major", "minor"), ("minor", "major")])
def test_the_mode_alone_changes(style: str, mode: Mode, other: Mode) -> None:
    brief = MusicBrief(style=style, tonic="A", mode=mode, tempo=70, mood=("calm",), description="calm")
    edited = brief.model_copy(update={"mode": other, "description": "calm; No, wait, minor."})
    before, after = list(compose(brief, 5, 16)), list(compose(brief, 5, 16, [(4, edited)]))
    assert {str(bar.plan.key) for bar in after[4:]} == {f"A {other}"}
    for old, new in zip(before, after, strict=True):
        assert new.plan.bar_seconds == old.plan.bar_seconds
        assert (new.plan.style, new.plan.energy, new.plan.parts) == (
            old.plan.style,
            old.plan.energy,
            old.plan.parts,
        )
        assert (new.section, new.instruments) == (old.section, old.instruments)
    assert tune(after) == tune(before)
    assert after[:4] == before[:4]
    old_notes, new_notes = notes_of(before), notes_of(after)
    assert old_notes.keys() == new_notes.keys()
    scale = {(PITCH_CLASS["A"] + step) % 12 for step in SCALES[other]} if style == "solo piano" else None
    begin = 4 * 4 * 480
    changed = [key for notes in new_notes.values() for at, key in notes if at >= begin]
    assert changed != [key for notes in old_notes.values() for at, key in notes if at >= begin]
    if scale:
        assert sum(key % 12 in scale for key in changed) > 0.85 * len(changed)  # but for leading notes


def test_same_thing_but_no_drums_and_add_a_cello() -> None:
    brief = MusicBrief(style="lo-fi", tonic="C", mode="minor", tempo=80)
    edited = brief.model_copy(update={"without": ("drums",), "instruments": ("cello",)})
    before, after = list(compose(brief, 5, 16)), list(compose(brief, 5, 16, [(4, edited)]))
    anew = list(compose(edited, 5, 16))
    for bars in (after[4:], anew):
        sounding = {note.instrument.name for bar in bars for note in bar.notes}
        assert "cello" in sounding
        assert not {name for name in sounding if "drums" in name}
    assert tune(after) == tune(anew) == tune(before)


def test_a_story_goes_on_through_an_edit() -> None:
    told = "start calm, then epic after four bars, end quiet"
    brief = MusicBrief(style="film score", description=told)
    edited = brief.model_copy(update={"description": f"{told}; no drums", "without": ("drums",)})
    sections = [bar.section for bar in compose(brief, 1, 16, [(6, edited)])]
    assert sections == [bar.section for bar in compose(brief, 1, 16)]
    other = brief.model_copy(update={"description": "start calm, then epic after two bars"})
    sections = [bar.section for bar in compose(brief, 1, 16, [(6, other)])]
    assert sections[6:10] == ["calm", "calm", "epic", "epic"]


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
