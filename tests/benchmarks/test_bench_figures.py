"""Statistics of the benchmarks."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import percentile, ratio, summary

NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200)


@given(NUMBERS, st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_enough_of_them_do_not_exceed_it(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(share * len(values))


@given(NUMBERS)
def test_percentiles_grow_from_the_least_to_the_most(values: list[float]) -> None:
    shares = [percentile(values, share / 20) for share in range(21)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (min(values), max(values))


def test_p95_of_twenty_turns_is_the_second_slowest() -> None:
    assert percentile(list(range(1, 21)), 0.95) == 19


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_no_percentile_of_nothing_and_no_share_beyond_all(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, share)


def test_a_summary_is_json_to_a_tenth_and_nothing_measured_is_null() -> None:
    found = summary([1.04, 2.06, 3.0]).as_json()
    assert found == {"count": 3, "p50": 2.1, "p95": 3.0, "p99": 3.0, "least": 1.0, "most": 3.0}
    assert json.loads(json.dumps(summary([]).as_json()))["p95"] is None


def test_a_ratio_needs_both_numbers() -> None:
    assert ratio(350, 700) == 0.5
    assert ratio(None, 700) is ratio(350, None) is ratio(350, 0) is None
