"""What an opened file says about its picture -> Metadata."""

from __future__ import annotations

from typing import Any

from PIL import Image

from .exif import EXIF_HEADER, adapt_exif, adapt_xmp
from .jpeg_blocks import JpegBlocks, iptc_resource, without_previews
from .png_text import XMP_KEYWORD, PngText
from .value import Metadata

_ORIENTATION_TAG = 0x0112
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
_RAW_EXIF = ("Raw profile type exif", "Raw profile type APP1")  # of older writers
_TOLD_ELSEWHERE = frozenset({*_RAW_EXIF, XMP_KEYWORD})


def read_metadata(
    image: Image.Image, said: PngText, blocks: JpegBlocks, exif: bytes | None, *, grey: bool
) -> Metadata:
    """All but what no longer holds for upright pixels in grey or RGB."""
    return Metadata(
        icc_profile=_read_profile(image, grey=grey),
        exif=exif,
        dpi=_read_dpi(image),
        text=tuple((key, text) for key, text in said.texts if key not in _TOLD_ELSEWHERE),
        xmp=_read_xmp(image, blocks),
        long_xmp=blocks.long_xmp,
        photoshop=blocks.photoshop or _read_photoshop(image),
        comments=blocks.comments or _read_comments(image),
    )


def read_exif(image: Image.Image, notes: list[str]) -> tuple[int, bytes | None]:
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
