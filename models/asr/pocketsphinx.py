"""PocketSphinx 5.1 (BSD) with the en-us model of its wheel: words while they are spoken, on 0.14 of a core.

Two language models are mixed word by word: the wheel's, of general English, and one of what people say
to this assistant (`models/asr/domain.py`). `python -m benchmarks.asr` tells what it mishears and costs.
"""

from __future__ import annotations

import re
import tempfile
import threading
from pathlib import Path
from typing import Final

from models.api import (
    HEARING_RATE,
    AsrRequest,
    Audio,
    BackendError,
    BusyError,
    Emit,
    EndOfUtterance,
    Hypothesis,
    SpeechProbability,
    VadRequest,
)
from models.asr import domain, interjections
from models.asr.cepstra import TYPICAL, CepstralMean, RunningMean
from models.asr.slots import PRONUNCIATIONS
from models.asr.sphinx import Decoder, LanguageModel, Library
from models.vad.silero import SileroVad, VadJob

# One pass (no second over the words found, no lattice): the text is ready some 5 ms after the last
# sample instead of up to 1.3 s. At most 3000 HMMs a frame bound the time that noise can take. A look ahead
# of 2 frames instead of 5 halves what is left to do at the end, for the same word errors (26 and 25 % of
# 445 held-out words). Two Gaussians instead of four would save a tenth, but hear "in line or" where
# somebody says "in a minor".
_OPTIONS: Final = {
    "fwdflat": False,
    "bestpath": False,
    "ds": 1,
    "topn": 4,
    "maxhmmpf": 3000,
    "pl_window": 2,
}

_LOOK = HEARING_RATE // 10  # samples between two looks at the hypothesis
_QUANTUM = 2 * HEARING_RATE // 10  # bytes decoded a call: 100 ms, some 12 ms of work while catching up
_FOLLOW = 10  # frames between two corrections of a stranger's mean
# Frames of 32 ms that have to be speech before there are words: "uh-huh" has 7 at the least, thunder 4 at
# the most; music, sheep, sirens, coughs and noise of any colour have none.
_LEAST_SPEECH = 5
# A short utterance is also looked up among the short things people say (0.016 of its length of CPU time).
_SHORT = 28  # frames of speech, 0.9 s
_SLACK = 64.0  # by which a single word may fit better, a frame of speech: "mm" 34 to 53, "mute" 115
_SHORT_TAIL = HEARING_RATE // 5  # samples after the last speech that belong to it
_SHORT_KEPT = 4 * HEARING_RATE  # samples after which it is no longer short, whatever silence there was
_FILLER = re.compile(r"[<\[+]")
_VARIANT = re.compile(r"\(\d+\)$")  # "a(2)": the second pronunciation of "a"


_GRAMMAR = interjections.grammar()


class PocketSphinxAsr:
    """The `asr` role, English only. Constructing it takes about a second.

    `slots` decoders are made ahead and more on demand, up to `max_slots` utterances at a time; a request
    beyond is refused with `BusyError`. `domain_weight` is the share of the assistant's own language model,
    trained on `domain_sentences` sampled requests; 0 leaves it out. Between 0.25 and 0.5 it
    hardly matters (25 to 26 % word errors on held-out requests).
    """

    produces = False

    def __init__(
        self,
        slots: int = 2,
        max_slots: int = 8,
        domain_weight: float = 0.35,
        domain_sentences: int = 40_000,
    ) -> None:
        if not 1 <= slots <= max_slots:
            raise ValueError(f"slots={slots} and max_slots={max_slots}: it takes 1 <= slots <= max_slots")
        if not 0 <= domain_weight < 1:
            raise ValueError(f"domain_weight={domain_weight} must be at least 0 and less than 1")
        if domain_sentences < 1000:
            raise ValueError(f"domain_sentences={domain_sentences} are too few to learn from: 1000 at least")
        self._vad = SileroVad()
        self._pool = DecoderPool(max_slots, domain_weight, domain_sentences)
        self._pool.fill(slots)

    def open(self, request: AsrRequest) -> AsrJob:
        if request.language.lower().split("-")[0] != "en":
            raise BackendError(
                f"PocketSphinx understands English only, not {request.language!r}: set language to 'en'"
            )
        mean = None if request.adaptation is None else CepstralMean.parse(request.adaptation)
        return AsrJob(self._pool, self._vad.open(VadRequest()), mean)


class DecoderPool:
    """Decoders to lend. They share one language model, and carry nothing from one loan to the next."""

    def __init__(self, limit: int, domain_weight: float, domain_sentences: int) -> None:
        self._library = Library()
        self._limit = limit
        self._domain_weight = domain_weight
        self._domain_sentences = domain_sentences
        self._model: LanguageModel | None = None
        self._lock = threading.Lock()
        self._idle: list[Decoder] = []
        self._lent = 0

    def fill(self, count: int) -> None:
        """Make decoders until `count` are idle."""
        while len(self._idle) < count:
            self._idle.append(self._make())

    def take(self) -> Decoder:
        """Lend a decoder, made now when none is idle. Raises `BusyError` when all are lent."""
        with self._lock:
            if self._lent >= self._limit:
                raise BusyError(
                    f"all {self._limit} recognisers are listening: try again later, or raise max_slots"
                )
            decoder = self._idle.pop() if self._idle else self._make()
            self._lent += 1
            return decoder

    def give_back(self, decoder: Decoder, *, broken: bool) -> None:
        """Take a decoder back; a broken one is dropped and replaced when needed."""
        with self._lock:
            self._lent -= 1
            if not broken:
                self._idle.append(decoder)

    def _make(self) -> Decoder:
        decoder = Decoder(self._library, _OPTIONS)
        decoder.add_words(PRONUNCIATIONS)
        if self._model is None:
            self._model = self._load_model(decoder)
        decoder.use(self._model)
        decoder.add_grammar(_GRAMMAR)
        return decoder

    def _load_model(self, decoder: Decoder) -> LanguageModel:
        general = self._library.model / "en-us.lm.bin"
        if not self._domain_weight:
            return LanguageModel(decoder, self._library, [general], [1.0])
        with tempfile.TemporaryDirectory(prefix="audiogpt-lm-") as folder:
            own = Path(folder) / "domain.arpa"
            domain.write_language_model(own, self._domain_sentences)
            weights = [1 - self._domain_weight, self._domain_weight]
            return LanguageModel(decoder, self._library, [general, own], weights)


