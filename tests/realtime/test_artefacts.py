"""The registry: names, numbers, and what is let go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.artefacts import Artefact, Artefacts, Kind, Sound, SoundGoneError

RATE = 16_000


def second(value: int = 1) -> Sound:
    return Sound(value.to_bytes(2, "little") * RATE, RATE)


@pytest.fixture
def several() -> Artefacts:
    """In this order: a piece, recording 1, note 1, recording 2, a siren."""
    artefacts = Artefacts()
    artefacts.add("music", origin="made", name="calm solo piano in A minor, 70 beats a minute")
    artefacts.add("recording", origin="captured", sound=second(1))
    artefacts.add("text", origin="written", text="buy milk")
    artefacts.add("recording", origin="captured", sound=second(2), text="hello")
    artefacts.add("sound", origin="made", name="siren", duration_ms=3_000)
    return artefacts


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("", "recording 2"),
        ("it", "recording 2"),
        ("that one", "recording 2"),
        ("the last one", "recording 2"),
        ("two", "recording 1"),  # all that is on the shelf counts
        ("number two", "recording 1"),
        ("number to", "recording 1"),  # as a recogniser may write it
        ("the second one", "recording 1"),
        ("piece two", "recording 1"),
        ("the fifth thing", "siren"),
        ("the 4 th item", "recording 2"),  # as words are read from "4th"
        ("recording two", "recording 2"),
        ("recording number one", "recording 1"),
        ("the recording to me", "recording 2"),
        ("recording four", "recording 2"),  # there are two, and it is number four of all
        ("track one", "calm solo piano in A minor, 70 beats a minute"),
        ("Recording 1", "recording 1"),
        ("take one", "recording 1"),
        ("the first recording", "recording 1"),
        ("my last recording", "recording 2"),
        ("that recording of me", "recording 2"),
        ("my voice", "recording 2"),
        ("the note", "note 1"),
        ("note one", "note 1"),
        ("what I just said", "recording 2"),
        ("the siren", "siren"),
        ("the piano piece", "calm solo piano in A minor, 70 beats a minute"),
        ("number three", "note 1"),
        ("number nine", None),
        ("recording three", None),
        ("the tune", None),
        ("the harp", None),
    ],
)
def test_what_a_person_may_call_it(several: Artefacts, said: str, name: str | None) -> None:
    found = several.find(said)
    assert (found.name if found else None) == name


def test_an_id_names_exactly_one(several: Artefacts) -> None:
    for artefact in several:
        assert several.find(artefact.id) is artefact
    assert len({artefact.id for artefact in several}) == len(several) == 5


def test_nothing_is_found_where_nothing_is() -> None:
    assert Artefacts().find("") is None
    assert Artefacts().find("two") is None


def test_the_newest_comes_first(several: Artefacts) -> None:
    assert [artefact.name for artefact in several][:2] == ["siren", "recording 2"]


def test_a_handle_is_shown_as_the_protocol_wants_it(several: Artefacts) -> None:
    recording = several.find("recording two")
    assert recording is not None
    shown = recording.as_event()
    assert shown == {
        "id": recording.id,
        "kind": "speech",
        "name": "recording 2",
        "number": 4,
        "text": "hello",
        "duration_ms": 1_000.0,
        "url": None,
    }
    assert [artefact.as_event()["kind"] for artefact in several] == [
        "sound",
        "speech",
        "text",
        "speech",
        "music",
    ]


def test_why_there_is_no_sound(several: Artefacts) -> None:
    def why(name: str) -> str:
        artefact = several.find(name)
        assert artefact is not None
        with pytest.raises(SoundGoneError) as caught:
            several.sound(artefact)
        return str(caught.value)

    assert why("the note") == "note 1 is only words; I can read it to you"
    assert why("the siren") == "I did not keep the sound of siren; ask me to make it again"


def test_the_oldest_sound_is_let_go_and_its_handle_says_so() -> None:
    artefacts = Artefacts(most_seconds=2)
    kept = [artefacts.add("recording", origin="captured", sound=second(n), text="hi") for n in range(1, 4)]
    with pytest.raises(SoundGoneError, match=r"recording 1 is gone, .*newest 2 seconds only; its words"):
        artefacts.sound(kept[0])
    assert artefacts.find("recording 1") is kept[0]
    assert artefacts.sound(kept[2]).pcm == second(3).pcm


def test_one_longer_than_the_bound_is_there_to_be_played() -> None:
    artefacts = Artefacts(most_seconds=0.5)
    kept = artefacts.add("melody", origin="captured", sound=second())
    assert artefacts.sound(kept) == second()


def test_the_oldest_handles_are_forgotten() -> None:
    artefacts = Artefacts(most=2)
    for _ in range(3):
        artefacts.add("text", origin="written", text="x")
    assert [artefact.name for artefact in artefacts] == ["note 3", "note 2"]


Kinds: list[Kind] = ["text", "melody", "recording", "music", "sound", "image"]


@given(
    st.lists(st.tuples(st.sampled_from(Kinds), st.integers(0, 40)), max_size=60),
    st.integers(1, 20),
    st.integers(1, 100),
)
def test_the_bounds_hold(made: list[tuple[Kind, int]], most: int, tenths: int) -> None:
    artefacts = Artefacts(most=most, most_seconds=tenths / 10)
    added: list[Artefact] = []
    for kind, length in made:
        sound = Sound(b"\0\0" * (length * RATE // 10), RATE) if length else None
        added.append(artefacts.add(kind, origin="captured", sound=sound))
        held = [a for a in artefacts if _has(artefacts, a)]
        assert len(artefacts) <= most
        assert len(held) <= 1 or sum(artefacts.sound(a).seconds for a in held) <= tenths / 10 + 1e-9
        with_sound = [a for a in artefacts if a.duration_ms is not None]
        assert held == with_sound[: len(held)]  # the newest ones
        assert artefacts.find(added[-1].id) is added[-1]
    assert [a.number for a in added] == list(range(1, 1 + len(added)))
    for kind in Kinds:
        assert [a.nth for a in added if a.kind == kind] == list(
            range(1, 1 + sum(a.kind == kind for a in added))
        )
    for artefact in artefacts:
        assert artefacts.find(f"number {artefact.number}") is artefact


def _has(artefacts: Artefacts, artefact: Artefact) -> bool:
    try:
        artefacts.sound(artefact)
    except SoundGoneError:
        return False
    return True


@given(st.text(max_size=40))
def test_any_name_is_looked_for(name: str) -> None:
    artefacts = Artefacts()
    artefacts.add("recording", origin="captured", sound=second())
    artefacts.find(name)
