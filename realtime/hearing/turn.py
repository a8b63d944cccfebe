"""When does the person begin to speak, when have they finished? Pure decisions over time-stamped events.

Time is counted in samples of HEARING_RATE since the session began. The detector is told what the VAD
thinks of each frame and what the recogniser has understood, and answers with events:

    Onset -> (Interrupt)? -> (Pause -> GoesOn)* -> Pause? -> Ended | Withdrawn

`Onset` comes after `onset_ms` of speech; the assistant falls silent. `Interrupt` comes when the speech goes
on for `interrupt_ms` or has brought words: it may be meant for us. `Pause` comes at every silence of
`pause_ms`: whoever wants to prepare an answer may begin, and has to forget it when `GoesOn` follows. `Ended`
hands the turn over; `Withdrawn` says that it was nothing (a click, a cough).

How long a silence ends the turn is weighed in `patience` from the evidence of the moment: the words, how long
they have stood still and how much was said, the melody of the voice (`prosody.py`), whether the planner can
do something with the words, and a turn model where one is loaded. Every `Ended` carries that evidence, for
the trace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from models.api import HEARING_RATE, VAD_FRAME, SpeechProbability

HYSTERESIS = 0.15  # speech goes on while the probability is above threshold - this (Silero's own choice)
# Silero's probability stays high for some 100 ms after a voice has ended (44 to 156 ms on the clips of
# tests/data). A frame 28 dB below the voice's own level is silence, whatever its probability; closures inside
# words are as quiet, but shorter than any patience here. Where the noise is louder, nothing is gained.
QUIET = 10 ** (-28 / 20)
LOUD_DECAY = 10 ** (-6 / 20 * VAD_FRAME / HEARING_RATE)  # 6 dB a second: a person may go on more quietly
LEAST_SPEECH_MS = 96  # less speech than three frames, without a word, was a noise

# What the evidence weighs in `patience`, in log odds. Chosen on the DEV turns of benchmarks/turn_set.py (a
# search for the fewest cut-offs at the delay of silence alone, on two seeds); the figures of
# benchmarks/results are of TEST.
SURELY = math.log(0.72 / 0.28)
HARDLY = -SURELY
PROSODY_WEIGHT = 1.25
PLANNER_WEIGHT = 0.35
MODEL_WEIGHT = 0.3  # not fitted: Smart Turn tells synthesised hesitations from ends no better than chance
# People have seldom said all they want within the first words, and mostly so after a long sentence.
LENGTH_WEIGHT = 2.8
LENGTH_MS = 1_800  # of speech at which length says nothing
LENGTH_LIMITS = (-0.6, 1.0)  # of its logarithm
BROKEN_OFF = 0.25  # completeness up to which the words themselves say that the sentence goes on
WHOLE = 0.8  # and from which that they are all
DOUBT = 3.5  # times silence_ms: the longest wait for words that do not say that they go on
SETTLING_MS = 96.0  # three frames of the VAD, and one look of the embedded recogniser

Why = Literal["complete", "silence", "brief", "unfinished", "too long", "committed", "no audio"]
Hint = Literal["prosody", "planner", "model"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds (see `TurnSettings`). `onset_threshold`: of the first frame; None, as of all others."""

    threshold: float = 0.5
    onset_ms: int = 64
    barge_in_ms: int = 32
    barge_in_threshold: float = 0.2
    interrupt_ms: int = 400
    pause_ms: int = 96  # three frames of the VAD
    complete_ms: int = 190  # six frames of the VAD, 192 ms
    silence_ms: int = 480
    unfinished_ms: int = 2_000
    max_seconds: float = 60.0
    onset_threshold: float | None = None

    def while_speaking(self) -> Rules:
        """The same for while we can be heard: one frame that may be speech is enough to listen up.

        Whoever was wrong goes on where they were. On the clips held in for the benchmark a bar of 0.2
        notices speech within 81 ms (p95), one of 0.5 within 127 ms, and doors and coughs no more often.
        """
        return replace(
            self,
            onset_ms=min(self.onset_ms, self.barge_in_ms),
            onset_threshold=min(self.threshold, self.barge_in_threshold),
        )


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech has begun at sample `start`."""

    start: int


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The speech is meant: whoever speaks over it has to stop."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The person has been silent for `pause_ms`, since sample `stop`; the turn goes on or is about to end."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The person speaks again after a `Pause`: what was prepared is void."""

    start: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on. The optional ones are 0 (goes on) to 1 (done); None: nobody has said."""

    silence_ms: float = 0.0
    voiced_ms: float = 0.0  # speech in this turn
    probability: float = 0.0  # mean of the VAD's over that speech
    completeness: float = 0.5  # of the words (`models.planner.completeness`)
    settled_ms: float = 0.0  # since the words last changed
    words: int = 0  # understood so far
    prosody: float | None = None
    planner: float | None = None
    model: float | None = None
    # How likely it sounded like a request and like a sign of listening, at its end and over us (`manner.py`).
    request: float | None = None
    listening: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over: speech from `start` to `stop`, decided at `at`, for the reason `why`."""

    start: int
    stop: int
    at: int
    why: Why
    evidence: Evidence = field(default=Evidence(), compare=False)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What began at `start` was not speech."""

    start: int


TurnEvent = Onset | Interrupt | Pause | GoesOn | Ended | Withdrawn


def _samples(milliseconds: float) -> int:
    return round(milliseconds * HEARING_RATE / 1000)


class TurnDetector:
    """The state of one session's turn. Feed it; act on what it returns."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._run = 0  # samples of speech in the current run of speech frames
        self._start: int | None = None  # of the turn, None while nobody speaks
        self._stop = 0  # end of the last speech frame
        self._loud = 0.0  # level of the loudest speech of late, linear
        self._voiced = 0  # samples of speech in this turn
        self._interrupted = False
        self._words = ""  # understood so far
        self._completeness = 0.5
        self._probability = 0.0  # summed over the samples of speech
        self._paused = False  # since the last speech, `Pause` was told
        self._hints: dict[Hint, float] = {}
        self._changed = 0  # sample at which the words last changed
        self._now = 0  # end of the last frame

    @property
    def speaking(self) -> bool:
        """Whether a turn is under way."""
        return self._start is not None

    @property
    def started(self) -> int | None:
        """Sample at which the turn under way began; None while nobody speaks."""
        return self._start

    @property
    def stop(self) -> int:
        """Sample at which the last speech ended."""
        return self._stop

    def frame(self, frame: SpeechProbability) -> list[TurnEvent]:
        """Take the VAD's judgement of one frame."""
        rules = self.rules
        bar = rules.threshold - HYSTERESIS
        if self._run == 0 and not self.speaking:
            bar = rules.threshold if rules.onset_threshold is None else rules.onset_threshold
        self._loud *= LOUD_DECAY
        self._now = frame.end
        if frame.probability >= bar:
            self._run += VAD_FRAME
            self._loud = max(self._loud, frame.rms)
            if self._start is None:
                return self._begin(frame)
            if frame.rms >= self._loud * QUIET:
                self._stop = frame.end
                self._voiced += VAD_FRAME
                self._probability += frame.probability * VAD_FRAME
                if frame.end - self._start >= _samples(rules.max_seconds * 1000):
                    return self._finish(frame.end, "too long")
                return [*self._go_on(), *self._maybe_interrupt()]
        else:
            self._run = 0
        if self._start is None:
            return []
        silence = frame.end - self._stop
        if not self._words and self._voiced < _samples(LEAST_SPEECH_MS):
            return self._withdraw() if silence >= _samples(rules.complete_ms) else []
        why, needed = patience(self.evidence(), rules)
        if silence >= _samples(needed):
            return self._finish(frame.end, why)
        if not self._paused and silence >= _samples(rules.pause_ms):
            self._paused = True
            return [Pause(self._start, self._stop)]
        return []

    def words(self, text: str, completeness: float) -> list[TurnEvent]:
        """Take the recogniser's partial text, and how surely (0 to 1) it is a whole request."""
        if self._start is None:
            return []
        if text.strip() != self._words:
            self._words = text.strip()
            self._changed = self._now
            self._hints.pop("planner", None)  # it was asked about other words
        self._completeness = completeness
        return self._maybe_interrupt() if self._words else []

    def hint(self, kind: Hint, value: float) -> None:
        """Take what somebody else thinks of this pause: 0, the person goes on; 1, they are done."""
        if self._start is not None:
            self._hints[kind] = value

    def evidence(self) -> Evidence:
        """What is known of the turn under way."""
        return Evidence(
            silence_ms=(self._now - self._stop) * 1000 / HEARING_RATE,
            voiced_ms=self._voiced * 1000 / HEARING_RATE,
            probability=self._probability / max(1, self._voiced),
            completeness=self._completeness if self._words else 0.5,
            settled_ms=(self._now - self._changed) * 1000 / HEARING_RATE,
            words=len(self._words.split()),
            prosody=self._hints.get("prosody"),
            planner=self._hints.get("planner"),
            model=self._hints.get("model"),
        )

    def commit(self, at: int, why: Why = "committed") -> list[TurnEvent]:
        """Somebody else says that the turn is over: the client (`input_audio_buffer.commit`), a watchdog."""
        return self._finish(at, why) if self._start is not None else []

    def reset(self) -> None:
        """Forget the turn under way (`input_audio_buffer.clear`)."""
        self._start = None
        self._run = 0

    def _begin(self, frame: SpeechProbability) -> list[TurnEvent]:
        if self._run < _samples(self.rules.onset_ms):
            return []
        self._start = frame.end - self._run
        self._stop = self._changed = frame.end
        self._voiced = self._run
        self._probability = frame.probability * self._run
        self._paused = False
        self._hints.clear()
        self._interrupted = False
        self._words = ""
        self._completeness = 0.5
        return [Onset(self._start), *self._maybe_interrupt()]

    def _maybe_interrupt(self) -> list[TurnEvent]:
        if self._interrupted or not (self._words or self._voiced >= _samples(self.rules.interrupt_ms)):
            return []
        self._interrupted = True
        return [Interrupt()]

    def _go_on(self) -> list[TurnEvent]:
        assert self._start is not None
        if not self._paused:
            return []
        self._paused = False
        self._hints.clear()
        return [GoesOn(self._start)]

    def _finish(self, at: int, why: Why) -> list[TurnEvent]:
        assert self._start is not None
        ended = Ended(self._start, self._stop, at, why, self.evidence())
        self.reset()
        return [ended]

    def _withdraw(self) -> list[TurnEvent]:
        assert self._start is not None
        withdrawn = Withdrawn(self._start)
        self.reset()
        return [withdrawn]


