"""The set of turns is what it says, and the rules are judged as their definitions say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.turn_chain import Lived, Silence
from benchmarks.turn_set import (
    LEAD_S,
    LONGEST_S,
    SHORTEST_S,
    TAIL_S,
    Hesitation,
    Turn,
    assembled,
    silences,
    turns,
)
from benchmarks.turns import (
    Point,
    at_the_end,
    cut_at,
    delay_at,
    ended,
    front,
    judge,
    ours,
    results,
    silence_only,
    smart_turn,
    tables,
)
from models.api import HEARING_RATE, VAD_FRAME
from realtime.hearing.turn import Evidence, Rules

MS = HEARING_RATE // 1000
FRAME_MS = VAD_FRAME / MS


def silence(
    start_ms: int,
    frames: int,
    completeness: float = 0.5,
    asked: float | None = None,
    model: float | None = None,
) -> Silence:
    out = Silence(start_ms * MS, asked=asked)
    for frame in range(1, frames + 1):
        quiet = frame * FRAME_MS
        out.ends.append(start_ms * MS + frame * VAD_FRAME)
        out.evidence.append(Evidence(quiet, completeness=completeness, settled_ms=quiet, model=model))
    return out


def lived(*inner: Silence, last: Silence, stop_ms: int) -> Lived:
    hesitations = tuple(Hesitation(each.start, each.ends[-1], "inside") for each in inner)
    return Lived(Turn("a-0", "flite", "a", "", b"", stop_ms * MS, hesitations), [*inner, last], [1.0])


def test_the_set_is_the_same_every_time_and_what_it_says() -> None:
    some = list(turns("test", every=20))
    again = list(turns("test", every=20))
    # A voice of flite may differ in its breath (libc's rand(), which anybody may call), nothing else may.
    alike = [
        [replace(t, pcm=t.pcm[:0] if t.family == "flite" else t.pcm) for t in ts] for ts in (some, again)
    ]
    assert alike[0] == alike[1]
    assert [len(turn.pcm) for turn in some] == [len(turn.pcm) for turn in again]
    assert {turn.family for turn in some} >= {"flite", "espeak"}
    for turn in some:
        samples = len(turn.pcm) // 2
        assert turn.stop == samples - round(TAIL_S * HEARING_RATE)
        sound = np.frombuffer(turn.pcm, "<i2").astype(np.float32) / 32768
        for gap in turn.hesitations:
            assert LEAD_S * HEARING_RATE < gap.start < gap.stop < turn.stop
            if turn.family != "real":
                assert SHORTEST_S <= (gap.stop - gap.start) / HEARING_RATE <= LONGEST_S
                assert np.abs(sound[gap.start + 10 : gap.stop - 10]).max() < 0.01  # room noise only


def test_the_parts_share_no_voice_and_no_sentence() -> None:
    dev, test = (list(turns(part, every=15)) for part in ("dev", "test"))  # type: ignore[arg-type]
    assert not {turn.voice for turn in dev} & {turn.voice for turn in test}
    assert not {turn.text for turn in dev} & {turn.text for turn in test}


def test_pieces_are_put_together_with_their_gaps() -> None:
    tone = np.full(HEARING_RATE // 2, 0.5, np.float32)
    turn = assembled("t", "flite", "v", "x", [tone, tone], ["filler"], [0.5], 0.001, np.random.default_rng(0))
    lead = round(LEAD_S * HEARING_RATE)
    half = HEARING_RATE // 2
    assert turn.hesitations == (Hesitation(lead + half, lead + 2 * half, "filler"),)
    assert turn.stop == lead + 3 * half
    heard = np.frombuffer(turn.pcm, "<i2").astype(np.float32) / 32768
    found = np.array(silences(heard, 0.3, -30))
    expected = [(0, lead), (lead + half, lead + 2 * half), (turn.stop, len(heard))]
    assert found == pytest.approx(np.array(expected), abs=HEARING_RATE // 50)


def test_a_rule_ends_a_silence_at_its_first_frame_that_is_long_enough() -> None:
    assert ended(silence(0, 20), silence_only(300)) == 320
    assert ended(silence(0, 9), silence_only(300)) is None
    assert at_the_end(silence(0, 9), silence_only(300)) == 300
    assert at_the_end(silence(0, 20), silence_only(100)) == 128


def test_smart_turn_is_asked_after_200_ms() -> None:
    sure, unsure = silence(0, 50, asked=0.9), silence(0, 50, asked=0.2)
    assert ended(sure, smart_turn()) == 224
    assert ended(unsure, smart_turn()) is None
    assert at_the_end(unsure, smart_turn()) == 3_000
    assert ended(silence(0, 5), smart_turn()) is None  # not asked


def test_ours_is_the_rule_of_the_session() -> None:
    rules = Rules()
    assert ended(silence(0, 50, 0.9), ours(rules, model=False)) == 192
    assert ended(silence(0, 50, 0.08), ours(rules, model=False)) is None
    assert at_the_end(silence(0, 10, 0.08), ours(rules, model=False)) == rules.unfinished_ms
    assert ended(silence(0, 50, 0.9), ours(rules, model=False, scale=2.0)) == 384
    doubtful = silence(0, 60, 0.5, model=0.05)
    alone, with_model = (ended(doubtful, ours(rules, model=model)) for model in (False, True))
    assert alone is not None
    assert with_model is not None
    assert with_model > alone


def test_cut_offs_are_of_hesitations_and_delays_of_ends() -> None:
    one = lived(silence(1_000, 10), silence(2_000, 40), last=silence(4_050, 40), stop_ms=4_000)
    point = judge([one], silence_only(500))
    assert point.cut == 50
    assert point.mean == point.p50 == 50 + 512
    assert judge([one], silence_only(200)).early == 100
    assert judge([one], silence_only(500)).early == 0
    early = replace(one, turn=replace(one.turn, stop=5_000 * MS))  # a recording that fades out
    assert judge([early], silence_only(500)).mean == 512


def point(cut: float, mean: float) -> Point:
    return Point(cut, mean, mean, mean, 0.0)


def test_curves_are_read_between_their_points() -> None:
    curve = front([point(80, 300), point(90, 400), point(40, 500), point(0, 900)])
    assert [each.cut for each in curve] == [80, 40, 0]  # one that another beats in both is left out
    assert cut_at(curve, 400) == 60
    assert cut_at(curve, 200) is None
    assert cut_at(curve, 1_000) is None
    assert delay_at(curve, 20) == 700
    assert delay_at(curve[:2], 5) is None
    assert delay_at([], 5) is None


@pytest.mark.parametrize("asked", [None, 0.7])
def test_results_become_tables(asked: float | None) -> None:
    some = [
        lived(silence(1_000, 20, c, asked), last=silence(3_000, 50, 0.9, asked), stop_ms=3_000)
        for c in (0.1, 0.5, 0.9)
    ]
    found = results(some, [], "test")
    assert found["hesitations"] == 3
    assert found["rules"]["silence 500 ms"]["cut"] == 100
    assert found["rules"]["ours"]["cut"] < 100
    assert ("Smart Turn v3.2" in found["rules"]) is (asked is not None)
    for table in tables(found):
        assert all(len(row) == len(table.columns) for row in table.rows)
