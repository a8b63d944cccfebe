from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import Backend, BackendError, BackendUnavailableError, SpeechChunk, SpeechRequest
from models.tts import libflite
from models.tts.flite import FliteSpeech
from models.tts.libflite import VOICES

FOX = "The quick brown fox jumps over the lazy dog."
TWO_CLAUSES = "I have put the kettle on the stove, so the tea will soon be ready."


def test_is_a_backend_that_produces(flite):
    assert isinstance(flite, Backend)
    assert flite.produces


@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_says_every_word(flite, speak, voice):
    heard = speak(flite, FOX, voice=voice)

    assert heard.said() == FOX.rstrip(".").split()
    assert 2000 < heard.duration_ms < 4500
    assert heard.rate == (8000 if voice == "kal" else 16000)
    assert np.abs(heard.pcm).max() > 3000


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_words_sound_when_they_are_said_to(flite, speak, voice, speed):
    heard = speak(flite, TWO_CLAUSES, voice=voice, speed=speed)

    for word in heard.words:
        assert heard.loudness(word.start_ms, word.end_ms) > 300
    pauses = [phone for phone in heard.phones if phone.phone == "pau" and phone.end_ms - phone.start_ms > 45]
    assert len(pauses) >= 2  # behind each clause
    for pause in pauses:
        # The voice may ring 20 ms into a pause.
        assert heard.loudness(pause.start_ms + 20, pause.end_ms) < 150


@pytest.mark.parametrize("voice", VOICES)
def test_phones_cover_the_stream_without_a_gap(flite, speak, voice):
    heard = speak(flite, TWO_CLAUSES, voice=voice)

    assert heard.phones[0].start_ms == 0
    assert heard.phones[-1].end_ms == pytest.approx(heard.duration_ms)
    for before, after in itertools.pairwise(heard.phones):
        assert before.end_ms == pytest.approx(after.start_ms, abs=0.001)
    kettle = next(word for word, said in zip(heard.words, heard.said(), strict=True) if said == "kettle")
    inside = [
        phone.phone
        for phone in heard.phones
        if kettle.start_ms - 0.001 <= phone.start_ms and phone.end_ms <= kettle.end_ms + 0.001
    ]
    assert inside == ["k", "eh", "t", "ax", "l"]


def test_the_first_sound_comes_early_and_the_pause_stays(flite, speak):
    heard = speak(flite, FOX)

    assert heard.words[0].start_ms < 12
    assert heard.duration_ms - heard.words[-1].end_ms == pytest.approx(230, abs=1)


def test_joins_and_ends_do_not_click(flite, speak):
    heard = speak(flite, TWO_CLAUSES)
    steps = np.abs(np.diff(heard.pcm))

    for time in [0.0, *(phone.end_ms for phone in heard.phones if phone.phone == "pau")]:
        at = int(time * heard.rate / 1000)
        assert steps[max(0, at - 16) : at + 16].max(initial=0) < 600
    assert np.abs(heard.pcm[:4]).max() < 200
    assert np.abs(heard.pcm[-4:]).max() < 200


@pytest.mark.parametrize("voice", ["slt", "kal16"])
def test_speed_changes_the_length(flite, speak, voice):
    natural = speak(flite, FOX, voice=voice).duration_ms

    assert speak(flite, FOX, voice=voice, speed=0.25).duration_ms == pytest.approx(4 * natural, rel=0.1)
    assert speak(flite, FOX, voice=voice, speed=0.5).duration_ms == pytest.approx(2 * natural, rel=0.12)
    assert speak(flite, FOX, voice=voice, speed=2.0).duration_ms == pytest.approx(natural / 2, rel=0.06)
    # A phone is never shorter than 15 ms in slt.
    assert speak(flite, FOX, voice=voice, speed=4.0).duration_ms == pytest.approx(natural / 4, rel=0.2)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("semitones", [-3, 4, 9])
def test_pitch_changes_the_melody_by_semitones(flite, speak, voice, semitones):
    natural = speak(flite, FOX, voice=voice).pitch()
    moved = speak(flite, FOX, voice=voice, pitch=float(semitones)).pitch()

    assert 12 * np.log2(moved / natural) == pytest.approx(semitones, abs=1.0)


def test_source_tokens_keep_their_span_however_they_are_read(flite, speak):
    text = 'Dr. Lee paid "$5" (50%) at 10:30 for C++, see https://example.com/x_1!'
    heard = speak(flite, text)

    assert heard.said() == ["Dr", "Lee", "paid", "$5", "50%", "at", "10:30", "for", "C++", "see",
                            "https://example.com/x_1"]  # fmt: skip
    lengths = {
        said: word.end_ms - word.start_ms for said, word in zip(heard.said(), heard.words, strict=True)
    }
    assert lengths["$5"] > 400  # "five dollars"
    assert lengths["https://example.com/x_1"] > 1500


@pytest.mark.parametrize("text", ["", "   \n\t ", "...", "?!, -- ;", "😀 🎉", "\x00", "\ud800", "'\"()"])
def test_nothing_to_say_is_an_empty_stream(flite, speak, text):
    assert speak(flite, text).chunks == []


@pytest.mark.parametrize("text", ["Привет, как дела?", "你好", "नमस्ते"])
def test_another_script_alone_is_an_error_with_the_remedy(flite, speak, text):
    with pytest.raises(BackendError, match=r"English only.*language"):
        speak(flite, text)


def test_another_script_inside_is_left_out(flite, speak):
    assert speak(flite, "The word привет means hello 😀.").said() == ["The", "word", "means", "hello"]


