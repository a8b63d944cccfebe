"""The real chain of hearing, faster than real time: Silero, turn detector, PocketSphinx, planner, `meant`.

It does what `realtime/hearing/ears.py` does with a piece of audio, in the order in which it does it, with
recogniser and planner answering at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import soxr

from benchmarks.bargein_set import Clip, speak
from benchmarks.bargein_sounds import Floats, gain
from benchmarks.bargein_texts import Voice
from models.api import (
    HEARING_RATE,
    SPEAKING_RATE,
    AsrRequest,
    Audio,
    ChatMessage,
    EndOfUtterance,
    Hypothesis,
    PlanDone,
    PlanRequest,
    Situation,
    SpeechProbability,
    VadRequest,
)
from models.asr.pocketsphinx import AsrJob, PocketSphinxAsr
from models.planner.completeness import completeness
from models.planner.intent import IntentPlanner
from models.vad.silero import SileroVad
from realtime.hearing.echo import EchoCanceller
from realtime.hearing.manner import AFTER_MS, BEFORE_MS, judged
from realtime.hearing.meant import BRIEF_SILENCE_MS, Over, Utterance, Verdict, brief, meant
from realtime.hearing.turn import Ended, GoesOn, Onset, Pause, Rules, TurnDetector, TurnEvent, Withdrawn
from realtime.transport.link import FRAME_SAMPLES, StereoFrame

PIECE = HEARING_RATE // 50  # 20 ms, what the link brings
PREFIX = 300 * HEARING_RATE // 1000  # samples the recogniser is given from before the onset
LEAD_S = 0.5
TRAIL_S = 2.5
ROOM_DB = -65.0  # RMS of the microphone's and the room's own noise
OPENING = "please tell me a story about the sea"  # what the person asked for before
OPENING_DB = -14.0
SAID = "Once upon a time there was an old house by the sea, where nobody had lived for many years."
NOW = "2026-11-22T12:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Look:
    """One question to `meant`: when it was asked, and what was known."""

    at: int  # samples since the clip began
    utterance: Utterance


@dataclass(slots=True)
class Heard:
    """What the chain made of one clip. An utterance that the detector withdrew ends in none."""

    clip: Clip
    onsets: list[int] = field(default_factory=list)  # samples since the clip began
    withdrawn: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def stop(self) -> tuple[int, Verdict, str] | None:
        """The first decision to stop: when, what and why. None: the assistant went on."""
        for look in self.looks:
            verdict, why = meant(look.utterance)
            if verdict == "answer":
                return look.at, verdict, why
        return None

    def last(self) -> tuple[Verdict, str] | None:
        """What was made of the last utterance that ended."""
        finals = [look for look in self.looks if look.utterance.final]
        return meant(finals[-1].utterance) if finals else None


class Chain:
    """The models, loaded once. `hear` takes one clip after another; nothing is carried over."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or Rules().while_speaking()
        self._vad = SileroVad()
        self._asr = PocketSphinxAsr(slots=1)
        self._planner = IntentPlanner()
        self._known: dict[Voice, str | None] = {}  # what the recogniser has learned of a voice

    def hear(self, clip: Clip, *, said: str = SAID, seed: int = 1) -> Heard:
        """Play a clip into a quiet room while we say `said` (or what the clip is an echo of)."""
        return _Hearing(self, clip, clip.said or said).run(in_quiet_room(clip.samples, seed))

    def adaptation(self, voice: Voice | None) -> str | None:
        """What the recogniser knows of somebody who has asked for what it says now: that is one turn."""
        if voice is None:
            return None
        if voice not in self._known:
            out: list[Hypothesis] = []
            job = self._asr.open(AsrRequest())
            job.feed(Audio(in_quiet_room(speak(voice, OPENING) * gain(OPENING_DB), 0)), out.append)
            job.feed(EndOfUtterance(), out.append)
            job.close()
            self._known[voice] = out[-1].adaptation
        return self._known[voice]

    def fit(self, text: str) -> float | None:
        """How well the embedded planner can make sense of the words."""
        if not text:
            return None
        request = PlanRequest(
            messages=(ChatMessage(role="user", content=text),), situation=Situation(now=NOW)
        )
        done = self._planner.plan(request)[-1]
        return done.fit if isinstance(done, PlanDone) else None


