from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import Backend, BackendError, BackendUnavailableError, SpeechChunk, SpeechRequest
from models.tts.espeak import EspeakSpeech
from models.tts.gaps import word_times
from models.tts.text import words

GERMAN = "Guten Tag, wie geht es dir heute?"
RATE = 22_050


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_is_a_backend_that_produces(espeak):
    assert isinstance(espeak, Backend)
    assert espeak.produces


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", GERMAN),
        ("fr-CA", "Bonjour, comment allez-vous ce matin?"),
        ("es-MX", "Hola, mi amigo, que tal estas hoy?"),
        ("it", "Questa mattina ho visto un gatto nero."),
        ("ru", "Привет, как твои дела?"),
        ("ar", "مرحبا، كيف حالك؟"),
        ("hi", "नमस्ते, आप कैसे हैं?"),
        ("zh", "你好，今天天气很好。"),
        ("pt_BR", "Bom dia!"),
    ],
)
def test_words_of_many_languages_sound_when_they_are_said_to(espeak, speak, language, text):
    heard = speak(espeak, text, language=language)

    assert heard.said() == [word.core for word in words(text)]
    assert heard.rate == RATE
    assert heard.words[0].start_ms < 15
    for word in heard.words:
        assert heard.loudness(word.start_ms, word.end_ms) > 300


def test_the_pause_at_a_comma_is_nobodys_word(espeak, speak):
    heard = speak(espeak, GERMAN, language="de")
    comma, following = heard.words[1], heard.words[2]

    assert heard.said()[1:3] == ["Tag", "wie"]
    assert following.start_ms - comma.end_ms > 100
    assert heard.loudness(comma.end_ms + 10, following.start_ms - 10) < 20


def test_numbers_are_one_word_of_the_text(espeak, speak):
    heard = speak(espeak, "Das kostet 12,50 € im Jahr 1998.", language="de")

    assert heard.said() == ["Das", "kostet", "12,50", "€", "im", "Jahr", "1998"]
    lengths = dict(zip(heard.said(), (word.end_ms - word.start_ms for word in heard.words), strict=True))
    assert lengths["12,50"] > 800
    assert lengths["1998"] > 1000
    assert lengths["im"] < 400


@pytest.mark.parametrize(("speed", "ratio"), [(0.5, 2.0), (2.0, 0.5), (4.0, 0.25)])
def test_speed_changes_the_length(espeak, speak, speed, ratio):
    natural = speak(espeak, GERMAN, language="de").duration_ms
    heard = speak(espeak, GERMAN, language="de", speed=speed)

    assert heard.duration_ms == pytest.approx(ratio * natural, rel=0.25)
    assert len(heard.words) == 7


@pytest.mark.parametrize("semitones", [-5, 3, 8])
def test_pitch_changes_the_melody_by_semitones(espeak, speak, semitones):
    natural = speak(espeak, GERMAN, language="de").pitch()
    moved = speak(espeak, GERMAN, language="de", pitch=float(semitones)).pitch()

    assert 12 * np.log2(moved / natural) == pytest.approx(semitones, abs=1.5)


@pytest.mark.parametrize("text", ["", "  \n", "...", "?!", "\x00", "\ud800"])
def test_nothing_to_say_is_an_empty_stream(espeak, speak, text):
    assert speak(espeak, text, language="de").chunks == []


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "half \udc00 pair", "-v en --stdout", "x" * 300, "<speak>&amp;", "http://a.de/b?c=1", "😀"],
)
def test_odd_text_is_said_or_skipped(espeak, speak, text):
    speak(espeak, text, language="de")


def test_a_long_text_comes_clause_by_clause(espeak):
    job = espeak.open(SpeechRequest(text=(GERMAN + " ") * 300, language="de"))
    chunks: list[SpeechChunk] = []
    while not chunks:
        assert job.step(chunks.append)

    assert sum(len(chunk.pcm) / 2 / chunk.rate for chunk in chunks) < 6
    job.close()


