from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.api import BackendError
from models.sound.catalogue import KINDS, SCENES
from models.sound.layer import Layer
from models.sound.parse import MAX_LAYERS, parse

KIND = st.sampled_from(sorted(KINDS))


@pytest.mark.parametrize(
    ("description", "layers"),
    [
        (
            "Make rain on a tin roof with thunder far away.",
            (Layer("rain", surface="tin"), Layer("thunder", distance=1.0)),
        ),
        ("heavy rain and distant thunder", (Layer("rain", intensity=0.7), Layer("thunder", distance=1.0))),
        ("heavy rain distant thunder", (Layer("rain", intensity=0.7), Layer("thunder", distance=1.0))),
        ("rain, very heavy", (Layer("rain", intensity=1.0),)),
        ("a dog barking twice on my right", (Layer("dog", pan=0.85, count=2),)),
        ("three knocks on the door", (Layer("knock", count=3),)),
        ("church bells ringing five times", (Layer("church bell", count=5),)),
        ("someone walking slowly on gravel", (Layer("steps", surface="gravel", pace=0.65),)),
        ("wind howling through the trees", (Layer("wind", surface="leaves"),)),
        ("a fire engine siren", (Layer("siren"),)),
        ("fire alarm", (Layer("smoke alarm"),)),
        ("alarm clock", (Layer("alarm"),)),
        ("wind chimes", (Layer("wind chimes"),)),
        ("the sound of applause for ten seconds", (Layer("applause"),)),
        ("a bell on the left and a bell on the right", (Layer("bell", pan=-0.85), Layer("bell", pan=0.85))),
        ("a thunderstorm with heavy rain", (Layer("rain", intensity=0.7), Layer("thunder"))),
        ("rain at my grandmother's house", (Layer("rain"),)),
        ("rain right now", (Layer("rain"),)),
        ("birds near a stream", (Layer("birds"), Layer("stream"))),
        ("two gunshots and then an explosion", (Layer("gunshot", count=2), Layer("explosion", stage=1))),
        ("a creaking door", (Layer("door creak"),)),
    ],
)
def test_understands(description: str, layers: tuple[Layer, ...]) -> None:
    assert parse(description) == layers


@pytest.mark.parametrize("kind", KINDS)
def test_every_phrase_of_a_kind_means_it(kind: str) -> None:
    for phrase in KINDS[kind].phrases:
        assert [layer.kind for layer in parse(f"the sound of a {phrase}")] == [kind], phrase


@pytest.mark.parametrize("word", SCENES)
def test_a_scene_is_all_its_sounds(word: str) -> None:
    assert tuple(layer.kind for layer in parse(word)) == SCENES[word]


def test_an_unknown_sound_is_refused_by_name_and_the_nearest_is_offered() -> None:
    with pytest.raises(BackendError, match=r'"thundr"; the nearest I have is thunder.*I can make rain'):
        parse("thundr")


def test_an_unknown_sound_beside_a_known_one_is_refused_too() -> None:
    with pytest.raises(BackendError, match='"unicorn"'):
        parse("rain and a unicorn")


@pytest.mark.parametrize("nothing", ["", "a quiet one", "make it louder", "?!", "some sound please"])
def test_a_description_of_no_sound_is_refused(nothing: str) -> None:
    with pytest.raises(BackendError, match="I can make rain"):
        parse(nothing)


def test_too_many_layers_are_refused() -> None:
    with pytest.raises(BackendError, match=f"at most {MAX_LAYERS}"):
        parse(" and ".join(sorted(KINDS)[: MAX_LAYERS + 1]))


@given(st.text(st.sampled_from(string.printable + "éß，。🙂"), max_size=80))
def test_any_text_gives_layers_or_a_refusal(text: str) -> None:
    try:
        layers = parse(text)
    except BackendError:
        return
    assert 1 <= len(layers) <= MAX_LAYERS
    for layer in layers:
        assert layer.kind in KINDS
        assert -1 <= layer.intensity <= 1
        assert -1 <= layer.distance <= 1
        assert -1 <= layer.pan <= 1
        assert layer.pace > 0


@given(
    st.lists(KIND, min_size=1, max_size=MAX_LAYERS, unique=True), st.sampled_from([", ", " and ", " with a "])
)
def test_kinds_come_out_in_the_order_they_were_named(kinds: list[str], joint: str) -> None:
    assert [layer.kind for layer in parse(joint.join(kinds))] == kinds


@given(KIND, KIND, st.sampled_from(["heavy", "light", "distant", "slow", "fast"]), st.booleans())
def test_a_modifier_changes_its_own_layer_only(one: str, other: str, word: str, first: bool) -> None:
    if one == other:
        return
    marked, plain = (0, 1) if first else (1, 0)
    parts = [one, other]
    parts[marked] = f"{word} {parts[marked]}"
    layers = parse(" and ".join(parts))
    assert layers[plain] == Layer((one, other)[plain])
    assert layers[marked] != Layer((one, other)[marked])


@given(KIND)
def test_capitals_and_punctuation_do_not_matter(kind: str) -> None:
    assert parse(f"  Please, make {kind.upper()}!!") == parse(kind)
