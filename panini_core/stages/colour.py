"""Colour of restored faces: kept close to the photograph's."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

LOW_FREQUENCY_CELLS = 8  # a crop's side in cells; coarser than any facial feature


def is_grey(image: Tensor) -> bool:
    """Whether red, green and blue of an image (3, H, W) are equal everywhere."""
    return bool((image[0] == image[1]).all() and (image[0] == image[2]).all())


def match_low_frequencies(crop: Tensor, reference: Tensor) -> Tensor:
    """`crop` (C, R, R) with the low frequencies of `reference` (C, S, S), clamped to [0, 1].

    Only means over an eighth of the side are taken from the reference, so that its colours and
    its light stay and the crop's detail stays. The difference is added, never divided by, so that
    dark and flat regions are safe.
    """
    cells = (LOW_FREQUENCY_CELLS, LOW_FREQUENCY_CELLS)
    difference = F.adaptive_avg_pool2d(reference[None], cells)
    difference = difference - F.adaptive_avg_pool2d(crop[None], cells)
    smooth = F.interpolate(difference, crop.shape[-2:], mode="bicubic", align_corners=False)
    return (crop + smooth[0]).clamp(0, 1)
