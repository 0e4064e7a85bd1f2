from __future__ import annotations

from pathlib import Path

import pytest
import torch

from panini_core.checkpoints import load_gan_prior
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.value_range import from_network
from panini_lab.training.drawn_faces import FaceDrawer


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def prior(prior_file: Path) -> MobileGenerator:
    prior = load_gan_prior(prior_file)
    assert isinstance(prior, MobileGenerator)
    return prior


def drawer(prior: MobileGenerator, low: float = 0.5, high: float = 1.0) -> FaceDrawer:
    return FaceDrawer(prior, prior.mean_latent, (4, 16), truncation=(low, high))


def test_codes_lie_between_the_mean_and_those_of_the_mapping(prior: MobileGenerator) -> None:
    z = torch.randn(5, prior.style_size, generator=seeded())
    whole = prior.mapping(z) - prior.mean_latent
    torch.testing.assert_close(
        drawer(prior, 1, 1).codes(5, seeded()), prior.mean_latent + whole, rtol=0, atol=1e-6
    )
    torch.testing.assert_close(
        drawer(prior, 0, 0).codes(5, seeded()), prior.mean_latent.expand(5, -1), rtol=0, atol=1e-6
    )
    moved = drawer(prior, 0.5, 0.8).codes(5, seeded()) - prior.mean_latent
    psi = (moved * whole).sum(1) / whole.square().sum(1)  # one share a face
    torch.testing.assert_close(moved, psi[:, None] * whole)
    assert 0.5 <= psi.min() < psi.max() <= 0.8


def test_codes_depend_on_the_generator_alone(prior: MobileGenerator) -> None:
    faces = drawer(prior)
    first = faces.codes(3, seeded(1))
    assert torch.equal(first, faces.codes(3, seeded(1)))
    assert not torch.equal(first, faces.codes(3, seeded(2)))


def test_faces_and_features_are_the_priors_own(prior: MobileGenerator) -> None:
    drawn = drawer(prior).draw(codes := drawer(prior).codes(2, seeded()))
    seen: dict[int, torch.Tensor] = {}

    def look(resolution: int, x: torch.Tensor) -> torch.Tensor:
        seen[resolution] = x
        return x

    images = prior(codes[:, None].expand(-1, prior.w_plus_rows, -1), fuse=look)
    assert torch.equal(drawn.images, from_network(images))
    assert 0 <= drawn.images.min() and drawn.images.max() <= 1
    assert drawn.codes is codes
    assert drawn.features.keys() == {4, 16}
    for resolution, features in drawn.features.items():
        assert torch.equal(features, seen[resolution])
        assert not features.requires_grad


def test_training_the_prior_does_not_change_what_is_drawn(prior: MobileGenerator) -> None:
    faces = drawer(prior)
    codes = faces.codes(2, seeded())
    before = faces.draw(codes).images
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(1)
    assert torch.equal(faces.draw(codes).images, before)
    assert not any(parameter.requires_grad for parameter in faces.prior.parameters())
    assert all(parameter.requires_grad for parameter in prior.parameters())
