"""What people ask for, and what is planned."""

from typing import Any

import pytest

from models.api import BackendError
from models.music.brief import resolve, steer
from models.music.describe import number
from models.music.instruments import INSTRUMENTS, meant_by
from models.music.styles import STYLES, WORDS, style_named
from models.plan import MusicBrief


def names(**fields: Any) -> set[str]:
    return {part.instrument.name for part in resolve(MusicBrief(**fields), 0).parts}


@pytest.mark.parametrize(
    ("words", "value"),
    [("seventy", 70), ("a hundred and ten", 110), ("one twenty", 120), ("92.5", 92.5), ("eighty five", 85),
     ("one hundred thirty two", 132), ("lots", None), ("", None)],
)  # fmt: skip
def test_spoken_numbers(words: str, value: float | None) -> None:
    assert number(words) == value


@pytest.mark.parametrize(
    ("description", "style", "key", "tempo", "metre"),
    [
        ("a calm piano piece in A minor at seventy", "solo piano", "A minor", 70, "4/4"),
        ("a lo-fi beat at eighty", "lo-fi", None, 80, "4/4"),
        ("techno at one thirty five in f sharp minor", "techno", "F# minor", 135, "4/4"),
        ("a sad waltz in B flat minor", "waltz", "Bb minor", None, "3/4"),
        ("something in six eight in D dorian with a harp", "ambient", "D dorian", None, "6/8"),
        ("a happy folk tune, 120 bpm, in three four", "folk", None, 120, "3/4"),
        ("jazz with piano", "jazz trio", None, None, "4/4"),
        ("heavy metal in E", "rock", None, None, "4/4"),
    ],
)
def test_descriptions_alone_are_enough(
    description: str, style: str, key: str | None, tempo: float | None, metre: str
) -> None:
    plan = resolve(MusicBrief(description=description), 3)
    assert plan.style.name == style
    assert key is None or str(plan.key) == key
    assert tempo is None or plan.tempo == tempo
    assert plan.metre == metre


def test_fields_outweigh_the_description() -> None:
    brief = MusicBrief(
        description="a waltz in C major at ninety with piano", tonic="D", tempo=120, metre="4/4"
    )
    plan = resolve(brief, 0)
    assert (str(plan.key), plan.tempo, plan.metre) == ("D major", 120, "4/4")
    again = MusicBrief(description="a calm piano piece", without=("piano",))
    assert "piano" not in {part.instrument.name for part in resolve(again, 0).parts}


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_answers_to_its_names(style: str) -> None:
    assert style_named(style).name == style
    for alias in STYLES[style].aliases:
        assert style_named(alias).name == WORDS[alias]


def test_aliases_belong_to_one_style() -> None:
    every = [word for style in STYLES.values() for word in (style.name, *style.aliases)]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("heard", "style"),
    [
        ("Lofi", "lo-fi"),
        ("bosa nova", "bossa"),
        ("blue grass", "country"),
        ("drum & bass dnb", "drum and bass"),
        ("relaxing lo-fi hip hop", "lo-fi"),
        ("epic orchestral", "film score"),
        ("calm piano", "solo piano"),
    ],
)
def test_the_nearest_style(heard: str, style: str) -> None:
    assert style_named(heard).name == style


@pytest.mark.parametrize(
    ("heard", "instrument"),
    [
        ("Violoncello", "cello"),
        ("a saxophone", "tenor sax"),
        ("trombonne", "trombone"),
        ("the vibes", "vibraphone"),
        ("upright bass", "double bass"),
        ("rhodes", "electric piano"),
        ("pianos", "piano"),
        ("drum machine", "electronic drums"),
    ],
)
def test_the_nearest_instrument(heard: str, instrument: str) -> None:
    assert meant_by(heard)[0].name == instrument


def test_what_is_unknown_lists_the_choices() -> None:
    with pytest.raises(BackendError, match=r"no style is called 'xyzzy'.*jazz trio"):
        resolve(MusicBrief(style="xyzzy"), 0)
    with pytest.raises(BackendError, match=r"no instrument is called 'kazoodle'.*cello"):
        resolve(MusicBrief(instruments=("kazoodle",)), 0)
    with pytest.raises(BackendError, match="both wanted and unwanted"):
        resolve(MusicBrief(instruments=("piano",), without=("piano",)), 0)
    with pytest.raises(BackendError, match="too many"):
        resolve(MusicBrief(instruments=tuple(list(INSTRUMENTS)[:20])), 0)


def test_groups_and_stand_ins() -> None:
    assert not names(style="rock", without=("drums", "guitars", "bass")) & {
        "power drums", "electric bass", "overdriven guitar", "distorted guitar"
    }  # fmt: skip
    strings = {i.name for i in INSTRUMENTS.values() if "strings" in i.families}
    assert not names(style="film score", without=("strings",)) & strings
    assert names(style="film score", without=("strings",), instruments=("cello",)) & strings == {"cello"}
    assert names(style="solo piano", without=("piano",))  # somebody else plays it
    assert "jazz guitar" in names(style="jazz", instruments=("guitar",))
    assert names(style="jazz", instruments=("sax",)) >= {"tenor sax", "piano", "double bass", "brushed drums"}


def test_steering_changes_only_what_is_asked() -> None:
    plan = resolve(MusicBrief(style="jazz trio", tonic="F", mode="major", tempo=132), 5)
    same = steer(plan, MusicBrief(without=("drums",), instruments=("cello",)), 4)
    assert (same.key, same.tempo, same.metre, same.tune) == (plan.key, plan.tempo, plan.metre, plan.tune)
    assert {part.instrument.name for part in same.parts} == {"piano", "double bass", "cello"}
    minor = steer(plan, MusicBrief(mode="minor"), 4)
    assert (str(minor.key), minor.tempo, minor.tune) == ("F minor", 132, plan.tune)
    techno = steer(plan, MusicBrief(style="techno"), 4)
    assert (techno.style.name, techno.tempo, techno.tune) == ("techno", 132, plan.tune)
    darker = steer(plan, MusicBrief(mood=("dark",)), 4)
    assert darker.key.mode == "minor"
    over = steer(plan, MusicBrief(bars=2), 4)
    assert over.bars == 5  # two bars are long gone: the next one ends it


def test_a_story_has_chapters() -> None:
    plan = resolve(MusicBrief(description="Start calm, then epic after four bars, end quiet."), 0)
    assert [(chapter.bar, chapter.name) for chapter in plan.story] == [
        (0, "calm"),
        (4, "epic"),
        (12, "quiet"),
    ]
    assert plan.story[0].energy < plan.story[1].energy > plan.story[2].energy
    assert resolve(MusicBrief(description="a calm piece"), 0).story == ()
