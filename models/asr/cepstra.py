"""The cepstral mean: what PocketSphinx has to know of a voice, a microphone and a level beforehand.

Its features are cepstra minus their mean. The mean of an utterance is known only when it is over, so a
live decoder starts from a guess and a wrong guess ruins a short command. Ours comes from the speaker's
last utterance or, for the first one, from the mean over several voices with the level taken from the
beginning of what is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.api import BackendError

# The mean over five LibriVox utterances, a 1961 broadcast, two commands and four flite voices.
_TYPICAL = (43.53, 2.87, 0.08, 6.43, -1.72, 0.27, 0.09, -1.75, -0.23, -0.87, 1.80, 0.24, 0.53)
# PocketSphinx counts the mean that it is given as this many frames of evidence (CMN_WIN in cmn.h).
_GIVEN_FRAMES = 500
# We trust it less: after 1.5 s of its own speech, an utterance counts as much as what came before.
_PRIOR_FRAMES = 150

# The level of those voices' vowels, in dB over one step of 16 bit. A vowel or two tell the level of an
# utterance to some 15 dB only, and noise keeps c0 up: nearer than that, the typical mean guesses better.
_TYPICAL_LEVEL = 66.0
_UNSURE_DB = 15.0
# c0 is 5 x the mean log power of the 25 mel bands, so it moves by 5 ln(10) / 10 = 1.15 a decibel.
_C0_PER_DB = 5 * math.log(10) / 10


@dataclass(frozen=True, slots=True)
class CepstralMean:
    """13 mean cepstra. As text they are `AsrRequest.adaptation`, and what `Decoder.start` takes."""

    values: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> CepstralMean:
        """Read `str(mean)` back. Raises `BackendError` for anything that is not 13 finite numbers."""
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != len(_TYPICAL) or not all(map(math.isfinite, values)):
            raise BackendError(
                f"adaptation {text[:80]!r} is not one of this recogniser: pass back what a Hypothesis carried"
            )
        return cls(values)

    @classmethod
    def guess(cls, level: float | None) -> CepstralMean:
        """Guess the mean of an unknown voice whose first vowels have this level (`VoicingCounter.level`)."""
        off = 0.0 if level is None else level - _TYPICAL_LEVEL
        sure = math.copysign(max(0.0, abs(off) - _UNSURE_DB), off)
        return cls((_TYPICAL[0] + _C0_PER_DB * sure, *_TYPICAL[1:]))

    def adapted(self, after: CepstralMean, frames: int) -> CepstralMean:
        """Learn from an utterance of `frames` (10 ms each) that began with this mean and ended at `after`."""
        if frames <= 0:
            return self
        # after = (500 given + frames x own) / (500 + frames): solve for the utterance's own mean.
        stretch = (_GIVEN_FRAMES + frames) / frames
        share = frames / (_PRIOR_FRAMES + frames)
        return CepstralMean(
            tuple(a + share * stretch * (b - a) for a, b in zip(self.values, after.values, strict=True))
        )

    def __str__(self) -> str:
        return ",".join(f"{value:.2f}" for value in self.values)
