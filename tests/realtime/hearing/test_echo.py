"""Our own voice in the microphone; ten minutes of it: `python -m tests.realtime.hearing.rooms`."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import HEARING_RATE, SPEAKING_RATE
from realtime.hearing.echo import CONTROLS, EchoCanceller, heard_ourselves
from realtime.hearing.echo_path import FRAME, Sent, Timeline, displaced
from tests.realtime.hearing.rooms import (
    PIECE,
    SENTENCES,
    Floats,
    Room,
    at_level,
    clips,
    decibels,
    frames,
    listen,
    talk,
)


def with_person(heard: Floats, name: str, at: float, dbfs: float) -> Floats:
    mixed = heard.copy()
    person = at_level(clips(shared=False)[name], dbfs)
    begin = int(at * HEARING_RATE)
    mixed[begin : begin + len(person)] += person[: len(mixed) - begin]
    return mixed


@pytest.mark.parametrize(
    ("echo_db", "delay_ms", "rt60"), [(-6, 20, 0.5), (-12, 120, 0.2), (-20, 300, 0.35), (-6, 300, 0.2)]
)
def test_we_do_not_hear_ourselves(echo_db: float, delay_ms: float, rt60: float) -> None:
    sent = talk(12, seed=3)
    room = Room(echo_db=echo_db, delay_ms=delay_ms, rt60=rt60)
    onsets = listen(sent, room.hear(sent)).onsets
    # The very first echo of a session may be taken for a person, where it comes late: we cannot know yet.
    assert len(onsets) <= (delay_ms >= 300)
    assert all(onset < 0.7 * HEARING_RATE for onset in onsets)


@pytest.mark.parametrize("step_s", [-0.5, -0.1, 0.1, 0.5])
def test_a_microphones_clock_that_jumps_breaks_nothing(step_s: float) -> None:
    """After a stall pieces arrive late for a while, and then the timeline is set anew: back, or ahead."""
    canceller = EchoCanceller()
    sent, heard = talk(6, seed=2), Room(echo_db=-12, delay_ms=100, rt60=0.3).hear(talk(6, seed=2))
    pieces = np.clip(heard[: 290 * PIECE] * 32768, -32768, 32767).astype("<i2").reshape(-1, PIECE)
    outgoing = list(frames(sent))
    for index, piece in enumerate(pieces):
        now = index * 0.02
        canceller.reference(outgoing[index], now)
        late = step_s if index > 100 else 0.0
        assert len(canceller.clean(piece.tobytes(), now + 0.02 + late)) == 2 * PIECE


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9, 1.5, 3.0])
@pytest.mark.parametrize("name", ["stop", "uh_huh", "what_time_is_it"])
def test_a_person_without_an_echo_is_heard_from_our_first_words_on(name: str, at: float) -> None:
    """There is no deaf window: the onset comes as soon as it does while we are silent."""
    sent = talk(5, seed=1)
    room = np.random.default_rng(1).normal(0, decibels(-62), 5 * HEARING_RATE)
    microphone = with_person(room, name, at, -22)
    in_quiet = listen(np.zeros(0), microphone).onsets[0]
    assert any(abs(onset - in_quiet) <= 0.2 * HEARING_RATE for onset in listen(sent, microphone).onsets)


def test_without_a_canceller_we_would() -> None:
    sent = talk(6, seed=3)
    deaf = listen(np.zeros(0), Room(echo_db=-20).hear(sent))
    assert deaf.onsets


@pytest.mark.parametrize("name", ["set_timer", "long_story"])
@pytest.mark.parametrize(("echo_db", "person_dbfs"), [(-6, -20), (-6, -26), (-12, -26)])
def test_a_person_over_the_echo_is_heard(name: str, echo_db: float, person_dbfs: float) -> None:
    sent = talk(9, seed=5)
    quiet = listen(np.zeros(0), with_person(Room().hear(np.zeros(9 * SPEAKING_RATE)), name, 7, person_dbfs))
    over = listen(sent, with_person(Room(echo_db=echo_db).hear(sent), name, 7, person_dbfs))
    assert over.onsets[0] > 7 * HEARING_RATE
    assert over.onsets[0] - quiet.onsets[0] <= 0.2 * HEARING_RATE


def test_a_person_over_silence_of_the_microphone_is_not_touched() -> None:
    """A browser that cancels echoes: what the person says arrives at once, and their onset is as early."""
    sent = talk(6, seed=1)
    heard = with_person(np.zeros(6 * HEARING_RATE), "set_timer", 3, -26)
    alone = listen(np.zeros(0), heard)
    assert listen(sent, heard).onsets[0] - alone.onsets[0] <= 0.064 * HEARING_RATE


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_nothing_sent_nothing_changed(sizes: list[int]) -> None:
    canceller = EchoCanceller()
    noise = np.random.default_rng(0).integers(-9_000, 9_000, sum(sizes)).astype("<i2")
    begin = 0
    for size in sizes:
        piece = noise[begin : begin + size].tobytes()
        begin += size
        assert canceller.clean(piece, begin / HEARING_RATE) == piece
        assert not canceller.echo_only


def test_a_second_after_the_last_frame_nothing_is_changed() -> None:
    sent = talk(3, seed=1)
    heard = Room(delay_ms=100).hear(sent)
    canceller = EchoCanceller()
    listen(sent, heard, canceller=canceller)
    piece = np.full(PIECE, 5_000, "<i2").tobytes()
    assert canceller.clean(piece, 5.0) == piece


def test_pieces_of_any_size_come_back_as_long_and_as_clean() -> None:
    sent = talk(8, seed=3)
    sizes = cycle([320, 77, 500, 1, 240, 960])
    heard = Room(delay_ms=90).hear(sent)
    listened = listen(sent, heard, pieces=lambda: next(sizes))
    assert len(listened.pcm) == 2 * len(heard)
    assert listened.onsets == []


def test_stereo_is_heard_as_the_sum_of_its_sides() -> None:
    mono = talk(8, seed=3)
    pan = 0.5 + 0.4 * np.sin(np.arange(len(mono)) / SPEAKING_RATE)
    sent = np.stack([mono * pan, mono * (1 - pan)], axis=1)
    assert listen(sent, Room(delay_ms=90).hear(sent)).onsets == []


def test_music_is_an_echo_too() -> None:
    """Chords and a beat; and a person over them."""
    time = np.arange(10 * SPEAKING_RATE) / SPEAKING_RATE
    chords = np.concatenate([[220, 277, 330]] * 5 + [[196, 247, 294]] * 5).reshape(10, 3)
    tone = sum(np.sin(2 * np.pi * np.repeat(chords[:, note], SPEAKING_RATE) * time) for note in range(3))
    beat = np.random.default_rng(0).standard_normal(len(time)) * np.exp(-(time % 0.5) * 30)
    sent = 0.06 * np.asarray(tone) * np.exp(-(time % 1) * 2) + 0.1 * beat
    heard = Room(echo_db=-10, delay_ms=140).hear(sent)
    assert listen(sent, heard).onsets == []
    onsets = listen(sent, with_person(heard, "set_timer", 7, -22)).onsets
    assert len(onsets) == 1
    assert onsets[0] > 7 * HEARING_RATE


def test_clocks_may_drift() -> None:
    sent = talk(12, seed=3)
    heard = Room(echo_db=-8, drift=100e-6).hear(sent)
    assert listen(sent, heard).onsets == []


def test_a_delay_that_jumps_is_found_again() -> None:
    """A Bluetooth loudspeaker takes over at 6 s. The first word may be taken for a person's, no later one."""
    sent = talk(16, seed=3)
    near, far = Room(delay_ms=60).hear(sent), Room(delay_ms=260).hear(sent)
    change = 6 * HEARING_RATE
    canceller = EchoCanceller()
    heard = listen(sent, np.concatenate([near[:change], far[change:]]), canceller=canceller)
    assert [onset for onset in heard.onsets if not change < onset < change + HEARING_RATE] == []
    assert len(heard.onsets) <= 1
    assert canceller.delay is not None
    assert canceller.delay / HEARING_RATE == pytest.approx(0.26, abs=0.012)


