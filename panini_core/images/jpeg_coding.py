"""Pixels -> a JPEG file, coded as the one that they come from."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from .jpeg_coefficients import keep_coefficients
from .orientation import turn_back
from .value import FilePixels, JpegSource

JPEG_QUALITY = 95  # with 4:4:4 chroma: halved chroma would smear the colours of a small face
LEAST_QUALITY = 75  # of what comes from a JPEG file: a restored face is not to be spoilt again


def encode_jpeg(
    pixels: FilePixels, *, dpi: tuple[float, float] | None, source: JpegSource | None
) -> bytes:
    """A file without metadata but the resolution, of upright pixels (H, W, 1 or 3) uint8.

    `source`: the file that they were read from. Its orientation, chroma subsampling and
    quantisation tables are kept (finer ones where its quality is low), and with jpeglib the
    coefficients of all blocks in which no pixel was changed.
    """
    options: dict[str, Any] = {"dpi": dpi} if dpi else {}
    if source is None:
        return _save(pixels, options | {"quality": JPEG_QUALITY, "subsampling": "4:4:4"})
    stored = turn_back(pixels, source.orientation)
    with Image.open(io.BytesIO(source.data)) as original:
        options |= {
            "qtables": _quantisation_tables(original),
            "subsampling": max(JpegImagePlugin.get_sampling(original), 0),  # -1: 4:4:4 is finer
            "progressive": bool(original.info.get("progressive")),
        }
        before = np.asarray(original)
    encoded = _save(stored, options)
    if before.ndim == 2:
        before = before[..., None]
    if before.shape != stored.shape:  # enlarged, or CMYK
        return encoded
    changed: NDArray[np.bool_] = (before != stored).any(axis=-1)
    return keep_coefficients(source.data, encoded, changed) or encoded


def _save(pixels: FilePixels, options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    try:
        picture.save(out, "JPEG", **options)
    except OSError:  # Pillow's memory for progressive files is too small for much noise
        if not options.get("progressive"):
            raise
        return _save(pixels, options | {"progressive": False})
    return out.getvalue()


def _quantisation_tables(image: Any) -> list[list[int]]:
    """One a component, without those at the end that repeat the one before."""
    tables: list[list[int]] = []
    for layer, least in zip(image.layer, _least_tables(), strict=False):
        steps = image.quantization[layer[3]]
        tables.append([_finer(*pair) for pair in zip(steps, least, strict=True)])
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return tables


def _finer(step: int, least: int) -> int:
    """The step, or its largest divisor that is fine enough: what it counted stays countable."""
    divisors = (step // parts for parts in range(1, step + 1) if step % parts == 0)
    return next(divisor for divisor in divisors if divisor <= least)


@cache
def _least_tables() -> list[list[int]]:
    """The tables of LEAST_QUALITY for the three components."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=LEAST_QUALITY)
    with Image.open(out) as image:
        tables: Any = getattr(image, "quantization")  # noqa: B009
    return [list(tables[0]), list(tables[1]), list(tables[1])]
