"""Pictures as means over their parts, on every device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Whose adaptive pooling refuses sides that are no multiple (pytorch issue 96056)
REFUSING_DEVICES = frozenset({"mps"})


def mean_pool(images: Tensor, side: int) -> Tensor:
    """Images (N, C, H, W) as means over side x side parts: (N, C, side, side).

    As `F.adaptive_avg_pool2d`: where a side does not divide, parts share pixels.
    """
    height, width = images.shape[-2:]
    divides = height % side == 0 and width % side == 0
    if divides or images.device.type not in REFUSING_DEVICES:
        return F.adaptive_avg_pool2d(images, side)
    return _shares(height, side, images) @ images @ _shares(width, side, images).mT


def _shares(length: int, parts: int, like: Tensor) -> Tensor:
    """How much each value counts in each part: (parts, length), with rows that sum to 1."""
    place = torch.arange(parts, device=like.device)[:, None]
    value = torch.arange(length, device=like.device)[None]
    start, stop = place * length // parts, ((place + 1) * length + parts - 1) // parts
    inside = (value >= start) & (value < stop)
    return inside.to(like) / (stop - start).to(like)
