"""The ledger: which sample of the voice is which word. Pure.

The history, the transcript on the page and a truncation all read from here, so that they hold what the
person heard and nothing else (invariant 1 of the design).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.api import SPEAKING_RATE, WordTime

# What a voice that gives no word times is taken to say until its own rate is known. Measured over nine
# sentences: flite's voices 11.0 to 13.6 (slt 12.9), espeak-ng 13.2 in English and 14.7 in German.
LETTERS_A_SECOND = 13.0

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """The transcript from the word before up to character `end` sounds in the lane's samples [start, stop).

    Blanks and punctuation go with the word after them, or with the last word when its clause is over.
    """

    end: int
    start: int
    stop: int

    @property
    def middle(self) -> int:
        """The sample from which on the word counts as heard."""
        return (self.start + self.stop) // 2


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was heard of one item, word by word; sample 0 is the first of its audio, `length` what there is.

    Kept with the item when its reply is over, so that a client can still say that it played less.
    """

    transcript: str
    words: tuple[SpokenWord, ...]
    length: int

    @property
    def length_ms(self) -> int:
        """How long the audio is, in whole milliseconds."""
        return self.length * 1000 // SPEAKING_RATE

    def until(self, end_ms: int) -> str:
        """The transcript up to the last word of which at least half had sounded after `end_ms`."""
        return _heard(self.transcript, self.words, end_ms * SPEAKING_RATE // 1000)

    def cut(self, end_ms: int) -> Spoken:
        """The same, had there been no more than `end_ms` of audio."""
        samples = max(0, min(self.length, end_ms * SPEAKING_RATE // 1000))
        return replace(self, words=self.words[: _count(self.words, samples)], length=samples)


class Ledger:
    """What one reply says: the transcript grows by segments (clauses), their words by chunks.

    A voice may give the times of its words or not. Where it does not, those of the current segment are
    estimated from its letters, so that an interruption in mid-clause finds words there, and put right when
    the segment is over. What `begun` gave out stays given out, whatever turns out later.
    """

    def __init__(self) -> None:
        self.transcript = ""
        self._words: list[SpokenWord] = []
        self._settled = 0  # how many of them are no estimates
        self._segment = 0  # where the current segment begins, in characters
        self._origin = 0  # and in samples of the lane
        self._sounding = 0  # samples of it that are known to exist
        self._timed = False  # whether the voice gives times in it
        self._letters = 0  # said in all segments that are over,
        self._samples = 0  # and how long that took
        self._told = 0  # characters given out by `begun`
        self.produced = 0  # samples that were synthesised, heard or not

    def begin_segment(self, text: str, at: int) -> None:
        """A clause begins at sample `at` of the lane."""
        self._segment = len(self.transcript)
        self._origin = at
        self._sounding = 0
        self._timed = False
        self.transcript += text

    def add(self, words: Sequence[WordTime], samples: int = 0) -> None:
        """A chunk of the current segment that lasts `samples`, and the word times that came with it."""
        self._sounding += samples
        self.produced += samples
        if words:
            self._timed = True
            self._settle(words)
        elif not self._timed:
            rate = self._letters * SPEAKING_RATE / self._samples if self._samples else LETTERS_A_SECOND
            likely = _letters(self._text) * SPEAKING_RATE / rate
            self._drop_estimates()
            self._append(_spread(self._text, max(likely, self._sounding)))

    def end_segment(self, at: int) -> None:
        """The current segment's audio ends at sample `at`.

        A voice that gave no word times gets them in proportion to the letters.
        """
        if not self._timed:
            self._settle(_spread(self._text, at - self._origin))
        self._letters += _letters(self._text)
        self._samples += at - self._origin
        if self._words:
            self._words[-1] = replace(self._words[-1], end=len(self.transcript))

    def cut_segment(self, characters: int) -> None:
        """The current segment ends after so many characters of its text: the voice says no more of it."""
        self._drop_estimates()
        end = self._segment + characters
        while self._words and self._words[-1].end > end:
            self._words.pop()
        self._settled = len(self._words)
        self.transcript = self.transcript[:end]

    def begun(self, sample: int) -> str:
        """The text of the words that began by `sample` and were not given out yet."""
        count = bisect_right(self._words, sample, key=lambda word: word.start)
        end = self._words[count - 1].end if count else 0
        text = self.transcript[self._told : end]
        self._told = max(self._told, end)
        return text

    def heard(self, sample: int) -> str:
        """The transcript up to the last word of which at least half had sounded at `sample`."""
        return _heard(self.transcript, self._words, sample)

    def spoken(self, origin: int, until: int) -> Spoken:
        """What was heard of an item whose audio began at sample `origin` and was heard up to `until`."""
        words = tuple(
            SpokenWord(word.end, word.start - origin, word.stop - origin)
            for word in self._words[: _count(self._words, until)]
        )
        end = words[-1].end if words else 0
        return Spoken(self.transcript[:end], words, max(0, until - origin))

    @property
    def _text(self) -> str:
        return self.transcript[self._segment :]

    def _settle(self, words: Sequence[WordTime]) -> None:
        self._drop_estimates()
        self._append(words)
        self._settled = len(self._words)

    def _drop_estimates(self) -> None:
        del self._words[self._settled :]

    def _append(self, words: Sequence[WordTime]) -> None:
        for word in words:
            start = self._origin + round(word.start_ms * SPEAKING_RATE / 1000)
            stop = self._origin + round(word.end_ms * SPEAKING_RATE / 1000)
            if self._words:  # in order, whatever a voice says: what follows searches by halves
                start, stop = max(start, self._words[-1].start), max(stop, self._words[-1].stop)
            self._words.append(SpokenWord(self._segment + word.end, start, stop))


def _count(words: Sequence[SpokenWord], sample: int) -> int:
    """How many words were heard at `sample`."""
    return bisect_right(words, sample, key=lambda word: word.middle)


def _heard(transcript: str, words: Sequence[SpokenWord], sample: int) -> str:
    count = _count(words, sample)
    return transcript[: words[count - 1].end].rstrip() if count else ""


def _letters(text: str) -> int:
    return max(1, sum(len(match[0]) for match in _WORD.finditer(text)))


def _spread(text: str, samples: float) -> list[WordTime]:
    """The words of a text that takes so many samples, each as long as its letters are many."""
    each_ms = samples * 1000 / SPEAKING_RATE / _letters(text)
    spent = 0
    timed = []
    for match in _WORD.finditer(text):
        start = spent
        spent += len(match[0])
        timed.append(WordTime(match.start(), match.end(), each_ms * start, each_ms * spent))
    return timed
