from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tts.english import spoken
from models.tts.text import clauses, words


def cut(text: str) -> list[str]:
    return [" ".join(word.core for word in clause.words) for clause in clauses(words(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", [("Hello", ","), ("world", "!")]),
        ("“Hello,” she said—well...", [("Hello", ","), ("she", ""), ("said", ","), ("well", ",")]),
        ("Dr. J. Smith, at 5 a.m. today.",
         [("Dr", ""), ("J", ""), ("Smith", ","), ("at", ""), ("5", ""), ("a.m", ""), ("today", ".")]),
        ("So am I. Next", [("So", ""), ("am", ""), ("I", "."), ("Next", "")]),
        ("(really?)", [("really", "?")]),
        ("one\ntwo", [("one", "."), ("two", "")]),
        ("a - b", [("a", ","), ("b", "")]),
        ("你好，真的吗？", [("你", ""), ("好", ","), ("真", ""), ("的", ""), ("吗", "?")]),
        ("", []),
        ("... !?", []),
    ],
)  # fmt: skip
def test_words(text, expected):
    assert [(word.core, word.mark) for word in words(text)] == expected


@given(st.text())
def test_words_are_parts_of_the_text_in_order(text):
    found = list(words(text))

    assert all(text[word.begin : word.end] == word.core != "" for word in found)
    assert all(before.end <= after.begin for before, after in itertools.pairwise(found))


@given(st.text(alphabet="ab ,.?;\n—", max_size=300))
def test_clauses_hold_every_word_once(text):
    assert [word for clause in clauses(words(text)) for word in clause.words] == list(words(text))


def test_clauses_end_where_a_reader_pauses():
    assert cut("Yes, I will. The garden behind the house is large, and green.") == [
        "Yes I will", "The garden behind the house is large", "and green",
    ]  # fmt: skip


def test_a_long_clause_is_cut_in_front_of_a_word_that_opens_a_phrase():
    assert cut("We walked along the old river bank towards the mill until the rain came down") == [
        "We walked along the old river bank towards the mill", "until the rain came down",
    ]  # fmt: skip


def test_slow_speech_is_cut_shorter():
    text = "The garden behind the old house is large and green and full of birds."
    whole, halved = (list(clauses(words(text), scale)) for scale in (1.0, 0.5))

    assert len(halved) > len(whole)


@pytest.mark.parametrize(
    ("text", "pause"), [("Yes", 40), ("Yes,", 110), ("Yes;", 130), ("Yes.", 230), ("Yes?!", 230)]
)
def test_the_pause_follows_the_mark(text, pause):
    assert next(clauses(words(text))).pause_ms == pause


@pytest.mark.parametrize(
    ("core", "tokens"),
    [
        ("$5", "$5"), ("€12.50", "12.50 euros"), ("50%", "50 percent"), ("naïve", "naive"),
        ("R&D", "R and D"),
        ("and/or", "and or"), ("3/4", "3/4"), ("don’t", "don't"), ("-5", "minus 5"), ("½", "a half"),
        ("٣", "3"), ("C++", "C plus plus"), ("bob@x.com", "bob at x dot com"), ("Straße", "Strasse"),
        ("https://example.com/a_b/", "example dot com slash a underscore b"), ("привет", ""), ("😀", ""),
    ],
)  # fmt: skip
def test_spoken(core, tokens):
    assert " ".join(spoken(core)) == tokens


@given(st.text(max_size=100))
def test_spoken_is_short_ascii_with_a_letter_or_digit(core):
    for token in spoken(core):
        assert token.isascii()
        assert 0 < len(token) <= 30
        assert any(char.isalnum() for char in token)
        assert " " not in token
