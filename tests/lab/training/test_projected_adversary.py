from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from panini_lab.metrics.vgg_distance import VggFeatures, load_vgg_features
from panini_lab.training.config import AdversaryConfig, RunConfig
from panini_lab.training.losses import SeenPictures
from panini_lab.training.projected_adversary import (
    LAYERS,
    ProjectedAdversary,
    ProjectedDiscriminator,
    require_layers,
)
from panini_lab.training.session import TrainingSession

Look = Callable[[Tensor], SeenPictures]


@pytest.fixture(scope="module")
def look(vgg_file: Path) -> Look:
    """Pictures in [-1, 1] with the features that the heads judge."""
    vgg: VggFeatures = load_vgg_features(vgg_file)
    return lambda images: SeenPictures(images, vgg(images / 2 + 0.5, tuple(LAYERS)))


@pytest.fixture
def adversary(tmp_path: Path) -> ProjectedAdversary:
    torch.manual_seed(0)
    session = TrainingSession(RunConfig(output=str(tmp_path), device="cpu", bf16=False))
    return ProjectedAdversary(AdversaryConfig(kind="projected"), session)


def sharp(seed: int) -> Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def soft(seed: int) -> Tensor:
    return torch.nn.functional.avg_pool2d(sharp(seed), 5, stride=1, padding=2)


def test_every_head_judges_every_place(look: Look) -> None:
    torch.manual_seed(0)
    logits = ProjectedDiscriminator()(look(sharp(0)).features)
    # Half of a layer's resolution: 16, 8 and 4 of 32, 16 and 8.
    assert [tuple(one.shape) for one in logits] == [(4, 16 * 16), (4, 8 * 8), (4, 4 * 4)]
    assert all(one.dtype == torch.float32 for one in logits)


def test_missing_layers_are_named(adversary: ProjectedAdversary) -> None:
    require_layers([*LAYERS, "relu4_4"])
    with pytest.raises(ValueError, match=r"loss\.perceptual_layers to include relu2_2, relu3_4"):
        require_layers(["relu1_2"])
    with pytest.raises(ValueError, match=r"set loss\.perceptual"):
        adversary.generator_loss(SeenPictures(sharp(0)), torch.Generator())
    with pytest.raises(ValueError, match=r"set loss\.perceptual"):
        adversary.train_step(SeenPictures(sharp(0)), SeenPictures(sharp(1)), torch.Generator(), 0.1)


def test_the_hinge_loss_falls_from_two_to_where_all_is_told_apart(
    adversary: ProjectedAdversary, look: Look
) -> None:
    generator = torch.Generator()
    losses = [
        adversary.train_step(look(soft(2 * step)), look(sharp(2 * step + 1)), generator, 2e-3)
        for step in range(25)
    ]
    assert losses[0]["discriminator"].item() == pytest.approx(2, abs=0.4)
    assert losses[-1]["discriminator"] < 0.5
    # Faces that it never saw.
    real, fake = (adversary.generator_loss(look(x), generator) for x in (sharp(99), soft(98)))
    assert real < -0.5
    assert fake > 0.5


def test_what_cannot_be_told_apart_stays_at_two(adversary: ProjectedAdversary, look: Look) -> None:
    losses = [
        adversary.train_step(look(sharp(0)), look(sharp(0)), torch.Generator(), 1e-3)
        for _ in range(10)
    ]
    assert losses[-1]["discriminator"].item() == pytest.approx(2, abs=0.1)


def test_the_generators_loss_reaches_the_picture_alone(
    adversary: ProjectedAdversary, look: Look
) -> None:
    leaf = soft(0).requires_grad_()
    loss = adversary.generator_loss(look(leaf), torch.Generator())
    loss.backward()
    assert leaf.grad is not None
    assert leaf.grad.abs().max() > 0
    parameters = list(adversary.discriminator.parameters())
    assert all(p.grad is None and p.requires_grad for p in parameters)


def test_the_learning_rate_is_that_of_the_step(adversary: ProjectedAdversary, look: Look) -> None:
    before = copy.deepcopy(dict(adversary.discriminator.named_parameters()))
    for rate in (0.0, 1e-3):
        adversary.train_step(look(soft(0)), look(sharp(1)), torch.Generator(), rate)
        same = [
            torch.equal(value, before[name])
            for name, value in adversary.discriminator.named_parameters()
        ]
        assert all(same) == (rate == 0)


def test_an_adversary_goes_on_from_its_state(
    adversary: ProjectedAdversary, look: Look, tmp_path: Path
) -> None:
    for _ in range(3):
        adversary.train_step(look(soft(0)), look(sharp(1)), torch.Generator(), 1e-3)
    again = ProjectedAdversary(AdversaryConfig(kind="projected"), adversary.session)
    again.load_state_dict(copy.deepcopy(adversary.state_dict()))
    for one in (adversary, again):
        one.train_step(look(soft(2)), look(sharp(3)), torch.Generator(), 1e-3)
    for name, value in adversary.discriminator.state_dict().items():
        assert torch.equal(value, again.discriminator.state_dict()[name]), name
