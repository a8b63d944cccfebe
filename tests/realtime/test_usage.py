"""What a response cost: sums that agree, and never more than was allowed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.api import SPEAKING_RATE, PlanDone
from realtime.usage import Usage, spoken_tokens


def test_audio_is_counted_by_its_duration() -> None:
    assert spoken_tokens(0) == 0
    assert spoken_tokens(SPEAKING_RATE) == 20
    assert spoken_tokens(SPEAKING_RATE + 1) == 21
    usage = Usage()
    usage.heard_ms = 1_050
    assert usage.as_event()["input_token_details"]["audio_tokens"] == 11


def test_a_round_that_was_cut_off_counts_the_pieces_that_came() -> None:
    usage = Usage()
    usage.piece()
    usage.round(PlanDone(10, 4))
    usage.piece()
    usage.piece()
    assert usage.output_text_tokens == 6


@given(
    st.lists(st.builds(PlanDone, st.integers(0, 99), st.integers(0, 99)), max_size=4),
    st.integers(0, 9_000),
    st.integers(0, 900_000),
    st.none() | st.integers(1, 200),
)
def test_the_parts_add_up(rounds: list[PlanDone], heard: int, spoken: int, limit: int | None) -> None:
    usage = Usage()
    for one in rounds:
        usage.round(one)
    usage.heard_ms, usage.spoken_samples, usage.limit = heard, spoken, limit
    event: dict[str, Any] = usage.as_event()
    assert event["total_tokens"] == event["input_tokens"] + event["output_tokens"]
    for side in ("input", "output"):
        details = event[f"{side}_token_details"]
        assert details["text_tokens"] + details["audio_tokens"] == event[f"{side}_tokens"]
        assert min(details["text_tokens"], details["audio_tokens"]) >= 0
    if limit is not None:
        assert event["output_tokens"] <= limit
