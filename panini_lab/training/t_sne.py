"""A map of vectors on which neighbours stay neighbours: t-SNE (van der Maaten and Hinton, 2008).

The exact algorithm, for hundreds of vectors; the cost grows with the square of their number.
"""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 750
EXAGGERATED_STEPS = 250
EXAGGERATION = 12.0


def t_sne(vectors: Tensor, *, perplexity: float = 30.0) -> Tensor:
    """(K, D) -> (K, 2) float64, on the CPU. It begins with the two principal components, so the
    same vectors give the same map. Raises ValueError below four vectors."""
    if len(vectors) < 4:
        raise ValueError(f"A map needs at least four vectors, got {len(vectors)}.")
    vectors = vectors.detach().double().cpu()
    affinity = _affinity(vectors, min(perplexity, (len(vectors) - 1) / 3))

    centred = vectors - vectors.mean(0)
    _, _, components = torch.linalg.svd(centred, full_matrices=False)
    places = centred @ components[:2].T
    places = places / places.std().clamp_min(1e-12) * 1e-4
    velocity = torch.zeros_like(places)
    rate = max(len(vectors) / EXAGGERATION, 50.0)
    for step in range(STEPS):
        early = step < EXAGGERATED_STEPS
        pull = _gradient(places, affinity * (EXAGGERATION if early else 1.0))
        velocity = (0.5 if early else 0.8) * velocity - rate * pull
        places = places + velocity
        places = places - places.mean(0)
    return places


def _affinity(vectors: Tensor, perplexity: float) -> Tensor:
    """How much each pair belongs together: symmetric, sum 1; every row's entropy is the same."""
    squared = torch.cdist(vectors, vectors).square()
    squared = squared / squared.mean().clamp_min(1e-12)
    itself = torch.eye(len(vectors), dtype=torch.bool)
    target = torch.tensor(perplexity, dtype=torch.float64).log()
    low, high = torch.full_like(squared[:, :1], -30.0), torch.full_like(squared[:, :1], 30.0)

    def spread(logarithm: Tensor) -> Tensor:
        return torch.softmax((-logarithm.exp() * squared).masked_fill(itself, -torch.inf), dim=1)

    for _ in range(60):  # bisection of the logarithm of each row's precision
        middle = (low + high) / 2
        too_even = torch.special.entr(spread(middle)).sum(1, keepdim=True) > target
        low, high = torch.where(too_even, middle, low), torch.where(too_even, high, middle)
    shares = spread((low + high) / 2)
    return (shares + shares.T) / (2 * len(vectors))


def _gradient(places: Tensor, affinity: Tensor) -> Tensor:
    closeness = 1 / (1 + torch.cdist(places, places).square())
    closeness.fill_diagonal_(0)
    difference = (affinity - closeness / closeness.sum()) * closeness
    return 4 * (difference.sum(1, keepdim=True) * places - difference @ places)
