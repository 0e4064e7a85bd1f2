"""What a restored face lacks of its photograph's grain, as noise in the photograph's pixels."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.value_range import finite_pixels
from .asking import Asking
from .grain import measure_grain, share_missing
from .warp import Pyramid, invert_affine, transform_points

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
    to_crop = to_crop.clone()
    to_crop[:, 2] += to_crop[:, :2] @ torch.tensor([left, top], dtype=to_crop.dtype)
    size = (bottom - top, right - left)
    drawn = mask.sample(to_crop[None], size, "zeros")[0, :1].clamp(0, 1)
    grain = yield from measure_grain(around, drawn)
    if grain is None:
        return None
    face = colour.sample(to_crop[None], size, "reflection")[0] + detail * around
    share = yield from share_missing(around, face.clamp(0, 1), drawn)
    if share < NEGLIGIBLE:
        return None
    values = yield (around * 255).round().byte().contiguous()
    seed = zlib.crc32(values.numpy().tobytes())
    return FaceGrain(Pyramid(grain.weakened(share).draw(*size, seed)), left, top)


def _surroundings(to_crop: Tensor, side: int, photograph: Tensor) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is looked at around a face, px of the photograph."""
    low, high = -SURROUNDINGS * side, (1 + SURROUNDINGS) * side
    corners = torch.tensor([[low, low], [high, low], [low, high], [high, high]]).to(to_crop)
    corners = transform_points(invert_affine(to_crop), corners)
    left, top = (math.floor(value) for value in corners.amin(0).tolist())
    right, bottom = (math.ceil(value) for value in corners.amax(0).tolist())
    height, width = photograph.shape[-2:]
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
