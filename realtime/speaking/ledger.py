"""The ledger: which sample of the voice is which word. Pure.

The history, the transcript on the page and a truncation all read from here, so that they hold what the
person heard and nothing else (invariant 1 of the design).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from models.api import SPEAKING_RATE, WordTime


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """The transcript from the word before up to character `end` sounds in the lane's samples [start, stop).

    Blanks and punctuation go with the word after them, or with the last word when its clause is over.
    """

    end: int
    start: int
    stop: int


class Ledger:
    """What one reply says: the transcript grows by segments (clauses), their words by chunks."""

    def __init__(self) -> None:
        self.transcript = ""
        self._words: list[SpokenWord] = []
        self._segment = 0  # where the current segment begins, in characters
        self._origin = 0  # and in samples of the lane
        self._told = 0  # characters given out by `begun`

    def begin_segment(self, text: str, at: int) -> None:
        """A clause begins at sample `at` of the lane."""
        self._segment = len(self.transcript)
        self._origin = at
        self.transcript += text

    def add(self, words: Sequence[WordTime]) -> None:
        """Word times of the current segment, as the synthesiser gives them, in order."""
        for word in words:
            start = self._origin + round(word.start_ms * SPEAKING_RATE / 1000)
            stop = self._origin + round(word.end_ms * SPEAKING_RATE / 1000)
            self._words.append(SpokenWord(self._segment + word.end, start, stop))

    def end_segment(self, at: int) -> None:
        """The current segment's audio ends at sample `at`.

        A voice that gave no word times gets them in proportion to the letters.
        """
        if not (self._words and self._words[-1].end > self._segment):
            self._guess(at)
        if self._words:
            last = self._words[-1]
            self._words[-1] = SpokenWord(len(self.transcript), last.start, last.stop)

    def _guess(self, at: int) -> None:
        text = self.transcript[self._segment :]
        matches = list(re.finditer(r"\S+", text))
        length = max(1, sum(len(match[0]) for match in matches))
        spent = 0
        timed = []
        total_ms = (at - self._origin) * 1000 / SPEAKING_RATE
        for match in matches:
            start = total_ms * spent / length
            spent += len(match[0])
            timed.append(WordTime(match.start(), match.end(), start, total_ms * spent / length))
        self.add(timed)

    def begun(self, sample: int) -> str:
        """The text of the words that began by `sample` and were not given out yet."""
        count = bisect_right(self._words, sample, key=lambda word: word.start)
        end = self._words[count - 1].end if count else 0
        text = self.transcript[self._told : end]
        self._told = max(self._told, end)
        return text

    def heard(self, sample: int) -> str:
        """The transcript up to the last word of which at least half had sounded at `sample`."""
        count = bisect_right(self._words, sample, key=lambda word: (word.start + word.stop) // 2)
        return self.transcript[: self._words[count - 1].end].rstrip() if count else ""
