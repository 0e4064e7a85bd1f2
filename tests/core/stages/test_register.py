"""Pictures that are moved a little are laid on each other again."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.stages import register as registering
from panini_core.stages.asking import answer_together
from panini_core.stages.register import LARGEST_SHIFT, warp

SIDE = 64


def picture(seed: int = 0) -> Tensor:
    """(1, s, s): smooth, with detail in all directions."""
    coarse = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic")[0].clamp(0, 1)


def mask() -> Tensor:
    weights = torch.zeros(1, SIDE, SIDE)
    weights[:, 8:-8, 8:-8] = 1
    return weights


def register(target: Tensor, sources: Tensor, mask: Tensor) -> Tensor:
    (found,) = answer_together([registering.register(target, sources, mask)])
    return found


@settings(max_examples=20)
@given(
    size=st.floats(-0.02, 0.02),
    turn=st.floats(-0.02, 0.02),
    x=st.floats(-0.04, 0.04),
    y=st.floats(-0.04, 0.04),
    brightness=st.floats(-0.1, 0.1),
)
def test_a_similarity_is_found(
    size: float, turn: float, x: float, y: float, brightness: float
) -> None:
    target = picture()
    moved = warp(target[None], torch.tensor([[size, turn, x, y]])) + brightness
    found = register(target, moved, mask())
    back = warp(moved, found) - brightness
    inside = mask()[None] > 0
    before = (moved - brightness - target[None])[inside].abs().mean()
    assert (back - target[None])[inside].abs().mean() <= max(0.2 * before, 0.002)


def test_the_same_picture_stays() -> None:
    found = register(picture(), picture()[None], mask())
    assert found.abs().max() < 1e-4


def test_flat_and_other_pictures_are_not_moved_away() -> None:
    others = torch.stack([torch.full((1, SIDE, SIDE), 0.3), picture(5)])
    found = register(picture(), others, mask())
    assert torch.isfinite(found).all() and found.abs().max() <= LARGEST_SHIFT + 1e-6
    flat = register(torch.full((1, SIDE, SIDE), 0.3), others, mask())
    assert torch.isfinite(flat).all()


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_noise_hardly_moves_anything(noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    noisy = [picture() + noise * torch.randn(1, SIDE, SIDE, generator=generator) for _ in range(6)]
    found = register(noisy[0], torch.stack(noisy[1:]), mask())
    assert found.abs().max() * SIDE / 2 < 0.15  # px
