"""Keys, chords and figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.music.figure import read_figure
from models.music.perform import swung
from models.music.score import BEATS
from models.music.theory import PITCH_CLASS, SCALES, VOICES, Key, build_chord, fold, nearest

KEYS = st.builds(Key, st.sampled_from(sorted(PITCH_CLASS)), st.sampled_from(sorted(SCALES)))


@pytest.mark.parametrize(
    ("key", "degree", "colour", "dominant", "symbol"),
    [
        (Key("A", "minor"), 0, "triad", False, "Am"),
        (Key("A", "minor"), 4, "triad", True, "E"),
        (Key("C", "major"), 1, "seventh", False, "Dm7"),
        (Key("C", "major"), 4, "seventh", True, "G7"),
        (Key("Eb", "major"), 3, "triad", False, "Ab"),
        (Key("F", "major"), 0, "ninth", False, "Fmaj9"),
        (Key("E", "minor"), 0, "power", False, "E5"),
        (Key("C", "major"), 6, "triad", False, "G"),  # no diminished accident: its relative instead
        (Key("D", "dorian"), 3, "triad", False, "G"),
    ],
)
def test_chord_symbols(key: Key, degree: int, colour: str, dominant: bool, symbol: str) -> None:
    assert build_chord(key, degree, colour, dominant).symbol == symbol


@given(KEYS, st.integers(0, 6), st.sampled_from(sorted(VOICES)), st.booleans())
def test_chords_keep_to_their_scale(key: Key, degree: int, colour: str, dominant: bool) -> None:
    chord = build_chord(key, degree, colour, dominant)
    assert chord.symbol
    assert len(chord.scale) == 7
    assert len(set(chord.pcs)) == len(chord.pcs)
    if not dominant:
        assert set(chord.pcs) <= set(key.scale) or colour == "power"
    assert chord.root in chord.scale


def test_the_leading_note_is_raised_only_under_the_dominant() -> None:
    key = Key("A", "minor")
    assert build_chord(key, 4, "triad", True).pitch(6, 57) == 68  # G sharp
    assert build_chord(key, 0, "triad", False).pitch(6, 57) == 67  # G


@given(st.integers(0, 127), st.integers(20, 90), st.integers(0, 30))
def test_folding_keeps_the_note_and_the_range(pitch: int, low: int, more: int) -> None:
    high = low + 11 + more
    folded = fold(pitch, low, high)
    assert low <= folded <= high
    assert (folded - pitch) % 12 == 0
    assert nearest(pitch % 12, pitch, 0, 127) == pitch


@given(
    st.text("x-.", min_size=1, max_size=32),
    st.sampled_from(["4/4", "3/4", "2/4"]),
    st.sampled_from(sorted(BEATS)),
)
def test_a_figure_fits_any_metre(figure: str, source: str, target: str) -> None:
    (bar,) = read_figure(figure, source, target)  # type: ignore[arg-type]
    assert list(bar) == sorted(bar, key=lambda hit: hit.start)
    assert all(0 <= hit.start < BEATS[target] and hit.length > 0 for hit in bar)
    assert all(hit.start + hit.length <= BEATS[target] + 1e-6 for hit in bar)
    assert len({hit.start for hit in bar}) == len(bar)


def test_holds_and_rests() -> None:
    bars = read_figure("x---..x-|........", "4/4", "4/4")
    assert [(hit.start, hit.length) for hit in bars[0]] == [(0.0, 2.0), (3.0, 1.0)]
    assert bars[1] == ()


@given(st.floats(0, 16), st.floats(0.5, 0.75), st.sampled_from([0.25, 0.5]))
def test_swing_keeps_beats_and_order(position: float, swing: float, unit: float) -> None:
    assert swung(round(position), swing, unit) == pytest.approx(round(position))
    assert swung(position, swing, unit) <= swung(position + 0.01, swing, unit) + 1e-9
    assert swung(unit, swing, unit) == pytest.approx(2 * unit * swing)
