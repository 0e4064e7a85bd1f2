"""Pairs of runs: in turn, counted after the first ones, and compared pair by pair."""

from __future__ import annotations

import pytest

from benchmarks.pairs import Comparison, Cost, compare, measure


def test_both_are_done_in_turn_and_the_first_pairs_do_not_count() -> None:
    done: list[str] = []
    found = compare(lambda: done.append("a"), lambda: done.append("b"), runs=3, warm_up=2)
    assert done == ["a", "b"] * 5
    assert len(found.ours) == len(found.other) == 3


def test_there_may_be_nothing_to_compare_with() -> None:
    found = compare(lambda: None, None, runs=2)
    assert len(found.ours) == 2 and found.other == ()


def test_medians_and_ratios_are_those_of_the_pairs() -> None:
    ours = (Cost(1.0, 2.0), Cost(2.0, 4.0), Cost(9.0, 90.0))
    other = (Cost(2.0, 8.0), Cost(8.0, 8.0), Cost(27.0, 90.0))
    found = Comparison(ours, other)
    assert found.median("ours", "cpu") == 2.0 and found.median("other", "wall") == 8.0
    assert found.ratio("cpu") == 3.0  # of 2, 4 and 3
    assert found.ratio("wall") == 2.0  # of 4, 2 and 1


def test_work_that_raises_is_not_measured() -> None:
    with pytest.raises(ZeroDivisionError):
        measure(lambda: 1 / 0)


def test_a_run_costs_time() -> None:
    cost = measure(lambda: sum(range(10**5)))
    assert cost.cpu > 0 and cost.wall > 0