class _Hearing:
    def __init__(self, chain: Chain, clip: Clip, said: str) -> None:
        self._chain = chain
        self._said = said
        self._heard = Heard(clip)
        self._turn = TurnDetector(chain._rules)
        self._job: AsrJob | None = None
        self._text = ""
        self._listening: bool | None = None
        self._fitted = ""  # the words that the planner was asked about
        self._pcm = b""
        self._now = 0  # bytes that have arrived
        self._offset = 0  # samples before the detector began to listen

    def run(self, pcm: bytes) -> Heard:
        vad = self._chain._vad.open(VadRequest())
        canceller, sent = EchoCanceller(), _frames(self._heard.clip.sent)
        for start in range(0, len(pcm), 2 * PIECE):
            now = (start / 2 + PIECE) / HEARING_RATE
            canceller.reference(next(sent, None), now)
            piece = Audio(canceller.clean(pcm[start : start + 2 * PIECE], now))
            self._pcm += piece.pcm
            self._now = len(self._pcm)
            if self._now // 2 <= self._heard.clip.taught:
                self._offset = self._now // 2
                continue
            if self._job is not None:
                self._job.feed(piece, self._understood)
            frames: list[SpeechProbability] = []
            vad.feed(piece, frames.append)
            for frame in frames:
                at = self._offset + frame.end
                self._act(self._turn.frame(SpeechProbability(frame.probability, at, frame.rms)))
                self._settle(at)
        if self._job is not None:
            self._job.close()
        return self._heard

    @property
    def _at(self) -> int:
        """Samples since the clip began, what only taught the canceller left out."""
        return self._now // 2 - round(LEAD_S * HEARING_RATE) - self._heard.clip.taught

    def _settle(self, at: int) -> None:
        """What is hardly a request need not be waited for as long as one."""
        evidence = self._turn.evidence()
        heard = Utterance(self._text, evidence, False, "speech", False, self._said)
        if self._turn.speaking and evidence.silence_ms >= BRIEF_SILENCE_MS and brief(heard):
            self._act(self._turn.commit(at, "silence"))

    def _act(self, events: list[TurnEvent]) -> None:
        for event in events:
            match event:
                case Onset(start):
                    self._heard.onsets.append(self._at)
                    self._text = ""
                    self._job = self._chain._asr.open(
                        AsrRequest(adaptation=self._chain.adaptation(self._heard.clip.voice))
                    )
                    begin = 2 * max(0, start - PREFIX)
                    self._job.feed(Audio(self._pcm[begin : self._now]), self._understood)
                case Pause():
                    fit = self._chain.fit(self._text)
                    self._fitted = self._text
                    if fit is not None:
                        self._turn.hint("planner", fit)
                    self._look(final=False)
                case GoesOn():
                    pass
                case Withdrawn():
                    self._heard.withdrawn.append(self._at)
                    self._close()
                case Ended() if self._job is not None:
                    self._job.feed(EndOfUtterance(over_us=True), self._understood)
                    evidence = event.evidence
                    if self._text != self._fitted:  # what the session does with a plan of other words
                        evidence = replace(evidence, planner=None)
                    begin = 2 * max(0, event.start - BEFORE_MS * HEARING_RATE // 1000)
                    sound = self._pcm[begin : 2 * (event.stop + AFTER_MS * HEARING_RATE // 1000)]
                    evidence = judged(evidence, sound)
                    over: Over = "speech"
                    self._ask(Utterance(self._text, evidence, True, over, False, self._said, self._listening))
                    self._close()

    def _understood(self, hypothesis: Hypothesis) -> None:
        self._text, self._listening = hypothesis.text, hypothesis.listening
        if not hypothesis.final:
            self._act(self._turn.words(hypothesis.text, completeness(hypothesis.text)))
            self._look(final=False)

    def _look(self, *, final: bool) -> None:
        if self._turn.speaking:
            evidence = self._turn.evidence()
            self._ask(Utterance(self._text, evidence, final, over="speech", said=self._said))

    def _ask(self, utterance: Utterance) -> None:
        self._heard.looks.append(Look(self._at, utterance))

    def _close(self) -> None:
        if self._job is not None:
            self._job.close()
            self._job = None


def in_quiet_room(samples: Floats, seed: int) -> bytes:
    """With the silence of a room before and after, as 16-bit samples."""
    noise = np.random.default_rng(seed).normal(
        0, gain(ROOM_DB), len(samples) + round((LEAD_S + TRAIL_S) * HEARING_RATE)
    )
    begin = round(LEAD_S * HEARING_RATE)
    noise[begin : begin + len(samples)] += samples
    pcm: bytes = (noise * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    return pcm


def _frames(samples: Floats | None) -> Iterator[StereoFrame | None]:
    """What is sent, from the clip's beginning on, as the speaker's frames."""
    if samples is None:
        return
    yield from [None] * round(LEAD_S / 0.02)
    wide = soxr.resample(samples, HEARING_RATE, SPEAKING_RATE)
    wide = np.append(wide, np.zeros(-len(wide) % FRAME_SAMPLES))
    for frame in (wide * 32767).astype(np.int16).reshape(-1, FRAME_SAMPLES):
        yield np.repeat(frame[:, None], 2, axis=1)


def hear_all(chain: Chain, clips: list[Clip]) -> Iterator[Heard]:
    """One after the other."""
    for seed, clip in enumerate(clips):
        yield chain.hear(clip, seed=seed)
