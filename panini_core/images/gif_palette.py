"""Pixels -> the 256 colours of a GIF frame: those that it had stay, to the bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .value import FilePixels

COLOURS = 256
TRANSPARENT = 255  # the index, where any pixel is transparent


def colours_of(pixels: FilePixels) -> bytes | None:
    """Red, green and blue of each colour of (H, W, 3 or 4) uint8 that is not transparent.

    None: they are too many.
    """
    codes = np.unique(_codes(pixels[..., :3])[_opaque(pixels)])
    return _rgb(codes).tobytes() if len(codes) <= COLOURS else None


def to_palette(pixels: FilePixels, known: bytes | None) -> Image.Image:
    """A picture of mode P of (H, W, 3 or 4) uint8, with up to 256 colours.

    Pixels of the colours `known` (see `colours_of`) keep them. All others get, dithered, the
    nearest of these and of as many new ones as there is room for.
    """
    opaque = _opaque(pixels)
    colour = np.ascontiguousarray(pixels[..., :3])
    codes = _codes(colour)
    room = COLOURS - (not opaque.all())
    palette, count = np.unique(codes[opaque], return_counts=True)
    exact = opaque
    if len(palette) > room:
        stay = np.frombuffer(known or b"", np.uint8).reshape(-1, 3)
        kept = np.isin(palette, _codes(stay))
        palette = np.sort(palette[kept][np.argsort(-count[kept], kind="stable")[:room]])
        exact = opaque & np.isin(codes, palette)
        palette = np.union1d(palette, _new_colours(colour[opaque & ~exact], room - len(palette)))
    indices = np.zeros(codes.shape, np.uint8)
    if (opaque & ~exact).any():
        indices[opaque] = _dither(colour, palette)[opaque]
    indices[exact] = np.searchsorted(palette, codes[exact])
    indices[~opaque] = TRANSPARENT
    picture = Image.fromarray(indices).convert("P")
    colours = np.zeros((COLOURS if not opaque.all() else len(palette), 3), np.uint8)
    colours[: len(palette)] = _rgb(palette)
    picture.putpalette(colours.tobytes())
    if not opaque.all():
        picture.info["transparency"] = TRANSPARENT
    return picture


def _new_colours(pixels: FilePixels, room: int) -> NDArray[np.int64]:
    """Codes of at most `room` colours that stand for pixels (N, 3)."""
    if room == 0 or len(pixels) == 0:
        return np.empty(0, np.int64)
    found = Image.fromarray(pixels[None]).quantize(room, Image.Quantize.MEDIANCUT).getpalette()
    return np.unique(_codes(np.array(found, np.uint8).reshape(-1, 3)))[:room]


def _dither(pixels: FilePixels, palette: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Indices (H, W) of the colours of pixels (H, W, 3)."""
    table = Image.new("P", (1, 1))
    unused = palette[:1].repeat(COLOURS - len(palette))
    table.putpalette(_rgb(np.concatenate([palette, unused])).tobytes())
    picture = Image.fromarray(pixels).quantize(palette=table, dither=Image.Dither.FLOYDSTEINBERG)
    indices = np.array(picture)
    indices[indices >= len(palette)] = 0  # which has the same colour
    return indices


def _opaque(pixels: FilePixels) -> NDArray[np.bool_]:
    """(H, W): GIF knows transparent pixels and opaque ones only."""
    return pixels[..., 3] >= 128 if pixels.shape[-1] == 4 else np.ones(pixels.shape[:2], bool)


def _codes(colours: FilePixels) -> NDArray[np.int64]:
    """One number for each colour (..., 3) uint8."""
    return colours.astype(np.int64) @ np.array([65536, 256, 1])


def _rgb(codes: NDArray[np.int64]) -> FilePixels:
    return (codes[:, None] >> np.array([16, 8, 0]) & 255).astype(np.uint8)
