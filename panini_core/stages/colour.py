"""Colour of restored faces: kept close to the photograph's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .asking import Asking

LOW_FREQUENCY_CELLS = 8  # a crop's side in cells; coarser than any facial feature


def is_grey(image: Tensor) -> Asking[bool]:
    """Whether red, green and blue of an image (3, H, W) are equal everywhere."""
    if not (yield (image[0] == image[1]).all()):
        return False
    return bool((yield (image[0] == image[2]).all()))


def match_low_frequencies(crop: Tensor, reference: Tensor) -> Tensor:
    """`crop` (C, R, R) with the low frequencies of `reference` (C, S, S), clamped to [0, 1].

    Only means over an eighth of the side are taken from the reference, so that its colours and
    its light stay and the crop's detail stays. The difference is added, never divided by, so that
    dark and flat regions are safe.
    """
    cells = (LOW_FREQUENCY_CELLS, LOW_FREQUENCY_CELLS)
    difference = F.adaptive_avg_pool2d(reference[None], cells)
    difference = difference - F.adaptive_avg_pool2d(crop[None], cells)
    return (crop + _enlarge(difference[0], crop.shape[-1])).clamp(0, 1)


def _enlarge(cells: Tensor, side: int) -> Tensor:
    """Cells (C, k, k) enlarged bicubically to (C, side, side): two small matrix products, several
    times as quick on a CPU as interpolating every pixel."""
    identity = torch.eye(cells.shape[-1], device=cells.device, dtype=cells.dtype)
    size = (side, cells.shape[-1])
    weights = F.interpolate(identity[None, None], size, mode="bicubic", align_corners=False)[0, 0]
    return weights @ cells @ weights.mT
