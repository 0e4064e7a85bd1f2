from __future__ import annotations

import pytest
import torch
from torch import nn

from panini_lab.training.losses import discriminator_loss, generator_loss, r1_penalty, random_crop


def test_crops_share_their_window() -> None:
    a = torch.arange(64.0).view(1, 1, 8, 8)
    one, two = random_crop([a, a + 100], 3, torch.Generator().manual_seed(0))
    assert one.shape == (1, 1, 3, 3)
    assert torch.equal(two - one, torch.full_like(one, 100))


@pytest.mark.parametrize("size", [0, 8, 20])
def test_no_crop_when_none_is_asked_for_or_it_is_too_large(size: int) -> None:
    a = torch.rand(1, 1, 8, 8)
    assert random_crop([a], size, torch.Generator())[0] is a


def test_r1_is_half_the_squared_gradient() -> None:
    class Linear(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (3 * x).sum((1, 2, 3))[:, None]

    assert r1_penalty(Linear(), torch.rand(2, 3, 4, 4)).item() == pytest.approx(9 * 48 / 2)


def test_adversarial_losses_point_the_right_way() -> None:
    good, bad = torch.tensor([[5.0]]), torch.tensor([[-5.0]])
    assert generator_loss(good) < generator_loss(bad)
    assert discriminator_loss(good, bad) < discriminator_loss(bad, good)
