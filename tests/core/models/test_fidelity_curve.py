"""Curves that say what a fidelity does to each level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_core.models.fidelity_curve import FidelityCurve, straight_curve

CURVE = straight_curve([(0.2, 0.7), (0.6, 0.5)])
FIDELITIES = (0.0, 0.5, 1.0)


def test_a_curve_goes_straight_between_its_fidelities() -> None:
    assert CURVE.levels == 2
    for fidelity, places in (
        (0, (0.2, 0.7)),
        (0.25, (0.35, 0.6)),
        (0.5, (0.5, 0.5)),
        (0.75, (0.55, 0.5)),
        (1, (0.6, 0.5)),
    ):
        assert CURVE.at(fidelity) == pytest.approx(places)
    assert CURVE.at(0.5) == (0.5, 0.5)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_fidelity_never_turns_back(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert CURVE.at(low)[0] <= CURVE.at(high)[0] + 1e-12
    assert CURVE.at(low)[1] >= CURVE.at(high)[1] - 1e-12


@pytest.mark.parametrize(
    ("fidelities", "places", "message"),
    [
        ((0, 0.5), ((0.5,), (0.5,)), "rise from 0 to 1"),
        ((0, 1, 0.5), ((0.5,),) * 3, "rise from 0 to 1"),
        ((0.1, 0.5, 1), ((0.5,),) * 3, "rise from 0 to 1"),
        ((), (), "rise from 0 to 1"),
        ((0, 1), ((0.2,), (0.8,)), "must hold 0.5"),
        (FIDELITIES, ((0.5,), (0.5,)), "as many places"),
        (FIDELITIES, ((0.5,), (0.5,), (0.5, 0.5)), "as many places"),
        (FIDELITIES, ((-0.1,), (0.5,), (0.5,)), r"0\.\.1"),
        (FIDELITIES, ((float("nan"),), (0.5,), (0.5,)), r"0\.\.1"),
        (FIDELITIES, ((0.4,), (0.45,), (0.5,)), "leave every level at 0.5"),
    ],
)
def test_what_is_no_curve_is_refused(
    fidelities: tuple[float, ...], places: tuple[tuple[float, ...], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        FidelityCurve(fidelities, places)
