"""Faces as layers over a picture: colour, mask and place of each, blended tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import RestoredFaces
from ..models.luma import to_grey
from ..models.value_range import finite_pixels
from ..options import DEFAULT_FEATHER
from .colour import match_low_frequencies
from .face_grain import FaceGrain, face_grain
from .tone import find_tone
from .warp import Pyramid, invert_affine, transform_points

MASK_EDGE = 0.97  # where the mask reaches zero, in half crops from the centre
MASK_POWER = 3.0  # of the superellipse: 2 is a circle, infinity a square
CENTRE_WEIGHT = 8.0  # how fast a face yields to one whose centre is nearer
TILE = 256  # px; pictures are blended tile by tile, so that memory does not grow with them
FILTER_REACH = 3  # px by which filtering may spread a mask
DETAIL_RAMP = 0.25  # detail comes back fully from 1 + so many px of the photograph per crop px


@dataclass(frozen=True, slots=True, eq=False)
class FaceLayer:
    """One face, ready to be drawn onto a picture."""

    colour: Pyramid  # (C, R, R), C = 1 on grey pictures; added to `detail` times the picture
    detail: float  # share of the picture's detail that is kept
    mask: Pyramid  # (1, R, R)
    strength: float  # share of the face in the result
    to_crop: Tensor  # (2, 3): picture px -> crop px
    window: tuple[int, int, int, int]  # left, top, right, bottom of what it may touch, px
    grain: FaceGrain | None  # what it lacks of the photograph's grain
    scale: tuple[float, float]  # px of the photograph per px of the picture, across and down


def make_layer(
    restored: RestoredFaces,
    row: int,
    image: Tensor,  # (C, H, W), the photograph
    size: tuple[int, int],  # height and width of the picture, the photograph enlarged
    *,
    mask: Tensor,  # (1, M, M), in the frame of the crop
    strength: float,
    match_colour: bool,
    keep_detail: float,
    match_grain: bool,
) -> FaceLayer:
    """Bring one restored face to its photograph's colours, detail, grain and place."""
    colour = _face_colour(restored, row, image, match_colour)
    side = colour.shape[-1]
    to_crop = _to_crop(restored, row)  # from the photograph's px

    # Where a face has more pixels than its crop: restored + detail * (picture - picture seen
    # through the crop). The last part is known here; the picture is added where it is drawn.
    pixels = float(torch.linalg.det(to_crop[:, :2]).abs()) ** -0.5  # of the photograph per crop px
    detail = keep_detail * min(max((pixels - 1) / DETAIL_RAMP, 0), 1)
    if detail > 0:
        seen = Pyramid(finite_pixels(image.to(colour))).sample(
            invert_affine(to_crop)[None], (side, side), "reflection"
        )
        colour = colour - detail * seen[0].clamp(0, 1)

    pyramid, own = Pyramid(colour), Pyramid(_fit(mask, colour))
    grain = face_grain(image, pyramid, own, to_crop, detail) if match_grain else None
    scale = (image.shape[-1] / size[1], image.shape[-2] / size[0])
    to_crop = to_crop * torch.tensor([*scale, 1.0]).double()
    window = _window(to_crop, side, *size)
    return FaceLayer(pyramid, detail, own, strength, to_crop, window, grain, scale)


def face_mask(size: int, feather: float) -> Tensor:
    """The usual mask of a crop, (1, size, size) float32: a rounded square from the hair to below
    the chin and past the ears, one inside, zero before the crop's border, smooth between."""
    axis = ((torch.arange(size) + 0.5) / size * 2 - 1).abs() ** MASK_POWER
    radius = (axis[:, None] + axis) ** (1 / MASK_POWER)
    ramp = ((MASK_EDGE - radius) / max(2 * feather, 1 / size)).clamp(0, 1)
    return (ramp * ramp * (3 - 2 * ramp))[None]


def _face_colour(restored: RestoredFaces, row: int, image: Tensor, match_colour: bool) -> Tensor:
    """A restored crop in the colours of its image: (C, R, R), as many channels as the image.

    Where the photograph around the face has one tone, grey or sepia, so has the face.
    """
    dtype = torch.promote_types(image.dtype, torch.float32)
    colour = restored.crops[row].to(image.device, dtype)
    before = restored.face_set.crops[row].to(colour)
    surroundings = face_mask(before.shape[-1], DEFAULT_FEATHER).to(before)
    tone = find_tone(before, surroundings) if len(image) == 3 else None
    if len(image) == 1 or tone is not None:
        colour, before = to_grey(colour), to_grey(before)
    if match_colour:
        colour = match_low_frequencies(colour, before)
    return colour if tone is None else tone.colour(colour)


def _fit(mask: Tensor, colour: Tensor) -> Tensor:
    """The mask (1, R, R) of a crop, as large as its colour."""
    mask = mask.to(colour)
    if mask.shape[-2:] != colour.shape[-2:]:
        mask = F.interpolate(mask[None], colour.shape[-2:], mode="bilinear")[0]
    return mask


def _to_crop(restored: RestoredFaces, row: int) -> Tensor:
    """Image px -> the face set's crop px -> the restored crop's px: (2, 3)."""
    face_set = restored.face_set
    enlarge = restored.crops.shape[-1] / face_set.crops.shape[-1]
    return face_set.to_crop[row].cpu().double() * enlarge


