"""A picture's file in: found, read, and decoded as RGB in [0, 1]."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .decoding import decode_image, decode_images
from .heif import HEIF_SUFFIXES
from .value import ImageFile, ImageFileError
from .writing import WRITABLE_SUFFIXES

_READ_ONLY_SUFFIXES = frozenset(
    {".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".j2k", ".avif", ".dib", ".mpo"}
)


def readable_suffixes() -> frozenset[str]:
    """Those of the formats that this installation reads: HEIC where pillow-heif is there."""
    heif = HEIF_SUFFIXES if find_spec("pillow_heif") else frozenset[str]()
    return WRITABLE_SUFFIXES | _READ_ONLY_SUFFIXES | heif


def read_image(path: str | Path) -> ImageFile:
    """Reads one picture, upright (EXIF orientation applied), as RGB float32 in [0, 1].

    CMYK, palette and other colour modes become RGB, with a note. Of a file with several
    pictures the first is read, with a note. Raises ImageFileError for a path that is missing,
    a folder, empty, truncated, not a picture, larger than MAX_PIXELS or of an unsupported mode.
    """
    path = Path(path)
    return decode_image(path, _read_bytes(path))


def read_images(path: str | Path) -> Iterator[ImageFile]:
    """Reads the pages of a TIFF or the frames of an animation (GIF, PNG, WebP, AVIF), in turn.

    Each has its `place`; of a file with one picture, or with some that do not belong together,
    the first comes alone and has none. Each is as `read_image` gives it, but frames are RGB, and
    raises what that raises, when its turn comes.
    """
    path = Path(path)
    return decode_images(path, _read_bytes(path))


def _read_bytes(path: Path) -> bytes:
    expected = "a picture"
    if os.path.isdir(path):  # which takes a name of any length
        raise ImageFileError(path, expected, "a folder", "Name the files in it.")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageFileError(path, expected, "no such file", "Check the name.") from error
    except OSError as error:
        got = f"“{error.strerror or error}”"
        raise ImageFileError(
            path, expected, got, "Check the file's name and permissions."
        ) from error
    if not data:
        raise ImageFileError(path, expected, "an empty file", "Copy or download it again.")
    return data
