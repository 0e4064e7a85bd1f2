"""The eight orientations, to and fro."""

from __future__ import annotations

import numpy as np
import pytest

from panini_core.images.orientation import is_transposed, turn_back, turn_upright

from .pictures import noise


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_back_undoes_turning_upright(orientation: int) -> None:
    stored = noise(5, 3, 2)
    upright = turn_upright(stored, orientation)
    assert upright.shape == ((3, 5, 2) if is_transposed(orientation) else (5, 3, 2))
    np.testing.assert_array_equal(turn_back(upright, orientation), stored)


def test_quarter_turns_are_those_of_cameras() -> None:
    stored = noise(5, 3, 2)
    np.testing.assert_array_equal(turn_upright(stored, 6), np.rot90(stored, -1))
    np.testing.assert_array_equal(turn_upright(stored, 8), np.rot90(stored, 1))
    np.testing.assert_array_equal(turn_upright(stored, 3), np.rot90(stored, 2))
