"""The mixer: nothing clicks, nothing is lost, levels and limits are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.speaking.mixer import (
    CUT_SAMPLES,
    DUCK_HOLD_FRAMES,
    FADE_SAMPLES,
    Lane,
    Mixer,
    decibels,
    limited,
    ramped,
)
from realtime.transport.link import FRAME_SAMPLES
from tests.discontinuity import bound, clicks, sine

SECOND = 48_000
SOURCE = sine(8 * SECOND)
QUIET = sine(8 * SECOND, amplitude=0.2)


class Tape:
    """A lane that carries one endless sine, and everything that came out of it."""

    def __init__(self) -> None:
        self.lane = Lane("tape", 1_000)
        self.lane.finished = False
        self.source = SOURCE
        self.written = 0
        self.out: list[np.ndarray[Any, Any]] = []

    def write(self, samples: int) -> None:
        samples = min(samples, self.lane.room)
        self.lane.write(self.source[self.written : self.written + samples])
        self.written += samples

    def pull(self, frames: int = 1) -> None:
        for _ in range(frames):
            pulled = self.lane.pull(FRAME_SAMPLES)
            self.out.append(np.zeros((FRAME_SAMPLES, 2), np.float32) if pulled is None else pulled)

    def restart(self) -> None:
        """Cut; what comes next is another sound, which begins as sounds do: at zero."""
        self.lane.clear()
        self.lane.finished = False
        self.written = 0

    @property
    def signal(self) -> np.ndarray[Any, Any]:
        return np.concatenate(self.out)[:, 0]


Act = Callable[[Tape], None]
ACTS: dict[str, st.SearchStrategy[Act]] = {
    "write": st.integers(1, 6_000).map(lambda n: lambda tape: tape.write(n)),
    "pull": st.integers(1, 4).map(lambda n: lambda tape: tape.pull(n)),
    "pause": st.just(lambda tape: tape.lane.pause()),
    "resume": st.just(lambda tape: tape.lane.resume()),
    "restart": st.just(lambda tape: tape.restart()),
    "gain": st.sampled_from([0.0, 0.1, 0.5, 1.0]).map(lambda g: lambda tape: tape.lane.set_gain(g, 0.06)),
}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(*ACTS.values()), max_size=40))
def test_whatever_happens_to_a_lane_it_never_clicks(acts: list[Act]) -> None:
    tape = Tape()
    for act in acts:
        act(tape)
    tape.pull(3)
    # A cut's tail and the beginning of what replaces it may overlap: two sounds.
    assert clicks(tape.signal, bound(sounds=2)) == []


def test_the_detector_sees_a_click() -> None:
    wave = sine(SECOND)[:, 0]
    assert clicks(wave, bound()) == []
    assert clicks(np.delete(wave, slice(1_000, 1_005)), bound())
    held = wave.copy()
    held[1_050:] = 0
    assert clicks(held, bound(sounds=2))


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=30))
def test_the_borders_of_chunks_leave_no_trace(sizes: list[int]) -> None:
    lane = Lane("music", 60_000)
    source = sine(sum(sizes))
    at = 0
    for size in sizes:
        lane.write(source[at : at + size])
        at += size
    lane.finished = True
    frames = []
    while (frame := lane.pull(FRAME_SAMPLES)) is not None:
        frames.append(frame)
    assert np.array_equal(np.concatenate(frames)[: len(source)], source)
    assert lane.consumed == len(source)
    assert lane.underruns == 0


@settings(deadline=None)
@given(before=st.integers(0, 20), silent=st.integers(1, 20))
def test_a_resume_goes_on_at_the_exact_sample(before: int, silent: int) -> None:
    tape = Tape()
    tape.write(SECOND)
    tape.pull(before)
    at = tape.lane.consumed
    assert at == before * FRAME_SAMPLES
    tape.lane.pause()
    assert tape.lane.paused
    tape.pull(1 + silent)
    assert tape.lane.consumed == at
    tape.lane.resume()
    tape.pull(3)
    heard = np.concatenate(tape.out)
    after = heard[at + (1 + silent) * FRAME_SAMPLES :]
    assert np.array_equal(heard[:at], tape.source[:at])
    original = tape.source[at : at + len(after)]
    assert np.array_equal(after[FADE_SAMPLES:], original[FADE_SAMPLES:])
    assert np.all(np.abs(after) <= np.abs(original) + 1e-6)
    copy = heard[at : at + FRAME_SAMPLES]
    if before:
        fade = np.linspace(1, 0, CUT_SAMPLES, dtype=np.float32)[:, None]
        assert np.allclose(copy[:CUT_SAMPLES], original[:CUT_SAMPLES] * fade, atol=1e-6)
        assert not copy[CUT_SAMPLES:].any()
    else:
        assert not copy.any()  # what was never heard is not faded out
    assert not heard[at + FRAME_SAMPLES : at + (1 + silent) * FRAME_SAMPLES].any()


def test_a_pause_taken_back_in_time_is_none() -> None:
    tape = Tape()
    tape.write(SECOND)
    tape.pull(2)
    tape.lane.pause()
    tape.lane.resume()
    tape.pull(2)
    assert np.array_equal(np.concatenate(tape.out), tape.source[: 4 * FRAME_SAMPLES])


def test_a_cut_lasts_ten_milliseconds_and_forgets_the_rest() -> None:
    tape = Tape()
    tape.write(SECOND)
    tape.pull(2)
    tape.lane.clear()
    assert tape.lane.buffered == 0
    assert tape.lane.audible
    tape.pull(2)
    assert tape.lane.consumed == 2 * FRAME_SAMPLES
    assert tape.signal[2 * FRAME_SAMPLES : 2 * FRAME_SAMPLES + CUT_SAMPLES - 1].any()
    assert not tape.signal[2 * FRAME_SAMPLES + CUT_SAMPLES :].any()
    assert not tape.lane.audible


@pytest.mark.parametrize("hidden", ["never played", "paused", "resumed, not yet played", "replaced"])
def test_a_cut_of_what_nobody_hears_makes_no_sound(hidden: str) -> None:
    tape = Tape()
    tape.write(SECOND)
    if hidden != "never played":
        tape.pull(2)
    if hidden in ("paused", "resumed, not yet played"):
        tape.lane.pause()
        tape.pull(2)
    if hidden == "resumed, not yet played":
        tape.lane.resume()
    tape.lane.clear()
    if hidden == "replaced":  # the tail of the first sound stays, the second was never heard
        tape.lane.write(np.ones((4_800, 2), np.float32))
        tape.lane.clear()
        tape.pull(1)
        original = tape.source[2 * FRAME_SAMPLES :][:CUT_SAMPLES, 0]
        assert np.all(np.abs(tape.signal[2 * FRAME_SAMPLES :][:CUT_SAMPLES]) <= np.abs(original) + 1e-6)
    else:
        assert tape.lane.pull(FRAME_SAMPLES) is None


def test_a_late_writer_makes_a_gap_and_loses_nothing() -> None:
    tape = Tape()
    tape.write(4 * FRAME_SAMPLES)
    tape.pull(8)
    assert tape.lane.underruns == 1
    assert tape.lane.buffered == 0
    tape.write(SECOND // 2)
    tape.pull(4)
    assert tape.lane.consumed == 8 * FRAME_SAMPLES
    assert clicks(tape.signal, bound()) == []
    back = np.concatenate(tape.out)[8 * FRAME_SAMPLES :]
    original = tape.source[4 * FRAME_SAMPLES : 8 * FRAME_SAMPLES]
    assert np.array_equal(back[FADE_SAMPLES:], original[FADE_SAMPLES:])


def test_a_lane_waits_for_enough_to_begin_with_unless_there_is_no_more() -> None:
    tape = Tape()
    tape.write(FRAME_SAMPLES)
    assert tape.lane.pull(FRAME_SAMPLES) is None
    tape.lane.finished = True
    assert tape.lane.pull(FRAME_SAMPLES) is not None
    assert tape.lane.underruns == 0


def test_the_end_of_a_sound_is_no_underrun_and_is_not_faded() -> None:
    tape = Tape()
    tape.write(1_000)
    tape.lane.finished = True
    tape.pull(3)
    assert tape.lane.underruns == 0
    assert np.array_equal(np.concatenate(tape.out)[:1_000], tape.source[:1_000])


def test_a_silent_lane_starts_at_the_level_it_was_given() -> None:
    lane = Lane("music", 1_000)
    lane.write(np.ones((9_600, 2), np.float32))
    lane.set_gain(0.25, 0.4)
    first = lane.pull(FRAME_SAMPLES)
    assert first is not None
    assert np.all(first == 0.25)


def test_room_and_capacity() -> None:
    lane = Lane("speech", 500)
    assert lane.room == 24_000
    lane.write(np.zeros((20_000, 2), np.float32))
    assert lane.room == 4_000
    lane.write(np.zeros((0, 2), np.float32))
    lane.write(np.zeros((5_000, 2), np.float32))
    assert lane.room == 0
    lane.pull(FRAME_SAMPLES)
    assert (lane.buffered, lane.room) == (25_000 - FRAME_SAMPLES, 0)


@given(
    gain=st.floats(0, 3, width=32),
    target=st.floats(0, 3, width=32),
    step=st.floats(1e-5, 3),
    samples=st.integers(1, 2_000),
)
def test_a_ramp_moves_by_its_step_and_never_past_its_target(
    gain: float, target: float, step: float, samples: int
) -> None:
    line = ramped(gain, target, step, samples)[:, 0].astype(float)
    assert len(line) == samples
    moves = np.diff(np.concatenate([[gain], line]))
    assert np.all(np.abs(moves) <= step * 1.001 + 1e-5)
    assert np.all(moves * (target - gain) >= -1e-9)
    assert min(gain, target) - 1e-6 <= line.min() <= line.max() <= max(gain, target) + 1e-6


# -- the mix ----------------------------------------------------------------------------------------


def steady(mixer: Mixer, frames: int, *, music: bool = True, speech: int = 0) -> np.ndarray[Any, Any]:
    """Levels of the left channel, with music at 0.25 full scale and `speech` samples of digital silence."""
    mixer.music.finished = mixer.speech.finished = True
    if speech:
        mixer.speech.write(np.zeros((speech, 2), np.float32))
    out = []
    for _ in range(frames):
        if music:
            mixer.music.write(np.full((FRAME_SAMPLES, 2), 0.25, np.float32))
        frame = mixer.pull()
        assert frame is not None
        out.append(frame[:, 0])
    return np.concatenate(out) / 32768.0 / 0.25


def test_speech_ducks_the_music_for_as_long_as_it_lasts_and_a_little_longer() -> None:
    mixer = Mixer(music_db=-3.0, duck_db=-18.0)
    assert np.allclose(steady(mixer, 5), decibels(-3), atol=1e-3)
    ducked = steady(mixer, 10, speech=10 * FRAME_SAMPLES)
    assert np.all(np.diff(ducked) <= 1e-3)
    assert ducked[2_000] > decibels(-21) + 0.01  # not at once
    assert np.allclose(ducked[round(0.061 * SECOND) :], decibels(-21), atol=1e-3)  # but within 60 ms
    held = steady(mixer, DUCK_HOLD_FRAMES - 1)
    assert np.allclose(held, decibels(-21), atol=1e-3)
    back = steady(mixer, 30)
    assert np.all(np.diff(back) >= -1e-3)
    assert back[round(0.2 * SECOND)] < decibels(-3) - 0.05
    assert np.allclose(back[round(0.42 * SECOND) + FRAME_SAMPLES :], decibels(-3), atol=1e-3)


def test_music_that_starts_under_speech_starts_low() -> None:
    assert np.allclose(steady(Mixer(), 2, speech=FRAME_SAMPLES * 4), decibels(-21), atol=1e-3)


def test_a_gap_between_clauses_does_not_let_the_music_up() -> None:
    mixer = Mixer()
    steady(mixer, 6, speech=2 * FRAME_SAMPLES)
    again = steady(mixer, 6, speech=2 * FRAME_SAMPLES)
    assert np.allclose(again, decibels(-21), atol=1e-3)


def test_paused_speech_does_not_duck() -> None:
    mixer = Mixer()
    mixer.speech.write(np.zeros((4_800, 2), np.float32))
    mixer.speech.pause()
    assert np.allclose(steady(mixer, 3), decibels(-3), atol=1e-3)


def test_volumes() -> None:
    mixer = Mixer(music_db=0.0)
    mixer.music_volume = 0.5
    assert np.allclose(steady(mixer, 2), 0.5, atol=1e-3)
    mixer.music_volume = 0.0
    assert np.allclose(steady(mixer, 30)[-FRAME_SAMPLES:], 0.0, atol=1e-3)
    mixer = Mixer()
    mixer.speech_volume = 0.5
    mixer.speech.write(np.full((FRAME_SAMPLES, 2), 0.25, np.float32))
    frame = mixer.pull()
    assert frame is not None
    assert np.all(frame == 4_096)


def test_silence_is_none() -> None:
    mixer = Mixer()
    assert not mixer.audible
    assert mixer.pull() is None
    mixer.music.write(np.zeros((10, 2), np.float32))
    assert mixer.audible


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["write", "hold", "go on", "cut", "pull", "pull", "pull"]), max_size=40),
    st.integers(0, 2**31),
)
def test_the_mix_never_clicks(acts: list[str], seed: int) -> None:
    """As a session does it: both lanes held and resumed together, speech cut, music ducked by it."""
    random = np.random.default_rng(seed)
    mixer = Mixer(music_db=0.0)
    source = QUIET
    written = {"speech": 0, "music": 0}
    out = []
    for act in acts:
        if act == "write":
            for lane in (mixer.speech, mixer.music):
                lane.finished = False
                size = min(lane.room, int(random.integers(1, 9_000)))
                lane.write(source[written[lane.name] :][:size])
                written[lane.name] += size
        elif act == "hold":
            for lane in mixer.lanes:
                lane.pause()
        elif act == "go on":
            for lane in mixer.lanes:
                lane.resume()
        elif act == "cut":
            mixer.speech.clear()
            written["speech"] = 0
        else:
            frame = mixer.pull()
            out.append(np.zeros((FRAME_SAMPLES, 2), np.int16) if frame is None else frame)
    if out:
        signal = np.concatenate(out)[:, 0] / 32768.0
        rounding = 4 / 32768
        assert clicks(signal, bound(amplitude=0.2, sounds=3) + rounding) == []


@given(st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=200))
def test_the_limiter_leaves_the_quiet_alone_and_bounds_the_loud(values: list[float]) -> None:
    pcm = np.repeat(np.array(values, np.float32)[:, None], 2, axis=1)
    out = limited(pcm)
    quiet = np.abs(pcm) <= 0.8
    assert np.array_equal(out[quiet], pcm[quiet])
    assert np.all(np.abs(out) <= 1.0)
    assert np.all(np.sign(out) == np.sign(pcm))
    order = np.argsort(pcm[:, 0])
    assert np.all(np.diff(out[order, 0]) >= 0)  # louder in, never softer out


def test_full_scale_does_not_wrap_around() -> None:
    mixer = Mixer(music_db=6.0)
    for lane in (mixer.speech, mixer.music, mixer.sound):
        lane.write(np.full((FRAME_SAMPLES, 2), [1.0, -1.0], np.float32))
    frame = mixer.pull()
    assert frame is not None
    assert frame.dtype == np.int16
    assert np.all(frame[:, 0] > 32_000)
    assert np.all(frame[:, 1] < -32_000)
