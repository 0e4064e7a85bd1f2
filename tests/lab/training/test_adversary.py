from __future__ import annotations

import pytest
import torch
from torch import nn

from panini_lab.training.adversary import discriminator_loss, generator_loss, r1_penalty


def test_r1_is_half_the_squared_gradient() -> None:
    class Linear(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (3 * x).sum((1, 2, 3))[:, None]

    assert r1_penalty(Linear(), torch.rand(2, 3, 4, 4)).item() == pytest.approx(9 * 48 / 2)


def test_adversarial_losses_point_the_right_way() -> None:
    good, bad = torch.tensor([[5.0]]), torch.tensor([[-5.0]])
    assert generator_loss(good) < generator_loss(bad)
    assert discriminator_loss(good, bad) < discriminator_loss(bad, good)
