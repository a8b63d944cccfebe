"""When the words sound in a reading that reports no times, from a second reading with gaps between the words.

The two readings differ by the gaps, and a little by how sounds meet at the borders of words, so times are
carried over in a straight line between the pauses that both have. Where the reader makes more words of a text
than it has ("1998"), the borders are those whose words come nearest to the expected lengths; where it makes
fewer gaps than words, the time between is shared out by length.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.tts.text import Word, length

Samples = npt.NDArray[np.int16]
Span = tuple[float, float]

QUIET = 8  # of 32768: what espeak calls silence is zeros with a short decay
_PAUSE_S = 0.100  # a silence from here on is a pause of the sentence, and no closure of a "t" or a "p"
_SAME = 0.9  # of a gap's length: how short a silence may be to hold one


def word_times(words: Sequence[Word], heard: Samples, gapped: Samples, rate: int) -> list[Span]:
    """Give each word's start and end in `heard`, in seconds, ordered and without overlap.

    `gapped` must end with a gap as long as the others (espeak-ng puts one there).
    """
    sounds = _silences(heard, rate)
    stretches = _stretches(heard, gapped, rate)
    if len(stretches) < len(words):
        return _shared(words, sounds, len(heard) / rate)
    return _chosen(words, _carried(stretches, sounds))


def _silences(samples: Samples, rate: int) -> list[Span]:
    """Silences (start, end) in seconds, those at the start and the end included even if empty."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    borders = np.concatenate(([-1], loud, [len(samples)]))
    starts, ends = borders[:-1] + 1, borders[1:]
    kept = ends - starts >= round(0.010 * rate)
    kept[[0, -1]] = True
    return list(zip((starts[kept] / rate).tolist(), (ends[kept] / rate).tolist(), strict=True))


def _stretches(heard: Samples, gapped: Samples, rate: int) -> list[Span]:
    """What sounds between the gaps of `gapped`: (start, end) on a clock that stands still in the gaps."""
    silences = _silences(gapped, rate)
    last, natural = silences[-1], _silences(heard, rate)[-1]
    gap = (last[1] - last[0]) - (natural[1] - natural[0])
    if gap < 0.030:
        return []
    found: list[Span] = []
    start = silences[0][1]
    for taken, (begin, end) in enumerate(
        silence for silence in silences[1:] if _width(silence) >= _SAME * gap
    ):
        found.append((start, begin - taken * gap))
        # What is left of the silence is a pause, or the closure of the consonant that begins the next word.
        left = end - begin - gap
        closing = left if 0 < left < _PAUSE_S else 0.0
        start = max(found[-1][1], end - closing - (taken + 1) * gap)
    return found


def _width(span: Span) -> float:
    return span[1] - span[0]


def _carried(stretches: Sequence[Span], silences: Sequence[Span]) -> list[Span]:
    """Carry times over to the clock of the reading with these silences, pause to pause."""
    there = [stretches[0][0]]
    for before, after in pairwise(stretches):
        if after[0] - before[1] >= _PAUSE_S:
            there += (before[1], after[0])
    there.append(stretches[-1][1])
    here = [silences[0][1]]
    for silence in silences[1:-1]:
        if _width(silence) >= _PAUSE_S:
            here += silence
    here.append(silences[-1][0])
    if len(there) != len(here):
        there, here = [there[0], there[-1]], [here[0], here[-1]]
    return [
        (float(np.interp(start, there, here)), float(np.interp(end, there, here))) for start, end in stretches
    ]


def _chosen(words: Sequence[Word], stretches: Sequence[Span]) -> list[Span]:
    """Share out the stretches among the words, at least one each, in order, nearest to the words' lengths."""
    if len(words) == len(stretches):
        return list(stretches)
    weights = np.array([length(word) for word in words])
    expected = weights / weights.sum() * sum(_width(stretch) for stretch in stretches)
    upto = np.concatenate(([0.0], np.cumsum([_width(stretch) for stretch in stretches])))
    count = len(stretches)
    cost = np.full(count + 1, np.inf)  # of the words so far, had they taken the first k stretches
    cost[0] = 0.0
    came: list[npt.NDArray[np.intp]] = []
    for want in expected:
        # (k, j): the word takes stretches j to k - 1
        total = cost[None, :] + (upto[:, None] - upto[None, :] - want) ** 2
        total[np.arange(count + 1)[:, None] <= np.arange(count + 1)[None, :]] = np.inf
        came.append(total.argmin(axis=1))
        cost = total.min(axis=1)
    spans: list[Span] = []
    k = count
    for choice in reversed(came):
        j = int(choice[k])
        spans.append((stretches[j][0], stretches[k - 1][1]))
        k = j
    return spans[::-1]


def _shared(words: Sequence[Word], silences: Sequence[Span], duration: float) -> list[Span]:
    """Share out the time that sounds by the words' lengths; a pause is nobody's."""
    pauses = [silence for silence in silences[1:-1] if _width(silence) >= _PAUSE_S]
    begin, end = silences[0][1], min(duration, silences[-1][0])
    sounding, clock = [0.0], [begin]  # seconds of sound so far, and the time then
    for start, stop in pauses:
        sounding += (sounding[-1] + start - clock[-1],) * 2
        clock += (start, stop)
    sounding.append(sounding[-1] + end - clock[-1])
    clock.append(end)
    weights = np.array([length(word) for word in words])
    borders = np.concatenate(([0.0], np.cumsum(weights))) / weights.sum() * sounding[-1]
    times = np.interp(borders, sounding, clock)
    return [(float(start), float(stop)) for start, stop in pairwise(times)]
