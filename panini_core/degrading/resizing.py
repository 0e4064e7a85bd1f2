"""Making pictures smaller and larger, by the filters that programs use for it."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

FILTERS = (
    "bilinear",
    "bicubic",
    "aliased_bilinear",
    "aliased_bicubic",
    "area",
    "nearest",
    "lanczos3",
)

_LANCZOS_LOBES = 3


def resize(images: Tensor, size: tuple[int, int], method: str) -> Tensor:
    """(N, C, H, W) to `size` (height, width) by one of `FILTERS`.

    Bilinear, bicubic and lanczos3 are antialiased as in Pillow; the aliased ones, area and nearest
    are those of OpenCV. Bicubic filters and lanczos3 may overshoot [0, 1].
    """
    if method not in FILTERS:
        raise ValueError(f"No filter {method!r}; choose one of {', '.join(FILTERS)}.")
    if method == "lanczos3":
        return _resize_lanczos(images, size)
    base = method.removeprefix("aliased_")
    if base == "bilinear" or base == "bicubic":
        return F.interpolate(images, size=size, mode=base, antialias=base == method)
    mode: Literal["area", "nearest"] = "area" if base == "area" else "nearest"
    return F.interpolate(images, size=size, mode=mode)


def _resize_lanczos(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Rows first where that leaves less to do for the columns."""
    height, width = (
        _lanczos_matrix(old, new).to(images)
        for old, new in zip(images.shape[-2:], size, strict=True)
    )
    if size[0] * images.shape[-1] < images.shape[-2] * size[1]:
        return height @ images @ width.T
    return height @ (images @ width.T)


def _lanczos_matrix(old: int, new: int) -> Tensor:
    """(new, old): each row holds what one new pixel takes of the old ones, with sum 1.

    sinc(x) sinc(x / 3) for |x| < 3, in old pixels when enlarging and in new ones when making
    smaller, which is Pillow's antialiasing. At the borders the rest of the window counts.
    """
    scale = old / new
    stretch = max(scale, 1.0)
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) * scale
    reach = math.ceil(_LANCZOS_LOBES * stretch)
    pixels = centres.floor().long()[:, None] + torch.arange(-reach, reach + 1)
    away = (pixels + 0.5 - centres[:, None]) / stretch
    weights = torch.sinc(away) * torch.sinc(away / _LANCZOS_LOBES)
    weights *= (away.abs() < _LANCZOS_LOBES) & (pixels >= 0) & (pixels < old)
    weights /= weights.sum(dim=1, keepdim=True)
    matrix = torch.zeros(new, old, dtype=torch.float64)
    return matrix.scatter_add_(1, pixels.clamp(0, old - 1), weights).float()
