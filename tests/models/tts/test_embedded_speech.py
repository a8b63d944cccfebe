from __future__ import annotations

import pytest

from models.api import Backend, BackendError, BackendUnavailableError, SpeechRequest, Voice, VoicesRequest
from models.tts.embedded import EmbeddedSpeech
from models.tts.flite import FliteSpeech


@pytest.fixture(scope="module")
def embedded() -> EmbeddedSpeech:
    return EmbeddedSpeech()


@pytest.fixture(scope="module")
def alone() -> EmbeddedSpeech:
    """The embedded voice where espeak-ng is not installed."""
    return EmbeddedSpeech(espeak="espeak-ng-that-is-not-there")


def test_is_a_backend_that_produces(embedded):
    assert isinstance(embedded, Backend)
    assert embedded.produces


@pytest.mark.parametrize("language", ["en", "en-US", "EN_gb", ""])
def test_english_is_flites(embedded, speak, language):
    assert speak(embedded, "Hello there.", language=language).rate == 16_000


def test_another_language_is_espeaks(embedded, speak):
    heard = speak(embedded, "Guten Tag.", language="de")

    assert heard.rate == 22_050
    assert heard.said() == ["Guten", "Tag"]


@pytest.mark.parametrize(("voice", "rate"), [("kal", 8_000), ("RMS", 16_000), ("German", 22_050)])
def test_a_named_voice_decides(embedded, speak, voice, rate):
    assert speak(embedded, "Hello.", voice=voice).rate == rate


def test_an_english_voice_for_another_language_is_refused(embedded):
    with pytest.raises(BackendError, match="English only"):
        embedded.open(SpeechRequest(text="Hallo", voice="slt", language="de"))


def test_an_unknown_voice_lists_those_of_both(embedded):
    with pytest.raises(BackendError, match=r"no voice 'zork'.*slt.*German"):
        embedded.open(SpeechRequest(text="Hello", voice="zork"))


def test_without_espeak_english_works(alone, speak):
    assert speak(alone, "Hello there.").said() == ["Hello", "there"]
    assert all(language == "en" for _, language in alone.voices())
    with pytest.raises(BackendError, match=r"no voice 'German'.*slt"):
        alone.open(SpeechRequest(text="Hello", voice="German"))


def test_without_espeak_another_language_names_the_package(alone):
    with pytest.raises(BackendUnavailableError, match="apt install espeak-ng"):
        alone.open(SpeechRequest(text="Guten Tag", language="de"))


def test_voices_of_both(embedded):
    voices = embedded.voices()

    assert ("slt", "en") in voices
    assert ("German", "de") in voices


def names(backend: Backend) -> list[str]:
    found: list[Voice] = []
    job = backend.open(VoicesRequest())
    assert not job.step(found.append)
    job.close()
    assert all(voice.language for voice in found)
    return [voice.name for voice in found]


def test_every_voice_is_named_the_default_first(embedded, alone):
    assert names(embedded)[:5] == ["slt", "rms", "awb", "kal16", "kal"]
    assert "German" in names(embedded)
    assert names(alone) == ["slt", "rms", "awb", "kal16", "kal"]
    assert names(FliteSpeech(voice="awb"))[0] == "awb"


def test_what_is_named_can_be_used(embedded, speak):
    for name in names(embedded)[:5]:
        assert speak(embedded, "Hello.", voice=name).rate


def test_a_list_of_voices_takes_no_input(embedded):
    with pytest.raises(BackendError, match="takes no input"):
        embedded.open(VoicesRequest()).feed(object(), print)
