"""The parameters of degradations: neutral, selected, put together."""

from __future__ import annotations

import pytest

from panini_core.degrading.parameters import DegradationParameters, DegradationPass


def test_passes_for_different_numbers_of_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="same number"):
        DegradationParameters((DegradationPass.neutral(2), DegradationPass.neutral(3)))