def test_close_leaves_no_process_behind(espeak):
    before = children()
    job = espeak.open(SpeechRequest(text=GERMAN * 20, language="de"))
    job.step(lambda _: None)

    assert children() - before
    job.close()
    assert children() == before
    assert not job.step(lambda _: None)


def test_a_whole_stream_leaves_no_process_and_no_file_behind(espeak, speak):
    speak(espeak, GERMAN, language="de")
    before, files = children(), len(os.listdir("/proc/self/fd"))
    speak(espeak, GERMAN, language="de")

    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_an_unknown_language_lists_the_known(espeak):
    with pytest.raises(BackendError, match=r"does not speak 'tlh'.*\bde\b.*\bfr-fr\b"):
        espeak.open(SpeechRequest(text="nuqneH", language="tlh"))


def test_an_unknown_voice_lists_the_known(espeak):
    with pytest.raises(BackendError, match=r"no voice 'zork'.*German"):
        espeak.open(SpeechRequest(text="Hallo", voice="zork"))


def test_a_voice_goes_by_name_tag_or_file(espeak):
    for voice in ("German", "DE", "gmw/de"):
        assert espeak.find(voice).name == "German"


@pytest.mark.parametrize("settings_", [{"speed": 5.0}, {"pitch": float("nan")}])
def test_prosody_out_of_range(espeak, settings_):
    with pytest.raises(BackendError, match="must be"):
        espeak.open(SpeechRequest(text="Hallo", language="de", **settings_))


def test_a_missing_program_names_its_package():
    with pytest.raises(BackendUnavailableError, match="apt install espeak-ng"):
        EspeakSpeech(program="espeak-ng-that-is-not-there")


def test_a_program_that_fails_names_its_package():
    with pytest.raises(BackendUnavailableError, match="espeak-ng"):
        EspeakSpeech(program="false")


def test_a_stream_takes_no_input(espeak):
    with pytest.raises(BackendError, match="takes no input"):
        espeak.open(SpeechRequest(text="Hallo", language="de")).feed(b"", lambda _: None)


def tone(seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE), 1000, np.int16)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)


def test_gaps_show_where_words_end():
    heard = np.concatenate([silence(0.01), tone(0.3), tone(0.2), silence(0.15), tone(0.4), silence(0.02)])
    gapped = np.concatenate(
        [silence(0.01), tone(0.3), silence(0.2), tone(0.2), silence(0.35), tone(0.4), silence(0.22)]
    )
    spans = word_times(list(words("one two, three")), heard, gapped, RATE)

    assert np.array(spans) == pytest.approx(np.array([(0.01, 0.31), (0.31, 0.51), (0.66, 1.06)]), abs=0.001)


def test_without_gaps_the_sounding_time_is_shared_by_length():
    heard = np.concatenate([tone(0.4), silence(0.2), tone(0.4), silence(0.01)])
    spans = word_times(list(words("abc def")), heard, heard, RATE)

    assert np.array(spans) == pytest.approx(np.array([(0.0, 0.4), (0.4, 1.0)]), abs=0.001)


@settings(max_examples=60, deadline=None)
@given(
    sounds=st.lists(st.floats(0.05, 0.6), min_size=1, max_size=8),
    text=st.lists(st.sampled_from(["a", "word", "1998", "longer"]), min_size=1, max_size=6),
)
def test_word_times_are_ordered_and_inside(sounds, text):
    heard = np.concatenate([tone(sound) for sound in sounds])
    gapped = np.concatenate([piece for sound in sounds for piece in (tone(sound), silence(0.2))])
    spans = word_times(list(words(" ".join(text))), heard, gapped, RATE)

    assert len(spans) == len(text)
    borders = [time for span in spans for time in span]
    assert borders == sorted(borders)
    assert borders[0] >= 0
    assert borders[-1] <= len(heard) / RATE + 1e-9
