"""When material begins and ends, and where an end phrase is cut off. Pure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.thinking.material import (
    FRAME,
    FRAME_MS,
    LEAD_FRAMES,
    ONSET_FRAMES,
    TAIL_FRAMES,
    Bounds,
    Material,
    NoiseFloor,
    after_pause,
    cancels,
    end_phrase,
    level,
    loudness,
    says_nothing,
    trimmed,
    without_end,
)

BOUNDS = Bounds(quiet_ms=1_800)


def frames(ms: int) -> int:
    return ms // FRAME_MS


def verdicts(*stretches: tuple[bool, int], bounds: Bounds = BOUNDS) -> list[tuple[str, int]]:
    """What is said of stretches of (loud, ms), up to the end: each change, and when (ms)."""
    material = Material(bounds)
    told: list[tuple[str, int]] = []
    now = 0
    for loud, ms in stretches:
        for _ in range(frames(ms)):
            now += FRAME_MS
            said = material.frame(loud)
            if not told or told[-1][0] != said:
                told.append((said, now))
            if said in {"over", "empty", "full"}:
                return told
    return told


def test_a_hum_begins_and_ends() -> None:
    told = verdicts((False, 1_000), (True, 3_000), (False, 5_000))
    assert told == [("waiting", 20), ("begun", 1_100), ("going on", 1_120), ("over", 5_800)]
    blips = [(False, 180), (True, 20)] * 20  # frames of noise that stand out
    assert verdicts((True, 3_000), *blips)[-1] == ("over", 4_800)


def test_a_breath_does_not_end_it() -> None:
    told = verdicts((True, 2_000), (False, 1_700), (True, 2_000), (False, 1_700))
    assert [verdict for verdict, _ in told] == ["waiting", "begun", "going on"]


def test_nothing_is_waited_for_ten_seconds() -> None:
    assert verdicts((False, 20_000)) == [("waiting", 20), ("empty", 10_000)]


def test_a_cough_is_not_material() -> None:
    told = verdicts((False, 1_000), (True, 160), (False, 20_000))
    assert [verdict for verdict, _ in told] == ["waiting", "begun", "going on", "waiting", "empty"]


def test_a_click_does_not_even_begin() -> None:
    assert verdicts((False, 1_000), (True, 80), (False, 3_000)) == [("waiting", 20)]


def test_two_minutes_are_enough() -> None:
    assert verdicts((True, 200_000))[-1] == ("full", 120_100)


@given(st.lists(st.tuples(st.booleans(), st.integers(20, 4_000)), max_size=40))
def test_it_ends_once_and_for_a_reason(stretches: list[tuple[bool, int]]) -> None:
    told = verdicts(*stretches, (False, 15_000))
    assert told[-1][0] in {"over", "empty"}  # 40 stretches of 4 s are 120 s with their silences, or less
    heard = sum(ms for loud, ms in stretches if loud)
    if heard < 200:
        assert told[-1][0] == "empty"


def noise(decibels: float, ms: int, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 10 ** (decibels / 20), 16 * ms)
    return (np.clip(wave, -1, 1) * 32767).astype(np.int16)


@pytest.mark.parametrize("room", [-70.0, -55.0, -40.0, -30.0])
def test_the_rooms_own_noise_is_never_clear_of_itself(room: float) -> None:
    floor = NoiseFloor()
    for frame in noise(room, 4_000).reshape(-1, FRAME):
        floor.hear(level(frame))
    later = noise(room, 4_000, seed=2).reshape(-1, FRAME)
    assert not any(level(frame) > floor.clear for frame in later)
    assert level(noise(max(room, -65) + 12, 20)) > floor.clear


def test_the_first_sound_counts_before_the_room_is_known() -> None:
    floor = NoiseFloor()
    floor.hear(-20.0)
    assert floor.clear < -20


def test_digital_silence_tells_nothing_of_the_room() -> None:
    floor = NoiseFloor()
    for frame in noise(-40, 2_000).reshape(-1, FRAME):
        floor.hear(level(frame))
    before = floor.clear
    floor.hear(level(np.zeros(FRAME, np.int16)))
    assert floor.clear == before


def flags(*stretches: tuple[bool, int]) -> list[bool]:
    return [loud for loud, ms in stretches for _ in range(frames(ms))]


def test_quiet_is_trimmed_but_for_the_lead_and_the_tail() -> None:
    loud = flags((False, 1_000), (True, 500), (False, 400), (True, 500), (False, 2_000))
    pcm = b"".join(n.to_bytes(2, "little") * FRAME for n in range(len(loud)))
    kept = trimmed(pcm, loud)
    assert len(kept) == (LEAD_FRAMES + frames(1_400) + TAIL_FRAMES) * FRAME * 2
    assert kept[:2] == (frames(1_000) - LEAD_FRAMES).to_bytes(2, "little")
    assert trimmed(pcm, [False] * len(loud)) == b""
    blip = [True, *loud[1:-1], True]
    assert trimmed(pcm, blip) == kept


def test_loudness_reads_whole_frames() -> None:
    pcm = np.concatenate([np.zeros(FRAME, np.int16), np.full(FRAME + 7, 3_000, np.int16)]).tobytes() + b"\1"
    assert loudness(pcm, -50) == [False, True]


@pytest.mark.parametrize(
    ("sound", "cut"),
    [
        ([(True, 3_000), (False, 600), (True, 600), (False, 500)], 3_000),  # "... that's it" after a pause
        ([(True, 3_000), (False, 100), (True, 500)], 3_000),  # a short gap where the phrase may begin
        ([(True, 3_000)], 3_000 - 2 * 14 * FRAME_MS),  # no gap: what two words usually take
        ([(True, 600)], 600 - 2 * 14 * FRAME_MS),
        ([(True, 300)], 0),
    ],
)
def test_where_an_end_phrase_of_two_words_is_cut(sound: list[tuple[bool, int]], cut: int) -> None:
    assert without_end(flags(*sound), 2) == frames(cut)


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 6))
def test_a_cut_lies_inside_and_leaves_no_more_than_there_was(loud: list[bool], words: int) -> None:
    assert 0 <= without_end(loud, words) <= len(loud)


def test_done_after_a_pause() -> None:
    assert after_pause(flags((True, 2_000), (False, 400), (True, 500), (False, 200)))
    assert not after_pause(flags((True, 2_000), (False, 200), (True, 500), (False, 200)))
    assert not after_pause(flags((True, 2_000), (False, 400), (True, 1_500)))
    assert after_pause(flags((True, 500)))
    assert not after_pause([])


@pytest.mark.parametrize(
    ("text", "rest", "words"),
    [
        ("that's it", "", 2),
        ("Buy milk and eggs. That's it.", "Buy milk and eggs", 2),
        ("buy milk and eggs that's all thanks", "buy milk and eggs", 3),
        ("the rent is due okay that is it", "the rent is due", 4),
        ("la la la stop recording", "la la la", 2),
        ("one two three end of note", "one two three", 3),
        ("hello I'm done", "hello", 2),
        ("hello I’m done now", "hello", 3),
        ("buy milk and that'll be all", "buy milk", 4),
        ("done", "", 1),
        ("Okay, done.", "", 2),
        ("stop", "", 1),
    ],
)
def test_end_phrases(text: str, rest: str, words: int) -> None:
    assert end_phrase(text, paused=False) == (rest, words)


def test_a_bare_word_ends_it_only_after_a_pause() -> None:
    assert end_phrase("the work is done", paused=False) is None
    assert end_phrase("buy milk done", paused=True) == ("buy milk", 1)


@pytest.mark.parametrize(
    "text", ["", "that's it for the milk", "he said that's all I know", "stop the music", "all done here is"]
)
def test_what_does_not_end_it(text: str) -> None:
    assert end_phrase(text, paused=True) is None


@pytest.mark.parametrize(
    "text", ["never mind", "No, cancel that.", "forget it", "don't write that", "Cancel"]
)
def test_calling_it_off(text: str) -> None:
    assert cancels(text)


@pytest.mark.parametrize("text", ["", "cancel my appointment with the dentist", "never mind the gap", "no"])
def test_what_does_not_call_it_off(text: str) -> None:
    assert not cancels(text)


def test_words_that_are_none() -> None:
    assert says_nothing("")
    assert says_nothing("um okay, so")
    assert not says_nothing("so be it")


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    cancels(text)
    says_nothing(text)
    if found := end_phrase(text, paused=True):
        assert text.startswith(found[0])
        assert found[1] >= 1


def test_the_lead_covers_what_the_onset_takes() -> None:
    assert LEAD_FRAMES >= ONSET_FRAMES
