"""The short things people say: a grammar that the recogniser takes, and tells listening from asking by."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from models.api import AsrRequest, Audio, EndOfUtterance, Hypothesis
from models.asr.interjections import LISTENING, REQUESTS, grammar
from models.asr.pocketsphinx import PocketSphinxAsr

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def asr() -> PocketSphinxAsr:
    return PocketSphinxAsr(slots=1, max_slots=1)


def final(asr: PocketSphinxAsr, pcm: bytes) -> Hypothesis:
    out: list[Hypothesis] = []
    job = asr.open(AsrRequest())
    for start in range(0, len(pcm), 640):
        job.feed(Audio(pcm[start : start + 640]), out.append)
    job.feed(EndOfUtterance(over_us=True), out.append)
    job.close()
    assert all(early.listening is None for early in out[:-1])
    return out[-1]


def clip(name: str) -> bytes:
    return soundfile.read(DATA / f"{name}.flac", dtype="int16")[0].tobytes()


def test_no_phrase_is_both() -> None:
    assert not set(LISTENING) & set(REQUESTS)
    assert all(f" {phrase} " in grammar().replace(";", " ") for phrase in (*LISTENING, *REQUESTS))


@pytest.mark.parametrize("name", ["stop", "stop_kal16", "louder"])
def test_a_short_request_is_no_sign_of_listening(asr: PocketSphinxAsr, name: str) -> None:
    assert final(asr, clip(name)).listening is False


def test_a_sign_of_listening_is_told(asr: PocketSphinxAsr) -> None:
    assert final(asr, clip("uh_huh")).listening is True


@pytest.mark.parametrize("name", ["play_piano", "set_timer"])
def test_nothing_is_said_of_a_whole_sentence(asr: PocketSphinxAsr, name: str) -> None:
    assert final(asr, clip(name)).listening is None


def test_a_short_one_leaves_the_recogniser_as_it_was(asr: PocketSphinxAsr) -> None:
    before = final(asr, clip("set_timer"))
    final(asr, clip("uh_huh"))
    assert final(asr, clip("set_timer")) == before