def _window(to_crop: Tensor, side: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the picture that a crop covers, px."""
    corners = torch.tensor([[0, 0], [side, 0], [0, side], [side, side]], dtype=to_crop.dtype)
    corners = transform_points(invert_affine(to_crop), corners)
    left, top = (corners.amin(0).floor() - FILTER_REACH).long().tolist()
    right, bottom = (corners.amax(0).ceil() + FILTER_REACH).long().tolist()
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def tiles(
    layers: Sequence[FaceLayer], height: int, width: int
) -> Iterator[tuple[slice, slice, list[FaceLayer]]]:
    """Rows and columns of the tiles that faces touch, shrunk to their windows, with these faces."""
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            right, bottom = min(left + TILE, width), min(top + TILE, height)
            inside = [
                layer
                for layer in layers
                if layer.window[0] < right
                and layer.window[1] < bottom
                and layer.window[2] > left
                and layer.window[3] > top
            ]
            if inside:
                rows = slice(
                    max(top, min(layer.window[1] for layer in inside)),
                    min(bottom, max(layer.window[3] for layer in inside)),
                )
                columns = slice(
                    max(left, min(layer.window[0] for layer in inside)),
                    min(right, max(layer.window[2] for layer in inside)),
                )
                yield rows, columns, inside


def blend(
    layers: Sequence[FaceLayer], picture: Tensor, rows: slice, columns: slice
) -> tuple[Tensor, Tensor, float | Tensor, Tensor | None]:
    """The faces' colour (C, h, w), their joint mask (1, h, w), their strength, (1, h, w) if they
    differ in it, and the noise (C, h, w) that brings them to the photograph's grain, None if there
    is none, in a part of the picture, which is not changed. picture: (C, H, W), the whole."""
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    like = layers[0].colour.level(0)
    total, clear = like.new_zeros((1, *shape)), like.new_ones((1, *shape))
    drawn: list[tuple[FaceLayer, slice, slice, Tensor, Tensor]] = []
    for layer in layers:  # each in its own window
        left, top, right, bottom = layer.window
        down = slice(max(top, rows.start), min(bottom, rows.stop))
        across = slice(max(left, columns.start), min(right, columns.stop))
        colour, mask = _sample(layer, picture, down, across)
        weight = mask * _nearness(layer, down, across, mask).clamp(min=1e-6)  # zero with the mask
        down = slice(down.start - rows.start, down.stop - rows.start)
        across = slice(across.start - columns.start, across.stop - columns.start)
        total[:, down, across] += weight
        clear[:, down, across] = clear[:, down, across].clone() * (1 - mask)
        drawn.append((layer, down, across, colour, weight))

    blended = like.new_zeros((len(like), *shape))
    strengths = like.new_zeros((1, *shape))
    noise, squares = torch.zeros_like(blended), torch.zeros_like(strengths)
    total = total.clamp(min=torch.finfo(total.dtype).tiny)
    for layer, down, across, colour, weight in drawn:
        share = weight / total[:, down, across]
        blended[:, down, across] += colour * share
        strengths[:, down, across] += share * layer.strength
        if layer.grain is not None:
            noise[:, down, across] += share * _sample_grain(layer, rows, columns, down, across)
        squares[:, down, across] += share.detach() ** 2
    same = all(layer.strength == layers[0].strength for layer in layers)
    strength = layers[0].strength if same else strengths
    if all(layer.grain is None for layer in layers):
        return blended, 1 - clear, strength, None
    # Independent noises add up squared: where faces share a place, they are not to become weaker.
    noise = noise / squares.clamp(min=torch.finfo(squares.dtype).tiny).sqrt()
    return blended, 1 - clear, strength, noise


def _sample(
    layer: FaceLayer, picture: Tensor, rows: slice, columns: slice
) -> tuple[Tensor, Tensor]:
    """One face's colour (C, h, w) and mask (1, h, w) in a part of the picture."""
    size = (rows.stop - rows.start, columns.stop - columns.start)
    to_crop = _moved(layer.to_crop, rows, columns)[None]
    colour = layer.colour.sample(to_crop, size, "reflection")[0]
    if layer.detail:
        colour += layer.detail * picture[:, rows, columns].to(colour)
    return colour.clamp_(0, 1), layer.mask.sample(to_crop, size, "zeros")[0].clamp_(0, 1)


def _sample_grain(
    layer: FaceLayer, rows: slice, columns: slice, down: slice, across: slice
) -> Tensor:
    """One face's noise (C, h, w) where it lies in a part of the picture."""
    assert layer.grain is not None
    window = (
        slice(rows.start + down.start, rows.start + down.stop),
        slice(columns.start + across.start, columns.start + across.stop),
    )
    return layer.grain.sample(layer.scale, *window)


def _nearness(layer: FaceLayer, rows: slice, columns: slice, like: Tensor) -> Tensor:
    """How near the face's centre a part of the picture is (1, h, w): 1 there, almost 0 in the
    corners of the crop."""
    side = layer.colour.level(0).shape[-1]
    maps = (_moved(layer.to_crop, rows, columns) * (2 / side)).to(like.dtype).to(like.device)
    x = torch.arange(columns.stop - columns.start, device=like.device, dtype=like.dtype) + 0.5
    y = torch.arange(rows.stop - rows.start, device=like.device, dtype=like.dtype) + 0.5
    along, down, origin = maps[:, :, None, None].unbind(1)  # (2, 1, 1) each
    place = along * x + (down * y[:, None] + origin - 1)  # (2, h, w), from the centre
    return torch.exp(-CENTRE_WEIGHT * place.square().sum(0, keepdim=True))


def _moved(to_crop: Tensor, rows: slice, columns: slice) -> Tensor:
    """The map from the px of a part of the picture."""
    origin = torch.tensor([columns.start, rows.start], dtype=to_crop.dtype)
    shift = to_crop[:, 2] + to_crop[:, :2] @ origin
    return torch.cat([to_crop[:, :2], shift[:, None]], dim=1)
