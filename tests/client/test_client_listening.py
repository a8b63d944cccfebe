from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from client.audio import RATE
from client.listening import Ear, QueuePlacement, Recording, RtpPlacement

FRAME = 960


def tone(samples: int, level: float = 0.3) -> np.ndarray:
    return (np.sin(np.arange(samples) * 2 * np.pi * 300 / RATE) * level * 32767).astype(np.int16)


def stereo(samples: int) -> np.ndarray:
    return np.column_stack([tone(samples)] * 2)


def listen(pcm: np.ndarray, at: float = 10.0) -> Ear:
    ear = Ear(RATE)
    for start in range(0, len(pcm), FRAME):
        ear.hear(pcm[start : start + FRAME], at + start / RATE)
    return ear


def test_the_first_voiced_sample_is_found_within_its_packet() -> None:
    pcm = np.concatenate([np.zeros(FRAME * 5 + 480, np.int16), tone(FRAME * 10)])
    ear = listen(pcm)
    sound = ear.first_after(10.0)
    assert sound is not None
    assert abs(sound.start - (10 + 0.11)) < 0.0051
    assert abs(sound.stop - (10 + 0.31)) < 0.0101
    assert ear.sounding_at(10.2) is sound
    assert ear.first_after(10.2) is None


def test_sounds_apart_are_told_apart_and_word_gaps_are_not() -> None:
    gap, pause = np.zeros(RATE // 10, np.int16), np.zeros(RATE // 2, np.int16)
    word = tone(RATE // 10)
    ear = listen(np.concatenate([word, gap, word, pause, word]))
    assert len(ear.sounds) == 2
    assert abs(ear.voiced_seconds(10.0, 20.0) - 0.4) < 0.02


def test_a_click_and_a_whisper_are_no_voice() -> None:
    pcm = np.zeros(RATE, np.int16)
    pcm[2000:2040] = 20_000
    assert not listen(pcm).sounds
    assert not listen(tone(RATE, level=0.004)).sounds


def test_packets_without_sound_between_them_keep_the_silence() -> None:
    ear = Ear(RATE)
    for start in (10.0, 20.0):
        for index in range(10):
            ear.hear(stereo(FRAME), start + index * 0.02)
    assert [round(sound.start, 2) for sound in ear.sounds] == [10.0, 20.0]


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0, 0.05), min_size=5, max_size=40))
def test_jitter_and_wrapping_do_not_move_a_packet(first: int, delays: list[float]) -> None:
    placement = RtpPlacement()
    places = [
        placement.place((first + index * FRAME) % 2**32, 100 + index * 0.02 + delay)
        for index, delay in enumerate(delays)
    ]
    steps = np.diff(places)
    assert np.allclose(steps, 0.02, atol=1e-6)
    assert abs(places[0] - (100 + delays[0])) < 1e-6


def test_a_sender_that_skips_or_stops_its_clock_is_followed() -> None:
    placement = RtpPlacement()
    assert placement.place(0, 5.0) == 5.0
    assert abs(placement.place(RATE * 3, 8.01) - 8.0) < 1e-6  # it counted its silence
    assert placement.place(RATE * 3 + FRAME, 12.0) == 12.0  # it did not


def test_audio_without_time_stamps_queues_up() -> None:
    placement = QueuePlacement()
    assert placement.place(1.0, 3.0) == 3.0
    assert placement.place(1.0, 3.1) == 4.0  # sent faster than real time
    assert placement.place(1.0, 5.05) == 5.0  # a late one that a player's buffer would hide
    assert placement.place(1.0, 9.0) == 9.0
    placement.cut()
    assert placement.place(1.0, 9.5) == 9.5


def test_the_recording_is_silent_where_nothing_came() -> None:
    recording = Recording(RATE, started=2.0)
    recording.add(stereo(FRAME), 3.0)
    recording.add(tone(FRAME), 4.0)  # mono goes to both sides
    whole = recording.render(until=5.0)
    assert whole.shape == (RATE * 3, 2)
    assert not whole[:RATE].any()
    assert (whole[RATE : RATE + FRAME] == stereo(FRAME)).all()
    assert not whole[RATE + FRAME : 2 * RATE].any()
    assert (whole[2 * RATE : 2 * RATE + FRAME, 1] == tone(FRAME)).all()


def test_a_cut_recording_ends_there_and_a_short_one_does_not_overflow() -> None:
    recording = Recording(24_000, started=0.0)
    recording.add(tone(24_000), 0.0)
    recording.add(tone(24_000), 1.0)
    recording.cut(0.5)
    assert recording.render(until=2.0).shape == (2 * RATE, 2)
    assert not recording.render(until=2.0)[round(0.51 * RATE) :].any()
    assert recording.render(until=0.1).shape == (RATE // 10, 2)
    assert recording.render(until=-1).shape == (0, 2)
