"""The ledger: what was begun and what was heard, to the word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.api import SPEAKING_RATE, WordTime
from realtime.speaking.ledger import LETTERS_A_SECOND, Ledger

MS = SPEAKING_RATE // 1000


@dataclass(frozen=True)
class Segment:
    """A clause, and whether the voice times its words. Each word takes 100 ms, then 50 ms of silence."""

    words: tuple[str, ...]
    timed: bool

    @property
    def text(self) -> str:
        return " ".join(self.words) + " "

    @property
    def samples(self) -> int:
        return 150 * MS * len(self.words)

    def times(self) -> list[WordTime]:
        times = []
        for number, match in enumerate(re.finditer(r"\S+", self.text)):
            if match[0] != "🎉":  # no voice says it
                end = match.start() + len(match[0].rstrip(".,"))
                times.append(WordTime(match.start(), end, 150.0 * number, 150.0 * number + 100))
        return times


word = st.sampled_from(["one", "two,", "three.", "(four)", "🎉", "naïve", "水"])
segments = st.lists(
    st.builds(Segment, st.lists(word, min_size=1, max_size=6).map(tuple), st.booleans()),
    min_size=1,
    max_size=5,
)


def told(parts: list[Segment], gap: int = 0) -> tuple[Ledger, int]:
    """A ledger that knows all of it, and the sample at which the last one ends."""
    ledger = Ledger()
    at = 0
    for part in parts:
        ledger.begin_segment(part.text, at)
        if part.timed:
            ledger.add(part.times())
        at += part.samples
        ledger.end_segment(at)
        at += gap
    return ledger, at


@given(segments, st.lists(st.integers(0, 5_000 * MS), max_size=30), st.integers(0, 9_600))
def test_what_was_begun_joins_to_the_transcript(parts: list[Segment], looks: list[int], gap: int) -> None:
    ledger, end = told(parts, gap)
    pieces = [ledger.begun(sample) for sample in sorted(looks)] + [ledger.begun(max([end, *looks]))]
    assert "".join(pieces) == ledger.transcript == "".join(part.text for part in parts)
    assert ledger.begun(end) == ""


@given(segments, st.lists(st.integers(-10, 5_000 * MS), min_size=2, max_size=30))
def test_what_was_heard_only_grows_and_is_how_the_transcript_begins(
    parts: list[Segment], looks: list[int]
) -> None:
    ledger, end = told(parts)
    heard = [ledger.heard(sample) for sample in sorted(looks)]
    for shorter, longer in pairwise(heard):
        assert longer.startswith(shorter)
    assert all(ledger.transcript.startswith(text) for text in heard)
    assert all(text == text.rstrip() for text in heard)
    assert ledger.heard(end) == ledger.transcript.rstrip()


@given(segments, st.integers(0, 5_000 * MS))
def test_nothing_is_heard_that_was_not_begun(parts: list[Segment], sample: int) -> None:
    ledger, _ = told(parts)
    heard = ledger.heard(sample)
    assert ledger.begun(sample).startswith(heard)


def test_half_of_a_word_is_a_word() -> None:
    ledger = Ledger()
    ledger.begin_segment("one two.", 1_000)
    ledger.add([WordTime(0, 3, 0, 100), WordTime(4, 7, 100, 300)])
    assert ledger.heard(1_000 + 49 * MS) == ""
    assert ledger.heard(1_000 + 50 * MS) == "one"
    assert ledger.heard(1_000 + 199 * MS) == "one"
    assert ledger.heard(1_000 + 200 * MS) == "one two"
    ledger.end_segment(1_000 + 300 * MS)
    assert ledger.heard(1_000 + 200 * MS) == "one two."


def test_words_come_as_the_voice_gives_them() -> None:
    ledger = Ledger()
    ledger.begin_segment("one two ", 0)
    assert ledger.begun(0) == ""
    ledger.add([WordTime(0, 3, 0, 100)])
    assert ledger.begun(10 * MS) == "one"
    assert ledger.begun(500 * MS) == ""  # the second is not there yet, however late it is
    ledger.add([WordTime(4, 7, 500, 600)])
    assert ledger.begun(500 * MS) == " two"
    ledger.end_segment(600 * MS)
    assert ledger.begun(500 * MS) == " "


def test_a_clause_without_word_times_is_spread_over_its_letters() -> None:
    ledger = Ledger()
    ledger.begin_segment("a bbb ", 0)
    ledger.end_segment(400 * MS)
    assert ledger.begun(99 * MS) == "a"
    assert ledger.begun(100 * MS) == " bbb "
    assert ledger.heard(100 * MS) == "a"
    assert ledger.heard(249 * MS) == "a"
    assert ledger.heard(250 * MS) == "a bbb"


def test_a_word_without_a_time_goes_with_the_one_after_it() -> None:
    ledger = Ledger()
    ledger.begin_segment("🎉 well done 🎉", 0)
    ledger.add([WordTime(2, 6, 0, 100), WordTime(7, 11, 100, 200)])
    ledger.end_segment(200 * MS)
    assert ledger.heard(60 * MS) == "🎉 well"
    assert ledger.heard(200 * MS) == "🎉 well done 🎉"


def test_a_clause_that_has_no_sound_is_heard_with_what_comes_at_its_place() -> None:
    ledger = Ledger()
    ledger.begin_segment("one. ", 0)
    ledger.add([WordTime(0, 3, 0, 100)])
    ledger.end_segment(100 * MS)
    ledger.begin_segment("🎉 ", 100 * MS)
    ledger.end_segment(100 * MS)
    assert ledger.heard(60 * MS) == "one."
    assert ledger.heard(100 * MS) == "one. 🎉"
    assert ledger.begun(100 * MS) == "one. 🎉 "


def test_nothing_was_said() -> None:
    ledger = Ledger()
    assert ledger.begun(10_000) == ""
    assert ledger.heard(10_000) == ""


def untimed(text: str = "aaaa bbbb cccc ") -> Ledger:
    ledger = Ledger()
    ledger.begin_segment(text, 0)
    ledger.add((), 40 * MS)
    return ledger


def letters(count: float) -> int:
    """Samples that so many letters take at the expected rate."""
    return round(count * SPEAKING_RATE / LETTERS_A_SECOND)


def test_an_open_clause_of_a_voice_without_word_times_is_estimated() -> None:
    ledger = untimed()
    assert ledger.begun(0) == "aaaa"
    assert ledger.heard(letters(1.9)) == ""
    assert ledger.heard(letters(2.1)) == "aaaa"
    assert ledger.heard(letters(6.1)) == "aaaa bbbb"
    assert ledger.begun(letters(8.1)) == " bbbb cccc"


def test_before_there_is_sound_nothing_is_estimated() -> None:
    ledger = Ledger()
    ledger.begin_segment("one two", 0)
    assert ledger.begun(10_000) == ""
    assert ledger.heard(10_000) == ""


def test_what_sounds_longer_than_expected_is_spread_over_what_there_is() -> None:
    ledger = untimed()
    ledger.add((), letters(24) - 40 * MS)  # twice as long as the letters say, and perhaps more to come
    assert ledger.heard(letters(3.9)) == ""
    assert ledger.heard(letters(4.1)) == "aaaa"


def test_the_rate_is_that_of_the_clauses_before() -> None:
    ledger = untimed("aaaa bbbb ")
    ledger.end_segment(letters(16))  # half the expected rate
    ledger.begin_segment("cccc dddd ", letters(16))
    ledger.add((), 40 * MS)
    assert ledger.heard(letters(16 + 3.9)) == "aaaa bbbb"
    assert ledger.heard(letters(16 + 4.1)) == "aaaa bbbb cccc"


def test_the_end_of_a_clause_puts_the_estimate_right() -> None:
    ledger = untimed("aaaa bbbb ")
    assert ledger.begun(letters(5)) == "aaaa bbbb"
    ledger.end_segment(letters(16))
    assert ledger.heard(letters(5)) == "aaaa"
    assert ledger.begun(letters(5)) == ""  # what was told stays told
    assert ledger.begun(letters(16)) == " "


def test_word_times_that_come_late_take_the_place_of_the_estimate() -> None:
    ledger = untimed("aaaa bbbb ")
    ledger.add([WordTime(0, 4, 500, 600)])
    assert ledger.heard(549 * MS) == ""
    assert ledger.heard(550 * MS) == "aaaa"


@given(segments, st.data())
def test_in_mid_clause_what_is_told_only_grows_and_what_is_heard_was_told(
    parts: list[Segment], data: st.DataObject
) -> None:
    ledger = Ledger()
    now, told = 0, ""
    for part in parts:
        begin = now
        ledger.begin_segment(part.text, begin)
        times = part.times() if part.timed else []
        while now < begin + part.samples:
            size = data.draw(st.integers(1_000, 20_000))
            ready = [word for word in times if word.start_ms * MS < now + size - begin]
            times = times[len(ready) :]
            ledger.add(ready, size)
            now += size
            told += ledger.begun(now)
            assert ledger.transcript.startswith(told)
            assert told.startswith(ledger.heard(now))
        now = begin + part.samples
        ledger.end_segment(now)
    told += ledger.begun(now)
    assert told == ledger.transcript


def test_a_clause_that_is_cut_ends_there_and_goes_on_with_the_next() -> None:
    ledger = Ledger()
    ledger.begin_segment("one two three ", 0)
    ledger.add([WordTime(0, 3, 0, 100), WordTime(4, 7, 100, 200)])
    ledger.cut_segment(7)
    assert ledger.transcript == "one two"
    ledger.begin_segment(" three ", 300 * MS)
    ledger.add([WordTime(1, 6, 0, 100)])
    ledger.end_segment(400 * MS)
    assert ledger.heard(250 * MS) == "one two"
    assert ledger.heard(400 * MS) == "one two three"


def test_a_clause_that_is_cut_to_nothing_can_be_told_again() -> None:
    ledger = untimed("one two ")
    assert ledger.begun(letters(4)) == "one two"
    ledger.cut_segment(0)
    ledger.begin_segment("one two ", letters(6))
    ledger.add([WordTime(0, 3, 0, 100), WordTime(4, 7, 100, 200)])
    ledger.end_segment(letters(6) + 200 * MS)
    assert ledger.begun(letters(6) + 200 * MS) == " "
    assert ledger.heard(letters(6)) == ""


@given(segments, st.integers(0, 5_000 * MS), st.integers(-100, 6_000))
def test_what_was_spoken_is_kept_and_can_be_cut(parts: list[Segment], until: int, end_ms: int) -> None:
    ledger, end = told(parts)
    until = min(until, end)
    spoken = ledger.spoken(0, until)
    assert spoken.transcript.rstrip() == ledger.heard(until) == spoken.until(spoken.length_ms + 1)
    kept = spoken.until(end_ms)
    assert kept == ledger.heard(min(until, max(0, end_ms) * MS)) or end_ms < 0
    cut = spoken.cut(end_ms)
    assert cut.length == max(0, min(until, end_ms * MS))
    assert cut.until(100_000) == spoken.cut(end_ms).until(end_ms)
    assert spoken.transcript.startswith(cut.until(100_000))


def test_what_was_spoken_counts_from_its_own_first_sample() -> None:
    ledger = Ledger()
    ledger.begin_segment("one two ", 5_000 * MS)
    ledger.add([WordTime(0, 3, 0, 100), WordTime(4, 7, 100, 200)])
    ledger.end_segment(5_200 * MS)
    spoken = ledger.spoken(5_000 * MS, 5_200 * MS)
    assert (spoken.length_ms, spoken.until(50), spoken.until(200)) == (200, "one", "one two")
    assert spoken.cut(120).until(200) == "one"
