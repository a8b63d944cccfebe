"""Silero VAD (snakers4/silero-vad v6, MIT) on onnxruntime: 512 samples in, the probability of speech out.

The network ships inside the `silero_vad` package, which is located but not imported: importing it pulls
in torch (seconds, hundreds of MB) for a file of 1.3 MB that needs neither.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from models.api import (
    HEARING_RATE,
    VAD_FRAME,
    Audio,
    BackendError,
    BackendUnavailableError,
    Emit,
    SpeechProbability,
    VadRequest,
)

Floats = npt.NDArray[np.float32]

CONTEXT = 64  # samples of the frame before that the network sees again
_STATE = (2, 1, 128)  # LSTM layers (hidden, cell) x stream x units
_MODEL = "silero_vad_16k_op15.onnx"  # 16 kHz only: half the file of silero_vad.onnx, the same output


@dataclass(frozen=True, slots=True)
class VadState:
    """What the network remembers of one stream: LSTM state (2, 1, 128) and the last CONTEXT samples.

    A value: judging returns a new one, so streams cannot mix and a stream can be replayed from anywhere.
    """

    lstm: Floats = field(default_factory=lambda: np.zeros(_STATE, np.float32))
    context: Floats = field(default_factory=lambda: np.zeros(CONTEXT, np.float32))


class SileroNetwork:
    """The network, without any stream's state. Safe to share between streams and threads."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        # A frame takes 0.1 ms: a thread pool costs more than it gives, and idle threads that spin
        # would take a core away from the recogniser.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # the graph has unused initialisers, which it warns of
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises many kinds
            raise BackendUnavailableError(f"cannot load the speech detector {path}: {error}") from error
        self._rate = np.array(HEARING_RATE, np.int64)

    def judge(
        self, frames: Sequence[Floats], states: Sequence[VadState]
    ) -> tuple[list[float], list[VadState]]:
        """Judge one frame of each of several streams in one run.

        `frames` holds VAD_FRAME samples in [-1, 1] per stream, `states` what the stream remembers, in the
        same order. Returns the probabilities of speech (0 to 1) and the new states. Batch sizes may
        change from call to call, since the state belongs to the stream and not to the batch.
        """
        if len(frames) != len(states) or not frames:
            raise ValueError(f"{len(frames)} frames and {len(states)} states: give one of each per stream")
        batch = np.empty((len(frames), CONTEXT + VAD_FRAME), np.float32)
        for row, frame, state in zip(batch, frames, states, strict=True):
            row[:CONTEXT] = state.context
            row[CONTEXT:] = frame
        lstm = states[0].lstm if len(states) == 1 else np.concatenate([s.lstm for s in states], axis=1)
        speech, lstm = self._session.run(None, {"input": batch, "state": lstm, "sr": self._rate})
        after = [
            VadState(lstm=lstm[:, i : i + 1], context=row[-CONTEXT:].copy()) for i, row in enumerate(batch)
        ]
        return [float(p) for p in speech[:, 0]], after


# Browsers suppress noise to far below -60 dBFS, so the network rests while its listener is silent. Voices
# that come in very quietly pay for it: of the clips of tests/data made 20 dB quieter (median -38 dBFS),
# 12 % of the frames that the network calls speech, tails and closures with them, are below it.
INAUDIBLE = 10 ** (-60 / 20)


class SileroVad:
    """The `vad` role. A stream's memory is 1.3 kB, so there is no limit on streams here."""

    produces = False

    def __init__(self) -> None:
        self.network = SileroNetwork(find_model())

    def open(self, request: VadRequest) -> VadJob:
        return VadJob(self.network)


class VadJob:
    """One stream: cuts audio of any piece size into frames and judges each."""

    def __init__(self, network: SileroNetwork) -> None:
        self._network = network
        self._state = VadState()
        self._rest = b""
        self._end = 0

    def feed(self, item: Audio, emit: Emit) -> bool:
        if len(item.pcm) % 2:
            raise BackendError(f"{len(item.pcm)} bytes of audio are not whole 16-bit samples")
        pcm = self._rest + item.pcm
        frame_bytes = 2 * VAD_FRAME
        whole = len(pcm) - len(pcm) % frame_bytes
        self._rest = pcm[whole:]
        samples: Floats = np.frombuffer(pcm[:whole], "<i2").astype(np.float32) * np.float32(1 / 32768)
        for frame in samples.reshape(-1, VAD_FRAME):
            self._end += VAD_FRAME
            rms = math.sqrt(float(np.dot(frame, frame)) / VAD_FRAME)
            if rms < INAUDIBLE:
                probability = 0.0
                self._state = VadState(self._state.lstm, frame[-CONTEXT:].copy())
            else:
                (probability,), (self._state,) = self._network.judge([frame], [self._state])
            emit(SpeechProbability(probability=probability, end=self._end, rms=rms))
        return True

    def step(self, emit: Emit) -> bool:
        raise BackendError("a speech detector only listens: use feed")

    def close(self) -> None:
        self._rest = b""


def find_model() -> Path:
    """Path of the network inside the installed `silero_vad` package. Raises `BackendUnavailableError`."""
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailableError("the speech detector needs silero-vad: pip install silero-vad")
    path = Path(spec.submodule_search_locations[0]) / "data" / _MODEL
    if not path.is_file():
        raise BackendUnavailableError(
            f"{path} is missing: pip install --force-reinstall 'silero-vad>=6.2,<7'"
        )
    return path
