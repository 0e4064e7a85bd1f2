"""The picture around the faces, enlarged: bicubically, or by an image model tile by tile."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.image_upscaler import ImageUpscaler
from ..models.transfer import to_like
from ..models.value_range import finite_pixels
from .chunks import is_out_of_memory, release_memory

TILE = 512  # px of the picture that go through the model together
LEAST_TILE = 128  # below it a device without memory is given up
OVERLAP = 32  # px by which neighbouring tiles overlap, and fade into each other


def enlarge(image: Tensor, size: tuple[int, int], upscaler: ImageUpscaler | None = None) -> Tensor:
    """A picture (C, H, W) in [0, 1] in another size (height, width); C is 1 for grey or 3.

    With an upscaler its picture, shrunk or enlarged to the size; grey stays grey. That goes at most
    once through the model, also where the size is more than the model's factor. Else, and for the
    rest of the way, bicubically, antialiased where it shrinks. Float32 (float64 for float64), on
    the image's device; the very image where nothing is to be done. No gradient leads through a
    model.
    """
    if upscaler is not None:
        image = _with_model(image, upscaler)
    if image.shape[-2:] == size:
        return image
    wide = image[None].to(torch.promote_types(image.dtype, torch.float32))
    antialias = image.device.type != "mps"  # which lacks it; here it only chooses softer weights
    return F.interpolate(wide, size, mode="bicubic", antialias=antialias)[0].clamp(0, 1)


@torch.no_grad()
def _with_model(image: Tensor, upscaler: ImageUpscaler) -> Tensor:
    """(C, scale * H, scale * W), in tiles that become smaller when memory runs out."""
    picture = finite_pixels(image.float()).expand(3, -1, -1)
    tile = TILE if upscaler.tiled else max(picture.shape[-2:])
    while True:
        try:
            result = _in_tiles(picture, upscaler, tile)
            break
        except RuntimeError as error:
            if not (upscaler.tiled and tile > LEAST_TILE and is_out_of_memory(error)):
                raise
        tile //= 2  # outside the handler, which keeps the failed tensors alive
        release_memory(upscaler.device)
    return result.mean(0, keepdim=True) if len(image) == 1 else result


def _in_tiles(picture: Tensor, upscaler: ImageUpscaler, tile: int) -> Tensor:
    scale = upscaler.scale
    height, width = picture.shape[-2:]
    result = picture.new_zeros((3, height * scale, width * scale))
    for rows, down in _cuts(height, tile, scale):
        for columns, across in _cuts(width, tile, scale):
            drawn = upscaler(picture[None, :, rows, columns])[0].to(picture.device)
            weight = down[:, None] * across
            _check(drawn, weight, upscaler)
            place = (slice(None), _scaled(rows, scale), _scaled(columns, scale))
            result[place] += drawn * to_like(weight, drawn)
    return result


def _cuts(length: int, tile: int, scale: int) -> list[tuple[slice, Tensor]]:
    """Where tiles lie along a side, and the weights of their enlarged pixels; these sum to 1.

    Tiles have the same length and are evenly spread. Each fades into the next over OVERLAP px in
    the middle of what they share.
    """
    tile = min(tile, length)
    count = 1 if tile == length else -(-(length - OVERLAP) // (tile - OVERLAP))
    starts = [round(index * (length - tile) / max(count - 1, 1)) for index in range(count)]
    ends = [start + tile for start in starts]
    pixels = torch.arange(length * scale) + 0.5
    # How far a pixel lies behind each seam: 0 before it fades, 1 after.
    behind = [torch.ones_like(pixels)]
    for end, start in zip(ends, starts[1:], strict=False):
        middle = (start + end) / 2 * scale
        behind.append(((pixels - middle) / (OVERLAP * scale) + 0.5).clamp(0, 1))
    behind.append(torch.zeros_like(pixels))
    cuts: list[tuple[slice, Tensor]] = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        weights = behind[index] * (1 - behind[index + 1])
        cuts.append((slice(start, end), weights[start * scale : end * scale]))
    return cuts


def _scaled(pixels: slice, scale: int) -> slice:
    return slice(pixels.start * scale, pixels.stop * scale)


def _check(drawn: Tensor, weight: Tensor, upscaler: ImageUpscaler) -> None:
    if drawn.shape != (3, *weight.shape):
        raise ValueError(
            f"{upscaler.name} was expected to give (3, {weight.shape[0]}, {weight.shape[1]}), "
            f"{upscaler.scale} times the picture, and gave {tuple(drawn.shape)}: use another "
            "upscale model."
        )
