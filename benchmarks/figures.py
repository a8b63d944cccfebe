"""Numbers out of samples: percentiles and their summary. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `share` (0 to 1) of all do not exceed.

    It is always one of the values, so a p95 of 20 turns is a turn that happened.

    Raises:
        ValueError: there are no values, or `share` is no share.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    # The epsilon: 0.95 * 20 is 19.000000000000004 on some machines, and rank 20 is another turn.
    rank = math.ceil(share * len(values) - 1e-9)
    return sorted(values)[max(0, rank - 1)]


@dataclass(frozen=True, slots=True)
class Summary:
    """What one wants to know of a sample. All None where nothing was measured."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    least: float | None = None
    most: float | None = None

    def as_json(self) -> dict[str, float | int | None]:
        """As a JSON object, to a tenth."""
        return {key: round(value, 1) if value is not None else None for key, value in asdict(self).items()}


def summary(values: Sequence[float]) -> Summary:
    """Summarise values; none at all is a summary too."""
    if not values:
        return Summary(0)
    p50, p95, p99 = (percentile(values, share) for share in (0.5, 0.95, 0.99))
    return Summary(len(values), p50, p95, p99, min(values), max(values))


def ratio(value: float | None, base: float | None) -> float | None:
    """`value / base` to two places; None where either is missing or the base is zero."""
    return round(value / base, 2) if value is not None and base else None
