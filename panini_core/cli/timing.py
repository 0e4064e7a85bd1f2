"""How long something takes once it is warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

SETTLED_RUNS = 3  # in a row that are not quicker than the ones before
NOTICEABLE = 0.05  # share of the time by which a run is quicker
LONGEST = 20.0  # seconds of measuring


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of the runs of one piece of work."""

    first: float
    warm: float  # of the quickest run
    runs: int


def time_warm(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Timing:
    """Does the work until it no longer gets quicker, at least twice.

    The first runs choose kernels, fill memory pools and wake the processor: how many of them is
    the machine's affair, so that a fixed number measures some machines cold.
    """
    seconds: list[float] = []
    best, settled, begun = float("inf"), 0, clock()
    while len(seconds) < 2 or (settled < SETTLED_RUNS and clock() - begun < LONGEST):
        started = clock()
        work()
        seconds.append(clock() - started)
        settled = 0 if seconds[-1] < best * (1 - NOTICEABLE) else settled + 1
        best = min(best, seconds[-1])
    return Timing(seconds[0], best, len(seconds))
