"""Affine sampling of images, antialiased, in continuous coordinates.

An affine map is a (2, 3) matrix: x' = M[:, :2] x + M[:, 2], coordinates (x, y) in px. Maps are kept
in float64 on the CPU, where they are exact; pixels stay on their device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..models.transfer import to_device, to_like

LOBES = 3  # of the Lanczos filter that halves: it keeps fine detail better than a bicubic one
MARGIN = 2 * LOBES - 1  # px of the finer image that it needs beyond each border
NEEDS_FILTER = 1.1  # source px per output px from which aliasing is worth a filter
SAMPLES_PER_CALL = 2**24
NUMBERS_PER_STACK = 2**26  # of different pictures that are put together
BAND = 64  # rows that are halved together

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

    @property
    def shape(self) -> torch.Size:
        """Of the image: (C, H, W)."""
        return self._levels[0].shape

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
        rates = _rates(to_source)
        for rate in sorted(set(rates)):
            rows = torch.tensor([row for row, own in enumerate(rates) if own == rate])
            for chunk in rows.split(_per_call(size, rate)):
                level = self.level(rate[0])[None]
                warped = _sample(level, to_source[chunk], size, outside, rate)
                if len(chunk) == len(rates):
                    return warped
                result.index_copy_(0, to_device(chunk, result.device), warped)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What is wanted of one picture: an output of `size` (h, w), whose px `to_source` (2, 3) maps
    to the picture's."""

    pyramid: Pyramid
    to_source: Tensor
    size: tuple[int, int]


def sample_together(
    pieces: Sequence[Piece], outside: Outside, *, multiple: int = 1
) -> list[Tensor]:  # (C, h, w) each
    """What `Pyramid.sample` gives for each piece; pieces that are alike share its calls.

    multiple: sizes are rounded up to multiples of so many px, and what is too much is cut off, so
    that more pieces are alike.
    """
    if not pieces:
        return []
    maps = torch.stack([piece.to_source for piece in pieces])
    alike: dict[tuple[_Rate, tuple[int, int], torch.Size], list[int]] = {}
    for place, (piece, rate) in enumerate(zip(pieces, _rates(maps), strict=True)):
        height, width = (-(-side // multiple) * multiple for side in piece.size)
        alike.setdefault((rate, (height, width), piece.pyramid.shape), []).append(place)
    result: dict[int, Tensor] = {}
    for (rate, size, shape), places in alike.items():
        most = max(NUMBERS_PER_STACK // shape.numel(), 1)
        for chunk in torch.tensor(places).split(min(_per_call(size, rate), most)):
            own = [pieces[place] for place in chunk.tolist()]
            levels = [piece.pyramid.level(rate[0]) for piece in own]
            pictures = torch.stack(levels) if len(levels) > 1 else levels[0][None]
            sampled = _sample(pictures, maps[chunk], size, outside, rate)
            for row, (place, piece) in enumerate(zip(chunk.tolist(), own, strict=True)):
                result[place] = sampled[row, :, : piece.size[0], : piece.size[1]]
    return [result[place] for place in range(len(pieces))]


_Rate = tuple[int, bool]  # the level that is sampled, and whether at twice the rate


def _rates(to_source: Tensor) -> list[_Rate]:
    """How maps (F, 2, 3) are sampled."""
    shrink = torch.linalg.det(to_source[..., :2]).abs().sqrt()
    # So much too fine, a level loses nothing that shows, and what sampling it may alias is what
    # the last halving takes away.
    levels = (shrink / 2**0.5).clamp(min=1).log2().floor().int()
    dense = shrink / 2**levels > NEEDS_FILTER
    return list(zip(levels.tolist(), dense.tolist(), strict=True))


def _per_call(size: tuple[int, int], rate: _Rate) -> int:
    """How many outputs are sampled together."""
    samples = size[0] * size[1] * (4 if rate[1] else 1)
    return max(SAMPLES_PER_CALL // max(samples, 1), 1)


def _sample(
    pictures: Tensor, to_source: Tensor, size: tuple[int, int], outside: Outside, rate: _Rate
) -> Tensor:
    """One level of one or F pictures (…, C, H, W) under F maps: (F, C, h, w)."""
    level, double = rate
    grid = _grid(to_source / 2**level, size, pictures, double)
    count = len(pictures)
    # All outputs of a picture are one tall one to grid_sample, so that it is not repeated.
    sampled = F.grid_sample(
        pictures,
        rearrange(grid, "(n f) h w xy -> n (f h) w xy", n=count),
        mode="bilinear" if pictures.device.type == "mps" else "bicubic",  # MPS lacks bicubic
        padding_mode=outside,
        align_corners=False,
    )
    sampled = rearrange(sampled, "n c (f h) w -> (n f) c h w", f=len(grid) // count)
    return _halve(sampled) if double else sampled


def _grid(to_source: Tensor, size: tuple[int, int], image: Tensor, double: bool) -> Tensor:
    """Where the image is sampled (F, h, w, 2), in [-1, 1] as grid_sample wants it: at the centres
    of the output px, or at twice their rate and as far beyond as halving needs."""
    rate, margin = (2, MARGIN) if double else (1, 0)
    height, width = (rate * side + 2 * margin for side in size)
    span = torch.tensor([image.shape[-1], image.shape[-2]], dtype=to_source.dtype)
    maps = to_source * (2 / span)[:, None]
    maps[..., 2] -= 1
    maps = to_like(maps, image)
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
