"""A turn goes through the real chain once; what was known at every moment of silence is kept.

The chain is that of `realtime/hearing/ears.py` without its clock: Silero on every 20 ms piece, the recogniser
from 300 ms before the onset on, what each says handed to a `TurnDetector` in the order of arrival. The
detector has rules that never end a turn, so that one pass serves every rule that is to be compared.

Not in it: the time the recogniser takes (some 10 ms a look) and the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime as ort

from benchmarks.report import ROOT
from benchmarks.turn_set import Turn
from models.api import (
    HEARING_RATE,
    AsrRequest,
    Audio,
    ChatMessage,
    Hypothesis,
    PlanDone,
    PlanRequest,
    Situation,
    SpeechProbability,
    VadRequest,
)
from models.asr.pocketsphinx import PocketSphinxAsr
from models.planner.completeness import completeness
from models.planner.intent import IntentPlanner
from models.vad.silero import SileroVad
from realtime.hearing import prosody
from realtime.hearing.turn import Evidence, Onset, Pause, Rules, TurnDetector

PIECE = 2 * HEARING_RATE // 50  # bytes of 20 ms
PREFIX = 3 * HEARING_RATE // 10  # samples before the onset that the recogniser is given
MELODY = 3 * HEARING_RATE // 2  # samples before a pause that prosody is judged by
NEVER = Rules(complete_ms=60_000, silence_ms=60_000, unfinished_ms=60_000, max_seconds=600)

SMART_TURN = ROOT / ".venv-peers/lib/python3.11/site-packages/pipecat/audio/turn/smart_turn"
SMART_TURN_FILE = SMART_TURN / "data/smart-turn-v3.2-cpu.onnx"
ASKED_MS = 200  # of silence at which Pipecat asks Smart Turn (its VAD's stop_secs)
SMART_TURN_S = 8  # of sound that it looks at
BEFORE = 7 * HEARING_RATE // 10  # samples before the onset that Pipecat keeps (pre_speech_ms, start_secs)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the chain said of a turn: (probability, end, rms) of every frame, (sample, text) of every look."""

    frames: list[tuple[float, int, float]]
    texts: list[tuple[int, str]]


@dataclass(slots=True)
class Silence:
    """A silence of a turn, and what was known frame by frame. `start` and the ends are samples."""

    start: int
    ends: list[int] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    text: str = ""
    asked: float | None = None  # what Smart Turn said after ASKED_MS


@dataclass(frozen=True, slots=True)
class Lived:
    """A turn and its silences; the last one follows its end."""

    turn: Turn
    silences: list[Silence]
    finality_ms: list[float]  # CPU of each judgement of prosody


