"""Fewer tones: colours as a palette or an old screen holds them."""

from __future__ import annotations

import torch
from torch import Tensor


def reduce_tones(images: Tensor, tones: Tensor, dithered: Tensor) -> Tensor:
    """Each channel rounded to evenly spaced values, from 0 to 1, which makes bands of slopes.

    images: (N, C, H, W) in [0, 1]. tones: (N,) whole numbers of at least 2. dithered: (N,) bool,
    with the ordered dither of Bayer's 8x8 matrix, which trades the bands for a fine pattern.
    """
    height, width = images.shape[-2:]
    steps = (tones.to(images) - 1)[:, None, None, None]
    matrix = _bayer_matrix(3).to(images)
    tiled = matrix.repeat(-(-height // 8), -(-width // 8))[:height, :width]
    offset = tiled * dithered.to(images)[:, None, None, None]
    return (images.clamp(0, 1) * steps + offset).round_().div_(steps)


def _bayer_matrix(order: int) -> Tensor:
    """(2^order, 2^order), evenly spaced inside (-0.5, 0.5)."""
    matrix = torch.zeros(1, 1)
    for _ in range(order):
        matrix = torch.cat(
            [
                torch.cat([4 * matrix, 4 * matrix + 2], dim=1),
                torch.cat([4 * matrix + 3, 4 * matrix + 1], dim=1),
            ]
        )
    return (matrix + 0.5) / matrix.numel() - 0.5
