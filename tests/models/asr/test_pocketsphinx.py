from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from models.api import AsrRequest, Audio, Backend, BackendError, BusyError, EndOfUtterance, Hypothesis
from models.asr.pocketsphinx import PocketSphinxAsr, agreed

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def asr() -> PocketSphinxAsr:
    return PocketSphinxAsr(slots=1, max_slots=2)


def clip(name: str) -> bytes:
    return soundfile.read(DATA / f"{name}.flac", dtype="int16")[0].tobytes()


def hear(asr: PocketSphinxAsr, pcm: bytes, adaptation: str | None = None) -> list[Hypothesis]:
    job = asr.open(AsrRequest(adaptation=adaptation))
    out: list[Hypothesis] = []
    for start in range(0, len(pcm), 640):
        assert job.feed(Audio(pcm[start : start + 640]), out.append)
    assert not job.feed(EndOfUtterance(), out.append)
    job.close()
    return out


@pytest.mark.parametrize("name", ["what_time_is_it", "stop", "play_piano", "set_timer"])
def test_hears_commands(asr: PocketSphinxAsr, name: str) -> None:
    lines = (DATA / "transcripts.tsv").read_text().splitlines()
    texts = {line.split("\t")[0]: line.split("\t")[1] for line in lines}
    assert hear(asr, clip(name))[-1].text == texts[name]


def test_hears_a_backchannel(asr: PocketSphinxAsr) -> None:
    assert hear(asr, clip("uh_huh"))[-1].text == "uh-huh"


def test_music_has_no_words(asr: PocketSphinxAsr) -> None:
    seconds = np.arange(3 * 16_000) / 16_000
    chord = sum(np.sin(2 * np.pi * pitch * k * seconds) / k for pitch in (220, 277, 330) for k in range(1, 9))
    assert hear(asr, (2000 * np.asarray(chord)).astype("<i2").tobytes())[-1].text == ""


def test_partials_come_while_speaking_and_change_each_time(asr: PocketSphinxAsr) -> None:
    pcm = clip("play_piano")
    out = hear(asr, pcm)
    *partials, final = out
    assert len(partials) > 3
    assert partials[0].end < len(pcm) // 4
    shown = [(p.text, p.stable) for p in partials]
    assert all(a != b for a, b in pairwise(shown))
    assert all(0 <= p.stable <= len(p.text) and not p.final for p in partials)
    assert final.final
    assert final.stable == len(final.text)
    assert final.end == len(pcm) // 2


@pytest.mark.parametrize("name", ["noise", "cough", None])
def test_no_words_without_a_voice(asr: PocketSphinxAsr, name: str | None) -> None:
    (final,) = hear(asr, clip(name) if name else bytes(32_000))
    assert final.text == ""
    assert final.adaptation is None


def test_nothing_at_all_is_an_empty_final(asr: PocketSphinxAsr) -> None:
    assert hear(asr, b"") == [Hypothesis(text="", stable=0, end=0, final=True)]


def test_a_recycled_slot_hears_what_a_fresh_one_hears(asr: PocketSphinxAsr) -> None:
    fresh = hear(PocketSphinxAsr(slots=1, max_slots=1), clip("play_piano"))
    loud = asr.open(AsrRequest())  # given up half way
    loud.feed(Audio(clip("long_story")[:64_000]), lambda _: None)
    loud.close()
    hear(asr, clip("hello"))
    assert hear(asr, clip("play_piano")) == fresh


def test_adaptation_is_a_value_that_travels(asr: PocketSphinxAsr) -> None:
    learned = hear(asr, clip("long_story"))[-1].adaptation
    assert learned is not None
    first, second = hear(asr, clip("stop"), learned), hear(asr, clip("stop"), learned)
    assert first == second
    assert hear(asr, clip("noise"), learned)[-1].adaptation == learned  # noise teaches nothing


def test_two_at_once_do_not_mix_and_a_third_is_refused(asr: PocketSphinxAsr) -> None:
    names = ["what_time_is_it", "play_piano"]
    alone = [hear(asr, clip(name))[-1] for name in names]
    jobs = [asr.open(AsrRequest()) for _ in names]
    with pytest.raises(BusyError, match="max_slots"):
        asr.open(AsrRequest())
    outs: list[list[Hypothesis]] = [[], []]
    for start in range(0, max(len(clip(name)) for name in names), 640):
        for job, name, out in zip(jobs, names, outs, strict=True):
            job.feed(Audio(clip(name)[start : start + 640]), out.append)
    for job, out in zip(jobs, outs, strict=True):
        job.feed(EndOfUtterance(), out.append)
        job.close()
    assert [out[-1].text for out in outs] == [final.text for final in alone]
    asr.open(AsrRequest()).close()  # both slots are free again


def test_bad_requests_say_why(asr: PocketSphinxAsr) -> None:
    with pytest.raises(BackendError, match="English"):
        asr.open(AsrRequest(language="de"))
    with pytest.raises(BackendError, match="adaptation"):
        asr.open(AsrRequest(adaptation="rubbish"))
    job = asr.open(AsrRequest(language="en-GB"))
    with pytest.raises(BackendError, match="16-bit"):
        job.feed(Audio(b"abc"), lambda _: None)
    with pytest.raises(BackendError):
        job.step(lambda _: None)
    job.close()
    assert isinstance(asr, Backend)


@pytest.mark.parametrize(
    "options", [{"slots": 0}, {"slots": 3, "max_slots": 2}, {"domain_weight": 1.0}, {"domain_sentences": 1}]
)
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        PocketSphinxAsr(**options)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(["a", "bc", "d"])), st.lists(st.sampled_from(["a", "bc", "d"])))
def test_agreement_is_a_prefix_of_whole_words(old: list[str], new: list[str]) -> None:
    before, after = " ".join(old), " ".join(new)
    count = agreed(before, after)
    assert before.startswith(after[:count])
    assert (after + " ")[count] == " " or count == 0
    assert agreed(after, after) == len(after)
