import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.api import BackendError
from models.asr.cepstra import CepstralMean, RunningMean

means = st.lists(st.floats(-80, 80), min_size=13, max_size=13).map(lambda v: CepstralMean(tuple(v)))


def decoder_after(given: CepstralMean, own: CepstralMean, frames: int) -> CepstralMean:
    """What PocketSphinx says after `frames` whose mean is `own`: the given mean counts as 500."""
    return CepstralMean(
        tuple((500 * g + frames * o) / (500 + frames) for g, o in zip(given.values, own.values, strict=True))
    )


@given(means)
def test_text_round_trip(mean: CepstralMean) -> None:
    assert CepstralMean.parse(str(mean)).values == pytest.approx(mean.values, abs=0.005_001)


@pytest.mark.parametrize("text", ["", "1,2", "a," * 13, ",".join(["nan"] * 13)])
def test_foreign_adaptation_is_refused(text: str) -> None:
    with pytest.raises(BackendError, match="adaptation"):
        CepstralMean.parse(text)


@given(before=means, own=means, frames=st.integers(1, 3000))
def test_the_mean_moves_towards_what_is_heard(before: CepstralMean, own: CepstralMean, frames: int) -> None:
    running = RunningMean(before)
    running.hear(before, decoder_after(before, own, frames), frames)
    share = frames / (150 + frames)
    expected = [b + share * (o - b) for b, o in zip(before.values, own.values, strict=True)]
    assert running.value.values == pytest.approx(expected, abs=1e-6)


@given(before=means, own=means, pieces=st.lists(st.integers(1, 200), min_size=1, max_size=10))
def test_giving_it_back_to_the_decoder_in_between_changes_nothing(
    before: CepstralMean, own: CepstralMean, pieces: list[int]
) -> None:
    followed, kept = RunningMean(before), RunningMean(before)
    given = before
    for frames in pieces:
        followed.hear(given, decoder_after(given, own, frames), frames)
        given = followed.value
    kept.hear(before, decoder_after(before, own, sum(pieces)), sum(pieces))
    assert followed.value.values == pytest.approx(kept.value.values, abs=1e-6)


@given(means)
def test_nothing_is_learned_from_nothing(mean: CepstralMean) -> None:
    running = RunningMean(mean)
    running.hear(mean, mean, 0)
    assert running.value.values == pytest.approx(mean.values)
