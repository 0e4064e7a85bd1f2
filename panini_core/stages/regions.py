"""Where a face's oval, eyes, brows, nose and mouth lie, drawn from its five landmarks.

Proportions are in units of the distance between the eyes (across) and of that from the eyes to the
mouth (down); they are those of an average face, seen from the front, and follow its turning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..faces import Face, FaceSet
from ..options import REGION_FEATHER, FaceRegions
from .align import estimate_similarity, template
from .warp import transform_points

TURN = 1.0  # how far the oval follows a turned head: away from the nose, in the nose's own shift
FAR_TURN = 0.5  # at most, in half widths of the oval


class _Ellipse(NamedTuple):
    """Centre and half axes of an ellipse in the frame of a face."""

    x: float
    y: float
    half_width: float
    half_height: float


# Left and right are as far from the middle; y 0 is the line of the eyes, 1 that of the mouth.
OVAL = _Ellipse(0, 0.29, 1.07, 1.36)  # from the hair line to the chin
EYE = _Ellipse(0, 0.02, 0.27, 0.16)
BROW = _Ellipse(0.02, -0.31, 0.38, 0.13)
NOSE = _Ellipse(0, 0.4, 0.27, 0.36)
MOUTH = _Ellipse(0, 0.03, 0.16, 0.27)  # half width: beyond the corners


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """A face's own axes, all in px of the picture that its landmarks lie in."""

    landmarks: Tensor  # (5, 2), float64
    across: Tensor  # (2,) a unit vector, to the viewer's right of an upright face
    down: Tensor  # (2,)
    width: float  # between the eyes, as seen from the front
    height: float  # from the eyes to the mouth
    crop_side: float  # of the face's aligned crop


def oval_masks(faces: FaceSet, size: int, feather: float) -> Tensor:
    """Masks (F, 1, size, size) of the faces' ovals, in the frame of their crops.

    feather: width of the soft border, share of the crop's side; it lies on both sides of the line.
    """
    masks = torch.zeros(len(faces), 1, size, size)
    for row in range(len(faces)):
        frame = _frame(_landmarks_in_crop(faces, row, size))
        masks[row] = _oval(frame, (size, size), feather * size)
    return masks


def region_strengths(faces: FaceSet, size: int, regions: FaceRegions) -> Tensor:
    """How strongly each pixel of the faces' crops counts (F, 1, size, size): all that is no other
    part counts as skin, also beyond the oval."""
    strengths = torch.empty(len(faces), 1, size, size)
    for row in range(len(faces)):
        frame = _frame(_landmarks_in_crop(faces, row, size))
        drawn, left = _features(frame, (size, size), regions, REGION_FEATHER)
        strengths[row] = (drawn + regions.skin * left).clamp_(0, 1)
    return strengths


def draw_regions(
    faces: Sequence[Face],
    size: tuple[int, int, int],  # images, height, width
    regions: FaceRegions | None = None,
    *,
    feather: float = REGION_FEATHER,
    each: bool = False,
) -> Tensor:  # (N, 1, H, W) in [0, 1], or (F, 1, H, W)
    """Masks of parts of the faces of a batch of images, each part at its own strength.

    regions: the strengths (None: all 1, the whole oval of the face). The parts do not overlap: eyes
    lie on brows, brows on the nose, the nose on the mouth, and skin is what is left of the oval.
    feather: width of the soft borders, share of the side of the face's aligned crop. each: a mask a
    face instead of one an image, in which the strongest face prevails. Nothing is drawn for a face
    that is left alone, whose landmarks do not fit one.

    Raises ValueError for a feather outside 0..0.5, and for a face of an image that is not there.
    """
    regions = regions or FaceRegions()
    if not 0 <= feather <= 0.5:
        raise ValueError(f"The feather must lie in 0..0.5, got {feather}.")
    count, height, width = size
    masks = torch.zeros(len(faces) if each else count, 1, height, width)
    for row, face in enumerate(faces):
        if not 0 <= face.image_index < count:
            raise ValueError(f"A face belongs to image {face.image_index}; there are {count}.")
        if not face.reliable:  # it is left alone, as when pasting
            continue
        target = row if each else face.image_index
        drawn = _parts(_frame(_landmarks(face)), (height, width), regions, feather)
        masks[target] = torch.maximum(masks[target], drawn)
    return masks


def _landmarks_in_crop(faces: FaceSet, row: int, size: int) -> Tensor:
    """A face's landmarks in px of its crop, if that had a side of `size` px."""
    to_crop = faces.to_crop[row].cpu().double()
    scale = size / faces.crops.shape[-1]
    return transform_points(to_crop, _landmarks(faces.faces[row])) * scale


def _landmarks(face: Face) -> Tensor:
    return face.landmarks.cpu().double()


