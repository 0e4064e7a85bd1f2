from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_core.degrading.sharpening import unsharp_mask


def sharpened(images: Tensor, amount: float, sigma: float = 1.5) -> Tensor:
    return unsharp_mask(images, torch.tensor([amount]), torch.tensor([sigma]))


@pytest.fixture
def edge() -> Tensor:
    """(1, 3, 20, 60): 0.4 on the left, 0.6 on the right."""
    return torch.tensor([0.4, 0.6]).repeat_interleave(30).expand(1, 3, 20, 60)


def test_an_edge_overshoots_on_both_sides(edge: Tensor) -> None:
    for amount in (0.5, 1.0, 3.0):
        row = sharpened(edge, amount)[0, 0, 10]
        # The blur takes nearly half of the step away beside it.
        assert 0.6 + 0.06 * amount < float(row[30]) < 0.6 + 0.1 * amount
        assert 0.4 - 0.1 * amount < float(row[29]) < 0.4 - 0.06 * amount
        assert float(row[30]) == float(row.max())


def test_a_wider_mask_reaches_farther(edge: Tensor) -> None:
    def reach(sigma: float) -> int:
        row = sharpened(edge, 1.0, sigma)[0, 0, 10]
        return int((row[30:] > 0.602).sum())

    assert reach(1.0) < reach(2.0) < reach(4.0)


def test_flat_and_not_sharpened_pictures_stay(edge: Tensor) -> None:
    assert torch.equal(sharpened(edge, 0.0), edge)
    flat = torch.full((1, 3, 20, 20), 0.7)
    assert torch.allclose(sharpened(flat, 4.0), flat, atol=1e-5)


def test_halos_are_clipped_as_in_a_file() -> None:
    edge = torch.tensor([0.0, 1.0]).repeat_interleave(10).expand(1, 1, 20, 20)
    assert torch.equal(sharpened(edge, 2.0), edge)


def test_images_of_a_batch_are_sharpened_by_themselves() -> None:
    images = torch.rand(2, 3, 30, 21)
    amount, sigma = torch.tensor([0.4, 2.0]), torch.tensor([0.6, 3.0])
    together = unsharp_mask(images, amount, sigma)
    for i in range(2):
        alone = sharpened(images[i : i + 1], float(amount[i]), float(sigma[i]))
        assert torch.allclose(together[i : i + 1], alone, atol=1e-6)
