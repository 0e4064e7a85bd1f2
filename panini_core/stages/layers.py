"""Faces as layers over a picture: colour, mask and place of each, blended tile by tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import RestoredFaces
from ..models.luma import to_grey
from ..models.transfer import to_device, to_like, works_ahead
from ..models.value_range import finite_pixels
from ..options import DEFAULT_FEATHER
from .asking import Asking
from .colour import match_low_frequencies
from .face_grain import FaceGrain, face_grain
from .tone import Tone, find_tone
from .warp import Outside, Piece, Pyramid, invert_affine, sample_together, transform_points

MASK_EDGE = 0.97  # where the mask reaches zero, in half crops from the centre
MASK_POWER = 3.0  # of the superellipse: 2 is a circle, infinity a square
CENTRE_WEIGHT = 8.0  # how fast a face yields to one whose centre is nearer
TILE = 256  # px; pictures are blended tile by tile, so that memory does not grow with them
TILE_AHEAD = 1024  # px, where the device works ahead: few large pieces keep it busy
MULTIPLE_AHEAD = 64  # px, there, of the sizes of pieces, so that many are alike
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
) -> Asking[FaceLayer]:
    """Bring one restored face to its photograph's colours, detail, grain and place."""
    colour = yield from _face_colour(restored, row, image, match_colour)
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
    grain: FaceGrain | None = None
    if match_grain:
        grain = yield from face_grain(image, pyramid, own, to_crop, detail)
    scale = (image.shape[-1] / size[1], image.shape[-2] / size[0])
    to_crop = to_crop * torch.tensor([*scale, 1.0]).double()
    window = _window(to_crop, side, *size)
    return FaceLayer(pyramid, detail, own, strength, to_crop, window, grain, scale)


def face_mask(size: int, feather: float, device: torch.device | str = "cpu") -> Tensor:
    """The usual mask of a crop, (1, size, size) float32: a rounded square from the hair to below
    the chin and past the ears, one inside, zero before the crop's border, smooth between."""
    axis = ((torch.arange(size, device=device) + 0.5) / size * 2 - 1).abs() ** MASK_POWER
    radius = (axis[:, None] + axis) ** (1 / MASK_POWER)
    ramp = ((MASK_EDGE - radius) / max(2 * feather, 1 / size)).clamp(0, 1)
    return (ramp * ramp * (3 - 2 * ramp))[None]


def _face_colour(
    restored: RestoredFaces, row: int, image: Tensor, match_colour: bool
) -> Asking[Tensor]:
    """A restored crop in the colours of its image: (C, R, R), as many channels as the image.

    Where the photograph around the face has one tone, grey or sepia, so has the face.
    """
    dtype = torch.promote_types(image.dtype, torch.float32)
    colour = to_device(restored.crops[row], image.device, dtype)
    before = to_device(restored.face_set.crops[row], image.device, dtype)
    tone: Tone | None = None
    if len(image) == 3:
        surroundings = face_mask(before.shape[-1], DEFAULT_FEATHER, image.device)
        tone = yield from find_tone(before, surroundings.to(dtype))
    if len(image) == 1 or tone is not None:
        colour, before = to_grey(colour), to_grey(before)
    if match_colour:
        colour = match_low_frequencies(colour, before)
    return colour if tone is None else tone.colour(colour)


def _fit(mask: Tensor, colour: Tensor) -> Tensor:
    """The mask (1, R, R) of a crop, as large as its colour."""
    mask = to_like(mask, colour)
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


def tile_side(device: torch.device) -> int:
    """The side of the tiles in which a device blends, px."""
    return TILE_AHEAD if works_ahead(device) else TILE


def tiles(
    layers: Sequence[FaceLayer], height: int, width: int, side: int = TILE
) -> Iterator[tuple[slice, slice, list[FaceLayer]]]:
    """Rows and columns of the tiles that faces touch, shrunk to their windows, with these faces.

    side: of a tile, px."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            right, bottom = min(left + side, width), min(top + side, height)
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


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One face as it shows in its part of a tile."""

    layer: FaceLayer
    rows: slice  # of the picture
    columns: slice
    colour: Tensor  # (C, h, w) in [0, 1], with the picture's detail
    mask: Tensor  # (1, h, w) in [0, 1]


def see_faces(
    places: Sequence[tuple[Tensor, Sequence[FaceLayer], slice, slice]],
) -> list[list[Sight]]:
    """What tiles show of their faces, each in its own window; all tiles together.

    places: the picture of a tile (C, H, W), the faces in it, its rows and its columns.
    """
    parts = [
        (picture, layer, *_part(layer, rows, columns))
        for picture, layers, rows, columns in places
        for layer in layers
    ]
    multiple = MULTIPLE_AHEAD if parts and works_ahead(parts[0][0].device) else 1
    maps = [_moved(layer.to_crop, rows, columns) for _, layer, rows, columns in parts]
    sizes = [
        (rows.stop - rows.start, columns.stop - columns.start) for _, _, rows, columns in parts
    ]

    def sample(pyramids: Sequence[Pyramid], outside: Outside) -> list[Tensor]:
        pieces = [Piece(*one) for one in zip(pyramids, maps, sizes, strict=True)]
        return sample_together(pieces, outside, multiple=multiple)

    colours = sample([layer.colour for _, layer, _, _ in parts], "reflection")
    masks = sample([layer.mask for _, layer, _, _ in parts], "zeros")
    seen: list[Sight] = []
    for (picture, layer, rows, columns), colour, mask in zip(parts, colours, masks, strict=True):
        if layer.detail:
            colour += layer.detail * picture[:, rows, columns].to(colour)
        seen.append(Sight(layer, rows, columns, colour.clamp_(0, 1), mask.clamp_(0, 1)))
    shown = iter(seen)
    return [[next(shown) for _ in layers] for _, layers, _, _ in places]


def _part(layer: FaceLayer, rows: slice, columns: slice) -> tuple[slice, slice]:
    """The rows and columns of a tile that lie in a face's window."""
    left, top, right, bottom = layer.window
    return (
        slice(max(top, rows.start), min(bottom, rows.stop)),
        slice(max(left, columns.start), min(right, columns.stop)),
    )


def blend(
    faces: Sequence[Sight], rows: slice, columns: slice
) -> tuple[Tensor, Tensor, float | Tensor, Tensor | None]:
    """The faces' colour (C, h, w), their joint mask (1, h, w), their strength, (1, h, w) if they
    differ in it, and the noise (C, h, w) that brings them to the photograph's grain, None if there
    is none, in a part of the picture. faces: as `see_faces` gives them for that part.
    """
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    layers = [face.layer for face in faces]
    like = layers[0].colour.level(0)
    total, clear = like.new_zeros((1, *shape)), like.new_ones((1, *shape))
    drawn: list[tuple[FaceLayer, slice, slice, Tensor, Tensor]] = []
    for face in faces:
        layer, down, across, mask = face.layer, face.rows, face.columns, face.mask
        weight = mask * _nearness(layer, down, across, mask).clamp(min=1e-6)  # zero with the mask
        down = slice(down.start - rows.start, down.stop - rows.start)
        across = slice(across.start - columns.start, across.stop - columns.start)
        total[:, down, across] += weight
        clear[:, down, across] = clear[:, down, across].clone() * (1 - mask)
        drawn.append((layer, down, across, face.colour, weight))

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
    maps = to_like(_moved(layer.to_crop, rows, columns) * (2 / side), like)
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
