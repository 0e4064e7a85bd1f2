"""How well labels can be told from vectors: nearest neighbours and a linear probe."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = 5
_STEPS = 300
_INERT = 1e-5  # of the strongest axis: rounding


def nearest_neighbour_accuracy(
    vectors: Tensor,  # (K, D)
    labels: Tensor,  # (K,) whole numbers from 0
    barred: Tensor,  # (K, K) bool: pairs that must not be compared; a sample with itself never is
    *,
    neighbours: int = NEIGHBOURS,
) -> float:
    """The share of samples whose neighbours vote for the right label, vectors standardised.

    The label with most votes wins; among equals that of the nearest neighbour.
    """
    labels = labels.to(vectors.device)
    scaled = standardise(vectors, vectors)
    distances = torch.cdist(scaled, scaled)
    distances[barred] = torch.inf
    distances.fill_diagonal_(torch.inf)
    nearest = distances.topk(neighbours, largest=False).indices
    votes = F.one_hot(labels[nearest], int(labels.max()) + 1).double()  # (K, neighbours, C)
    # A neighbour's rank decides between equal votes.
    tie_break = torch.linspace(1e-3, 0, neighbours, dtype=torch.float64, device=vectors.device)
    votes = votes.sum(1) + (votes * tie_break[:, None]).amax(1)
    return float((votes.argmax(1) == labels).double().mean())


def linear_probe_predictions(
    train_vectors: Tensor,  # (K, D)
    train_labels: Tensor,  # (K,) whole numbers from 0
    test_vectors: Tensor,  # (M, D)
) -> Tensor:  # (M,)
    """What a logistic regression on standardised vectors says of the test vectors.

    With scikit-learn's default penalty (C = 1), so that figures can be compared.
    """
    # The penalty does not depend on the axes: those along which nothing varies are left out.
    scaled = standardise(train_vectors, train_vectors)
    _, strengths, axes = torch.linalg.svd(scaled, full_matrices=False)
    axes = axes[strengths > _INERT * strengths[0]].T
    features = _with_constant(scaled @ axes)
    classes = int(train_labels.max()) + 1
    weights = torch.zeros(features.shape[1], classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        fit = F.cross_entropy(features @ weights, train_labels, reduction="sum")
        total = (fit + 0.5 * weights[:-1].square().sum()) / len(features)  # no penalty on constants
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    test_features = standardise(test_vectors, train_vectors) @ axes
    scores = _with_constant(test_features) @ weights.detach()
    return scores.argmax(1)


def linear_probe_accuracy(
    vectors: Tensor,  # (K, D)
    labels: Tensor,  # (K,) whole numbers from 0
    folds: Tensor,  # (K,) whole numbers: each fold is judged by a probe trained on the others
) -> float:
    """The share of samples that a probe which did not see their fold gets right.

    Raises ValueError for a single fold.
    """
    return float((cross_validated(vectors, labels, folds) == labels).double().mean())


def cross_validated(vectors: Tensor, labels: Tensor, folds: Tensor) -> Tensor:
    """As `linear_probe_accuracy`, but the label (K,) that every sample is given."""
    values = folds.unique()
    if len(values) < 2:
        raise ValueError("A probe needs at least two folds: one to learn from and one to judge.")
    predicted = torch.empty_like(labels)
    for fold in values:
        held_out = folds == fold
        predicted[held_out] = linear_probe_predictions(
            vectors[~held_out], labels[~held_out], vectors[held_out]
        )
    return predicted


def standardise(vectors: Tensor, reference: Tensor) -> Tensor:
    """Mean 0 and std 1 of every feature over `reference`, in float64."""
    reference = reference.double()
    std = reference.std(0)
    return (vectors.double() - reference.mean(0)) / std.clamp_min(1e-9 * float(std.max()) + 1e-30)


def _with_constant(vectors: Tensor) -> Tensor:
    return torch.cat([vectors, torch.ones_like(vectors[:, :1])], dim=1)
