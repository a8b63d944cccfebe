from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from client.audio import RATE, load, resample, voiced_span, write_wav
from client.errors import AudioFileError
from client.speech import FRAME, prepare
from realtime.transport.opus import OpusDecoder


def burst(before: float, voice: float, after: float, level: float = 0.3) -> np.ndarray:
    time = np.arange(round(voice * RATE)) / RATE
    sound = np.sin(2 * np.pi * 200 * time) * level * 32767
    pieces = [np.zeros(round(before * RATE)), sound, np.zeros(round(after * RATE))]
    return np.concatenate(pieces).astype(np.int16)


@settings(max_examples=30, deadline=None)
@given(
    before=st.floats(0, 0.5),
    voice=st.floats(0.05, 0.5),
    after=st.floats(0, 0.5),
    level=st.floats(0.01, 0.9),
)
def test_the_voiced_span_is_right_to_a_block(before: float, voice: float, after: float, level: float) -> None:
    span = voiced_span(burst(before, voice, after, level), RATE)
    assert span is not None
    # One block of 5 ms, and as much again where the burst's end is in a half block that is left over.
    assert abs(span.start / RATE - before) <= 0.0101
    assert abs(span.stop / RATE - (before + voice)) <= 0.0101


def test_noise_around_a_voice_is_not_voiced() -> None:
    noise = np.random.default_rng(1).normal(0, 60, RATE * 2)  # -55 dBFS
    noisy = (burst(0.8, 0.6, 0.6) + noise).astype(np.int16)
    span = voiced_span(noisy, RATE)
    assert span is not None
    assert abs(span.start / RATE - 0.8) < 0.02
    assert abs(span.stop / RATE - 1.4) < 0.02


def test_a_click_is_not_voiced() -> None:
    pcm = burst(0.1, 0.3, 0.6)
    pcm[RATE * 8 // 10 : RATE * 8 // 10 + 48] = 20_000
    span = voiced_span(pcm, RATE)
    assert span is not None
    assert abs(span.stop / RATE - 0.4) < 0.011


def test_silence_has_no_voice() -> None:
    assert voiced_span(np.zeros(RATE, np.int16), RATE) is None
    assert voiced_span(np.zeros(3, np.int16), RATE) is None


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1)])
def test_any_rate_and_channels_are_read(tmp_path: Path, kind: str, rate: int, channels: int) -> None:
    mono = resample(burst(0.1, 0.3, 0.1), RATE, rate)
    path = tmp_path / f"voice.{kind}"
    soundfile.write(path, np.column_stack([mono] * channels), rate)
    pcm = load(path)
    assert pcm.dtype == np.int16
    assert abs(len(pcm) / RATE - 0.5) < 0.005
    span = voiced_span(pcm, RATE)
    assert span is not None
    assert abs(span.stop / RATE - 0.4) < 0.03


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"not a sound", "not a sound file"),
        (np.zeros(0, np.int16), "no samples"),
        (np.zeros(8000, np.int16), "only silence"),
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "bad.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        soundfile.write(path, content, 8000)
    with pytest.raises(AudioFileError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_samples_that_are_no_numbers_do_no_harm(tmp_path: Path) -> None:
    sound = burst(0.1, 0.3, 0.1).astype(np.float32) / 16384  # up to 0.6, then beyond full scale
    sound[5000:5010] = np.nan
    sound[6000:6010] = 5.0
    soundfile.write(tmp_path / "odd.wav", sound, RATE, subtype="FLOAT")
    assert np.abs(load(tmp_path / "odd.wav").astype(int)).max() <= 32767


def test_a_wav_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="cannot be written"):
        write_wav(tmp_path / "missing" / "out.wav", np.zeros((10, 2), np.int16), RATE)


def test_what_was_encoded_says_where_its_voice_is() -> None:
    speech = prepare(burst(0.1, 0.3, 0.2), "webrtc")
    decoder = OpusDecoder(RATE, 1)
    packets = [unit for unit in speech.units if isinstance(unit, bytes)]
    heard = np.frombuffer(b"".join(decoder.decode(packet) for packet in packets), np.int16)
    assert len(heard) == len(speech.units) * FRAME
    span = voiced_span(heard, RATE)
    assert span is not None
    assert abs(span.start - speech.voiced_start) < RATE * 0.011
    assert abs(span.stop - speech.voiced_end) < RATE * 0.026  # Opus rings for a moment after the end
