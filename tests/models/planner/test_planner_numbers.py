from __future__ import annotations

import math
from datetime import date, datetime, time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.planner.durations import (
    find_duration,
    parse_clock,
    parse_duration,
    seconds_until,
    spoken_clock,
    spoken_duration,
)
from models.planner.grammar.arithmetic import evaluate, spoken_number
from models.planner.numbers import parse_number, spoken_integer, spoken_ordinal
from models.planner.words import read


def words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("-", " ").replace(",", "").split())


@given(st.integers(0, 10**15 - 1))
def test_integers_round_trip(value: int) -> None:
    said = words(spoken_integer(value))
    assert parse_number(said, 0) == (value, len(said))


@given(st.integers(1, 86_400))
def test_durations_round_trip(seconds: int) -> None:
    said = words(spoken_duration(seconds))
    assert parse_duration(said, 0) == (seconds, len(said))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("a hundred and five", 105),
        ("two point five", 2.5),
        ("point two five", 0.25),
        ("one and a half", 1.5),
        ("two and three quarters", 2.75),
        ("three quarters", 0.75),
        ("half a dozen", 6),
        ("two dozen", 24),
        ("twelve hundred", 1200),
        ("1.5 million", 1_500_000),
        ("two point five million", 2_500_000),
        ("seven teen", 17),
        ("seven ty two", 72),
        ("1000000", 1_000_000),
    ],
)
def test_numbers(said: str, value: float) -> None:
    assert parse_number(words(said), 0) == (Fraction(value), len(words(said)))


@pytest.mark.parametrize(
    ("said", "value"), [("one twenty", 120), ("one oh five", 105), ("two forty five", 245), ("ninety", 90)]
)
def test_pairs(said: str, value: int) -> None:
    assert parse_number(words(said), 0, pairs=True) == (value, len(words(said)))


@pytest.mark.parametrize("said", ["", "and", "hello", "hundred", "point", "a"])
def test_no_number(said: str) -> None:
    assert parse_number(words(said), 0) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("an hour and a half", 5400),
        ("half an hour", 1800),
        ("three quarters of an hour", 2700),
        ("a quarter of an hour", 900),
        ("two and a half minutes", 150),
        ("a minute and a half", 90),
        ("one hour thirty", 5400),
        ("two minutes thirty", 150),
        ("an hour ten minutes and five seconds", 4205),
        ("a couple of hours", 7200),
        ("to minutes", 120),
        ("10 min", 600),
    ],
)
def test_durations(said: str, seconds: float) -> None:
    assert parse_duration(words(said), 0) == (seconds, len(words(said)))


def test_a_duration_is_found_among_words() -> None:
    assert find_duration(words("remind me in two minutes to go")) == (120, 3, 5)


@pytest.mark.parametrize(
    ("said", "hour", "minute", "exact"),
    [
        ("seven thirty", 7, 30, False),
        ("half past six", 6, 30, False),
        ("quarter to nine", 8, 45, False),
        ("six in the evening", 18, 0, True),
        ("seven a m", 7, 0, True),
        ("7:30 pm", 19, 30, True),
        ("noon", 12, 0, True),
        ("eight oclock", 8, 0, False),
    ],
)
def test_times_of_day(said: str, hour: int, minute: int, exact: bool) -> None:
    assert parse_clock(words(said), 0) == (hour, minute, exact, len(words(said)))


@given(st.datetimes(), st.integers(0, 23), st.integers(0, 59), st.booleans())
def test_the_next_time_of_day_is_ahead(now: datetime, hour: int, minute: int, exact: bool) -> None:
    now = now.replace(year=2026)
    assert 0 < seconds_until(now, hour, minute, exact=exact) <= (86_400 if exact else 43_200)


@given(st.times())
def test_every_minute_is_speakable(at: time) -> None:
    said = spoken_clock(datetime.combine(date(2026, 1, 1), at))
    assert not any(character.isdigit() for character in said)


def test_ordinals() -> None:
    assert [spoken_ordinal(n) for n in (1, 2, 3, 5, 8, 9, 12, 20, 22, 31)] == [
        "first",
        "second",
        "third",
        "fifth",
        "eighth",
        "ninth",
        "twelfth",
        "twentieth",
        "twenty-second",
        "thirty-first",
    ]


_SIGNS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/", "multiplied by": "*", "over": "/"}


@given(
    st.integers(0, 9999),
    st.lists(st.tuples(st.sampled_from(sorted(_SIGNS)), st.integers(1, 9999)), min_size=1, max_size=6),
    st.booleans(),
)
def test_chains_agree_with_python(first: int, rest: list[tuple[str, int]], in_words: bool) -> None:
    name = spoken_integer if in_words else str
    said = " ".join([name(first), *(f"{sign} {name(value)}" for sign, value in rest)])
    python = "".join([f"F({first})", *(f"{_SIGNS[sign]}F({value})" for sign, value in rest)])
    value, end, operations = evaluate(read(said).words)
    assert value == eval(python, {"F": Fraction})
    assert end == len(read(said).words)
    assert operations == len(rest)


@given(st.integers(0, 500), st.integers(0, 12))
def test_powers_and_roots(base: int, exponent: int) -> None:
    assert evaluate(words(f"{base} to the power of {exponent}"))[0] == base**exponent
    assert evaluate(words(f"the square root of {base * base}"))[0] == base
    assert evaluate(words(f"the square root of {base * base + 1}"))[0] == pytest.approx(
        math.sqrt(base * base + 1)
    )


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_percentages(part: int, whole: int) -> None:
    assert evaluate(words(f"{part} percent of {whole}"))[0] == Fraction(part * whole, 100)
    assert evaluate(words(f"{whole} plus {part} percent"))[0] == whole * (1 + Fraction(part, 100))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Fraction(108), "108"),
        (Fraction(-5), "minus 5"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3), "about 0.333333"),
        (Fraction(10**20), "about 1 times ten to the power of 20"),
        (math.sqrt(2), "about 1.414214"),
        (Fraction(1, 1000), "0.001"),
    ],
)
def test_results_are_speakable(value: Fraction | float, said: str) -> None:
    assert spoken_number(value) == said
