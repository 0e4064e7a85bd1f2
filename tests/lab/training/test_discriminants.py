"""What tells groups apart, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_core.degrading.ranges import PRESETS
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_lab.training.discriminants import confine, fisher_discriminants, fit_discriminants


def grouped_vectors(groups: int = 40, members: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors (K, 6): two numbers of the group, two louder ones of the member, two of noise."""
    generator = torch.Generator().manual_seed(0)
    of_group = torch.randn(groups, 2, generator=generator).repeat_interleave(members, 0)
    of_member = 5 * torch.randn(members, 2, generator=generator).repeat(groups, 1)
    noise = 0.01 * torch.randn(groups * members, 6, generator=generator)
    mixing = torch.linalg.qr(torch.randn(6, 6, generator=generator)).Q
    vectors = (torch.cat([of_group, of_member, noise[:, 4:]], 1) + noise) @ mixing
    labels = torch.arange(groups).repeat_interleave(members)
    return vectors, labels, torch.arange(members).repeat(groups)


def spread_of_means(vectors: Tensor, labels: Tensor) -> float:
    """How much of the variance lies between the labels' means, 0 to 1."""
    means = torch.stack([vectors[labels == label].mean(0) for label in labels.unique()])
    return float(means.var(0, unbiased=False).sum() / vectors.var(0, unbiased=False).sum())


def test_a_direction_that_tells_groups_counts_and_a_louder_one_that_does_not_is_damped() -> None:
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(2).repeat(200)
    vectors = torch.randn(400, 2, generator=generator) * torch.tensor([1.0, 50.0])
    vectors[:, 0] += 5.0 * groups
    (direction,) = fisher_discriminants(vectors, groups)
    along, across = direction.abs().tolist()
    assert along == pytest.approx(1, rel=0.15)
    assert across < 0.01


def test_groups_may_differ_in_size_and_have_any_numbers() -> None:
    vectors, groups, _ = grouped_vectors()
    some = torch.arange(len(groups)) % 7 > 0
    vectors, groups = vectors[some], groups[some] * 10 - 5
    directions = fisher_discriminants(vectors, groups, 2)
    assert directions.shape == (2, 6)
    found = vectors.double() @ directions.T
    means = torch.stack([found[groups == group].mean(0) for group in groups.tolist()])
    within = (found - means).T @ (found - means) / len(found)
    assert torch.linalg.eigvalsh(within).max() <= 1.001
    apart = (means - means.mean(0)).T @ (means - means.mean(0)) / len(found)
    assert torch.linalg.eigvalsh(apart).min() > 10


def test_confined_vectors_keep_the_groups_and_lose_the_members() -> None:
    vectors, groups, members = grouped_vectors()
    mean, directions, loadings = confine(vectors, groups, 2)
    confined = mean + (vectors.double() - mean) @ directions.T @ loadings.T
    assert spread_of_means(vectors, members) > 0.8
    assert spread_of_means(confined, members) < 0.01
    assert spread_of_means(confined, groups) > 0.99
    # What is confined once stays as it is.
    again = mean + (confined - mean) @ directions.T @ loadings.T
    torch.testing.assert_close(again, confined, rtol=1e-3, atol=1e-3)


def test_too_few_groups_are_refused() -> None:
    vectors, groups, _ = grouped_vectors(groups=2)
    with pytest.raises(ValueError, match="only 1 discriminants, expected 2"):
        confine(vectors, groups, 2)


def test_fitting_confines_the_representation_and_repeats() -> None:
    generator = torch.Generator().manual_seed(0)
    faces = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=generator)
    torch.manual_seed(0)
    encoder = DegradationEncoder(((8, 1), (16, 2)), patch=4, discriminants=3).train()

    def fitted(seed: int) -> Tensor:
        fit_discriminants(
            encoder, faces, PRESETS["medium"], groups=12, faces_per_group=3, seed=seed
        )
        assert encoder.training
        assert encoder.discriminants is not None
        encoder.eval()
        with torch.inference_mode():
            vectors = encoder(faces / 127.5 - 1) - encoder.discriminants.mean
        encoder.train()
        return vectors

    vectors = fitted(5)
    assert torch.linalg.matrix_rank(vectors, rtol=1e-4) == 3
    assert torch.equal(fitted(5), vectors)
    assert not torch.equal(fitted(6), vectors)


def test_encoders_without_discriminants_and_groups_of_one_are_refused() -> None:
    faces = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    plain = DegradationEncoder(((8, 1),), patch=4)
    with pytest.raises(ValueError, match="has no discriminants"):
        fit_discriminants(plain, faces, PRESETS["mild"], groups=4, faces_per_group=2, seed=1)
    encoder = DegradationEncoder(((8, 1),), patch=4, discriminants=2)
    with pytest.raises(ValueError, match="at least two faces, got 1"):
        fit_discriminants(encoder, faces, PRESETS["mild"], groups=4, faces_per_group=1, seed=1)
