"""Sound that is already there, as a stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import SPEAKING_RATE, Audio, BackendError
from realtime.artefacts import Sound, StoredSound
from realtime.speaking.recorded import Recorded


def whole(sound: Sound | StoredSound) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int16]], list[int]]:
    """All of it, and the sizes of its chunks in samples."""

    async def read() -> list[bytes]:
        return [chunk.pcm async for chunk in Recorded(sound)]

    chunks = [np.frombuffer(pcm, np.int16).reshape(-1, 2) for pcm in asyncio.run(read())]
    return np.concatenate([np.zeros((0, 2), np.int16), *chunks]), [len(chunk) for chunk in chunks]


def sine(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return (np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate) * 16_000).astype(np.int16)


def test_speech_is_resampled_to_both_ears_without_a_click() -> None:
    out, sizes = whole(Sound(sine(16_000, 1.5).tobytes(), 16_000))
    assert len(out) == pytest.approx(1.5 * SPEAKING_RATE, abs=50)
    assert max(sizes) <= SPEAKING_RATE // 5
    assert (out[:, 0] == out[:, 1]).all()
    expected = sine(SPEAKING_RATE, 1.5).astype(np.float64)
    middle = slice(2_000, 70_000)
    # swresample's filter delays nothing that is left over at the end
    assert np.corrcoef(out[middle, 0], expected[middle])[0, 1] > 0.99
    steps = np.abs(np.diff(out[:, 0].astype(np.int32)))
    assert steps.max() <= 1.05 * np.abs(np.diff(expected)).max()
    assert abs(int(out[0, 0])) < 100
    assert abs(int(out[-1, 0])) < 100


def test_stereo_keeps_its_sides() -> None:
    both = np.stack([sine(SPEAKING_RATE, 0.5), np.zeros(SPEAKING_RATE // 2, np.int16)], axis=1)
    out, _ = whole(Sound(both.tobytes(), SPEAKING_RATE, channels=2))
    assert (out[300:-300] == both[300:-300]).all()
    assert not out[:, 1].any()


@pytest.mark.parametrize(
    ("rate", "channels", "seconds"), [(16_000, 1, 2.35), (48_000, 2, 1.0), (8_000, 1, 0)]
)
def test_a_file_sounds_like_the_same_in_memory(
    tmp_path: Path, rate: int, channels: int, seconds: float
) -> None:
    pcm = np.repeat(sine(rate, seconds), channels).tobytes()
    (tmp_path / "it").write_bytes(b"header" + pcm + b"more, that came later")
    stored = StoredSound(tmp_path / "it", rate, channels, len(pcm), 6)
    expected, _ = whole(Sound(pcm, rate, channels))
    out, sizes = whole(stored)
    assert (out == expected).all()
    assert max(sizes, default=0) <= SPEAKING_RATE // 5


def test_a_file_that_is_removed_ends_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(sine(16_000, 5).tobytes())

    async def read() -> int:
        stream, samples = Recorded(StoredSound(path, 16_000, 1, 160_000)), 0
        async for chunk in stream:
            path.unlink(missing_ok=True)
            samples += len(chunk.pcm) // 4
        return samples

    assert asyncio.run(read()) == pytest.approx(SPEAKING_RATE, abs=50), "the second that was read already"


@settings(deadline=None)
@given(st.binary(max_size=5_000), st.sampled_from([8_000, 16_000, 24_000, 48_000]), st.integers(1, 2))
def test_any_sound_lasts_as_long_as_it_is(pcm: bytes, rate: int, channels: int) -> None:
    sound = Sound(pcm, rate, channels)
    out, _ = whole(sound)
    assert len(out) / SPEAKING_RATE == pytest.approx(len(pcm) // (2 * channels) / rate, abs=0.003)


def test_it_ends_when_closed_and_takes_no_input() -> None:
    async def read() -> None:
        stream = Recorded(Sound(sine(16_000, 1).tobytes(), 16_000))
        await anext(stream)
        with pytest.raises(BackendError):
            await stream.send(Audio(b""))
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    asyncio.run(read())
