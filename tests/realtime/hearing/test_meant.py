"""What is made of an utterance: by its words, by its evidence, and over what it was said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.hearing.meant import BRIEF_SILENCE_MS, Utterance, brief, is_backchannel, meant
from realtime.hearing.turn import Evidence

SHORT = Evidence(silence_ms=192, voiced_ms=320, probability=0.95)
LONG = Evidence(silence_ms=192, voiced_ms=1_400, probability=0.97)


def said(
    text: str, evidence: Evidence = SHORT, *, final: bool = True, listening: bool | None = None
) -> Utterance:
    """Something said over our voice."""
    return Utterance(text, evidence, final, over="speech", listening=listening)


@pytest.mark.parametrize(
    "text", ["uh-huh", "mhm", "yeah", "Right.", "i see", "ah i see", "oh okay", "yeah yeah", "of course"]
)
def test_a_sign_of_listening_is_none_of_our_business(text: str) -> None:
    assert meant(said(text))[0] == "backchannel"
    assert meant(said(text, final=False))[0] == "unsure"


@pytest.mark.parametrize("text", ["stop", "no", "wait", "what", "hold on", "louder", "no wait", "pause"])
@pytest.mark.parametrize("listening", [None, False, True])
def test_a_word_that_asks_for_something_counts_whatever_it_sounds_like(
    text: str, listening: bool | None
) -> None:
    assert meant(said(text, listening=listening)) == ("answer", "a request")


def test_the_recogniser_decides_about_what_is_short_and_unknown() -> None:
    assert meant(said("the month", listening=True))[0] == "backchannel"
    assert meant(said("the month", listening=False))[0] == "answer"
    assert meant(said("jazz"))[0] == "answer"  # of a recogniser that cannot tell


def sounding(request: float, listening: float, voiced_ms: float = 320) -> Evidence:
    return replace(SHORT, request=request, listening=listening, voiced_ms=voiced_ms)


def test_the_sound_decides_about_what_is_short_and_unknown() -> None:
    assert meant(said("the month", sounding(0.1, 0.85)))[0] == "backchannel"
    assert meant(said("the month", sounding(0.9, 0.05)))[0] == "answer"
    assert meant(said("put up", sounding(0.01, 0.01, 1_088))) == ("noise", "sounds like no speech")


def test_sound_and_grammar_are_weighed_against_each_other() -> None:
    for listening, verdict in ((True, "backchannel"), (False, "answer")):
        assert meant(said("the month", sounding(0.5, 0.5), listening=listening))[0] == verdict
    assert meant(said("the month", sounding(0.97, 0.03), listening=True))[0] == "answer"
    assert meant(said("the month", sounding(0.03, 0.97), listening=False))[0] == "backchannel"


@pytest.mark.parametrize("text", ["stop", "no wait", "what time is it", "hold on"])
def test_no_sound_overrules_a_word_that_asks_for_something(text: str) -> None:
    assert meant(said(text, sounding(0.0, 1.0))) == ("answer", "a request")


def test_no_sound_makes_a_sign_of_listening_a_request() -> None:
    assert meant(said("yeah", sounding(1.0, 0.0)))[0] == "backchannel"


def test_whoever_goes_on_is_not_judged_by_the_sound() -> None:
    assert meant(said("put on something else", sounding(0.05, 0.9, 1_400)))[0] == "answer"
    assert meant(said("put on something else", sounding(0.05, 0.05, 1_400)))[0] == "answer"


@pytest.mark.parametrize("asked", [False, True])
def test_the_sound_counts_only_where_we_have_the_floor(asked: bool) -> None:
    over = "speech" if asked else "nothing"
    assert meant(Utterance("the month", sounding(0.0, 1.0), True, over=over, asked=asked))[0] == "answer"  # type: ignore[arg-type]


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([None, False, True]),
    st.sampled_from(["the month", "stop", "yeah"]),
)
def test_the_more_it_sounds_like_a_request_the_sooner_it_is_one(
    one: float, other: float, listening: bool | None, text: str
) -> None:
    less, more = sorted((one, other))
    verdicts = [
        meant(said(text, sounding(request, 1 - request), listening=listening))[0] for request in (less, more)
    ]
    assert verdicts != ["answer", "backchannel"]


@pytest.mark.parametrize(
    "text", ["that reminds me", "my brother told me something else", "yeah but louder please"]
)
def test_what_goes_on_is_no_sign_of_listening(text: str) -> None:
    assert meant(said(text, LONG))[0] == "answer"
    assert meant(said(text, LONG, listening=True))[0] == "answer"
    assert meant(said(text, listening=False))[0] == "answer"


def test_nothing_short_is_believed_before_its_end() -> None:
    assert meant(said("stop", final=False))[0] == "unsure"
    assert meant(said("what was that", replace(SHORT, voiced_ms=400), final=False))[0] == "unsure"
    assert meant(said("what was that about", LONG, final=False))[0] == "answer"


@pytest.mark.parametrize("text", ["f f f f a", "up up up", "ha ha ha ha", "tap tap tap tap"])
def test_laughter_is_noise_or_listening_and_never_a_turn(text: str) -> None:
    for evidence in (SHORT, LONG):
        assert meant(said(text, evidence))[0] in ("noise", "backchannel")
        assert meant(said(text, evidence, final=False))[0] == "unsure"


def test_a_letter_is_an_answer_where_nobody_else_talks() -> None:
    assert meant(Utterance("a", SHORT, True))[0] == "answer"
    assert meant(replace(said("a"), asked=True))[0] == "answer"
    assert meant(said("a"))[0] == "noise"


def test_our_own_words_are_an_echo() -> None:
    ours = "Once upon a time there was an old house by the sea, where nobody had lived for many years."
    heard = Utterance("once upon a time there was an oboe house by the sea", LONG, True, "speech", said=ours)
    assert meant(heard) == ("echo", "our own words")
    assert meant(replace(heard, final=False))[0] == "unsure"
    assert meant(replace(heard, text="actually play some jazz"))[0] == "answer"


def test_what_is_hardly_a_voice_is_noise() -> None:
    doubtful = replace(SHORT, probability=0.5)
    assert meant(said("up the", doubtful))[0] == "noise"
    assert meant(said("play it again for me", replace(LONG, probability=0.5)))[0] == "answer"


def test_no_words_are_noise_whatever_we_were_doing() -> None:
    for over in ("nothing", "speech", "music"):
        assert meant(Utterance("", SHORT, True, over=over))[0] == "noise"  # type: ignore[arg-type]
    assert meant(said("", final=False))[0] == "unsure"


def test_yes_answers_a_question_and_words_count_when_nobody_talks() -> None:
    assert meant(replace(said("yes"), asked=True))[0] == "answer"
    assert meant(Utterance("yeah", SHORT, True))[0] == "answer"
    assert meant(Utterance("yeah", SHORT, True, over="music"))[0] == "backchannel"


def test_a_short_silence_ends_what_is_hardly_a_request() -> None:
    assert BRIEF_SILENCE_MS < 190
    assert brief(said("yeah", final=False))
    assert brief(said("", final=False))
    assert brief(said("the month", final=False))
    assert not brief(said("put on something", LONG, final=False))
    assert not brief(Utterance("yeah", SHORT, False))  # nobody waits to go on
    assert not brief(replace(said("yes", final=False), asked=True))


def test_words_are_signs_of_listening_only_all_together() -> None:
    assert is_backchannel(["oh", "i", "see"])
    assert is_backchannel(["oh", "that's", "so", "interesting"])
    assert is_backchannel(["no", "way"])
    assert not is_backchannel(["no", "wait"])
    assert not is_backchannel(["that's", "so"])
    assert not is_backchannel(["how"])
    assert not is_backchannel(["i"])
    assert not is_backchannel(["yeah", "stop"])


WORDS = st.lists(
    st.sampled_from(["uh-huh", "yeah", "stop", "the", "f", "month", "i", "see", "play"]), max_size=5
)
EVIDENCE = st.builds(
    Evidence,
    silence_ms=st.floats(0, 2_000),
    voiced_ms=st.floats(0, 5_000),
    probability=st.floats(0, 1),
    request=st.none() | st.floats(0, 1),
    listening=st.none() | st.floats(0, 1),
)


@given(WORDS, EVIDENCE, st.booleans(), st.sampled_from([None, False, True]))
def test_unsure_is_only_said_before_the_end(
    words: list[str], evidence: Evidence, asked: bool, listening: bool | None
) -> None:
    whole = Utterance(" ".join(words), evidence, True, "speech", asked, "", listening)
    assert meant(whole)[0] != "unsure"
    early = meant(replace(whole, final=False, listening=None))[0]
    assert early in ("answer", "unsure")
    if early == "answer":  # what has stopped us once was meant
        assert meant(whole)[0] == "answer"
