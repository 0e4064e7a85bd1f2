from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from panini_lab.training.adversary import (
    StyleGAN2Adversary,
    discriminator_loss,
    generator_loss,
    r1_penalty,
)
from panini_lab.training.config import AdversaryConfig, RunConfig
from panini_lab.training.losses import SeenPictures
from panini_lab.training.session import TrainingSession

SMALL = AdversaryConfig(channels=(8, 8, 8), r1_every=4)  # looks at 16 px


def make_adversary(folder: Path, **values: Any) -> StyleGAN2Adversary:
    torch.manual_seed(0)
    session = TrainingSession(RunConfig(output=str(folder), device="cpu", bf16=False))
    return StyleGAN2Adversary(dataclasses.replace(SMALL, **values), session)


def pictures(seed: int, strength: float = 1.0) -> SeenPictures:
    generator = torch.Generator().manual_seed(seed)
    return SeenPictures(strength * torch.randn(4, 3, 24, 24, generator=generator))


def test_r1_is_half_the_squared_gradient() -> None:
    class Linear(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (3 * x).sum((1, 2, 3))[:, None]

    assert r1_penalty(Linear(), torch.rand(2, 3, 4, 4)).item() == pytest.approx(9 * 48 / 2)


def test_adversarial_losses_point_the_right_way() -> None:
    good, bad = torch.tensor([[5.0]]), torch.tensor([[-5.0]])
    assert generator_loss(good) < generator_loss(bad)
    assert discriminator_loss(good, bad) < discriminator_loss(bad, good)


def test_the_discriminator_learns_what_is_real(tmp_path: Path) -> None:
    adversary = make_adversary(tmp_path, r1=0.0)
    generator = torch.Generator().manual_seed(0)
    first, last = torch.zeros(()), torch.zeros(())
    for step in range(30):
        losses = adversary.train_step(
            pictures(2 * step, 0.1), pictures(2 * step + 1), generator, 0.005
        )
        last = losses["discriminator"]
        first = last if step == 0 else first
    assert last < 0.7 * first
    real, fake = (adversary.generator_loss(pictures(99, s), generator) for s in (1.0, 0.1))
    assert real < fake


def test_the_generators_loss_leaves_the_discriminator_alone(tmp_path: Path) -> None:
    adversary = make_adversary(tmp_path)
    leaf = pictures(0).images.requires_grad_()
    adversary.generator_loss(SeenPictures(leaf), torch.Generator().manual_seed(0)).backward()
    assert leaf.grad is not None
    seen = leaf.grad.abs().sum((0, 1)) > 0
    assert seen.any()
    assert not seen.all()  # a crop of 16 of the 24 px
    parameters = list(adversary.discriminator.parameters())
    assert all(p.grad is None and p.requires_grad for p in parameters)


def test_the_penalty_comes_every_so_many_steps(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    adversary = make_adversary(tmp_path)
    punished = [
        "r1" in adversary.train_step(pictures(0), pictures(1), generator, 1e-3) for _ in range(9)
    ]
    assert [step for step, found in enumerate(punished) if found] == [0, 4, 8]
    without = make_adversary(tmp_path, r1=0.0)
    assert "r1" not in without.train_step(pictures(0), pictures(1), generator, 1e-3)


def test_an_adversary_goes_on_from_its_state(tmp_path: Path) -> None:
    adversary, again = make_adversary(tmp_path), make_adversary(tmp_path)
    for step in range(3):
        generator = torch.Generator().manual_seed(step)
        adversary.train_step(pictures(0, 0.1), pictures(1), generator, 1e-3)
    again.load_state_dict(copy.deepcopy(adversary.state_dict()))
    losses = [
        one.train_step(pictures(2, 0.1), pictures(3), torch.Generator().manual_seed(9), 1e-3)
        for one in (adversary, again)
    ]
    assert losses[0] == losses[1]
    for name, value in adversary.discriminator.state_dict().items():
        assert torch.equal(value, again.discriminator.state_dict()[name]), name
