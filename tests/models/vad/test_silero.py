import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import Audio, Backend, BackendError, BackendUnavailableError, SpeechProbability, VadRequest
from models.vad import silero
from models.vad.silero import SileroNetwork, SileroVad, VadState

DATA = Path(__file__).parents[2] / "data"
VAD = SileroVad()


def clip(name: str) -> np.ndarray:
    samples, _ = soundfile.read(DATA / f"{name}.flac", dtype="int16")
    return samples


def judge(pcm: bytes, size: int) -> list[SpeechProbability]:
    job = VAD.open(VadRequest())
    out: list[SpeechProbability] = []
    for start in range(0, len(pcm), size):
        assert job.feed(Audio(pcm[start : start + size]), out.append)
    job.close()
    return out


def frames_of(samples: np.ndarray) -> list[np.ndarray]:
    whole = samples[: len(samples) // 512 * 512].astype(np.float32) / 32768
    return list(whole.reshape(-1, 512))


def test_is_a_backend_that_listens() -> None:
    assert isinstance(VAD, Backend)
    assert not VAD.produces
    with pytest.raises(BackendError):
        VAD.open(VadRequest()).step(lambda _: None)


def test_equals_the_librarys_own_wrapper() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from silero_vad import load_silero_vad

        wrapper = load_silero_vad(onnx=True)
    samples = clip("play_piano")
    ours, state = [], VadState()
    for frame in frames_of(samples):
        (probability,), (state,) = VAD.network.judge([frame], [state])
        ours.append(probability)
    theirs = [wrapper(torch.from_numpy(frame), 16_000).item() for frame in frames_of(samples)]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_what_nobody_could_hear_is_no_speech_and_changes_nothing_else() -> None:
    samples = clip("what_time_is_it")
    quiet = np.random.default_rng(1).normal(0, 15, 512 * 60).astype(np.int16)  # -67 dBFS
    alone = [out.probability for out in judge(samples.tobytes(), 640)]
    after = [out.probability for out in judge(np.concatenate([quiet, samples]).tobytes(), 640)]
    assert after[:60] == [0.0] * 60
    speech = [(a > 0.5, b > 0.5) for a, b in zip(alone, after[60:], strict=True)]
    assert sum(a != b for a, b in speech) <= 1


def test_hears_speech_and_not_noise() -> None:
    assert max(out.probability for out in judge(clip("hello").tobytes(), 640)) > 0.9
    assert max(out.probability for out in judge(clip("noise").tobytes(), 640)) < 0.5
    assert all(out.rms == 0 for out in judge(bytes(20_000), 640))


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 3000).map(lambda n: 2 * n))
def test_any_piece_size_gives_the_same(size: int) -> None:
    pcm = clip("stop").tobytes()
    got = judge(pcm, size)
    assert got == judge(pcm, len(pcm))
    assert [out.end for out in got] == [512 * (i + 1) for i in range(len(pcm) // 1024)]


def test_streams_batched_and_desynchronised_equal_solo_runs() -> None:
    network: SileroNetwork = VAD.network
    streams = [frames_of(clip(name)) for name in ("hello", "stop", "noise")]
    solo = []
    for frames in streams:
        state, row = VadState(), []
        for frame in frames:
            (probability,), (state,) = network.judge([frame], [state])
            row.append(probability)
        solo.append(row)
    states = [VadState() for _ in streams]
    batched: list[list[float]] = [[] for _ in streams]
    for tick in range(60):  # stream i joins at tick 3 i and leaves when it is over: the batch size changes
        live = [i for i, frames in enumerate(streams) if 0 <= tick - 3 * i < len(frames)]
        if not live:
            continue
        got, after = network.judge([streams[i][tick - 3 * i] for i in live], [states[i] for i in live])
        for i, probability, state in zip(live, got, after, strict=True):
            batched[i].append(probability)
            states[i] = state
    for row, expected in zip(batched, solo, strict=True):
        np.testing.assert_allclose(row, expected[: len(row)], atol=1e-5)


def test_refuses_half_a_sample_and_unequal_batches() -> None:
    with pytest.raises(BackendError, match="16-bit"):
        VAD.open(VadRequest()).feed(Audio(b"abc"), lambda _: None)
    with pytest.raises(ValueError, match="one of each"):
        VAD.network.judge([], [])


def test_a_missing_or_broken_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    with pytest.raises(BackendUnavailableError, match=r"broken\.onnx"):
        SileroNetwork(broken)
    monkeypatch.setattr(silero, "_MODEL", "gone.onnx")
    with pytest.raises(BackendUnavailableError, match="pip install"):
        silero.find_model()
