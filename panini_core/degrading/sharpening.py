"""Sharpening, with the halos that too much of it leaves."""

from __future__ import annotations

from torch import Tensor

from .blur_kernels import gaussian_blur


def unsharp_mask(images: Tensor, amount: Tensor, sigma: Tensor) -> Tensor:
    """What differs from a blurred copy, added `amount` times: edges overshoot on both sides.

    images: (N, C, H, W) in [0, 1]. amount: (N,), 1 doubles what the blur takes away. sigma: (N,)
    px, the blur's standard deviation; halos reach about twice as far. Returns (N, C, H, W),
    clipped to [0, 1] as in a file.
    """
    detail = images - gaussian_blur(images, sigma)
    return detail.mul_(amount.to(images)[:, None, None, None]).add_(images).clamp_(0, 1)