class AsrJob:
    """One utterance in one decoder.

    Emits a `Hypothesis` when its text, or how much of it is stable, has changed, and one that is final.
    Without speech in the audio there is no text, whatever the decoder thinks it heard: a recogniser finds
    words in any noise, and the edge need not have judged what it sends (push-to-talk).
    """

    def __init__(self, pool: DecoderPool, vad: VadJob, adaptation: CepstralMean | None) -> None:
        self._pool = pool
        self._decoder = pool.take()
        self._vad = vad
        self._speech = 0  # frames of it
        self._voiced_end = 0  # samples until the end of the last of them
        self._short: bytearray | None = bytearray()  # what was heard, while it may be a short utterance
        self._adaptation = adaptation
        self._given = adaptation or TYPICAL  # the mean the decoder works with
        self._mean = RunningMean(self._given)
        self._learned = 0  # frames that are in the mean
        self._open = False  # an utterance of the decoder
        self._waiting = bytearray()  # heard, but not decoded yet
        self._heard = 0
        self._looked = 0
        self._text = ""  # of the last look
        self._shown = ("", 0)
        self._broken = False

    def feed(self, item: Audio | EndOfUtterance, emit: Emit) -> bool:
        try:
            if isinstance(item, EndOfUtterance):
                self._finish(emit, over_us=item.over_us)
                return False
            self._listen(item, emit)
        except BackendError:
            self._broken = True
            raise
        return True

    def step(self, emit: Emit) -> bool:
        raise BackendError("a recogniser only listens: use feed")

    def close(self) -> None:
        if self._open and not self._broken:
            try:
                self._decoder.end()
            except BackendError:
                self._broken = True
        self._pool.give_back(self._decoder, broken=self._broken)

    def _listen(self, audio: Audio, emit: Emit) -> None:
        self._vad.feed(audio, self._notice)
        self._heard += len(audio.pcm) // 2
        self._waiting += audio.pcm
        if self._speech > _SHORT or self._heard > _SHORT_KEPT:
            self._short = None
        elif self._short is not None:
            self._short += audio.pcm
        self._decode()
        if self._heard - self._looked >= _LOOK:
            self._looked = self._heard
            self._look(emit)

    def _notice(self, judged: SpeechProbability) -> None:
        if judged.probability > 0.5:
            self._speech += 1
            self._voiced_end = judged.end

    def _decode(self) -> None:
        if not self._open:
            self._decoder.start(str(self._given))
            self._open = True
        if self._waiting:
            self._decoder.process(bytes(self._waiting[:_QUANTUM]))
            del self._waiting[:_QUANTUM]
            if self._adaptation is None and self._decoder.frames() - self._learned >= _FOLLOW:
                self._learn()
                self._given = self._mean.value
                self._decoder.set_cmn(str(self._given))

    def _learn(self) -> None:
        frames = self._decoder.frames()
        self._mean.hear(self._given, CepstralMean.parse(self._decoder.cmn()), frames - self._learned)
        self._learned = frames

    def _look(self, emit: Emit) -> None:
        text = self._words()
        stable = agreed(self._text, text)
        self._text = text
        if (text, stable) != self._shown:
            self._shown = (text, stable)
            emit(Hypothesis(text=text, stable=stable, end=self._heard))

    def _finish(self, emit: Emit, *, over_us: bool) -> None:
        self._decode()
        while self._waiting:
            self._decode()
        self._decoder.end()
        self._open = False
        text = self._words()
        learned = self._adaptation
        if text:
            self._learn()
            learned = self._mean.value
        emit(
            Hypothesis(
                text=text,
                stable=len(text),
                end=self._heard,
                final=True,
                adaptation=None if learned is None else str(learned),
                listening=self._listening(text) if text and over_us else None,
            )
        )

    def _listening(self, text: str) -> bool | None:
        """Whether a short utterance is most like a sign of listening; None for a long one, or for neither.

        Words understood freely must not fit better by sound alone: "forget it" is like "got it". A single
        one may, by a little: any vowel is "and" or "I'm" to somebody who knows 100,000 words.
        """
        if self._short is None:
            return None
        pcm = bytes(self._short[: 2 * (self._voiced_end + _SHORT_TAIL)])
        freely = self._decoder.fit(len(pcm) // 2 * 100 // HEARING_RATE)
        said, fit = self._decoder.among(pcm, str(self._mean.value))
        slack = _SLACK * self._speech if " " not in text else 0.0
        return said in interjections.LISTENING if said and fit + slack >= freely else None

    def _words(self) -> str:
        if self._speech < _LEAST_SPEECH:
            return ""
        words = (word for word in self._decoder.words() if not _FILLER.match(word))
        return " ".join(_VARIANT.sub("", word) for word in words)


def agreed(before: str, after: str) -> int:
    """Count the characters of `after` in the whole words that both hypotheses begin with."""
    count = 0
    new = after.split()
    for old, word in zip(before.split(), new, strict=False):
        if old != word:
            break
        count += 1
    return len(" ".join(new[:count]))
