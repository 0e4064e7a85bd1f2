"""A file's bytes -> a picture that Pillow decodes, of a size that can be meant."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from .value import ImageFileError

MAX_PIXELS = 500_000_000  # 6 GB as float32: what claims more is a mistake or an attack

_pillow_limit_lock = threading.Lock()


@contextmanager
def open_picture(path: Path, data: bytes) -> Generator[Image.Image]:
    """Opens with a size limit of our own: Pillow's would refuse large but honest scans."""
    with _pillow_limit_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS
        try:
            image = Image.open(io.BytesIO(data))
        except Image.DecompressionBombError as error:
            raise _too_large(path, "more than twice that") from error
        except UnidentifiedImageError as error:
            raise ImageFileError(
                path,
                "a picture (PNG, JPEG, WebP, TIFF, BMP, GIF, …)",
                "a file that is not one, or one whose beginning is damaged",
                "Convert it to PNG, or leave it out.",
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(path, f"{image.width}x{image.height}")
        yield image


def _too_large(path: Path, got: str) -> ImageFileError:
    limit = f"at most {MAX_PIXELS // 1_000_000} million pixels"
    return ImageFileError(path, limit, got, "Shrink or split the picture.")
