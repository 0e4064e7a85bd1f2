"""The bytes of an image file -> ImageFile: formats, colour modes, orientation, metadata."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms

from .gif_palette import colours_of
from .heif import HEIF_FORMAT, is_heif, open_heif
from .jpeg_blocks import JpegBlocks, read_blocks
from .jpeg_end import add_jpeg_end, lacks_jpeg_end
from .metadata_reading import read_exif, read_metadata
from .opening import MAX_PIXELS, open_picture
from .orientation import turn_upright
from .png_text import SIGNATURE, PngText, split_text
from .tiff_pages import page_first
from .value import FilePixels, ImageFile, ImageFileError, JpegSource, Place, largest_value

_ANIMATIONS = ("GIF", "PNG", "WEBP", "AVIF")  # the formats of which several pictures are one

_BITS_PER_SAMPLE_TAG = 258
_PHOTOMETRIC_TAG = 262
_PNG_BIT_DEPTH, _PNG_COLOUR_TYPE = 24, 25  # where the header holds them
_PNG_GREY_ALPHA = 4


def decode_image(path: Path, data: bytes) -> ImageFile:
    """The first picture in `data`; `path` names it in errors. See `images.read_image`."""
    with closing(decode_images(path, data)) as pictures:
        image = next(pictures)
    if image.place is None:
        return image
    note = f"the file holds {image.place.count} pictures; only the first was used"
    return replace(image, place=None, notes=(note, *image.notes))


def decode_images(path: Path, data: bytes) -> Generator[ImageFile]:
    """All pictures in `data`, one after the other. See `images.read_images`."""
    notes: tuple[str, ...] = ()
    if lacks_jpeg_end(data):
        mended = add_jpeg_end(data)
        if mended is None:
            raise _damaged(path, "its end is missing")
        data, notes = mended, ("the file lacks its end, but no pixel",)
    try:
        for image in _decode_all(path, data):
            yield replace(image, notes=(*image.notes, *notes))
    except ImageFileError:
        raise
    except MemoryError as error:
        expected, remedy = "a picture that fits into memory", "Shrink or split it."
        raise ImageFileError(path, expected, "no memory left", remedy) from error
    except Exception as error:  # decoders raise whatever their parsers met in a broken file
        raise _damaged(path, str(error)) from error


def is_animation(path: Path) -> bool:
    """Whether the file shows several pictures in turn; False for one that cannot be read."""
    try:
        with open_picture(path, path.read_bytes()) as image:
            return image.format in _ANIMATIONS and bool(getattr(image, "is_animated", False))
    except Exception:  # reading it says what is wrong
        return False


def _damaged(path: Path, problem: str) -> ImageFileError:
    got = f"one that is damaged or cut off ({problem})"
    return ImageFileError(path, "a complete picture", got, "Copy or download the file again.")


def _decode_all(path: Path, data: bytes) -> Iterator[ImageFile]:
    if is_heif(data):
        image, notes = open_heif(path, data, MAX_PIXELS)
        yield _decode(path, PngText(data, notes=tuple(notes)), image)
        return
    said = split_text(data) if data.startswith(SIGNATURE) else PngText(data)
    with open_picture(path, said.rest) as image:
        count = int(getattr(image, "n_frames", 1))
        if count > 1 and image.format in _ANIMATIONS:
            for index in range(count):
                image.seek(index)
                yield _decode(path, said, image, _place_of_frame(image, index, count))
        elif image.format != "TIFF" or count == 1:
            if count > 1:
                note = f"the file holds {count} pictures; only the first was used"
                said = replace(said, notes=(note, *said.notes))
            yield _decode(path, said, image)
    if image.format == "TIFF" and count > 1:
        for index in range(count):
            page = PngText(page_first(data, index))
            with open_picture(path, page.rest) as image:
                yield _decode(path, page, image, Place(index, count))


def _place_of_frame(image: Image.Image, index: int, count: int) -> Place:
    image.load()  # some formats know the time only then
    return Place(
        index,
        count,
        duration=image.info.get("duration", 0),
        loops=image.info.get("loop"),
        still=index == 0 and bool(image.info.get("default_image")),
    )


def _decode(path: Path, said: PngText, image: Image.Image, place: Place | None = None) -> ImageFile:
    data, notes = said.rest, list(said.notes)
    image.info.update(said.texts)  # where Pillow itself would put them, and looks for EXIF
    if said.icc_profile:
        image.info["icc_profile"] = said.icc_profile
    image.load()  # complains about a truncated file, which OpenCV would fill with black
    orientation, exif = read_exif(image, notes)
    is_frame = place is not None and not place.is_page
    array = _read_frame(image) if is_frame else _read_colour_16bit(path, data, image)
    if array is None:
        array = _read_with_pillow(path, image, notes)

    scale = np.float32(largest_value(array))
    scaled = np.divide(turn_upright(array, orientation), scale, dtype=np.float32)
    values = torch.from_numpy(scaled).permute(2, 0, 1)
    channels = values.shape[0]
    grey = channels <= 2
    jpeg = image.format in ("JPEG", "MPO")
    blocks = read_blocks(data) if jpeg else JpegBlocks()
    return ImageFile(
        pixels=values[: 1 if grey else 3].expand(3, -1, -1).contiguous(),
        alpha=values[-1:].contiguous() if channels in (2, 4) else None,
        bit_depth=8 * array.dtype.itemsize,
        grey=grey,
        lossless=_is_lossless(image, data),
        format="JPEG" if jpeg else image.format or "PNG",
        metadata=read_metadata(image, said, blocks, exif, grey=grey),
        source=JpegSource(data, orientation) if jpeg else None,
        place=place,
        colours=colours_of(array) if is_frame and image.format == "GIF" else None,
        notes=(*notes, *blocks.notes),
    )


def _read_frame(image: Image.Image) -> FilePixels:
    """(H, W, 3 or 4) of any frame, 8-bit."""
    array = np.array(image.convert("RGBA"))
    return array if (array[..., 3] < 255).any() else np.ascontiguousarray(array[..., :3])


def _read_colour_16bit(path: Path, data: bytes, image: Image.Image) -> FilePixels | None:
    """PNG or TIFF of several 16-bit channels, which Pillow would cut to 8; None for others."""
    if image.mode not in ("LA", "RGB", "RGBA"):
        return None
    tags: Any = getattr(image, "tag_v2", {})
    sixteen = (image.format == "PNG" and data[_PNG_BIT_DEPTH] == 16) or (
        image.format == "TIFF" and 16 in tuple(tags.get(_BITS_PER_SAMPLE_TAG, ()))
    )
    if not sixteen:
        return None
    try:
        import cv2
    except ImportError as error:
        raise ImageFileError(
            path,
            "OpenCV, which reads 16-bit colour",
            "an installation without it",
            "Install opencv-python-headless, or convert the picture to 8 bits.",
        ) from error
    values: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise ValueError("OpenCV does not read it as 16-bit colour")
    grey_alpha = image.format == "PNG" and data[_PNG_COLOUR_TYPE] == _PNG_GREY_ALPHA
    order = [0, 3] if grey_alpha else [2, 1, 0, 3][: values.shape[2]]  # OpenCV keeps BGR
    return values[..., order]


def _read_with_pillow(path: Path, image: Image.Image, notes: list[str]) -> FilePixels:
    """(H, W, C) of any picture but 16-bit colour, in the channels of its kind."""
    if image.mode.startswith("I"):
        return _grey_16bit(path, image)[..., None]
    if image.mode in ("LAB", "F"):
        got = "LAB values" if image.mode == "LAB" else "32-bit float values"
        expected = "8-bit or 16-bit grey, RGB, CMYK or palette"
        raise ImageFileError(path, expected, got, "Convert it to 16-bit PNG or TIFF.")
    if image.mode == "CMYK":
        notes.append("CMYK was converted to RGB")
        image = _cmyk_to_rgb(image)
    elif image.mode in ("P", "PA"):
        notes.append("the palette was converted to full colour")
    elif image.mode == "1":
        notes.append("black and white (1 bit) was converted to 8-bit grey")

    transparent = image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    target = {(True, False): "L", (True, True): "LA", (False, False): "RGB", (False, True): "RGBA"}
    array = np.array(image.convert(target[grey, transparent]))
    return array[..., None] if array.ndim == 2 else array


def _grey_16bit(path: Path, image: Image.Image) -> FilePixels:
    """(H, W) uint16. Older Pillow releases read 16-bit PNG as 32-bit integers."""
    values = np.array(image)
    if values.min() < 0 or values.max() > 65535:
        got = f"values from {values.min()} to {values.max()}"
        raise ImageFileError(path, "grey of at most 16 bits", got, "Convert it to 16-bit PNG.")
    tags: Any = getattr(image, "tag_v2", {})
    white_is_zero = tags.get(_PHOTOMETRIC_TAG) == 0
    return (65535 - values if white_is_zero else values).astype(np.uint16)


def _cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """Through the file's own profile to sRGB where it has a usable one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a broken profile: the plain formula is still right
        converted = None
    return converted if converted is not None else image.convert("RGB")


def _is_lossless(image: Image.Image, data: bytes) -> bool:
    if image.format != "WEBP":
        return image.format not in ("JPEG", "MPO", "AVIF", HEIF_FORMAT)
    position = 12  # behind "RIFF", the size and "WEBP"
    while position + 8 <= len(data):
        kind, length = data[position : position + 4], data[position + 4 : position + 8]
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        # A frame of an animation holds its picture's chunk behind 16 bytes of its own.
        position += 24 if kind == b"ANMF" else 8 + ((int.from_bytes(length, "little") + 1) & ~1)
    return False
