"""Calls of a key: never more than the limit, in one process and in several."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import runtime_directory
from realtime.security.shares import OwnShares, Seat, WorkerShares

KEYS = ("a", "b")


def test_in_one_process() -> None:
    shares = OwnShares(2)
    assert [shares.take("a"), shares.take("a"), shares.take("a"), shares.take("b")] == [
        True,
        True,
        False,
        True,
    ]
    shares.give_back("a")
    assert shares.take("a")


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KEYS), st.booleans()), max_size=40),
    st.integers(1, 5),
)
def test_over_workers_a_key_has_no_more_than_its_limit(
    moves: list[tuple[int, str, bool]], limit: int
) -> None:
    with runtime_directory() as directory:
        shares = [WorkerShares(Seat(directory, worker), 3, KEYS, limit) for worker in range(3)]
        held = {(worker, key): 0 for worker in range(3) for key in KEYS}
        for worker, key, takes in moves:
            of_key = sum(count for (_, other), count in held.items() if other == key)
            if takes:
                taken = shares[worker].take(key)
                assert taken == (of_key < limit)
                held[worker, key] += taken
            elif held[worker, key]:
                shares[worker].give_back(key)
                held[worker, key] -= 1
        for share in shares:
            share.close()


def test_what_a_dead_worker_held_is_free_when_its_successor_begins(tmp_path: Path) -> None:
    dead, other = (WorkerShares(Seat(tmp_path, worker), 2, KEYS, 2) for worker in range(2))
    assert dead.take("a")
    assert other.take("a")
    assert not other.take("a")
    dead.close()
    successor = WorkerShares(Seat(tmp_path, 0), 2, KEYS, 2)
    assert other.take("a")
    assert not successor.take("a")
    successor.close()
    other.close()


def test_a_key_that_is_none_of_ours_is_a_mistake(tmp_path: Path) -> None:
    shares = WorkerShares(Seat(tmp_path, 0), 1, KEYS, 2)
    with pytest.raises(KeyError):
        shares.take("c")
    shares.close()