class Chain:
    """The backends, and what they said before, kept in a folder of the system's temporary one."""

    def __init__(self, *, smart_turn: bool = True) -> None:
        self._vad = SileroVad()
        self._asr: PocketSphinxAsr | None = None
        self._planner = IntentPlanner()
        self._fits: dict[str, float | None] = {}
        self.smart_turn = SmartTurn() if smart_turn and SMART_TURN_FILE.is_file() else None
        self._cache = Path(tempfile.gettempdir()) / "audiogpt-turns"
        self._cache.mkdir(exist_ok=True)
        self._version = _version()

    def live(self, turn: Turn) -> Lived:
        """Send a turn through the chain."""
        heard = self._heard(turn)
        detector = TurnDetector(NEVER)
        texts = iter([*heard.texts, (1 << 62, "")])
        at, text = next(texts)
        understood = ""
        paused = False
        silences: list[Silence] = []
        spent: list[float] = []
        for probability, end, rms in heard.frames:
            while at <= end:  # what was understood before this frame was judged
                detector.words(text, completeness(text))
                if paused and text != understood:
                    self._plan(text, detector)
                understood = text
                at, text = next(texts)
            for event in detector.frame(SpeechProbability(probability, end, rms)):
                paused = isinstance(event, Pause)
                if isinstance(event, Pause):
                    self._consider(turn, event, end, detector, spent)
                    self._plan(understood, detector)
            evidence = detector.evidence()
            if detector.started is None or not evidence.silence_ms:
                continue
            if not silences or silences[-1].start != detector.stop:
                silences.append(Silence(detector.stop))
            silence = silences[-1]
            silence.ends.append(end)
            silence.evidence.append(evidence)
            silence.text = understood
            if silence.asked is None and evidence.silence_ms >= ASKED_MS and self.smart_turn is not None:
                silence.asked = self._ask(turn.pcm[2 * max(0, detector.started - BEFORE) : 2 * end])
        return Lived(turn, silences, spent)

    def _consider(
        self, turn: Turn, pause: Pause, end: int, detector: TurnDetector, spent: list[float]
    ) -> None:
        """What the voice tells at a pause: its melody, and Smart Turn's opinion of it."""
        melody = turn.pcm[2 * max(pause.start, pause.stop - MELODY) : 2 * pause.stop]
        before = time.thread_time()
        final = prosody.finality(melody)
        spent.append((time.thread_time() - before) * 1000)
        if final is not None:
            detector.hint("prosody", final)
        if self.smart_turn is not None:
            detector.hint("model", self._ask(turn.pcm[2 * pause.start : 2 * end]))

    def _plan(self, text: str, detector: TurnDetector) -> None:
        """What the planner makes of the words so far; one that cannot tell says nothing."""
        if not text:
            return
        if text not in self._fits:
            message = ChatMessage(role="user", content=text)
            request = PlanRequest(messages=(message,), situation=Situation(now="2026-11-22T12:00:00+00:00"))
            done = [output for output in self._planner.plan(request) if isinstance(output, PlanDone)]
            self._fits[text] = done[-1].fit
        if (fit := self._fits[text]) is not None:
            detector.hint("planner", fit)

    def _ask(self, pcm: bytes) -> float:
        assert self.smart_turn is not None
        path = self._cache / f"{hashlib.sha256(b'smart' + pcm).hexdigest()[:24]}.smart"
        if not path.exists():
            path.write_text(str(self.smart_turn.probability(pcm)))
        return float(path.read_text())

    def _heard(self, turn: Turn) -> Heard:
        digest = hashlib.sha256(self._version + turn.pcm).hexdigest()[:24]
        path = self._cache / f"{digest}.json"
        if not path.exists():
            if self._asr is None:
                self._asr = PocketSphinxAsr(slots=1)
            heard = listen(turn.pcm, self._vad, self._asr)
            path.write_text(json.dumps([heard.frames, heard.texts]))
        frames, texts = json.loads(path.read_text())
        return Heard([tuple(frame) for frame in frames], [tuple(text) for text in texts])


def listen(pcm: bytes, vad: SileroVad, asr: PocketSphinxAsr) -> Heard:
    """Send 20 ms pieces to the detector and, from the onset on, to the recogniser, as the edge does."""
    detector = TurnDetector(NEVER)
    heard = Heard([], [])
    judged: list[SpeechProbability] = []
    looks: list[Hypothesis] = []
    judge = vad.open(VadRequest())
    utterance = None
    began = 0
    try:
        for at in range(0, len(pcm), PIECE):
            piece = pcm[at : at + PIECE]
            now = (at + len(piece)) // 2
            if utterance is not None:
                utterance.feed(Audio(piece), looks.append)
            judge.feed(Audio(piece), judged.append)
            for frame in judged:
                heard.frames.append((frame.probability, frame.end, frame.rms))
                for event in detector.frame(frame):
                    if isinstance(event, Onset) and utterance is None:
                        began = max(0, event.start - PREFIX)
                        utterance = asr.open(AsrRequest())
                        utterance.feed(Audio(pcm[2 * began : 2 * now]), looks.append)
            heard.texts.extend((now, look.text) for look in looks)
            judged.clear()
            looks.clear()
    finally:
        if utterance is not None:
            utterance.close()
        judge.close()
    return heard


class SmartTurn:
    """Smart Turn v3.2 (BSD 2-Clause), with its own features, from the Pipecat wheel of the peers."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(SMART_TURN_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._features = _module(SMART_TURN / "_whisper_features.py")
        self.cpu_ms: list[float] = []

    def probability(self, pcm: bytes) -> float:
        """How surely the turn is over (0 to 1) from its last 8 s, as Pipecat asks."""
        before = time.process_time()
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        size = SMART_TURN_S * HEARING_RATE
        sound = np.pad(sound[-size:], (max(0, size - len(sound)), 0))
        features = self._features.compute_whisper_log_mel_features(sound, do_normalize=True)
        (out,) = self._session.run(None, {"input_features": features[None]})
        self.cpu_ms.append((time.process_time() - before) * 1000)
        return float(out[0].item())


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _version() -> bytes:
    """A digest of the code that decides what is heard: the cache is of no use when it has changed."""
    files = [*sorted((ROOT / "models/asr").glob("*.py")), ROOT / "models/vad/silero.py"]
    files = [file for file in files if file.stem != "interjections"]  # only final texts are looked up there
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()
