"""The rules of a turn, over scripted probabilities."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import VAD_FRAME, SpeechProbability
from realtime.hearing.turn import (
    LENGTH_MS,
    SETTLING_MS,
    Ended,
    Evidence,
    GoesOn,
    Interrupt,
    Onset,
    Pause,
    Rules,
    TurnDetector,
    TurnEvent,
    Withdrawn,
    patience,
)

FRAME_MS = 32


class Person:
    """Feeds a detector frame by frame and keeps the events with the time at which they came."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.detector = TurnDetector(rules or Rules())
        self.end = 0
        self.events: list[TurnEvent] = []

    def sound(self, probability: float, frames: int = 1) -> list[TurnEvent]:
        new: list[TurnEvent] = []
        for _ in range(frames):
            self.end += VAD_FRAME
            new += self.detector.frame(SpeechProbability(probability, self.end, 0.1))
        self.events += new
        return new

    def speak(self, frames: int) -> list[TurnEvent]:
        return self.sound(0.9, frames)

    def silence(self, frames: int) -> list[TurnEvent]:
        return self.sound(0.0, frames)

    def says(self, text: str, completeness: float) -> list[TurnEvent]:
        new = self.detector.words(text, completeness)
        self.events += new
        return new

    def silence_until_over(self) -> tuple[TurnEvent, int]:
        """The event that ends the turn, and how many ms of silence it took."""
        for frame in range(1, 200):
            if (new := self.silence(1)) and not isinstance(new[-1], Pause):
                return new[-1], frame * FRAME_MS
        raise AssertionError("the turn never ended")


def test_silence_is_nothing() -> None:
    person = Person()
    assert person.silence(100) == []
    assert not person.detector.speaking


def test_an_onset_takes_two_frames_and_begins_with_the_first() -> None:
    person = Person()
    person.silence(3)
    assert person.speak(1) == []
    assert person.speak(1) == [Onset(3 * VAD_FRAME)]
    assert person.detector.speaking


def test_a_single_loud_frame_is_no_onset() -> None:
    person = Person()
    for _ in range(5):
        person.speak(1)
        person.silence(1)
    assert person.events == []


@pytest.mark.parametrize(
    ("words", "why", "milliseconds"),
    [
        (("stop the music", 0.9), "complete", 190),
        (("stop the music", 0.8), "complete", 190),
        (None, "silence", 480),
        (("play the", 0.25), "unfinished", 2_000),
        (("play the", 0.08), "unfinished", 2_000),
    ],
)
def test_the_words_decide_how_long_a_silence_ends_the_turn(
    words: tuple[str, float] | None, why: str, milliseconds: int
) -> None:
    person = Person()
    person.speak(10)
    if words is not None:
        person.says(*words)
    event, took = person.silence_until_over()
    assert milliseconds <= took < milliseconds + FRAME_MS
    assert event == Ended(0, 10 * VAD_FRAME, person.end, why)  # type: ignore[arg-type]
    assert not person.detector.speaking


@pytest.mark.parametrize(("frames", "milliseconds"), [(10, 1_696), (56, 480), (160, 192)])
def test_the_less_was_said_the_longer_are_words_waited_for_that_leave_it_open(
    frames: int, milliseconds: int
) -> None:
    person = Person()
    person.speak(frames)
    person.says("the music", 0.5)
    event, took = person.silence_until_over()
    assert isinstance(event, Ended)
    assert milliseconds <= took < milliseconds + 2 * FRAME_MS


def test_words_that_come_in_the_silence_count() -> None:
    person = Person()
    person.speak(10)
    person.silence(10)
    assert person.says("stop the music", 0.95) == [Interrupt()]
    assert isinstance(person.silence(3)[0], Ended)


def test_a_pause_in_a_sentence_does_not_end_it() -> None:
    person = Person()
    person.speak(10)
    person.says("play", 0.1)
    person.silence(40)
    person.speak(5)
    person.says("play some music", 0.9)
    event, _ = person.silence_until_over()
    assert event == Ended(0, 55 * VAD_FRAME, person.end, "complete")
    assert [type(event) for event in person.events] == [Onset, Interrupt, Pause, GoesOn, Pause, Ended]


def test_a_pause_is_told_once_and_what_follows_makes_it_void() -> None:
    person = Person()
    person.speak(10)
    person.says("play", 0.1)
    assert person.silence(2) == []
    assert person.silence(1) == [Pause(0, 10 * VAD_FRAME)]
    assert person.silence(10) == []
    assert person.speak(1) == [GoesOn(0)]
    assert person.speak(5) == []
    assert person.silence(3) == [Pause(0, 29 * VAD_FRAME)]


def test_a_silence_too_short_for_a_pause_is_not_told() -> None:
    person = Person()
    person.speak(10)
    person.silence(2)
    assert person.speak(1) == []


