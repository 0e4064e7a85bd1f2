"""The frames of an animation -> the bytes of its file, through Pillow."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from .gif_palette import to_palette
from .value import FilePixels, ImageFile, Place


def encode_animation(
    file_format: str, frames: Iterable[tuple[FilePixels, ImageFile]], options: dict[str, Any]
) -> bytes:
    """A GIF, PNG or WebP of frames (H, W, C) uint8 with the pictures that they are made of.

    `options`: Pillow's, for the metadata and the compression. Times and number of runs are those
    of the pictures; frames that are equal become one that is shown as long.
    """
    pictures: list[Image.Image] = []
    places: list[Place] = []
    for pixels, image in frames:
        if pixels.shape[2] <= 2:
            pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
        is_gif = file_format == "GIF"
        pictures.append(to_palette(pixels, image.colours) if is_gif else Image.fromarray(pixels))
        places.append(image.place or Place(len(places), len(places) + 1, duration=0))
    if file_format == "GIF":
        if any("transparency" in picture.info for picture in pictures):
            options = options | {"disposal": 2}  # else transparent pixels would show older frames
    elif any(picture.mode == "RGBA" for picture in pictures):
        pictures = [picture.convert("RGBA") for picture in pictures]

    first = places[0]
    timed = places[1:] if file_format == "PNG" and first.still else places
    options = options | {"duration": [_whole(place.duration or 0) for place in timed]}
    if file_format == "PNG":
        options["default_image"] = first.still
    if first.loops is not None:
        options["loop"] = first.loops
    out = io.BytesIO()
    pictures[0].save(out, file_format, save_all=True, append_images=pictures[1:], **options)
    return out.getvalue()


def _whole(milliseconds: float) -> float:
    """As an integer where it is one, since WebP knows nothing else."""
    return int(milliseconds) if milliseconds == int(milliseconds) else milliseconds
