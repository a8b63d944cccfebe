"""Capture mode: what is kept, when it ends, and that none of it is obeyed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import HEARING_RATE
from realtime.artefacts import Artefacts
from realtime.hearing.turn import Rules
from realtime.protocol import Outbox
from realtime.thinking.capture import Capture, CaptureKind, Collected
from realtime.thinking.material import FRAME_MS
from tests.fakes import FakeLink, Words

KINDS: tuple[CaptureKind, ...] = ("dictation", "melody", "recording")
PIECE = 20


def tone(ms: int, hertz: float = 220.0, level: float = 0.2) -> bytes:
    """A hum."""
    time = np.arange(ms * HEARING_RATE // 1000) / HEARING_RATE
    return (np.sin(2 * np.pi * hertz * time) * level * 32767).astype(np.int16).tobytes()


def hush(ms: int, level: float = 0.001, seed: int = 3) -> bytes:
    """A room at -60 dB."""
    noise = np.random.default_rng(seed).normal(0, level, ms * HEARING_RATE // 1000)
    return (noise * 32767).astype(np.int16).tobytes()


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / HEARING_RATE


@dataclass
class Desk:
    """A capture, what it works on, and what came of it."""

    link: FakeLink = field(default_factory=lambda: FakeLink(Words()))
    artefacts: Artefacts = field(default_factory=Artefacts)
    collected: list[Collected] = field(default_factory=list)
    sounding: bool = False

    def __post_init__(self) -> None:
        self.capture = Capture(
            self.artefacts, Outbox(self.link), self.collected.append, sounding=lambda: self.sounding
        )
        self.hear(hush(3_000))

    def hear(self, *stretches: bytes, piece_ms: int = PIECE) -> None:
        for pcm in stretches:
            size = piece_ms * HEARING_RATE // 1000 * 2
            for at in range(0, len(pcm), size):
                self.capture.listen(pcm[at : at + size])

    def say(self, text: str, pcm: bytes, silence_ms: int = 700) -> bool:
        """An utterance with the silence that ends it, as a session tells of it."""
        self.capture.speech(True)
        self.hear(pcm, hush(silence_ms))
        self.capture.speech(False)
        return self.capture.utterance(text, pcm)

    @property
    def states(self) -> list[str]:
        return [event["state"] for event in self.link.log if event["type"] == "audiogpt.capture"]

    @property
    def only(self) -> Collected:
        (collected,) = self.collected
        return collected


def test_words_are_written_down_and_not_obeyed() -> None:
    desk = Desk()
    desk.capture.begin("dictation", "read it back")
    assert desk.capture.active
    desk.hear(hush(2_000))
    assert desk.say("buy milk and eggs", tone(1_500), silence_ms=2_500)
    kept = desk.only.artefact
    assert kept is not None
    assert (kept.name, kept.kind, kept.text, kept.origin) == (
        "note 1",
        "text",
        "buy milk and eggs",
        "captured",
    )
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(1.5, abs=0.05)
    assert desk.states == ["waiting", "listening", "done"]
    assert not desk.capture.active
    assert not desk.say("play some jazz", tone(800))
    created = [event for event in desk.link.log if event["type"] == "audiogpt.artefact.created"]
    assert [(event["id"], event["kind"], event["name"]) for event in created] == [(kept.id, "text", "note 1")]


def test_what_a_planner_is_told() -> None:
    desk = Desk()
    desk.capture.begin("dictation", "sing it")
    desk.say("here we go", tone(1_000))
    kept = desk.only.artefact
    assert kept is not None
    assert desk.only.as_event() == {
        "event": "captured",
        "kind": "dictation",
        "state": "done",
        "artefact": kept.id,
        "name": "note 1",
        "text": "here we go",
        "seconds": 1.0,
        "then": "sing it",
    }


def test_a_dictation_waits_for_its_words() -> None:
    desk = Desk()
    desk.capture.begin("dictation")
    assert desk.say("um okay so", tone(600))
    assert desk.say("", tone(600))
    assert desk.capture.active
    assert desk.say("the rent is due", tone(1_000))
    assert desk.only.text == "the rent is due"


def test_an_end_phrase_is_cut_off_text_and_sound() -> None:
    desk = Desk()
    desk.capture.begin("dictation")
    said = tone(2_000) + hush(500) + tone(500)
    assert desk.say("Buy milk, that's it.", said)
    kept = desk.only.artefact
    assert kept is not None
    assert kept.text == "Buy milk"
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(2.0 + 0.2, abs=0.05)  # and the tail


def test_an_end_phrase_alone_is_nothing() -> None:
    desk = Desk()
    desk.capture.begin("dictation")
    assert desk.say("that's it", tone(500))
    assert (desk.only.state, desk.only.artefact) == ("empty", None)
    assert len(desk.artefacts) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_never_mind(kind: CaptureKind) -> None:
    desk = Desk()
    desk.capture.begin(kind, "play it")
    assert desk.say("Never mind.", tone(700))
    assert desk.only.state == "cancelled"
    assert desk.states[-1] == "cancelled"
    assert len(desk.artefacts) == 0
    assert not desk.capture.active


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_for_ten_seconds_is_given_up(kind: CaptureKind) -> None:
    desk = Desk()
    desk.capture.begin(kind)
    desk.hear(hush(9_900))
    assert desk.capture.active
    desk.hear(hush(200))
    assert desk.only.state == "empty"
    assert desk.states == ["waiting", "empty"]


def test_speech_without_a_word_is_given_up_as_well() -> None:
    desk = Desk()
    desk.capture.begin("dictation")
    desk.capture.speech(True)
    desk.hear(tone(1_000))
    desk.capture.speech(False)
    desk.hear(hush(9_900))
    assert desk.capture.active
    desk.hear(hush(300))
    assert desk.only.state == "empty"


def test_a_hum_is_kept_though_nobody_takes_it_for_speech() -> None:
    desk = Desk()
    desk.capture.begin("melody", "make it a jazz trio")
    hum = tone(1_000, 220) + hush(800, seed=4) + tone(1_000, 330) + hush(1_200, seed=5) + tone(2_000, 262)
    desk.hear(hush(2_500), hum, hush(1_700))
    assert desk.capture.active
    desk.hear(hush(300))
    kept = desk.only.artefact
    assert kept is not None
    assert (kept.kind, kept.name, kept.text) == ("melody", "tune 1", "")
    sound = desk.artefacts.sound(kept)
    assert seconds(sound.pcm) == pytest.approx(seconds(hum) + 0.5, abs=0.1)  # with the lead and the tail
    loud = np.abs(np.frombuffer(sound.pcm, np.int16)) > 3_000
    assert np.flatnonzero(loud)[0] / HEARING_RATE == pytest.approx(0.3, abs=0.05)


def test_a_hum_that_a_recogniser_makes_words_of_is_no_command() -> None:
    desk = Desk()
    desk.capture.begin("melody")
    for text in ("no no no stop", "stop", "that's all", "never mind"):
        assert desk.say(text, tone(3_000), silence_ms=1_000)
        assert desk.capture.active
    desk.hear(hush(2_000))
    assert desk.only.state == "done"
    assert desk.only.text == ""


def test_a_recording_has_its_words_and_ends_in_silence() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.hear(hush(1_000))
    assert desk.say("testing one two", tone(1_500))
    assert desk.say("and three", tone(1_000))
    assert desk.capture.active
    desk.hear(hush(1_500))
    kept = desk.only.artefact
    assert kept is not None
    assert (kept.kind, kept.text) == ("recording", "testing one two and three")
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(3.2 + 0.5, abs=0.1)


def test_thats_it_ends_a_recording_at_once_and_is_not_in_it() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.say("testing one two", tone(2_000))
    assert desk.say("that's it", tone(500), silence_ms=200)
    kept = desk.only.artefact
    assert kept is not None
    assert kept.text == "testing one two"
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(2.0 + 0.2, abs=0.05)


def test_the_last_words_of_a_recording_are_waited_for() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.capture.speech(True)
    desk.hear(tone(2_000), hush(2_500))
    assert desk.capture.active  # silent long enough, but the recogniser is not done
    desk.capture.speech(False)
    assert desk.capture.utterance("late words", tone(2_000))
    assert desk.only.text == "late words"


def test_words_that_come_too_late_are_not_obeyed_either() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.capture.speech(True)
    desk.hear(tone(2_000), hush(5_000))
    assert desk.only.state == "done"
    desk.capture.speech(False)
    assert desk.capture.utterance("play some jazz", tone(2_000))
    desk.capture.speech(True)
    desk.capture.speech(False)
    assert not desk.capture.utterance("play some jazz", tone(2_000))


def test_what_is_owed_and_never_comes_is_forgotten() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.capture.speech(True)
    desk.hear(tone(2_000), hush(5_000))
    desk.capture.speech(False)  # it was no speech
    assert not desk.say("play some jazz", tone(800))


def test_a_recording_has_an_end() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.hear(tone(125_000))
    kept = desk.only.artefact
    assert kept is not None
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(120.3, abs=0.5)


def test_our_own_go_ahead_is_no_material() -> None:
    desk = Desk()
    desk.capture.begin("melody")
    desk.sounding = True
    desk.hear(tone(800))  # its echo
    desk.sounding = False
    desk.hear(tone(200), hush(600))  # comes back later than it left
    assert desk.states == ["waiting"]
    desk.hear(tone(1_000), hush(2_000))
    kept = desk.only.artefact
    assert kept is not None
    assert seconds(desk.artefacts.sound(kept).pcm) == pytest.approx(1.5, abs=0.1)


def test_who_does_not_wait_for_our_go_ahead_is_heard() -> None:
    desk = Desk()
    desk.capture.begin("recording")
    desk.sounding = True
    desk.capture.speech(True)
    desk.hear(tone(500))
    assert desk.states == ["waiting", "listening"]


def test_a_new_capture_takes_the_place_of_the_old() -> None:
    desk = Desk()
    desk.capture.begin("melody")
    desk.capture.begin("dictation")
    assert desk.states == ["waiting", "cancelled", "waiting"]
    assert desk.collected == []
    assert desk.capture.kind == "dictation"


def test_cancelling_is_silent() -> None:
    desk = Desk()
    desk.capture.cancel()
    assert desk.states == []
    desk.capture.begin("melody")
    desk.capture.cancel()
    assert desk.states == ["waiting", "cancelled"]
    assert desk.collected == []


def test_turns_are_longer_while_one_dictates() -> None:
    desk = Desk()
    base = Rules()
    assert desk.capture.rules(base) is base
    desk.capture.begin("dictation")
    rules = desk.capture.rules(base)
    assert (rules.silence_ms, rules.unfinished_ms, rules.max_seconds) == (2_500, 2_500, 120)
    assert rules.complete_ms == base.complete_ms
    desk.capture.begin("melody")
    assert desk.capture.rules(base).unfinished_ms < 1_800


def test_only_an_end_phrase_is_complete() -> None:
    desk = Desk()
    assert desk.capture.completeness("that's it") == 0
    desk.capture.begin("dictation")
    assert desk.capture.completeness("play some jazz") == 0
    assert desk.capture.completeness("buy milk that's it") == 1
    assert desk.capture.completeness("never mind") == 1
    desk.capture.speech(True)
    desk.hear(tone(1_500))
    assert desk.capture.completeness("the work is done") == 0
    desk.hear(hush(500), tone(400))
    assert desk.capture.completeness("buy milk done") == 1


@pytest.mark.parametrize("piece_ms", [10, 20, 33, 100])
def test_pieces_of_any_size_give_the_same(piece_ms: int) -> None:
    desk = Desk()
    desk.capture.begin("melody")
    desk.hear(hush(1_000) + tone(2_000) + hush(2_100), piece_ms=piece_ms)
    kept = desk.only.artefact
    assert kept is not None
    assert kept.duration_ms == pytest.approx(2_500, abs=FRAME_MS)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.lists(
        st.one_of(
            st.tuples(st.just("quiet"), st.integers(20, 3_000)),
            st.tuples(st.just("sound"), st.integers(20, 3_000)),
            st.tuples(st.sampled_from(["go on", "that's it", "cancel", ""]), st.integers(200, 2_000)),
        ),
        max_size=12,
    ),
)
def test_whatever_happens_it_ends_once(kind: CaptureKind, events: list[tuple[str, int]]) -> None:
    desk = Desk()
    desk.capture.begin(kind)
    for what, ms in events:
        before = desk.capture.active
        if what in {"quiet", "sound"}:
            desk.hear(hush(ms) if what == "quiet" else tone(ms))
        else:
            answered = not desk.say(what, tone(ms))
            assert not (before and answered)
    desk.hear(hush(12_000))
    assert not desk.capture.active
    assert len(desk.collected) == 1
    assert desk.states.count("done") + desk.states.count("empty") + desk.states.count("cancelled") == 1
    assert (desk.only.artefact is not None) == (desk.only.state == "done")
    if desk.only.artefact is not None:
        assert desk.artefacts.sound(desk.only.artefact).pcm
