"""HEIC pictures, as phones take them, through pillow-heif where that is installed."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from .value import ImageFileError

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
HEIF_FORMAT = "HEIF"

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_PILLOWS_BRAND = b"avif"


def is_heif(data: bytes) -> bool:
    """Whether it is such a file, and not AVIF, which Pillow reads itself."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), len(data))
    brands = {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}
    return _PILLOWS_BRAND not in brands and not _BRANDS.isdisjoint(brands)


def open_heif(path: Path, data: bytes, max_pixels: int) -> tuple[Image.Image, list[str]]:
    """The main picture of a file, upright, and what was left of the file, in words.

    Raises ImageFileError without pillow-heif and for more than `max_pixels`, and what pillow-heif
    raises for damaged files.
    """
    try:
        pillow_heif: Any = import_module("pillow_heif")
    except ImportError as error:
        got = "HEIC, which pillow-heif reads, and that is not installed"
        remedy = "Install it (pip install pillow-heif), or convert the picture."
        raise ImageFileError(path, "a format that is read here", got, remedy) from error
    file: Any = pillow_heif.open_heif(io.BytesIO(data))
    width, height = file.size
    if width * height > max_pixels:
        limit = f"at most {max_pixels // 1_000_000} million pixels"
        raise ImageFileError(path, limit, f"{width}x{height}", "Shrink or split the picture.")
    notes: list[str] = []
    if len(file) > 1:
        notes.append(f"the file holds {len(file)} pictures; only the main one was used")
    image: Image.Image = file[file.primary_index].to_pillow()
    if (depth := image.info.get("bit_depth", 8)) > 8:
        notes.append(f"{depth} bits a value were reduced to 8")
    image.format = HEIF_FORMAT
    return image, notes