def test_hints_are_of_one_pause_only() -> None:
    person = Person()
    person.detector.hint("prosody", 0.9)  # nobody speaks
    person.speak(10)
    person.silence(3)
    assert person.detector.evidence().prosody is None
    person.detector.hint("prosody", 0.9)
    person.detector.hint("model", 0.8)
    assert (person.detector.evidence().prosody, person.detector.evidence().model) == (0.9, 0.8)
    person.speak(1)
    assert person.detector.evidence() == Evidence(
        voiced_ms=11 * 32, probability=pytest.approx(0.9), settled_ms=12 * 32
    )


def test_what_the_planner_thought_of_other_words_is_forgotten() -> None:
    person = Person()
    person.speak(10)
    person.says("play", 0.1)
    person.silence(3)
    person.detector.hint("planner", 0.9)
    person.says("play", 0.1)  # firmer than before, but the same
    assert person.detector.evidence().planner == 0.9
    person.says("play jazz", 0.9)
    assert person.detector.evidence().planner is None


def test_an_end_carries_what_it_rests_on() -> None:
    person = Person()
    person.speak(10)
    person.says("stop the music", 0.9)
    person.silence(3)
    person.detector.hint("planner", 1.0)
    (ended,) = person.silence(3)
    assert isinstance(ended, Ended)
    assert ended.evidence == Evidence(
        silence_ms=192,
        voiced_ms=320,
        probability=pytest.approx(0.9),
        completeness=0.9,
        settled_ms=192,
        words=3,
        planner=1.0,
    )


def test_words_that_have_just_changed_are_given_time_to_stand_still() -> None:
    person = Person()
    person.speak(10)
    person.silence(5)
    person.says("what time is it", 1.0)  # 160 ms into the silence
    late = round(SETTLING_MS / FRAME_MS)
    assert late > 1
    assert person.silence(late - 1) == []
    assert isinstance(person.silence(1)[0], Ended)


LATE = 300.0  # ms of silence, after which all words have settled
SETTLED = Evidence(silence_ms=LATE, settled_ms=LATE)
shares = st.floats(0, 1)
hints = st.none() | shares
evidences = st.builds(
    Evidence,
    silence_ms=st.floats(0, 3_000),
    completeness=shares,
    settled_ms=st.floats(0, 3_000),
    words=st.integers(0, 30),
    voiced_ms=st.floats(0, 60_000),
    prosody=hints,
    planner=hints,
    model=hints,
)


@given(evidences)
def test_patience_stays_between_its_limits(evidence: Evidence) -> None:
    why, wait = patience(evidence, Rules())
    assert Rules().complete_ms <= wait <= Rules().unfinished_ms
    assert why in {"complete", "silence", "unfinished"}


