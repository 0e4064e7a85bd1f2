"""The bytes of an image file -> ImageFile: formats, colour modes, orientation, metadata."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms, UnidentifiedImageError

from .exif import EXIF_HEADER, adapt_exif, adapt_xmp
from .heif import HEIF_FORMAT, is_heif, open_heif
from .jpeg_blocks import JpegBlocks, iptc_resource, read_blocks, without_previews
from .jpeg_end import add_jpeg_end, lacks_jpeg_end
from .orientation import turn_upright
from .png_text import SIGNATURE, XMP_KEYWORD, PngText, split_text
from .value import FilePixels, ImageFile, ImageFileError, JpegSource, Metadata, largest_value

MAX_PIXELS = 500_000_000  # 6 GB as float32: what claims more is a mistake or an attack

_ORIENTATION_TAG = 0x0112
_BITS_PER_SAMPLE_TAG = 258
_PHOTOMETRIC_TAG = 262
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 700, 33723, 34377
# Tags that say how a TIFF is laid out rather than what it shows; Pillow lists them as EXIF.
_TIFF_LAYOUT_TAGS = frozenset(
    {
        *range(254, 260),  # kind, size, bits, compression
        *range(262, 264),  # what the values mean
        266,
        273,
        *range(277, 285),  # channels, strips, extreme values, resolution, planes
        *range(290, 294),  # grey curve, fax options
        *range(296, 298),  # unit of the resolution, page
        301,  # transfer curve
        317,  # predictor
        *range(320, 326),  # palette, halftones, tiles
        330,  # further directories
        332,  # inks
        *range(338, 343),  # alpha, formats and limits of the values
        347,
        *range(512, 515),  # JPEG inside TIFF
        *range(529, 533),  # YCbCr
        700,  # XMP, IPTC, Photoshop's own, colour profile
        33723,
        34377,
        34675,
    }
)
_PNG_BIT_DEPTH, _PNG_COLOUR_TYPE = 24, 25  # where the header holds them
_PNG_GREY_ALPHA = 4
_RAW_EXIF = ("Raw profile type exif", "Raw profile type APP1")  # of older writers
_TOLD_ELSEWHERE = frozenset({*_RAW_EXIF, XMP_KEYWORD})

_pillow_limit_lock = threading.Lock()


def decode_image(path: Path, data: bytes) -> ImageFile:
    """The picture in `data`; `path` names it in errors. See `images.read_image`."""
    notes: tuple[str, ...] = ()
    if lacks_jpeg_end(data):
        mended = add_jpeg_end(data)
        if mended is None:
            raise _damaged(path, "its end is missing")
        data, notes = mended, ("the file lacks its end, but no pixel",)
    try:
        image = _decode_whole(path, data)
    except ImageFileError:
        raise
    except MemoryError as error:
        expected, remedy = "a picture that fits into memory", "Shrink or split it."
        raise ImageFileError(path, expected, "no memory left", remedy) from error
    except Exception as error:  # decoders raise whatever their parsers met in a broken file
        raise _damaged(path, str(error)) from error
    return replace(image, notes=(*image.notes, *notes))


def _damaged(path: Path, problem: str) -> ImageFileError:
    got = f"one that is damaged or cut off ({problem})"
    return ImageFileError(path, "a complete picture", got, "Copy or download the file again.")


def _decode_whole(path: Path, data: bytes) -> ImageFile:
    if is_heif(data):
        image, notes = open_heif(path, data, MAX_PIXELS)
        return _decode(path, PngText(data, notes=tuple(notes)), image)
    said = split_text(data) if data.startswith(SIGNATURE) else PngText(data)
    with _open_picture(path, said.rest) as image:
        return _decode(path, said, image)


@contextmanager
def _open_picture(path: Path, data: bytes) -> Generator[Image.Image]:
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


def _decode(path: Path, said: PngText, image: Image.Image) -> ImageFile:
    data, notes = said.rest, list(said.notes)
    image.info.update(said.texts)  # where Pillow itself would put them, and looks for EXIF
    if said.icc_profile:
        image.info["icc_profile"] = said.icc_profile
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1:
        notes.append(f"the file holds {frames} pictures; only the first was used")
    image.load()  # complains about a truncated file, which OpenCV would fill with black
    orientation, exif = _read_exif(image, notes)
    array = _read_colour_16bit(path, data, image)
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
        metadata=Metadata(
            icc_profile=_read_profile(image, grey=grey),
            exif=exif,
            dpi=_read_dpi(image),
            text=tuple((key, text) for key, text in said.texts if key not in _TOLD_ELSEWHERE),
            xmp=_read_xmp(image, blocks),
            long_xmp=blocks.long_xmp,
            photoshop=blocks.photoshop or _read_photoshop(image),
            comments=blocks.comments or _read_comments(image),
        ),
        source=JpegSource(data, orientation) if jpeg else None,
        notes=(*notes, *blocks.notes),
    )


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


def _read_exif(image: Image.Image, notes: list[str]) -> tuple[int, bytes | None]:
    """The orientation, and the EXIF data with the orientation reset to upright."""
    try:
        exif = image.getexif()
        orientation = int(exif.get(_ORIENTATION_TAG, 1))
        if orientation not in range(1, 9):
            orientation = 1
        return orientation, _upright_exif(image, exif)
    except Exception as error:  # as for the picture itself, but a picture can do without
        notes.append(f"the EXIF data is damaged and was not kept ({error})")
        return 1, None


def _upright_exif(image: Image.Image, exif: Image.Exif) -> bytes | None:
    raw = image.info.get("exif")
    if raw and image.format != "TIFF":
        try:
            return EXIF_HEADER + adapt_exif(raw.removeprefix(EXIF_HEADER), orientation=1)
        except ValueError:  # Pillow forgives more
            pass
    if image.format == "TIFF":
        for tag in _TIFF_LAYOUT_TAGS & set(exif):
            del exif[tag]
    if _ORIENTATION_TAG in exif:
        exif[_ORIENTATION_TAG] = 1
    return exif.tobytes() if len(exif) else None


def _read_xmp(image: Image.Image, blocks: JpegBlocks) -> bytes | None:
    tags: Any = getattr(image, "tag_v2", {})
    packet = blocks.xmp or image.info.get(XMP_KEYWORD) or image.info.get("xmp")
    packet = packet or tags.get(_XMP_TAG)
    if isinstance(packet, str):
        packet = packet.encode()
    return adapt_xmp(packet, 1) if isinstance(packet, bytes) else None


def _read_photoshop(image: Image.Image) -> bytes | None:
    tags: Any = getattr(image, "tag_v2", {})
    resources, iptc = tags.get(_PHOTOSHOP_TAG), tags.get(_IPTC_TAG)
    if isinstance(resources, bytes):
        return without_previews(resources) or None
    return iptc_resource(iptc) if isinstance(iptc, bytes) else None


def _read_comments(image: Image.Image) -> tuple[bytes, ...]:
    comment = image.info.get("comment") if image.format == "GIF" else None
    return (comment,) if isinstance(comment, bytes) else ()


def _read_profile(image: Image.Image, *, grey: bool) -> bytes | None:
    """The colour profile, unless it belongs to the colours that the file had before (CMYK)."""
    profile = image.info.get("icc_profile")
    return profile if profile and profile[16:20] == (b"GRAY" if grey else b"RGB ") else None


def _read_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        horizontal, vertical = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if 1 < min(horizontal, vertical) < 1e5 else None


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
