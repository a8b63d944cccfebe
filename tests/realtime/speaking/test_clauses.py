"""The clause cutter: nothing is lost, the cuts are where a voice would breathe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.speaking.clauses import FIRST_CLAUSE, LONG_CLAUSE, ClauseCutter


def cut(text: str, size: int | None = None) -> list[str]:
    cutter = ClauseCutter()
    clauses: list[str] = []
    step = size or max(1, len(text))
    for at in range(0, len(text), step):
        clauses += cutter.feed(text[at : at + step])
    return clauses + cutter.flush()


pieces = st.sampled_from(
    [
        "word", "Dr.", "e.g.", "3.14", "no.", "5", "I", "1.", "example.com/a,b?c", " ", "  ", "\n", "\n\n",
        ".", "...", "…", "!", "?!", '"', "”", ")", ",", ";", ":", " – ", "。", "，", "」", "水曜日",
        "\u3000", "\t",
    ]
)  # fmt: skip
texts = st.one_of(st.lists(pieces, max_size=60).map("".join), st.text(max_size=80))


@given(texts, st.integers(1, 7))
def test_clauses_join_to_the_text_and_do_not_depend_on_the_deltas(text: str, size: int) -> None:
    assert "".join(cut(text)) == text
    assert cut(text, size) == cut(text)


@given(texts, st.data())
def test_any_split_into_deltas_gives_the_same_clauses(text: str, data: st.DataObject) -> None:
    borders = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    cutter = ClauseCutter()
    clauses: list[str] = []
    for begin, end in zip([0, *borders], [*borders, len(text)], strict=True):
        clauses += cutter.feed(text[begin:end])
    assert clauses + cutter.flush() == cut(text)


@given(texts)
def test_blanks_belong_to_the_clause_before_them(text: str) -> None:
    for clause in cut(text.lstrip())[1:]:
        assert not clause[0].isspace()
    assert all(cut(text))


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ("Pi is 3.14159 or so. Yes.", ["Pi is 3.14159 or so. ", "Yes."]),
        ("Dr. Who met Mr. J. Smith, e.g. once.", ["Dr. Who met Mr. J. Smith, ", "e.g. once."]),
        ("At 9 a.m. it rains.", ["At 9 a.m. it rains."]),
        ("No. I do not.", ["No. ", "I do not."]),
        ("Take no. 5 now. Go.", ["Take no. 5 now. ", "Go."]),
        ("See https://a.org/x,y?z=1. Then go.", ["See https://a.org/x,y?z=1. ", "Then go."]),
        ('She said "Stop!" Then she left.', ['She said "Stop!" ', "Then she left."]),
        ("(All is well.) Go on.", ["(All is well.) ", "Go on."]),
        ("Well... maybe. Yes… no.", ["Well... ", "maybe. ", "Yes… ", "no."]),
        ("What?! Yes!!! Good.", ["What?! ", "Yes!!! ", "Good."]),
        ("One\nTwo\n\n\nThree", ["One\n", "Two\n\n\n", "Three"]),
        ("1. Wash the rice.\n2. Cook it.", ["1. Wash the rice.\n", "2. Cook it."]),
        ("It is 5. Then go.", ["It is 5. ", "Then go."]),
        (
            "今日は晴れです。明日は雨？「はい。」そう。",
            ["今日は晴れです。", "明日は雨？", "「はい。」", "そう。"],
        ),
        ("", []),
        ("  ", ["  "]),
    ],
)
def test_where_clauses_end(text: str, clauses: list[str]) -> None:
    assert cut(text) == clauses
    assert cut(text, 1) == clauses


def test_the_first_clause_ends_early_and_later_ones_do_not() -> None:
    text = (
        "Here is a long beginning, and then some, and more of it. Well then, in short, that is all, friend."
    )
    assert cut(text) == [
        "Here is a long beginning, ",
        "and then some, and more of it. ",
        "Well then, in short, that is all, friend.",
    ]


def test_a_short_opening_is_not_a_clause_of_its_own() -> None:
    text = "Yes, " + "of course it is, you know."
    assert len("Yes,") < FIRST_CLAUSE
    assert cut(text) == ["Yes, of course it is, ", "you know."]


def test_no_clause_grows_without_end_while_there_are_commas() -> None:
    clauses = cut("so it goes on, " * 60)
    assert len(clauses[0]) <= FIRST_CLAUSE + 16
    assert all(len(clause) <= LONG_CLAUSE + 16 for clause in clauses)


def test_a_clause_is_given_as_soon_as_the_next_one_begins() -> None:
    cutter = ClauseCutter()
    assert cutter.feed("It is noon.") == []  # 3. may become 3.14
    assert cutter.feed(" ") == []
    assert cutter.feed("T") == ["It is noon. "]
    assert cutter.flush() == ["T"]
    assert cutter.flush() == []