@pytest.mark.parametrize(
    "text",
    ["a\x00b c", "x" * 300, "9" * 150, "MMMMMMMMMMMMMMMMMMMM IV", "1/2/3/4-5-6.7,8", "$$$ $1,2.3.4 €",
     "a'b'c'd'", "café naïve Ærø straße", "٣ ४ 五", "%%%%%%%%", "half \udc00 pair", "St. Mt. No. 5",
     "-", "don't’s 'tve"],
)  # fmt: skip
def test_odd_text_is_said_or_skipped(flite, speak, text):
    speak(flite, text, voice="kal16")


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=120), speed=st.floats(0.25, 4.0), pitch=st.floats(-12, 12))
def test_any_text_keeps_the_rules(flite, speak_once, text, speed, pitch):
    speak_once(flite, text, speed, pitch)


@pytest.fixture(scope="session")
def speak_once():
    """Like `speak`, for hypothesis, which wants no fixture of a test's own scope."""

    def run(backend: FliteSpeech, text: str, speed: float, pitch: float) -> None:
        job = backend.open(SpeechRequest(text=text, voice="kal16", speed=speed, pitch=pitch))
        chunks: list[SpeechChunk] = []
        try:
            while job.step(chunks.append):
                pass
        except BackendError as error:
            assert "English only" in str(error)  # noqa: PT017  an error is one of two right answers
        words = [word for chunk in chunks for word in chunk.words]
        assert all(a.end <= b.begin and a.end_ms <= b.start_ms + 1e-6 for a, b in itertools.pairwise(words))
        total = sum(len(chunk.pcm) // 2 * 1000 / chunk.rate for chunk in chunks)
        assert all(0 <= word.start_ms < word.end_ms <= total + 1e-6 for word in words)

    return run


def test_a_long_text_comes_clause_by_clause(flite):
    job = flite.open(SpeechRequest(text=(FOX + " ") * 220, voice="kal16"))
    chunks: list[SpeechChunk] = []

    assert job.step(chunks.append)

    seconds = sum(len(chunk.pcm) / 2 / chunk.rate for chunk in chunks)
    assert 1 < seconds < 5
    job.close()
    assert not job.step(chunks.append)


def test_a_long_sentence_without_punctuation_is_cut(flite):
    job = flite.open(SpeechRequest(text="word " * 400, voice="kal16"))
    pieces: list[list[SpeechChunk]] = [[]]
    while job.step(pieces[-1].append):
        pieces.append([])

    lengths = [sum(len(chunk.pcm) / 2 / chunk.rate for chunk in piece) for piece in pieces]
    assert max(lengths) < 6


def test_jobs_side_by_side_do_not_share_settings(flite, speak):
    requests = [
        SpeechRequest(text=TWO_CLAUSES, speed=speed, pitch=pitch, voice=voice)
        for speed, pitch, voice in (
            (1.0, 0.0, "slt"),
            (2.0, 5.0, "slt"),
            (0.5, -5.0, "rms"),
            (1.0, 0.0, "slt"),
        )
    ]
    jobs = [flite.open(request) for request in requests]
    outputs: list[list[SpeechChunk]] = [[] for _ in jobs]
    going = list(range(len(jobs)))
    while going:
        going = [index for index in going if jobs[index].step(outputs[index].append)]

    for request, chunks in zip(requests, outputs, strict=True):
        alone = speak(flite, request.text, speed=request.speed, pitch=request.pitch, voice=request.voice)
        assert [word for chunk in chunks for word in chunk.words] == alone.words


def test_what_emit_raises_is_raised_by_step(flite):
    job = flite.open(SpeechRequest(text=FOX))

    def refuse(_: SpeechChunk) -> None:
        raise ConnectionError("the edge has gone")

    with pytest.raises(ConnectionError, match="the edge has gone"):
        job.step(refuse)
    job.close()


@pytest.mark.parametrize(
    ("settings_", "message"),
    [({"voice": "zork"}, "slt, rms, awb, kal16, kal"), ({"language": "de"}, "English only"),
     ({"speed": 0.1}, "speed must be 0.25 to 4"), ({"speed": float("nan")}, "speed must be"),
     ({"pitch": 13.0}, "pitch must be -12 to 12"), ({"pitch": float("inf")}, "pitch must be")],
)  # fmt: skip
def test_a_request_that_cannot_be_met(flite, settings_, message):
    with pytest.raises(BackendError, match=message):
        flite.open(SpeechRequest(text="Hello.", **settings_))


def test_a_wrong_default_voice_lists_the_choices():
    with pytest.raises(BackendError, match="slt, rms"):
        FliteSpeech(voice="zork")


def test_a_missing_library_names_its_package(monkeypatch):
    def absent(soname: str, mode: int) -> None:
        raise OSError(f"{soname}: cannot open shared object file")

    monkeypatch.setattr(libflite.ctypes, "CDLL", absent)
    with pytest.raises(BackendUnavailableError, match="apt install libflite1"):
        FliteSpeech()


def test_a_stream_takes_no_input(flite):
    with pytest.raises(BackendError, match="takes no input"):
        flite.open(SpeechRequest(text="Hello.")).feed(b"", lambda _: None)


def test_voices(flite):
    assert ("slt", "en") in flite.voices()


def test_memory_does_not_grow(flite, speak):
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    text = "A, b, see: 12 dogs ran."
    for _ in range(100):
        speak(flite, text, voice="kal16")
    before = resident()
    for _ in range(400):
        speak(flite, text, voice="kal16")
    # An utterance that is not deleted costs 200 KiB: 80 MiB here.
    assert resident() - before < 4 << 20
