"""How long warm work takes, by a clock of our own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from panini_core.cli.timing import LONGEST, SETTLED_RUNS, Timing, time_warm


def timed(seconds: Sequence[float]) -> Timing:
    """The timing of work that takes so long, run by run; the last figure for all further ones."""
    now, runs = 0.0, 0

    def work() -> None:
        nonlocal now, runs
        now += seconds[min(runs, len(seconds) - 1)]
        runs += 1

    timing = time_warm(work, lambda: now)
    assert timing.runs == runs
    return timing


@pytest.mark.parametrize(
    "cold", [[], [1.7], [1.7, 1.7], [1.7, 1.2, 0.8, 0.5], [2 - 0.2 * step for step in range(8)]]
)
def test_work_that_warms_up_for_a_while_is_measured_warm(cold: list[float]) -> None:
    timing = timed([*cold, 0.3])
    assert timing.warm == pytest.approx(0.3)
    assert timing.first == pytest.approx([*cold, 0.3][0])
    assert timing.runs >= len(cold) + 1


def test_a_disturbance_does_not_count() -> None:
    assert timed([0.9, 0.3, 5.0, 0.31, 0.3]).warm == pytest.approx(0.3)


def test_it_ends() -> None:
    assert timed([0.3]).runs == 1 + SETTLED_RUNS
    slow = timed([3 * LONGEST, 2 * LONGEST])
    assert (slow.first, slow.warm, slow.runs) == (3 * LONGEST, 2 * LONGEST, 2)
    quickening = timed([10 * 0.9**step for step in range(200)])
    assert quickening.runs < 5
