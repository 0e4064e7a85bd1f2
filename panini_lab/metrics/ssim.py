"""Structural similarity. Wang et al., "Image Quality Assessment" (2004)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_WINDOW = 11  # px, of a Gaussian with _SIGMA
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """The similarity of each pair, (N,), at most 1: equation 13, averaged over red, green, blue.

    a, b: (N, 3, H, W) RGB in [0, 1], at least 11 px; one side may hold a single image for all of
    the other. An 11x11 Gaussian window of sigma 1.5, only where it lies wholly in the image.
    Raises ValueError for shapes that differ or are too small.
    """
    if a.ndim != 4 or a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"Images must have equal shapes (N, 3, H, W), got {tuple(a.shape)}, {tuple(b.shape)}."
        )
    if min(a.shape[2:]) < _WINDOW:
        raise ValueError(f"SSIM needs images of at least {_WINDOW} px, got {tuple(a.shape)}.")
    a, b = a.float(), b.float()
    mean_a, mean_b = _window(a), _window(b)
    variance_a = _window(a * a) - mean_a.square()
    variance_b = _window(b * b) - mean_b.square()
    covariance = _window(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a.square() + mean_b.square() + _C1)
    structure = (2 * covariance + _C2) / (variance_a + variance_b + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window(x: Tensor) -> Tensor:
    """The Gaussian average around every position at which the window fits."""
    positions = torch.arange(_WINDOW, dtype=x.dtype, device=x.device) - _WINDOW // 2
    weights = torch.exp(-positions.square() / (2 * _SIGMA**2))
    weights = (weights / weights.sum()).expand(x.shape[1], 1, 1, -1)
    rows = F.conv2d(x, weights, groups=x.shape[1])
    return F.conv2d(rows, weights.transpose(2, 3), groups=x.shape[1])
