"""Two pieces of work in turn, and how their costs compare."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one run: of all the process's threads together, and of the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The costs of pairs of runs; `other` is empty where there is nothing to compare with."""

    ours: tuple[Cost, ...]
    other: tuple[Cost, ...]

    def median(self, which: str, unit: str) -> float:
        """The median seconds of `ours` or `other`, `cpu` or `wall`."""
        costs: tuple[Cost, ...] = getattr(self, which)
        return statistics.median(getattr(cost, unit) for cost in costs)

    def ratio(self, unit: str) -> float:
        """How many times as long the other one takes: the median over the pairs."""
        pairs = zip(self.ours, self.other, strict=True)
        return statistics.median(getattr(b, unit) / getattr(a, unit) for a, b in pairs)


def compare(ours: Work, other: Work | None, *, runs: int, warm_up: int = 1) -> Comparison:
    """Both in turn, `runs` times after some that do not count."""
    costs: list[tuple[Cost, Cost | None]] = []
    for _ in range(warm_up + runs):
        costs.append((measure(ours), None if other is None else measure(other)))
    counted = costs[warm_up:]
    return Comparison(
        tuple(cost for cost, _ in counted),
        tuple(cost for _, cost in counted if cost is not None),
    )


def measure(work: Work) -> Cost:
    """What one run costs."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)
