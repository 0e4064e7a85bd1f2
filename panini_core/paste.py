"""Last stage: restored faces -> back onto their images, under a soft mask."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .colour import is_grey, match_low_frequencies, to_grey
from .faces import RestoredFaces
from .warp import Pyramid, invert_affine, transform_points

DEFAULT_FEATHER = 0.1
MASK_EDGE = 0.97  # where the mask reaches zero, in half crops from the centre
MASK_POWER = 3.0  # of the superellipse: 2 is a circle, infinity a square
CENTRE_WEIGHT = 8.0  # how fast a face yields to one whose centre is nearer
TILE = 256  # px; pictures are blended tile by tile, so that memory does not grow with them
FILTER_REACH = 3  # px by which filtering may spread a mask


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One face, ready to be drawn onto a picture."""

    colour: Pyramid  # (C, R, R), C = 1 on grey pictures
    mask: Pyramid  # (2, R, R): the mask, and how near the face's centre is
    to_crop: Tensor  # (2, 3): picture px -> crop px
    window: tuple[int, int, int, int]  # left, top, right, bottom of what it may touch, px


def paste_faces(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    strength: float = 1.0,
    match_colour: bool = True,
    upscale: float = 1,
    masks: Tensor | None = None,
    keep_detail: float = 1.0,
    on_image: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Draw restored faces onto their images; every other pixel stays as it was, to the bit.

    images (N, 3, H, W): the ones that the faces were found in, RGB in [0, 1].
    feather: width of the mask's soft border as a share of the crop's side, 0..0.5.
    strength: share of the restored face in the result, 0..1; 0 leaves the images as they are.
    match_colour: low frequencies of colour and light come from the image.
    upscale: at least 1; the result is so many times as large, the background enlarged bicubically
    and the faces drawn from the restored crops' own pixels.
    masks (F, 1, M, M) in [0, 1], in the frame of the crops: instead of the usual mask.
    on_image(done, total): called after each image; may raise to stop.

    Where faces overlap, the nearer centre prevails, without a seam. A grey image (red, green and
    blue equal everywhere) stays grey. What a crop holds beyond the image's border is ignored.

    Returns (N, 3, upscale * H, upscale * W) in the images' type, on their device. Raises
    ValueError for values out of range and for faces of images that are not there.
    """
    return paste_faces_with_mask(
        images,
        restored,
        feather=feather,
        strength=strength,
        match_colour=match_colour,
        upscale=upscale,
        masks=masks,
        keep_detail=keep_detail,
        on_image=on_image,
    )[0]


def paste_mask(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    upscale: float = 1,
    masks: Tensor | None = None,
    on_image: Callable[[int, int], None] | None = None,
) -> Tensor:
    """The mask (N, 1, upscale * H, upscale * W) in [0, 1] under which `paste_faces` draws when
    given the same arguments (at full strength); in the images' type, on their device."""
    return paste_faces_with_mask(
        images,
        restored,
        feather=feather,
        match_colour=False,
        upscale=upscale,
        masks=masks,
        keep_detail=0,
        on_image=on_image,
    )[1]


@torch.no_grad()
def paste_faces_with_mask(
    images: Tensor,
    restored: RestoredFaces,
    *,
    feather: float = DEFAULT_FEATHER,
    strength: float = 1.0,
    match_colour: bool = True,
    upscale: float = 1,
    masks: Tensor | None = None,
    keep_detail: float = 1.0,
    on_image: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """What `paste_faces` and `paste_mask` return, in one go."""
    _check(images, restored, feather, strength, upscale, masks)
    height, width = (round(side * upscale) for side in images.shape[-2:])
    result = images.new_empty((len(images), 3, height, width))
    total_mask = images.new_zeros((len(images), 1, height, width))
    for index, image in enumerate(images):
        image = image[:1] if is_grey(image) else image
        picture = result[index, : len(image)]
        picture.copy_(_enlarge(image, height, width))
        layers: list[_Layer] = []
        for row, face in enumerate(restored.face_set.faces):
            if face.image_index == index:
                colour = _face_colour(restored, row, image, match_colour)
                mask = None if masks is None else masks[row]
                mask = _face_mask(colour, mask, feather)
                to_crop = _picture_to_crop(restored, row, image, (height, width))
                window = _window(to_crop, colour.shape[-1], height, width)
                layers.append(_Layer(Pyramid(colour), Pyramid(mask), to_crop, window))

        for rows, columns, inside in _tiles(layers, height, width):
            colour, mask = _blend(inside, rows, columns)
            total_mask[index, :, rows, columns] = mask.to(images.dtype)
            if strength > 0:
                before = picture[:, rows, columns]
                drawn = torch.lerp(before.to(colour), colour, mask * strength)
                picture[:, rows, columns] = torch.where(mask > 0, drawn.to(before), before)
        if len(image) == 1:  # a grey picture is drawn once and repeated
            result[index, 1:] = picture
        if on_image is not None:
            on_image(index + 1, len(images))
    return result, total_mask


def face_mask(size: int, feather: float) -> Tensor:
    """The usual mask of a crop, (1, size, size) float32: a rounded square from the hair to below
    the chin and past the ears, one inside, zero before the crop's border, smooth between."""
    axis = ((torch.arange(size) + 0.5) / size * 2 - 1).abs() ** MASK_POWER
    radius = (axis[:, None] + axis) ** (1 / MASK_POWER)
    ramp = ((MASK_EDGE - radius) / max(2 * feather, 1 / size)).clamp(0, 1)
    return (ramp * ramp * (3 - 2 * ramp))[None]


def _check(
    images: Tensor,
    restored: RestoredFaces,
    feather: float,
    strength: float,
    upscale: float,
    masks: Tensor | None,
) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            f"Expected float images (N, 3, H, W), got {images.dtype} {tuple(images.shape)}."
        )
    if not 0 <= feather <= 0.5:
        raise ValueError(f"The feather must lie in 0..0.5 (share of the crop), got {feather}.")
    if not 0 <= strength <= 1:
        raise ValueError(f"The strength must lie in 0..1, got {strength}.")
    if not 1 <= upscale < math.inf:
        raise ValueError(f"The upscale factor must be at least 1, got {upscale}.")
    owners = [face.image_index for face in restored.face_set.faces]
    if owners and not 0 <= min(owners) <= max(owners) < len(images):
        raise ValueError(
            f"The faces belong to images {min(owners)} to {max(owners)}, but there are "
            f"{len(images)} images (from 0)."
        )
    count = len(owners)
    if masks is not None and (masks.ndim != 4 or masks.shape[:2] != (count, 1)):
        raise ValueError(
            f"Expected masks ({count}, 1, M, M) for {count} faces, got {tuple(masks.shape)}."
        )


def _enlarge(image: Tensor, height: int, width: int) -> Tensor:
    if image.shape[-2:] == (height, width):
        return image
    wide = image[None].to(torch.promote_types(image.dtype, torch.float32))
    antialias = image.device.type != "mps"  # which lacks it; here it only chooses softer weights
    return F.interpolate(wide, (height, width), mode="bicubic", antialias=antialias)[0].clamp(0, 1)


def _face_colour(restored: RestoredFaces, row: int, image: Tensor, match_colour: bool) -> Tensor:
    """A restored crop in the colours of its image: (C, R, R), as many channels as the image."""
    dtype = torch.promote_types(image.dtype, torch.float32)
    colour = restored.crops[row].to(image.device, dtype)
    before = restored.face_set.crops[row].to(colour)
    if len(image) == 1:
        colour, before = to_grey(colour), to_grey(before)
    return match_low_frequencies(colour, before) if match_colour else colour


def _face_mask(colour: Tensor, mask: Tensor | None, feather: float) -> Tensor:
    """(2, R, R): the mask of a crop, the usual one or a given one (1, M, M), and how near the
    centre is, from 1 there to almost 0 in the corners."""
    side = colour.shape[-1]
    if mask is None:
        mask = face_mask(side, feather).to(colour)
    else:
        mask = F.interpolate(mask[None].to(colour), (side, side), mode="bilinear")[0]
    axis = ((torch.arange(side) + 0.5) / side * 2 - 1).to(colour) ** 2
    nearness = torch.exp(-CENTRE_WEIGHT * (axis[:, None] + axis))
    return torch.cat([mask, nearness[None]])


def _picture_to_crop(
    restored: RestoredFaces, row: int, image: Tensor, size: tuple[int, int]
) -> Tensor:
    """Picture px -> image px -> the face set's crop px -> the restored crop's px: (2, 3)."""
    face_set = restored.face_set
    shrink = torch.tensor([image.shape[-1] / size[1], image.shape[-2] / size[0], 1.0]).double()
    enlarge = restored.crops.shape[-1] / face_set.crops.shape[-1]
    return face_set.to_crop[row].cpu().double() * shrink * enlarge


def _window(to_crop: Tensor, side: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the picture that a crop covers, px."""
    corners = torch.tensor([[0, 0], [side, 0], [0, side], [side, side]], dtype=to_crop.dtype)
    corners = transform_points(invert_affine(to_crop), corners)
    left, top = (corners.amin(0).floor() - FILTER_REACH).long().tolist()
    right, bottom = (corners.amax(0).ceil() + FILTER_REACH).long().tolist()
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _tiles(
    layers: Sequence[_Layer], height: int, width: int
) -> Iterator[tuple[slice, slice, list[_Layer]]]:
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


def _blend(layers: Sequence[_Layer], rows: slice, columns: slice) -> tuple[Tensor, Tensor]:
    """The faces' colour (C, h, w) and their joint mask (1, h, w) in a part of the picture."""
    size = (rows.stop - rows.start, columns.stop - columns.start)
    colours: list[Tensor] = []
    masks: list[Tensor] = []
    for layer in layers:
        to_crop = layer.to_crop.clone()
        origin = torch.tensor([columns.start, rows.start], dtype=to_crop.dtype)
        to_crop[:, 2] += to_crop[:, :2] @ origin
        colours.append(layer.colour.sample(to_crop[None], size, "reflection")[0].clamp_(0, 1))
        masks.append(layer.mask.sample(to_crop[None], size, "zeros")[0].clamp_(0, 1))
    stacked, (mask, nearness) = torch.stack(colours), torch.stack(masks, 1).unsqueeze(2)
    weight = mask * nearness.clamp(min=1e-6)  # never zero where the mask is not
    weight = weight / weight.sum(0).clamp(min=torch.finfo(weight.dtype).tiny)
    return (stacked * weight).sum(0), 1 - (1 - mask).prod(0)