def patience(evidence: Evidence, rules: Rules) -> tuple[Why, float]:
    """How long a silence ends the turn, in ms, and why. Pure.

    The words are the prior: `completeness` as log odds; what else is known adds its own, as in naive Bayes.
    How much was said counts only where the words leave it open: a short command is whole, a long sentence
    that ends on "and" is not. The odds make the wait: `complete_ms` where the turn is surely done,
    `unfinished_ms` where it surely is not, `silence_ms` where nobody can tell, and geometrically between
    these. Nobody who has said a short "maybe" waits as long as one who stopped at "with": only words that
    break off (BROKEN_OFF) are worth more than DOUBT times `silence_ms`. Words that have just changed may
    change again, so they are given SETTLING_MS to stand still.
    """
    odds = _odds(evidence.completeness) + _length_odds(evidence)
    if evidence.prosody is not None:
        odds += PROSODY_WEIGHT * _odds(evidence.prosody)
    if evidence.planner is not None and evidence.completeness > 0.5:
        odds += PLANNER_WEIGHT * evidence.planner
    if evidence.model is not None:
        odds += MODEL_WEIGHT * _odds(evidence.model)
    wait: float
    why: Why = "silence"
    if odds >= SURELY:
        why, wait = "complete", rules.complete_ms
    elif odds <= HARDLY and evidence.completeness <= BROKEN_OFF:
        why, wait = "unfinished", rules.unfinished_ms
    else:
        far, limit = (rules.complete_ms, SURELY) if odds > 0 else (rules.unfinished_ms, HARDLY)
        wait = rules.silence_ms * (far / rules.silence_ms) ** min(odds / limit, 1.0)
        if evidence.completeness > BROKEN_OFF:
            wait = min(wait, max(DOUBT * rules.silence_ms, rules.complete_ms))
    changed_ms = evidence.silence_ms - evidence.settled_ms  # into the silence; negative: before it
    return why, max(wait, min(changed_ms + SETTLING_MS, rules.unfinished_ms))


def _length_odds(evidence: Evidence) -> float:
    if not evidence.words:
        return 0.0
    least, most = LENGTH_LIMITS
    length = math.log(max(evidence.voiced_ms, 1.0) / LENGTH_MS)
    if evidence.completeness >= WHOLE:
        least = 0.0
    if evidence.completeness <= BROKEN_OFF:
        most = 0.0
    return LENGTH_WEIGHT * min(max(length, least), most)


def _odds(probability: float) -> float:
    """Log odds, of no more than 19 to 1: no signal is to be believed alone."""
    probability = min(max(probability, 0.05), 0.95)
    return math.log(probability / (1 - probability))
