"""Faces as layers over a picture: their masks, their places, and how they blend."""

from __future__ import annotations

import pytest

from panini_core.stages.align import template
from panini_core.stages.layers import face_mask


def test_the_mask_covers_the_face_and_ends_before_the_border() -> None:
    mask = face_mask(512, 0.1)[0]
    assert mask.shape == (512, 512)
    assert mask[[0, -1]].eq(0).all()
    assert mask[:, [0, -1]].eq(0).all()
    assert mask[450, 256] > 0.99  # a usual chin
    assert mask[240, 90] > 0.99  # an ear
    for x, y in template(512).tolist():
        assert mask[int(y), int(x)] == 1
    steps = mask.diff(dim=0).abs().max()
    assert steps < 0.04  # a soft border: no step over 26 px of ramp is larger


@pytest.mark.parametrize("feather", [0, 0.05, 0.3, 0.5])
def test_feather_is_the_width_of_the_border(feather: float) -> None:
    row = face_mask(512, feather)[0, 256]
    width = ((row > 0.001) & (row < 0.999)).sum().item() / 2 / 512
    assert width == pytest.approx(feather, abs=0.04)
    assert row[256] > 0.99
