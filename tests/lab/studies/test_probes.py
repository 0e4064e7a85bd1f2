"""Probes that know what can be known, and no more."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_lab.studies.probes import (
    linear_probe_accuracy,
    linear_probe_predictions,
    nearest_neighbour_accuracy,
    standardise,
)


def blobs(apart: float, count: int = 120, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    vectors = torch.randn(count, 10, generator=generator)
    vectors[:, :classes] += apart * torch.eye(classes)[labels]
    return vectors, labels


def nobody(count: int) -> Tensor:
    return torch.zeros(count, count, dtype=torch.bool)


def test_groups_that_lie_apart_are_told_and_others_are_not() -> None:
    folds = torch.arange(120) // 60
    for apart, low, high in ((12.0, 1.0, 1.0), (0.0, 0.1, 0.45)):
        vectors, labels = blobs(apart)
        assert low <= nearest_neighbour_accuracy(vectors, labels, nobody(120)) <= high
        assert low <= linear_probe_accuracy(vectors, labels, folds) <= high


def test_barred_pairs_are_not_compared() -> None:
    """Twins would always find each other; without them there is only noise."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(50, 6, generator=generator).repeat_interleave(2, 0)
    labels = torch.randint(0, 2, (50,), generator=generator).repeat_interleave(2, 0)
    twins = torch.arange(100) // 2
    free = nearest_neighbour_accuracy(vectors, labels, nobody(100), neighbours=1)
    barred = nearest_neighbour_accuracy(
        vectors, labels, twins[:, None] == twins[None], neighbours=1
    )
    assert free == 1
    assert 0.25 < barred < 0.75


def test_the_nearest_decides_between_equal_votes() -> None:
    vectors = torch.tensor([[0.0], [1.0], [3.0], [100.0], [101.0]])
    labels = torch.tensor([0, 0, 1, 1, 1])
    # 0 sees 1.0 (label 0) and 3.0 (label 1); 3.0 sees 1.0 (0) and 0.0 (0).
    assert nearest_neighbour_accuracy(vectors, labels, nobody(5), neighbours=2) == pytest.approx(
        4 / 5
    )


def test_the_probe_is_the_regularised_logistic_regression() -> None:
    """At its solution the gradient of scikit-learn's objective (C = 1) vanishes."""
    vectors, labels = blobs(1.5, count=80)
    scaled = standardise(vectors, vectors)
    features = torch.cat([scaled, torch.ones(80, 1)], 1)
    weights = torch.zeros(11, 4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(features @ weights, labels, reduction="sum")
        value = value + 0.5 * weights[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    expected = (features @ weights).argmax(1)
    assert torch.equal(linear_probe_predictions(vectors, labels, vectors), expected)


def test_features_that_repeat_or_stand_still_change_nothing() -> None:
    vectors, labels = blobs(2.0)
    folds = torch.arange(120) % 3
    wider = torch.cat([vectors, torch.full((120, 3), 7.0)], 1)
    assert linear_probe_accuracy(wider, labels, folds) == linear_probe_accuracy(
        vectors, labels, folds
    )


def test_one_fold_is_refused() -> None:
    vectors, labels = blobs(1.0)
    with pytest.raises(ValueError, match="at least two folds"):
        linear_probe_accuracy(vectors, labels, torch.zeros(120))
