"""Faces -> masks of whole images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import Face
from ..options import DEFAULT_CROP_SIDE, DEFAULT_FEATHER, MASK_SHAPES
from .align import estimate_similarity, template
from .layers import face_mask
from .warp import Pyramid


def draw_masks(
    faces: Sequence[Face],
    size: tuple[int, int, int],  # images, height, width
    *,
    shape: str = MASK_SHAPES[0],
    grow: float = 0,
    blur: float = 0,
    each: bool = False,
) -> Tensor:  # (N, 1, H, W) in [0, 1], or (F, 1, H, W)
    """Masks of the faces of a batch of images.

    shape: `crop`, where pasting would draw (nothing for a face that is left alone); `ellipse` or
    `box`, of the face's box, grown by `grow` px (negative: shrunk). blur: width of a soft border,
    px. each: a mask a face instead of one an image.

    Raises ValueError for another shape, and for a face of an image that is not there.
    """
    count, height, width = size
    if shape not in MASK_SHAPES:
        raise ValueError(f"The shape is one of {', '.join(MASK_SHAPES)}, got {shape!r}.")
    masks = torch.zeros(len(faces) if each else count, 1, height, width)
    for row, face in enumerate(faces):
        if not 0 <= face.image_index < count:
            raise ValueError(f"A face belongs to image {face.image_index}; there are {count}.")
        drawn = _crop(face, height, width) if shape == "crop" else _of_box(face, size, shape, grow)
        target = row if each else face.image_index
        masks[target] = torch.maximum(masks[target], drawn)
    return _soften(masks, blur) if blur > 0 else masks


def _crop(face: Face, height: int, width: int) -> Tensor:
    if not face.reliable:
        return torch.zeros(1, height, width)
    to_crop = estimate_similarity(face.landmarks[None].cpu().double(), template(DEFAULT_CROP_SIDE))
    mask = Pyramid(face_mask(DEFAULT_CROP_SIDE, DEFAULT_FEATHER))
    return mask.sample(to_crop, (height, width), "zeros")[0].clamp_(0, 1)


def _of_box(face: Face, size: tuple[int, int, int], shape: str, grow: float) -> Tensor:
    _, height, width = size
    x0, y0, x1, y1 = face.box.tolist()
    half_width, half_height = (x1 - x0) / 2 + grow, (y1 - y0) / 2 + grow
    if min(half_width, half_height) <= 0:
        return torch.zeros(1, height, width)
    x = (torch.arange(width) + 0.5 - (x0 + x1) / 2) / half_width
    y = (torch.arange(height) + 0.5 - (y0 + y1) / 2) / half_height
    if shape == "box":
        inside = (x.abs() <= 1) & (y.abs() <= 1)[:, None]
    else:
        inside = x**2 + (y**2)[:, None] <= 1
    return inside.float()[None]


def _soften(masks: Tensor, width: float) -> Tensor:
    """Blur by a Gaussian whose std is a third of the border's width."""
    limit = min(masks.shape[-2:]) - 1  # reflection needs more picture than border
    reach = min(max(round(width), 1), limit)
    distances = torch.arange(-reach, reach + 1) / max(width / 3, 1e-3)
    taps = torch.exp(-0.5 * distances.square())
    across = (taps / taps.sum()).view(1, 1, 1, -1)
    masks = F.pad(masks, (reach,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(masks, across), across.mT)
