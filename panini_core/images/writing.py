"""A picture's file out: in the format of its name, in the picture's kind, whole or not at all.

A picture keeps its kind: bit depth, grey or colour, alpha, colour profile, EXIF and resolution.
8-bit and 16-bit values survive reading and writing exactly in the lossless formats.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from torch import Tensor

from ..checkpoints.whole_file import whole_file
from .encoding import (
    ALPHA_FORMATS,
    SIXTEEN_BIT_FORMATS,
    encode_image,
    encode_images,
    lost_metadata,
)
from .value import ImageFile, ImageFileError

FORMAT_OF_SUFFIX = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".jpe": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
WRITABLE_SUFFIXES = frozenset(FORMAT_OF_SUFFIX)
ANIMATION_SUFFIX = ".gif"  # whose 256 colours are too few for a single picture

_FORMATS_OF_PAGES = ("TIFF",)
_FORMATS_OF_FRAMES = ("GIF", "PNG", "WEBP")


def write_image(path: str | Path, image: ImageFile) -> None:
    """Writes a picture in the format of the path's suffix, in its own kind.

    Values are rounded half to even. PNG and TIFF are compressed without loss, WebP too where the
    source was lossless, else at quality 95. JPEG is written at quality 95 with 4:4:4 chroma; what
    was read from JPEG with its quantisation tables (finer ones where they are coarser than those
    of quality 75), its chroma subsampling and its orientation. With jpeglib, all blocks of such a
    picture in which no pixel was changed keep their coefficients.

    Complete or not at all: the file gets its name only once it is whole, so that a failure leaves
    an older file as it was. Raises ImageFileError as `check_writable` does, for values that are
    not finite, and where the folder or the format refuses the picture.
    """
    write_file(path, encode_file(path, [image]))


def save_image(path: str | Path, image: Tensor) -> None:
    """Writes pixels (3, H, W), RGB in [0, 1], in the format of the path's suffix, 8 bits each.

    As `write_image` does, which also writes what a file said about its picture. Raises ValueError
    for another shape, ImageFileError as `write_image` does.
    """
    if image.ndim != 3 or image.shape[0] != 3:
        hint = "; name one of the batch, such as images[0]" if image.ndim == 4 else ""
        raise ValueError(f"Expected a picture (3, H, W), got {tuple(image.shape)}{hint}.")
    write_image(path, ImageFile(image))


def write_images(path: str | Path, images: Iterable[ImageFile]) -> None:
    """Writes the pages of a TIFF or the frames of an animation (GIF, PNG, WebP), as read.

    GIF holds 256 colours a frame: those that its frames had stay, and others become the nearest
    ones, dithered. Frames of the same pixels become one that is shown as long. A picture that has
    no `place` is written alone. Complete or not at all, and raises ImageFileError, as
    `write_image` does, and whatever giving the pictures raises.
    """
    write_file(path, encode_file(path, images))


def encode_file(path: str | Path, images: Iterable[ImageFile]) -> bytes:
    """What `write_images` writes to the path."""
    path = Path(path)
    pictures = iter(images)
    first = next(pictures)
    file_format = _target_format(path, first)
    failed: list[Exception] = []
    checked = _checked(path, chain([first], pictures), failed)
    try:
        if first.place is None:
            return encode_image(file_format, next(checked))
        return encode_images(file_format, checked)
    except (OSError, ValueError, TypeError, OverflowError, struct.error) as error:
        if failed:
            raise failed[0] from failed[0].__cause__
        raise _cannot_hold(path, file_format, first, error) from error


def _checked(
    path: Path, images: Iterable[ImageFile], failed: list[Exception]
) -> Iterator[ImageFile]:
    """The pictures, each after a look at it; an error of theirs is told from the format's."""
    try:
        for image in images:
            check_writable(path, image)
            _check_finite(path, image)
            yield image
    except Exception as error:
        failed.append(error)
        raise


def check_writable(path: str | Path, image: ImageFile) -> None:
    """Raises ImageFileError where the format of the path's suffix cannot hold the picture."""
    path = Path(path)
    file_format = _target_format(path, image)
    if image.bit_depth == 16 and file_format not in SIXTEEN_BIT_FORMATS:
        expected = f"8-bit values, as {file_format} holds them"
        raise ImageFileError(path, expected, "16-bit", "Write PNG or TIFF.")
    if image.place is not None:
        formats = _FORMATS_OF_PAGES if image.place.is_page else _FORMATS_OF_FRAMES
        if file_format not in formats:
            what = "pages" if image.place.is_page else "frames of an animation"
            got = f"{image.place.count} {what}"
            remedy = f"Write {' or '.join(formats)}."
            raise ImageFileError(path, f"one picture, as {file_format} is", got, remedy)
    transparent = image.alpha is not None and bool((image.alpha < 1).any())
    if transparent and file_format not in ALPHA_FORMATS:
        expected = f"an opaque picture, since {file_format} has no alpha"
        raise ImageFileError(path, expected, "transparency", "Write PNG, TIFF or WebP.")


def have_same_format(before: str | Path, after: str | Path) -> bool:
    """Whether two names promise the same format, such as a.jpg and b.jpeg."""
    own, other = (Path(name).suffix.lower() for name in (before, after))
    return own == other or FORMAT_OF_SUFFIX.get(own, "") == FORMAT_OF_SUFFIX.get(other)


def lost_on_writing(path: str | Path, image: ImageFile) -> list[str]:
    """What the format of the path's suffix has no place for, in words."""
    return lost_metadata(_target_format(Path(path), image), image.metadata)


def write_file(path: str | Path, data: bytes) -> None:
    """Writes a whole file under a temporary name beside it, then moves it to its own.

    Raises ImageFileError where that fails; then nothing new is left behind.
    """
    path = Path(path)
    try:
        with whole_file(path) as temporary, temporary.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise ImageFileError(
            path,
            "a place that can be written to",
            f"“{error.strerror or error}”",
            "Check that the folder exists, the name's length, permissions and the free space.",
        ) from error


def _check_finite(path: Path, image: ImageFile) -> None:
    # Their least and largest: isfinite would hold a large picture once more.
    if not all(bool(end.isfinite()) for end in image.pixels.aminmax()):
        got = "NaN or infinity"
        remedy = "Compute it in full precision (fp32); nothing was written."
        raise ImageFileError(path, "finite pixels", got, remedy)


def _cannot_hold(
    path: Path, file_format: str, image: ImageFile, error: Exception
) -> ImageFileError:
    width, height = image.size
    return ImageFileError(
        path,
        f"a picture that {file_format} can hold",
        f"{width}x{height} px ({error})",
        "Choose another format, such as PNG.",
    )


def _target_format(path: Path, image: ImageFile) -> str:
    suffix = path.suffix.lower()
    if suffix == ANIMATION_SUFFIX and image.place is not None:
        return "GIF"
    if suffix in FORMAT_OF_SUFFIX:
        return FORMAT_OF_SUFFIX[suffix]
    if not suffix and image.format in FORMAT_OF_SUFFIX.values():
        return image.format
    raise ImageFileError(
        path,
        f"a name that ends in one of {', '.join(sorted(WRITABLE_SUFFIXES))}",
        f"“{suffix}”" if suffix else f"none, and a source of format {image.format}",
        "Choose one of these; .png keeps everything.",
    )