def test_a_timeline_remembers_gaps_as_silence() -> None:
    timeline = Timeline()
    timeline.write(10, np.ones(5, np.float32))
    timeline.write(20, np.full(5, 2, np.float32))
    expected = [0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 0]
    assert timeline.read(9, 26).tolist() == expected


def test_late_frames_stay_in_line_and_rests_do_not() -> None:
    sent = Sent()
    frame = np.full((960, 2), 1_000, np.int16)
    for at in (1.0, 1.029, 1.04):
        sent.add(frame, at)
    assert sent.convert().end == HEARING_RATE + 3 * FRAME
    sent.skip()
    sent.add(frame, 1.085)
    assert sent.convert().end == HEARING_RATE + 5 * FRAME
    sent.add(frame, 2.0)
    assert sent.convert().end == 2 * HEARING_RATE + FRAME


@given(st.integers(0, 400))
@settings(max_examples=20, deadline=None)
def test_an_echo_is_found_where_it_is(at: int) -> None:
    echo = np.random.default_rng(1).standard_normal(1_000).astype(np.float32) * 1_000
    place, match = displaced(echo[at : at + 600], echo)
    assert place == at
    assert match == pytest.approx(1, abs=0.1)


SAID = " ".join(SENTENCES)
WORDS = (
    SAID.lower().replace(",", "").replace(".", "").replace("?", "").replace("!", "").replace(";", "").split()
)


@given(st.integers(0, 60), st.integers(6, 14), st.data())
@settings(max_examples=100, deadline=None)
def test_our_own_words_are_known_though_misheard(begin: int, length: int, data: st.DataObject) -> None:
    """A third of the words replaced by others."""
    begin += len(WORDS) - 76
    heard = WORDS[begin : begin + length]
    wrong = data.draw(st.sets(st.integers(0, len(heard) - 1), max_size=len(heard) // 3))
    heard = ["zebra" if place in wrong else word for place, word in enumerate(heard)]
    assert heard_ourselves(" ".join(heard), SAID)


@given(st.sampled_from(sorted(CONTROLS)))
def test_who_takes_the_floor_is_heard_whatever_we_say(word: str) -> None:
    assert not heard_ourselves(word, f"you can say {word} at any time")


@pytest.mark.parametrize(
    "text",
    [
        "what time is it",
        "set a timer for ten seconds",
        "play a calm piano piece",
        "go on",
        "hello how are you",
    ],
)
def test_a_request_is_not_ours(text: str) -> None:
    assert not heard_ourselves(
        text, "Every night, a light was burning in the window of the old house by the sea."
    )


def test_nothing_was_heard_or_said() -> None:
    assert not heard_ourselves("", SAID)
    assert not heard_ourselves("okay then", "")


def test_an_echo_that_comes_no_more_is_forgotten() -> None:
    """Somebody plugs in headphones; or it never was an echo, only as periodic as one."""
    sent = talk(8, seed=3)
    heard = Room(echo_db=-10, delay_ms=120).hear(sent)
    canceller = EchoCanceller()
    listen(sent, heard, canceller=canceller)
    assert canceller.delay is not None
    later = talk(4, seed=4)
    listen(later, np.zeros(4 * HEARING_RATE), canceller=canceller)
    assert canceller.delay is None
