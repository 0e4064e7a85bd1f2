from __future__ import annotations

import pytest
import torch

from panini_lab.training.losses import random_crop


def test_crops_share_their_window() -> None:
    a = torch.arange(64.0).view(1, 1, 8, 8)
    one, two = random_crop([a, a + 100], 3, torch.Generator().manual_seed(0))
    assert one.shape == (1, 1, 3, 3)
    assert torch.equal(two - one, torch.full_like(one, 100))


@pytest.mark.parametrize("size", [0, 8, 20])
def test_no_crop_when_none_is_asked_for_or_it_is_too_large(size: int) -> None:
    a = torch.rand(1, 1, 8, 8)
    assert random_crop([a], size, torch.Generator())[0] is a
