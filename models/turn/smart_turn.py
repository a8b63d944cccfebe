"""Smart Turn v3 (pipecat-ai/smart-turn-v3, BSD-2): the last 8 s of speech in, how likely it is over out.

Whisper tiny's encoder under a small head, 8.7 MB in int8, run from its ONNX file. It is given no words.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from models import hub
from models.api import (
    HEARING_RATE,
    BackendError,
    BackendUnavailableError,
    Emit,
    TurnProbability,
    TurnRequest,
)
from models.turn.log_mel import BANDS, HOP, Floats, log_mel

HEARD = 8 * HEARING_RATE  # samples that the network sees; it was trained on no more
FEATURES = (BANDS, HEARD // HOP)
PINNED = hub.HubFile(
    repository="pipecat-ai/smart-turn-v3",
    file="smart-turn-v3.2-cpu.onnx",
    revision="f766f81d3cfdf7737ac64aad813d91bbfd56bf93",
    sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
)
_QUIET = 1e-7  # variance added, as in the network's training, so that silence does not divide by nothing


class SmartTurn:
    """The `turn` role. Requests share nothing, so there is no limit on streams here.

    Args:
        model: the network's file, the directory that holds `smart-turn-v3.2-cpu.onnx`, or a file of a hub
            (see `hub.locate`); empty takes the pinned one, downloaded once.
        offline: never download.
    """

    produces = True

    def __init__(self, model: str = "", offline: bool = False) -> None:
        self._session = _session(hub.locate(model, PINNED, offline=offline))

    def open(self, request: TurnRequest) -> TurnJob:
        return TurnJob(self, request)

    def probability(self, pcm: bytes) -> float:
        """How likely the speaker has finished (0 to 1), from the last HEARD samples of `pcm`.

        Args:
            pcm: the utterance and the silence after it, 16-bit mono at HEARING_RATE.

        Raises:
            BackendError: there is no sample, or half a one.
        """
        (probability,) = self._session.run(None, {"input_features": features(pcm)[None]})[0][0]
        return float(probability)


class TurnJob:
    """One question, answered in one step."""

    def __init__(self, network: SmartTurn, request: TurnRequest) -> None:
        self._network = network
        self._request = request

    def step(self, emit: Emit) -> bool:
        emit(TurnProbability(self._network.probability(self._request.pcm)))
        return False

    def feed(self, item: object, emit: Emit) -> bool:
        raise BackendError("a question about a turn takes no further input")

    def close(self) -> None:
        pass


def features(pcm: bytes) -> Floats:
    """What the network is shown of an utterance: (BANDS, 800), silence before it if it is short."""
    if not pcm or len(pcm) % 2:
        raise BackendError(f"{len(pcm)} bytes of audio: send at least one 16-bit sample, and whole ones")
    heard = np.frombuffer(pcm, "<i2")[-HEARD:]
    samples = np.zeros(HEARD, np.float32)
    samples[HEARD - len(heard) :] = heard
    samples /= 32768
    samples = (samples - samples.mean()) / np.sqrt(samples.var() + np.float32(_QUIET))
    return log_mel(samples)


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # Idle threads that spin, or a second core, would be taken from the recogniser.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds
        raise BackendUnavailableError(f"cannot load the turn detector {path}: {error}") from error
    inputs = {given.name: tuple(given.shape[1:]) for given in session.get_inputs()}
    if inputs != {"input_features": FEATURES}:
        raise BackendUnavailableError(f"{path} is no Smart Turn v3: it takes {inputs}")
    return session
