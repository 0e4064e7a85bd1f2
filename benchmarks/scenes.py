"""Pictures with a known number of faces."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from panini_core import sample_photo


def scene(faces: int, side: int) -> Tensor:
    """A square picture (3, side, side) in [0, 1] of so many copies of the sample photograph, in a
    grid on grey."""
    cells = math.ceil(math.sqrt(faces))
    cell = side // cells
    photo = sample_photo()
    scale = min(cell / photo.shape[-2], cell / photo.shape[-1])
    small = F.interpolate(
        photo, scale_factor=scale, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)[0, :, :cell, :cell]
    picture = torch.full((3, side, side), 0.5)
    for index in range(faces):
        top, left = index // cells * cell, index % cells * cell
        picture[:, top : top + small.shape[-2], left : left + small.shape[-1]] = small
    return picture
