"""What a restored face lacks of its photograph's grain, as noise in the photograph's pixels."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.value_range import finite_pixels
from .asking import Asking
from .grain import LARGE, Strips, measure_grain, share_missing
from .warp import BAND, Outside, Pyramid, invert_affine, transform_points

SURROUNDINGS = 0.25  # of the crop's side, beyond each of its borders
NEGLIGIBLE = 0.35  # of the grain's std: without so much of it, 6 % of the whole are missing


@dataclass(frozen=True, slots=True, eq=False)
class FaceGrain:
    """Noise for one face."""

    noise: Pyramid  # (C, h, w)
    left: int  # where it lies, px of the photograph
    top: int

    def sample(self, scale: tuple[float, float], rows: slice, columns: slice) -> Tensor:
        """(C, h, w): the noise of a part of the picture; beyond its own it is mirrored.

        scale: px of the photograph per px of the picture, across and down.
        """
        across, down = scale
        to_noise = torch.tensor(
            [
                [across, 0, columns.start * across - self.left],
                [0, down, rows.start * down - self.top],
            ],
            dtype=torch.float64,
        )
        size = (rows.stop - rows.start, columns.stop - columns.start)
        return self.noise.sample(to_noise[None], size, "reflection")[0]


@torch.no_grad()
def face_grain(
    photograph: Tensor,  # (C, H, W)
    colour: Pyramid,  # (C, R, R), the restored face
    mask: Pyramid,  # (…, R, R), first where it is drawn
    to_crop: Tensor,  # (2, 3): photograph px -> crop px
    detail: float,  # share of the photograph's detail that is added to the face
) -> Asking[FaceGrain | None]:
    """The noise that brings a face to the grain of its surroundings; None if it needs none.

    It depends on the photograph's pixels there alone, so that every frame of a clip has its own,
    and a picture always the same.
    """
    side = colour.level(0).shape[-1]
    left, top, right, bottom = _surroundings(to_crop, side, photograph)
    if right <= left or bottom <= top:
        return None
    around = finite_pixels(photograph[:, top:bottom, left:right].to(colour.level(0)))
    size = (bottom - top, right - left)

    def warped(crop: Pyramid, start: int, end: int, outside: Outside) -> Tensor:
        """Some rows of the surroundings, as a crop shows them."""
        origin = torch.tensor([left, top + start], dtype=to_crop.dtype)
        shift = to_crop[:, 2] + to_crop[:, :2] @ origin
        moved = torch.cat([to_crop[:, :2], shift[:, None]], dim=1)
        return crop.sample(moved[None], (end - start, size[1]), outside)[0]

    def drawn_rows(start: int, end: int) -> Tensor:
        return warped(mask, start, end, "zeros")[:1].clamp(0, 1)

    def face_rows(start: int, end: int) -> Tensor:
        face = warped(colour, start, end, "reflection")
        return (face + detail * around[:, start:end]).clamp(0, 1)

    def strips(rows: Callable[[int, int], Tensor]) -> Tensor | Strips:
        return Strips(*size, rows) if size[0] * size[1] > LARGE else rows(0, size[0])

    drawn = strips(drawn_rows)
    grain = yield from measure_grain(around, drawn)
    if grain is None:
        return None
    share = yield from share_missing(around, strips(face_rows), drawn)
    if share < NEGLIGIBLE:
        return None
    values = yield _values(around)
    seed = zlib.crc32(values.numpy().data)
    return FaceGrain(Pyramid(grain.weakened(share).draw(*size, seed)), left, top)


def _values(picture: Tensor) -> Tensor:
    """A picture (C, h, w) in [0, 1] in steps of 1/255, as bytes."""
    values = torch.empty_like(picture, dtype=torch.uint8, memory_format=torch.contiguous_format)
    for band, into in zip(picture.split(BAND, dim=1), values.split(BAND, dim=1), strict=True):
        into.copy_((band * 255).round())
    return values


def _surroundings(to_crop: Tensor, side: int, photograph: Tensor) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is looked at around a face, px of the photograph."""
    low, high = -SURROUNDINGS * side, (1 + SURROUNDINGS) * side
    corners = torch.tensor([[low, low], [high, low], [low, high], [high, high]]).to(to_crop)
    corners = transform_points(invert_affine(to_crop), corners)
    left, top = (math.floor(value) for value in corners.amin(0).tolist())
    right, bottom = (math.ceil(value) for value in corners.amax(0).tolist())
    height, width = photograph.shape[-2:]
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
