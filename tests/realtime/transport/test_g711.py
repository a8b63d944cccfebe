"""G.711 against FFmpeg's codecs, over every code and every sample there is."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.transport.g711 import RATE, Law, decode, encode

LAWS: list[tuple[Law, str]] = [("mu", "pcm_mulaw"), ("a", "pcm_alaw")]
SAMPLES = np.arange(-32_768, 32_768).astype(np.int16)
CODES = bytes(range(256))


def ffmpeg_decodes(codec: str, data: bytes) -> NDArray[np.int16]:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"  # type: ignore[assignment]
    frames = context.decode(av.Packet(data))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


def ffmpeg_encodes(codec: str, samples: NDArray[np.int16]) -> bytes:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"  # type: ignore[assignment]
    context.time_base = Fraction(1, RATE)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate = RATE
    return b"".join(bytes(packet) for packet in context.encode(frame))


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_every_code_means_what_it_means_to_ffmpeg(law: Law, codec: str) -> None:
    assert np.array_equal(decode(CODES, law), ffmpeg_decodes(codec, CODES))


@pytest.mark.parametrize(("law", "codec"), LAWS)
def test_every_sample_gets_the_nearest_code(law: Law, codec: str) -> None:
    """FFmpeg's too, but it looks at 14 bits of a sample: some on each border are one code off."""
    ours = np.frombuffer(encode(SAMPLES, law), np.uint8)
    error = np.abs(decode(ours.tobytes(), law).astype(int) - SAMPLES)
    values = decode(CODES, law).astype(int)
    assert np.array_equal(error, np.abs(values[:, None] - SAMPLES.astype(int)).min(axis=0))
    theirs = np.frombuffer(ffmpeg_encodes(codec, SAMPLES), np.uint8)
    other = ours != theirs
    assert np.count_nonzero(other) <= 2 * 254
    excess = np.abs(values[theirs] - SAMPLES.astype(int)) - error
    assert 0 <= excess[other].min() <= excess[other].max() <= 8


@pytest.mark.parametrize("law", ["mu", "a"])
def test_coding_again_changes_nothing_more(law: Law) -> None:
    once = decode(encode(SAMPLES, law), law)
    assert np.array_equal(decode(encode(once, law), law), once)


def test_silence_is_the_code_that_telephones_send() -> None:
    assert encode(np.zeros(1, np.int16), "mu") == b"\xff"
    assert encode(np.zeros(1, np.int16), "a") == b"\xd5"
    assert encode(np.zeros(0, np.int16), "a") == b""
    assert np.all(decode(b"\xff\x7f", "mu") == 0)
    assert abs(int(decode(b"\xd5", "a")[0])) == 8  # A-law has no zero
