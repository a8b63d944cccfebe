from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.engine.runner import Slot, pick

slots = st.lists(
    st.builds(
        Slot,
        edge=st.none(),
        stream=st.integers(0, 99),
        job=st.none(),
        credit=st.integers(-2, 6),
        waiting=st.lists(st.just(1), max_size=2).map(deque),
        arrived=st.integers(0, 50),
    ),
    max_size=6,
)


@given(slots, st.booleans())
def test_input_goes_first_oldest_first_then_whoever_has_least_left_to_play(
    given_slots: list[Any], produces: bool
) -> None:
    chosen = pick(given_slots, produces=produces)
    waiting = [slot for slot in given_slots if slot.waiting]
    ready = [slot for slot in given_slots if produces and slot.credit > 0]
    if waiting:
        assert chosen is not None
        assert chosen.waiting
        assert chosen.arrived == min(slot.arrived for slot in waiting)
    elif ready:
        assert chosen is not None
        assert chosen.credit == max(slot.credit for slot in ready)
    else:
        assert chosen is None