@given(evidences, st.sampled_from(["completeness", "prosody", "model"]), shares, shares)
def test_what_speaks_for_the_end_never_makes_the_wait_longer(
    evidence: Evidence, kind: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    short = patience(replace(evidence, **{kind: high}), Rules())[1]  # type: ignore[arg-type]
    assert short <= patience(replace(evidence, **{kind: low}), Rules())[1]  # type: ignore[arg-type]


@given(evidences)
def test_who_has_no_opinion_changes_nothing(evidence: Evidence) -> None:
    silent = replace(evidence, prosody=None, model=None)
    assert patience(replace(silent, prosody=0.5, model=0.5), Rules()) == patience(silent, Rules())


@pytest.mark.parametrize(
    ("told", "shorter"),
    [
        ({"prosody": 0.8}, True),
        ({"prosody": 0.2}, False),
        ({"model": 0.9}, True),
        ({"model": 0.1}, False),
    ],
)
def test_each_hint_moves_what_the_words_leave_open(told: dict[str, float], shorter: bool) -> None:
    undecided = replace(SETTLED, completeness=0.5, words=5, voiced_ms=LENGTH_MS)
    base = patience(undecided, Rules())[1]
    moved = patience(replace(undecided, **told), Rules())[1]  # type: ignore[arg-type]
    assert (moved < base) is shorter
    assert moved != base


def test_a_plan_that_fits_shortens_the_wait() -> None:
    likely = replace(SETTLED, completeness=0.6, words=5, voiced_ms=LENGTH_MS)
    assert patience(replace(likely, planner=1.0), Rules())[1] < patience(likely, Rules())[1]


def test_a_whole_request_is_answered_at_once_however_short() -> None:
    short = replace(SETTLED, completeness=0.8, words=1, voiced_ms=200.0)
    assert patience(short, Rules()) == ("complete", Rules().complete_ms)


def test_words_that_break_off_are_waited_for_however_much_was_said() -> None:
    long = replace(SETTLED, completeness=0.25, words=50, voiced_ms=20_000.0)
    assert patience(long, Rules()) == ("unfinished", Rules().unfinished_ms)


def test_a_plan_says_nothing_for_words_that_plainly_go_on() -> None:
    hanging = replace(SETTLED, completeness=0.08)
    assert patience(replace(hanging, planner=1.0), Rules()) == ("unfinished", 2_000)


@pytest.mark.parametrize("frames", [2])
def test_a_short_noise_without_words_is_withdrawn(frames: int) -> None:
    person = Person()
    person.speak(frames)
    event, took = person.silence_until_over()
    assert event == Withdrawn(0)
    assert 190 <= took < 190 + FRAME_MS


def test_a_short_word_is_a_turn() -> None:
    person = Person()
    person.speak(2)
    person.says("no", 0.9)
    event, _ = person.silence_until_over()
    assert isinstance(event, Ended)


def test_long_speech_without_words_interrupts() -> None:
    person = Person()
    assert person.speak(12) == [Onset(0)]
    assert person.speak(1) == [Interrupt()]  # 416 ms, the first frame past 400
    assert person.speak(50) == []


def test_words_interrupt_at_once_and_only_once() -> None:
    person = Person()
    person.speak(3)
    assert person.says("  ", 0.5) == []
    assert person.says("stop", 0.9) == [Interrupt()]
    assert person.says("stop it", 0.9) == []
    assert person.speak(40) == []


def test_words_without_a_turn_are_nothing() -> None:
    person = Person()
    assert person.says("hello", 0.9) == []


def test_speech_goes_on_at_a_lower_probability_than_it_begins_at() -> None:
    person = Person()
    assert person.sound(0.4, 20) == []
    person.speak(1)
    person.sound(0.4, 20)
    assert person.detector.speaking
    person.sound(0.34, 30)
    assert isinstance(person.events[-1], Ended)
    assert person.events[-1] == Ended(20 * VAD_FRAME, 41 * VAD_FRAME, person.events[-1].at, "silence")  # type: ignore[union-attr]


def test_a_turn_that_never_ends_is_ended() -> None:
    person = Person(Rules(max_seconds=2.0))
    person.speak(63)
    assert person.events[-1] == Ended(0, 63 * VAD_FRAME, 63 * VAD_FRAME, "too long")
    assert person.speak(2) == [Onset(63 * VAD_FRAME)]  # and what follows is the next one


def test_a_commit_ends_the_turn_now() -> None:
    person = Person()
    assert person.detector.commit(0) == []
    person.speak(5)
    person.silence(1)
    assert person.detector.commit(person.end) == [Ended(0, 5 * VAD_FRAME, 6 * VAD_FRAME, "committed")]
    assert person.detector.commit(person.end) == []


def test_a_reset_forgets_the_turn() -> None:
    person = Person()
    person.speak(5)
    person.detector.reset()
    assert person.silence(60) == []
    assert person.says("late", 0.9) == []
    person.speak(1)
    assert not person.detector.speaking


rules = st.builds(
    Rules,
    threshold=st.floats(0.2, 0.9),
    onset_ms=st.integers(32, 300),
    interrupt_ms=st.integers(32, 1_000),
    complete_ms=st.integers(60, 600),
    silence_ms=st.integers(60, 900),
    unfinished_ms=st.integers(60, 2_000),
    max_seconds=st.floats(1.5, 5),
)
acts = st.one_of(
    st.tuples(st.just("sound"), st.floats(0, 1), st.integers(1, 40)),
    st.tuples(st.just("says"), st.sampled_from(["", "play", "stop it"]), st.floats(0, 1)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("reset")),
)


@settings(deadline=None)
@given(rules, st.lists(acts, max_size=30))
def test_events_keep_to_their_grammar_and_times_to_their_rules(
    rules: Rules, script: list[tuple[object, ...]]
) -> None:
    """Onset -> Interrupt? -> (Pause -> GoesOn)* -> Pause? -> (Ended | Withdrawn), or a reset."""
    person = Person(rules)
    state = "idle"
    paused = False
    start = over = 0
    for act in script:
        match act:
            case ("sound", float(probability), int(frames)):
                batches = [(person.sound(probability), person.end) for _ in range(frames)]
            case ("says", str(text), float(completeness)):
                batches = [(person.says(text, completeness), person.end)]
            case ("commit",):
                batches = [(person.detector.commit(person.end), person.end)]
            case _:
                person.detector.reset()
                state, batches = "idle", []
        for events, now in batches:
            for event in events:
                match event:
                    case Onset():
                        assert state == "idle"
                        assert over <= event.start < now
                        state, start, paused = "speaking", event.start, False
                    case Pause():
                        assert state != "idle"
                        assert not paused
                        assert event.start == start
                        assert (now - event.stop) / 16 >= rules.pause_ms
                        paused = True
                    case GoesOn():
                        assert paused
                        assert event.start == start
                        paused = False
                    case Interrupt():
                        assert state == "speaking"
                        state = "interrupted"
                    case Ended():
                        assert state != "idle"
                        assert event.start == start < event.stop <= event.at == now
                        waited = (event.at - event.stop) / 16
                        least = {
                            "complete": rules.complete_ms,
                            "silence": min(rules.complete_ms, rules.silence_ms, rules.unfinished_ms),
                            "unfinished": rules.unfinished_ms,
                        }.get(event.why, 0)
                        assert waited >= least
                        assert event.why != "too long" or waited == 0
                        state, over = "idle", event.stop
                    case Withdrawn():
                        assert state != "idle"
                        assert event.start == start
                        state, over = "idle", now
        assert person.detector.speaking == (state != "idle")
