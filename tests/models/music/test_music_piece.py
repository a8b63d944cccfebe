"""Properties of what is composed, over random briefs."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.api import BackendError
from models.music.brief import resolve
from models.music.instruments import INSTRUMENTS, meant_by
from models.music.perform import perform
from models.music.piece import compose, compose_bar
from models.music.score import BEATS, Bar
from models.music.styles import STYLES
from models.music.theory import PITCH_CLASS, SCALES
from models.plan import MusicBrief

WANTED = [
    "cello",
    "flute",
    "drums",
    "piano",
    "bass",
    "harp",
    "strings",
    "trumpet",
    "organ",
    "guitar",
    "choir",
    "banjo",
]
UNWANTED = [
    "drums",
    "piano",
    "bass",
    "strings",
    "percussion",
    "guitars",
    "synths",
    "brass",
    "winds",
    "keys",
    "vocals",
]


@st.composite
def briefs(draw: st.DrawFn) -> MusicBrief:
    wanted = draw(st.lists(st.sampled_from(WANTED), max_size=3, unique=True))
    without = [
        w for w in draw(st.lists(st.sampled_from(UNWANTED), max_size=2, unique=True)) if w not in wanted
    ]
    return MusicBrief(
        style=draw(st.sampled_from([*sorted(STYLES), ""])),
        mood=tuple(draw(st.lists(st.sampled_from(["calm", "dark", "happy", "epic"]), max_size=1))),
        tonic=draw(st.sampled_from([None, *sorted(PITCH_CLASS)])),
        mode=draw(st.sampled_from([None, *sorted(SCALES)])),
        tempo=draw(st.sampled_from([None, 30, 61.5, 97, 120, 300])),
        metre=draw(st.sampled_from([None, *sorted(BEATS)])),
        instruments=tuple(wanted),
        without=tuple(without),
        density=draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
        bars=draw(st.integers(1, 40)),
    )  # fmt: skip


def played(brief: MusicBrief, seed: int) -> list[Bar]:
    """The whole piece; a brief that contradicts itself must say so and is passed over."""
    try:
        return list(compose(brief, seed, 1000))
    except BackendError as error:
        assert "unwanted" in str(error)  # noqa: PT017
        return []


@settings(max_examples=150, deadline=None)
@given(briefs(), st.integers(0, 2**31))
@example(MusicBrief(style="blues", metre="2/4", bars=2), 19)  # a bar of tune with nothing in it
def test_the_brief_is_obeyed(brief: MusicBrief, seed: int) -> None:
    bars = played(brief, seed)
    if not bars:
        return
    plan = bars[0].plan
    assert len(bars) == brief.bars
    assert bars[-1].final
    assert brief.tonic in (None, plan.key.tonic)
    assert brief.mode in (None, plan.key.mode)
    assert brief.tempo in (None, plan.tempo)
    assert brief.metre in (None, plan.metre)
    sounding = {note.instrument.name for bar in bars for note in bar.notes}
    for name in brief.instruments:
        assert sounding & meant_by(name)[1], f"{name} is missing from {sounding}"
    asked_for = {n for name in brief.instruments for n in meant_by(name)[1]}
    for name in brief.without:
        assert not (sounding & meant_by(name)[1]) - asked_for


@settings(max_examples=100, deadline=None)
@given(briefs(), st.integers(0, 2**31))
def test_notes_are_playable(brief: MusicBrief, seed: int) -> None:
    for bar in played(brief, seed):
        assert bar.chords[0][0] == 0.0
        for note in bar.notes:
            assert note.instrument.low <= note.pitch <= note.instrument.high, note
            assert 1 <= note.velocity <= 127
            assert 0 <= note.start < bar.plan.beats
            assert note.length > 0
        for sound in perform(bar):
            assert 0 <= sound.start < bar.plan.bar_seconds + 0.15
            assert sound.end > sound.start
        assert {note.instrument.name for note in bar.notes} <= set(bar.instruments)


@settings(max_examples=30, deadline=None)
@given(briefs(), st.integers(0, 2**31))
def test_the_same_seed_is_the_same_piece_and_another_is_not(brief: MusicBrief, seed: int) -> None:
    brief = brief.model_copy(update={"bars": 24, "instruments": (), "without": ()})
    first = [bar.notes for bar in played(brief, seed)]
    assert first == [bar.notes for bar in played(brief, seed)]
    assert [perform(bar) for bar in played(brief, seed)] == [perform(bar) for bar in played(brief, seed)]
    assert first != [bar.notes for bar in played(brief, seed + 1)]


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_is_whole(style: str) -> None:
    bars = list(compose(MusicBrief(style=style), 11, 48))
    roles = {note.role for bar in bars for note in bar.notes}
    assert roles == {seat.role for seat in STYLES[style].ensemble}
    assert any(note.start == 0 for note in bars[0].notes), "it must sound at once"
    assert all(bar.notes for bar in bars)
    assert len({bar.section for bar in bars}) > 1
    # An unbounded piece keeps changing: no bar of tune is heard more than a few times.
    leads = [
        tuple((n.start, n.pitch) for n in bar.notes if n.role == "lead")
        for bar in compose(MusicBrief(style=style), 11, 160)
    ]
    assert len({lead for lead in leads if lead}) > 20


@pytest.mark.parametrize("style", sorted(STYLES))
def test_strong_notes_of_the_tune_fit_the_harmony(style: str) -> None:
    clashes = total = 0
    for bar in compose(MusicBrief(style=style), 7, 64):
        for note in bar.notes:
            if note.role == "lead" and note.start == 0.0 and note.length >= 0.9:
                total += 1
                clashes += (note.pitch % 12) not in bar.chords[0][1].consonant
    assert clashes <= 0.15 * total


@pytest.mark.parametrize("style", sorted(STYLES))
def test_tune_and_bass_do_not_move_in_octaves(style: str) -> None:
    before: tuple[int, int] | None = None
    for bar in compose(MusicBrief(style=style), 13, 64):
        tune = [n.pitch for n in bar.notes if n.role == "lead" and n.start == 0.0]
        bass = [n.pitch for n in bar.notes if n.role == "bass" and n.start == 0.0]
        now = (tune[0], bass[0]) if tune and bass else None
        if before and now and bar.index % 4:  # a new phrase may begin as it likes
            moved = before[0] != now[0] and before[1] != now[1]
            assert not (moved and (before[0] - before[1]) % 12 == (now[0] - now[1]) % 12 == 0)
        before = now


def test_voices_move_little() -> None:
    before: tuple[int, ...] = ()
    for bar in compose(MusicBrief(style="ambient", instruments=("strings",)), 2, 8):
        chord = tuple(n.pitch for n in bar.notes if n.role == "pad" and n.instrument.name == "synth pad")
        if before and chord:
            assert max(min(abs(p - q) for q in before) for p in chord) <= 5
        before = chord


def test_the_tune_survives_a_change_of_instruments_and_key() -> None:
    brief = MusicBrief(style="folk", tonic="G", mode="major", tempo=100)
    other = brief.model_copy(update={"tonic": "A", "without": ("drums",), "instruments": ("cello",)})

    def tune(brief: MusicBrief) -> list[tuple[float, int]]:
        pc = PITCH_CLASS[str(brief.tonic)]
        return [
            (bar.index + note.start, (note.pitch - pc) % 12)
            for bar in compose(brief, 4, 16)
            for note in bar.notes
            if note.role == "lead"
        ]

    assert tune(brief) == tune(other)
    assert len(tune(brief)) > 20


def test_sections_change_on_bar_lines_and_a_story_is_told() -> None:
    brief = MusicBrief(style="film score", description="start calm, then epic after four bars, end quiet")
    bars = list(compose(brief, 1, 16))
    assert [bar.section for bar in bars] == ["calm"] * 4 + ["epic"] * 8 + ["quiet"] * 4
    loud = [sum(note.velocity for note in bar.notes) for bar in bars]
    assert max(loud[:4]) < min(loud[5:12])
    assert len({bar.plan.tempo for bar in bars}) == 1


def test_a_piece_ends_at_home() -> None:
    for style in STYLES:
        *_, before, last = compose(MusicBrief(style=style, bars=8, tonic="C", mode="minor"), 9, 100)
        assert before.chords[0][1].degree == 4
        assert last.chords[0][1].root == 0
        assert {note.start for note in last.notes} == {0.0}


def test_any_bar_can_be_composed_at_any_time() -> None:
    plan = resolve(MusicBrief(style="bossa"), 21)
    in_order = [compose_bar(plan, i) for i in range(30)]
    assert [compose_bar(plan, i) for i in reversed(range(30))] == in_order[::-1]
    assert compose_bar(replace(plan, seed=22), 12) != in_order[12]


def test_bass_lines_and_tunes_cover_every_instrument() -> None:
    for instrument in INSTRUMENTS.values():
        bars = list(compose(MusicBrief(style="lo-fi", instruments=(instrument.name,), bars=6), 3, 6))
        assert instrument.name in {note.instrument.name for bar in bars for note in bar.notes}