def _frame(landmarks: Tensor) -> _Frame:
    """Raises ValueError if the landmarks coincide."""
    to_unit = estimate_similarity(landmarks[None], template(1))[0]
    crop_side = float(torch.linalg.det(to_unit[:, :2]).abs()) ** -0.5
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    axis, line = mouth - eyes, landmarks[1] - landmarks[0]
    # Half way between the middle line, which a turn skews, and the square on the line of the eyes.
    upright = torch.stack([-line[1], line[0]])
    down = _unit(_unit(axis, to_unit[1, :2]) + _unit(upright, to_unit[1, :2]), to_unit[1, :2])
    across = torch.stack([down[1], -down[0]])
    # A turn shortens the one, a nod the other: neither makes the head smaller.
    distance, length = float(line.norm()), float(axis.norm())
    return _Frame(
        landmarks,
        across,
        down,
        width=max(distance, 0.96 * length),
        height=max(length, 0.85 * distance),
        crop_side=crop_side,
    )


def _unit(vector: Tensor, otherwise: Tensor) -> Tensor:
    """The vector at length 1; without a length of its own, the direction of the other."""
    length = vector.norm()
    return vector / length if length > 1e-6 else otherwise / otherwise.norm()


def _oval(frame: _Frame, size: tuple[int, int], border: float) -> Tensor:
    eyes, mouth = frame.landmarks[:2].mean(0), frame.landmarks[3:].mean(0)
    turn = float((frame.landmarks[2] - (eyes + mouth) / 2) @ frame.across) / frame.width
    limit = FAR_TURN * OVAL.half_width
    shifted = OVAL._replace(x=min(max(-TURN * turn, -limit), limit))
    return _draw(frame, eyes, shifted, size, border)


def _parts(
    frame: _Frame, size: tuple[int, int], regions: FaceRegions, feather: float
) -> Tensor:  # (1, h, w)
    """All parts at their strengths, the oval around them."""
    drawn, left = _features(frame, size, regions, feather)
    oval = _oval(frame, size, feather * frame.crop_side)
    return (drawn + regions.skin * left * oval).clamp_(0, 1)


def _features(
    frame: _Frame, size: tuple[int, int], regions: FaceRegions, feather: float
) -> tuple[Tensor, Tensor]:  # (1, h, w) each
    """Eyes, brows, nose and mouth at their strengths, each in what those before it leave; and what
    they leave."""
    border = feather * frame.crop_side
    left_eye, right_eye, nose, left_corner, right_corner = frame.landmarks
    eyes, mouth = (left_eye + right_eye) / 2, (left_corner + right_corner) / 2
    # The nose's tip lies off the middle of a turned face, and so does half of its bridge.
    bridge = eyes + (nose - eyes - frame.down * ((nose - eyes) @ frame.down)) * 0.6
    lips = MOUTH._replace(
        half_width=MOUTH.half_width + float((right_corner - left_corner).norm()) / 2 / frame.width
    )
    parts = [
        (regions.eyes, [(left_eye, EYE), (right_eye, EYE)]),
        (regions.brows, [(left_eye, BROW._replace(x=-BROW.x)), (right_eye, BROW)]),
        (regions.nose, [(bridge, NOSE)]),
        (regions.mouth, [(mouth, lips)]),
    ]
    result = torch.zeros(1, *size)
    left = torch.ones(1, *size)
    for strength, ellipses in parts:
        drawn = torch.stack([_draw(frame, *one, size, border) for one in ellipses]).amax(0)
        result += strength * left * drawn
        left *= 1 - drawn
    return result, left


def _draw(
    frame: _Frame, origin: Tensor, ellipse: _Ellipse, size: tuple[int, int], border: float
) -> Tensor:  # (1, h, w)
    """One inside, zero outside, and smooth within `border` px around the ellipse's line."""
    centre = origin + frame.across * (ellipse.x * frame.width)
    centre = centre + frame.down * (ellipse.y * frame.height)
    half_width, half_height = ellipse.half_width * frame.width, ellipse.half_height * frame.height
    x = torch.arange(size[1]).double() + 0.5 - centre[0]
    y = (torch.arange(size[0]).double() + 0.5 - centre[1])[:, None]
    u = (x * frame.across[0] + y * frame.across[1]) / half_width
    v = (x * frame.down[0] + y * frame.down[1]) / half_height
    radius = torch.hypot(u, v)
    # The distance to the line, to first order: how far the radius is from 1, by how fast it grows.
    growth = torch.hypot(u / half_width, v / half_height) / radius.clamp(min=1e-9)
    distance = (1 - radius) / growth.clamp(min=1 / max(half_width, half_height))
    ramp = (0.5 + distance / max(border, 1)).clamp(0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).float()[None]
