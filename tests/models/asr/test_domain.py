import re
from importlib.util import find_spec
from pathlib import Path

from benchmarks.asr import COMMANDS
from models.asr import domain
from models.asr.requests import TEMPLATES
from models.asr.slots import PRONUNCIATIONS, SLOTS


def dictionary() -> set[str]:
    spec = find_spec("pocketsphinx")
    assert spec is not None
    assert spec.submodule_search_locations
    lines = (
        Path(spec.submodule_search_locations[0], "model/en-us/cmudict-en-us.dict").read_text().splitlines()
    )
    return {line.split(" ", 1)[0] for line in lines}


def test_sentences_repeat_with_their_seed() -> None:
    assert list(domain.sentences(200)) == list(domain.sentences(200))
    assert list(domain.sentences(200)) != list(domain.sentences(200, seed=2))


def test_every_word_can_be_pronounced() -> None:
    known = dictionary()
    said = {word for sentence in domain.sentences(20_000) for word in sentence.split()}
    ours = set(PRONUNCIATIONS)
    other_ways = {word for word in ours if word.endswith(")")}
    assert said - known == ours - other_ways  # no word without phones, and no phones without use
    assert {word.split("(")[0] for word in other_ways} <= said & known


def test_every_slot_is_defined_and_used() -> None:
    text = " ".join([*SLOTS.values(), *(lines for _, lines in TEMPLATES)])
    assert set(re.findall(r"\{(\w+)\}", text)) == set(SLOTS)


def test_held_out_commands_are_not_trained_on() -> None:
    assert not set(COMMANDS) & set(domain.sentences(40_000))


def test_the_language_model_is_arpa(tmp_path: Path) -> None:
    domain.write_language_model(tmp_path / "a.arpa", 1000)
    text = (tmp_path / "a.arpa").read_text()
    assert "\\data\\" in text
    assert "\\3-grams:" in text
    assert text.rstrip().endswith("\\end\\")
