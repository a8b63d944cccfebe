"""Smart Turn on a tiny random network in the real format, and beside Pipecat's where that is installed."""

from __future__ import annotations

import json
import subprocess
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import BackendError, BackendUnavailableError, TurnProbability, TurnRequest
from models.engine import Assignment, Engine
from models.turn.smart_turn import FEATURES, HEARD, PINNED, SmartTurn, features
from tests.models.turn import tiny_onnx

ROOT = Path(__file__).resolve().parents[3]
CLIPS = sorted((ROOT / "tests" / "data").glob("*.flac"))
PEERS = ROOT / ".venv-peers"
PEERS_MODEL = PEERS / "lib/python3.11/site-packages/pipecat/audio/turn/smart_turn/data" / PINNED.file


def clip(path: Path) -> bytes:
    samples, rate = sf.read(path, dtype="int16")
    assert rate == 16_000
    return samples.tobytes()


@pytest.fixture(scope="module")
def weights() -> npt.NDArray[np.float32]:
    return np.random.default_rng(4).normal(0, 0.5, (FEATURES[0], 1)).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, weights: npt.NDArray[np.float32]) -> Path:
    path = tmp_path_factory.mktemp("model") / PINNED.file
    tiny_onnx.write(path, weights)
    return path


def test_the_probability_is_the_networks(model: Path, weights: npt.NDArray[np.float32]) -> None:
    network = SmartTurn(str(model))
    seen = set()
    for path in CLIPS:
        pcm = clip(path)
        expected = 1 / (1 + np.exp(-(features(pcm).mean(axis=1) @ weights)))
        assert network.probability(pcm) == pytest.approx(expected.item(), abs=1e-5)
        seen.add(round(network.probability(pcm), 3))
    assert len(seen) > len(CLIPS) // 2  # it does depend on what is heard


def test_a_directory_will_do(model: Path) -> None:
    pcm = clip(CLIPS[0])
    assert SmartTurn(str(model.parent)).probability(pcm) == SmartTurn(str(model)).probability(pcm)


async def test_a_question_has_one_answer(model: Path) -> None:
    pcm = clip(CLIPS[0])
    async with (
        Engine({"turn": Assignment("smart-turn", {"model": str(model)})}) as engine,
        aclosing(engine.open(TurnRequest(pcm))) as stream,
    ):
        assert [answer async for answer in stream] == [
            TurnProbability(SmartTurn(str(model)).probability(pcm))
        ]
        with pytest.raises(BackendError, match="3 bytes of audio"):
            await anext(engine.open(TurnRequest(b"abc")))
        assert [answer async for answer in engine.open(TurnRequest(pcm[:2]))]


def test_a_question_takes_no_input(model: Path) -> None:
    job = SmartTurn(str(model)).open(TurnRequest(b"ab"))
    with pytest.raises(BackendError, match="no further input"):
        job.feed(b"ab", print)
    job.close()


@pytest.mark.parametrize("pcm", [b"", b"abc"])
def test_audio_must_be_whole_samples(pcm: bytes) -> None:
    with pytest.raises(BackendError, match=f"{len(pcm)} bytes of audio"):
        features(pcm)


def test_what_is_no_such_network_is_refused(tmp_path: Path, weights: npt.NDArray[np.float32]) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")
    with pytest.raises(BackendUnavailableError, match=r"cannot load the turn detector .*junk\.onnx"):
        SmartTurn(str(junk))
    other = tmp_path / "other.onnx"
    tiny_onnx.write(other, weights, "audio")
    with pytest.raises(BackendUnavailableError, match=r"is no Smart Turn v3: it takes \{'audio'"):
        SmartTurn(str(other))
    with pytest.raises(BackendUnavailableError, match="there is no model"):
        SmartTurn(str(tmp_path / "missing"))


@settings(max_examples=25)
@given(st.binary(min_size=2, max_size=4_000).filter(lambda pcm: len(pcm) % 2 == 0))
def test_a_short_utterance_is_one_that_began_with_silence(pcm: bytes) -> None:
    shown = features(pcm)
    assert shown.shape == FEATURES
    assert shown.dtype == np.float32
    assert np.isfinite(shown).all()
    assert shown.max() - shown.min() <= 2.0 + 1e-5  # 80 dB
    assert np.array_equal(shown, features(bytes(2 * HEARD - len(pcm)) + pcm))


def test_of_a_long_utterance_the_end_is_heard() -> None:
    pcm = np.random.default_rng(1).integers(-9_000, 9_000, HEARD + 12_345, np.int16).tobytes()
    assert np.array_equal(features(pcm), features(pcm[-2 * HEARD :]))
    assert not np.array_equal(features(pcm), features(pcm[: 2 * HEARD]))


def test_how_loud_it_is_does_not_matter() -> None:
    samples = np.frombuffer(clip(CLIPS[0]), np.int16) // 4 * 2
    assert np.abs(features(samples.tobytes()) - features((samples // 2).tobytes())).max() < 0.01


THEIRS = """
import json, sys
import numpy as np
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
analyzer = LocalSmartTurnAnalyzerV3(sample_rate=16000)
analyzer.set_sample_rate(16000)
pieces = [np.frombuffer(bytes.fromhex(line), np.int16) for line in json.load(sys.stdin)]
found = [analyzer._predict_endpoint(piece.astype(np.float32) / 32768.0) for piece in pieces]
print(json.dumps([one["probability"] for one in found]))
"""


@pytest.mark.skipif(not PEERS_MODEL.exists(), reason="Pipecat is not installed: see benchmarks/peers")
def test_the_same_clips_have_the_probability_that_pipecat_gives_them() -> None:
    utterances = [clip(path) for path in CLIPS]
    utterances += [utterances[0] + bytes(6_400), utterances[0][:16_000], b"".join(utterances), bytes(32_000)]
    theirs = subprocess.run(
        [PEERS / "bin" / "python", "-c", THEIRS],
        input=json.dumps([pcm.hex() for pcm in utterances]),
        capture_output=True,
        text=True,
        check=True,
    )
    network = SmartTurn(str(PEERS_MODEL))
    ours = [network.probability(pcm) for pcm in utterances]
    assert ours == pytest.approx(json.loads(theirs.stdout), abs=1e-3)
    assert max(ours) - min(ours) > 0.5


@pytest.mark.skipif(not PEERS_MODEL.exists(), reason="Pipecat is not installed: see benchmarks/peers")
def test_the_pinned_sum_is_that_of_the_real_file() -> None:
    assert sha256(PEERS_MODEL.read_bytes()).hexdigest() == PINNED.sha256
