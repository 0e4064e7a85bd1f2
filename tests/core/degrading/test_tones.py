from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core.degrading.tones import reduce_tones


def reduced(images: Tensor, tones: int, dithered: bool = False) -> Tensor:
    return reduce_tones(images, torch.tensor([float(tones)]), torch.tensor([dithered]))


@pytest.mark.parametrize("dithered", [False, True])
@pytest.mark.parametrize("tones", [2, 5, 8, 37])
def test_a_slope_becomes_that_many_tones(tones: int, dithered: bool) -> None:
    ramp = torch.linspace(0, 1, 400).expand(1, 3, 20, 400)
    values = reduced(ramp, tones, dithered).unique()
    assert torch.allclose(values, torch.linspace(0, 1, tones), atol=1e-6)


def test_bands_are_flat_and_dithered_ones_keep_the_local_mean() -> None:
    ramp = torch.linspace(0.1, 0.9, 320).expand(1, 1, 64, 320)

    def off_the_mean(dithered: bool) -> float:
        difference = reduced(ramp, 6, dithered) - ramp
        return float(F.avg_pool2d(difference, 16).abs().mean())

    banded = reduced(ramp, 6)
    assert (banded.diff(dim=-1) != 0).sum(dim=-1).max() <= 5
    assert off_the_mean(True) < 0.3 * off_the_mean(False)


@pytest.mark.parametrize("dithered", [False, True])
def test_black_white_and_what_256_tones_hold_stay(dithered: bool) -> None:
    images = torch.tensor([0.0, 1.0]).repeat(1, 1, 9, 8)
    assert torch.equal(reduced(images, 4, dithered), images)
    levels = torch.arange(256).view(1, 1, 16, 16) / 255
    assert torch.allclose(reduced(levels, 256, dithered), levels, atol=1e-6)


def test_images_of_a_batch_have_their_own_tones() -> None:
    images = torch.rand(2, 3, 13, 9)
    result = reduce_tones(images, torch.tensor([3.0, 9.0]), torch.tensor([True, False]))
    assert torch.equal(result[:1], reduced(images[:1], 3, True))
    assert torch.equal(result[1:], reduced(images[1:], 9, False))
