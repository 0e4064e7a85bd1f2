"""The map: neighbours stay neighbours."""

from __future__ import annotations

import pytest
import torch

from panini_lab.training.t_sne import t_sne


def test_clusters_stay_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(4).repeat_interleave(15)
    centres = 8 * torch.eye(4, 6)
    vectors = centres[labels] + torch.randn(60, 6, generator=generator)
    places = t_sne(vectors, perplexity=8)
    assert places.shape == (60, 2)
    distances = torch.cdist(places, places).fill_diagonal_(torch.inf)
    assert torch.equal(labels[distances.argmin(1)], labels)
    assert torch.equal(places, t_sne(vectors, perplexity=8))


def test_few_and_equal_vectors_give_finite_places() -> None:
    for vectors in (torch.eye(4), torch.zeros(6, 3), torch.ones(5, 1)):
        assert t_sne(vectors).isfinite().all()
    with pytest.raises(ValueError, match="at least four"):
        t_sne(torch.zeros(3, 2))
