import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.api import BackendError
from models.asr.cepstra import CepstralMean

means = st.lists(st.floats(-80, 80), min_size=13, max_size=13).map(lambda v: CepstralMean(tuple(v)))


@given(means)
def test_text_round_trip(mean: CepstralMean) -> None:
    assert CepstralMean.parse(str(mean)).values == pytest.approx(mean.values, abs=0.005)


@pytest.mark.parametrize("text", ["", "1,2", "a," * 13, ",".join(["nan"] * 13)])
def test_foreign_adaptation_is_refused(text: str) -> None:
    with pytest.raises(BackendError, match="adaptation"):
        CepstralMean.parse(text)


@given(before=means, own=means, frames=st.integers(20, 3000))
def test_learning_moves_towards_the_utterances_own_mean(
    before: CepstralMean, own: CepstralMean, frames: int
) -> None:
    after = CepstralMean(
        tuple((500 * b + frames * o) / (500 + frames) for b, o in zip(before.values, own.values, strict=True))
    )
    share = frames / (150 + frames)
    expected = [b + share * (o - b) for b, o in zip(before.values, own.values, strict=True)]
    assert before.adapted(after, frames).values == pytest.approx(expected, abs=1e-6)


def test_nothing_is_learned_from_nothing() -> None:
    mean = CepstralMean.guess(None)
    assert mean.adapted(CepstralMean.guess(20), 0) is mean


def test_only_clearly_unusual_levels_move_the_guess() -> None:
    typical = CepstralMean.guess(None)
    assert CepstralMean.guess(60) == CepstralMean.guess(74) == typical
    assert CepstralMean.guess(40).values[0] < typical.values[0] < CepstralMean.guess(85).values[0]
    assert CepstralMean.guess(40).values[1:] == typical.values[1:]
