"""How a fidelity from 0 to 1 moves alpha on each level: a calibration that belongs to weights."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

NEUTRAL = 0.5  # the fidelity, and the place of every level there, that changes nothing


@dataclass(frozen=True, slots=True)
class FidelityCurve:
    """Places of the levels at a few fidelities, linear between them.

    A place is 0 where alpha is all GAN prior, 1 where it is all image, and 0.5 where it is what the
    network chose. Raises ValueError for values out of range or order, and for one that moves
    anything at the neutral fidelity.
    """

    fidelities: tuple[float, ...]  # from 0 to 1, rising
    places: tuple[tuple[float, ...], ...]  # for each of them, one a level, coarse first

    def __post_init__(self) -> None:
        given = self.fidelities
        rising = all(low < high for low, high in itertools.pairwise(given))
        if len(given) < 2 or given[0] != 0 or given[-1] != 1 or not rising:
            raise ValueError(f"The fidelities must rise from 0 to 1, got {list(given)}.")
        if NEUTRAL not in given:
            raise ValueError(f"The fidelities must hold {NEUTRAL}, got {list(given)}.")
        if len(self.places) != len(given) or len({len(row) for row in self.places}) != 1:
            raise ValueError(
                f"Expected as many places for each of {len(given)} fidelities, got rows of "
                f"{[len(row) for row in self.places]}."
            )
        if not all(0 <= place <= 1 for row in self.places for place in row):
            raise ValueError(f"Places must lie in 0..1, got {self.places}.")
        if any(place != NEUTRAL for place in self.places[given.index(NEUTRAL)]):
            raise ValueError(f"Fidelity {NEUTRAL} must leave every level at {NEUTRAL}.")

    @property
    def levels(self) -> int:
        """How many levels the curve moves."""
        return len(self.places[0])

    def at(self, fidelity: float) -> tuple[float, ...]:
        """The place of every level at a fidelity in [0, 1]."""
        after = min(bisect_right(self.fidelities, fidelity), len(self.fidelities) - 1)
        low, high = self.fidelities[after - 1], self.fidelities[after]
        share = (fidelity - low) / (high - low)
        return tuple(
            a + (b - a) * share
            for a, b in zip(self.places[after - 1], self.places[after], strict=True)
        )


def straight_curve(ends: Sequence[Sequence[float]]) -> FidelityCurve:
    """The curve from the places (one a level) at 0 through the neutral ones to those at 1."""
    pretty, faithful = (tuple(row) for row in ends)
    return FidelityCurve((0.0, NEUTRAL, 1.0), (pretty, (NEUTRAL,) * len(pretty), faithful))
