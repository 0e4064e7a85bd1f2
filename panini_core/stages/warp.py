"""Affine sampling of images, antialiased, in continuous coordinates.

An affine map is a (2, 3) matrix: x' = M[:, :2] x + M[:, 2], coordinates (x, y) in px. Maps are kept
in float64 on the CPU, where they are exact; pixels stay on their device.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

LOBES = 3  # of the Lanczos filter that halves: it keeps fine detail better than a bicubic one
MARGIN = 2 * LOBES - 1  # px of the finer image that it needs beyond each border
NEEDS_FILTER = 1.1  # source px per output px from which aliasing is worth a filter
SAMPLES_PER_CALL = 2**24
BAND = 256  # rows that are halved together

Outside = Literal["zeros", "reflection"]


def invert_affine(matrices: Tensor) -> Tensor:
    """The inverse maps of (…, 2, 3)."""
    linear = torch.linalg.inv(matrices[..., :2])
    return torch.cat([linear, -linear @ matrices[..., 2:]], dim=-1)


def transform_points(matrices: Tensor, points: Tensor) -> Tensor:
    """Map points (…, P, 2) by (…, 2, 3)."""
    return points @ matrices[..., :2].mT + matrices[..., None, :, 2]


class Pyramid:
    """An image (C, H, W), float32 or float64, and its halvings, made when first needed."""

    def __init__(self, image: Tensor) -> None:
        self._levels = [image]

    def level(self, index: int) -> Tensor:
        """The image halved `index` times; an odd last row or column is repeated first."""
        while len(self._levels) <= index:
            image = self._levels[-1]
            height, width = ((side + 1) // 2 for side in image.shape[-2:])
            half = image.new_empty((len(image), height, width))
            for top in range(0, height, BAND):  # so that a large image is not held once more
                bottom = min(top + BAND, height)
                half[:, top:bottom] = _halve(_replicated(image, 2 * top, 2 * bottom, 2 * width))[0]
            self._levels.append(half)
        return self._levels[index]

    def sample(self, to_source: Tensor, size: tuple[int, int], outside: Outside) -> Tensor:
        """Warp the image to F outputs (F, C, h, w) of `size` (h, w).

        `to_source` (F, 2, 3) maps output px to image px. Where it leaves the image, the image is
        mirrored about its border as often as needed (`reflection`), or zero. Interpolation is
        bicubic and may overshoot. Shrinking is filtered: a level that is 1.4 to 2.8 times too fine
        is sampled at twice the rate, and the result is halved.
        """
        image = self._levels[0]
        result = image.new_empty((len(to_source), image.shape[0], *size))
        shrink = torch.linalg.det(to_source[..., :2]).abs().sqrt()
        # So much too fine, a level loses nothing that shows, and what sampling it may alias is what
        # the last halving takes away.
        levels = (shrink / 2**0.5).clamp(min=1).log2().floor().int()
        dense = shrink / 2**levels > NEEDS_FILTER
        for level, double in sorted(set(zip(levels.tolist(), dense.tolist(), strict=True))):
            rows = torch.nonzero((levels == level) & (dense == double))[:, 0]
            samples = size[0] * size[1] * (4 if double else 1)
            for chunk in rows.split(max(SAMPLES_PER_CALL // samples, 1)):
                warped = self._sample_level(to_source[chunk], size, outside, level, double)
                result[chunk.to(result.device)] = warped
        return result

    def _sample_level(
        self, to_source: Tensor, size: tuple[int, int], outside: Outside, level: int, double: bool
    ) -> Tensor:
        image = self.level(level)
        grid = _grid(to_source / 2**level, size, image, double)
        # All outputs are one tall picture to grid_sample, so that the image is not repeated.
        sampled = F.grid_sample(
            image[None],
            rearrange(grid, "f h w xy -> 1 (f h) w xy"),
            mode="bilinear" if image.device.type == "mps" else "bicubic",  # MPS lacks bicubic
            padding_mode=outside,
            align_corners=False,
        )
        sampled = rearrange(sampled, "1 c (f h) w -> f c h w", f=len(grid))
        return _halve(sampled) if double else sampled


def _grid(to_source: Tensor, size: tuple[int, int], image: Tensor, double: bool) -> Tensor:
    """Where the image is sampled (F, h, w, 2), in [-1, 1] as grid_sample wants it: at the centres
    of the output px, or at twice their rate and as far beyond as halving needs."""
    rate, margin = (2, MARGIN) if double else (1, 0)
    height, width = (rate * side + 2 * margin for side in size)
    span = torch.tensor([image.shape[-1], image.shape[-2]], dtype=to_source.dtype)
    maps = to_source * (2 / span)[:, None]
    maps[..., 2] -= 1
    maps = maps.to(image.dtype).to(image.device)  # in two steps: MPS knows no float64
    x_step, y_step, origin = maps[:, None].unbind(-1)  # (F, 1, 2) each
    x = (torch.arange(width, device=image.device, dtype=image.dtype) + 0.5 - margin) / rate
    y = (torch.arange(height, device=image.device, dtype=image.dtype) + 0.5 - margin) / rate
    along, down = x[:, None] * x_step, y[:, None] * y_step + origin  # (F, w, 2), (F, h, 2)
    return along[:, None] + down[:, :, None]


def _replicated(image: Tensor, top: int, bottom: int, width: int) -> Tensor:
    """Rows of an image (C, H, W), `width` px of each and MARGIN px around them, (1, C, h, w): what
    lies beyond the image is its border."""
    first, last = max(top - MARGIN, 0), min(bottom + MARGIN, image.shape[-2])
    above, below = first - (top - MARGIN), bottom + MARGIN - last
    pad = (MARGIN, MARGIN + width - image.shape[-1], above, below)
    return F.pad(image[None, :, first:last], pad, mode="replicate")


def _halve(images: Tensor) -> Tensor:
    """(N, C, 2h + 2 MARGIN, 2w + 2 MARGIN) -> (N, C, h, w), antialiased: first along y, where it
    touches whole rows, then along x."""
    rows = _weigh(images[..., ::2, :], images[..., 1::2, :], -2)
    return _weigh(rows[..., ::2].contiguous(), rows[..., 1::2].contiguous(), -1)


def _weigh(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """Every output the weighted sum of 4 LOBES neighbours of even and odd places, along an axis.

    Sums of whole pictures; convolutions of so few channels with such a stride are much slower.
    """
    count = even.shape[axis] - MARGIN
    pairs = zip(_TAPS[::2], _TAPS[1::2], strict=True)
    result: Tensor | None = None
    for shift, weights in enumerate(pairs):
        for places, weight in zip((even, odd), weights, strict=True):
            part = places.narrow(axis, shift, count)
            result = part * weight if result is None else result.add_(part, alpha=weight)
    assert result is not None
    return result


def _lanczos() -> list[float]:
    """The taps of the filter that halves: 4 LOBES, around the centre of two px."""
    distances = [(tap + 0.5) / 2 - LOBES for tap in range(4 * LOBES)]  # in output px
    taps = [_sinc(distance) * _sinc(distance / LOBES) for distance in distances]
    return [tap / sum(taps) for tap in taps]


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x)  # x is never 0 here


_TAPS = _lanczos()
