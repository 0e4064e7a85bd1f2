"""What the blocks of a JPEG file say of its picture, and putting them into another file.

XMP: part 3 of its specification, section 1.1.3; image resources: Adobe Photoshop File Formats
Specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .exif import EXIF_HEADER
from .jpeg_segments import (
    APP0,
    APP1,
    APP2,
    APP11,
    APP13,
    APP14,
    COMMENT,
    JPEG_START,
    START_OF_SCAN,
    segment,
    segments,
)

MAX_BLOCK = 65533  # bytes

_APPLICATION = range(APP0, APP0 + 16)
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_LONG_XMP_HEADER = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
_PROFILE_HEADER = b"ICC_PROFILE\0"
_PREVIEWS = (1033, 1036)  # resources that show the older picture
_IPTC = 1028
# What the picture's file may say of how its pixels are coded; the new file says it itself.
_OF_CODING = (b"JFIF\0", b"JFXX\0", b"Adobe", b"Ducky", b"MPF\0", _PROFILE_HEADER)


@dataclass(frozen=True, slots=True)
class JpegBlocks:
    """The blocks that may hold for a changed picture."""

    xmp: bytes | None = None
    long_xmp: tuple[bytes, ...] = ()  # the parts of a packet that one block has no room for
    photoshop: bytes | None = None  # image resources, the IPTC record among them
    comments: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()  # what does not hold


def read_blocks(data: bytes) -> JpegBlocks:
    """The blocks before the pixels of a JPEG file; EXIF and colour profile are Pillow's affair."""
    xmp: bytes | None = None
    long_xmp: list[bytes] = []
    photoshop = b""
    comments: list[bytes] = []
    left: list[str] = []
    for marker, content, _ in segments(data):
        if marker == START_OF_SCAN:
            break
        if marker == COMMENT:
            comments.append(content)
        elif marker == APP1 and content.startswith(_XMP_HEADER):
            xmp = xmp or content.removeprefix(_XMP_HEADER)
        elif marker == APP1 and content.startswith(_LONG_XMP_HEADER):
            long_xmp.append(content.removeprefix(_LONG_XMP_HEADER))
        elif marker == APP13 and content.startswith(_PHOTOSHOP_HEADER):
            photoshop += content.removeprefix(_PHOTOSHOP_HEADER)
        elif marker == APP11 and content.startswith(b"JP"):
            left.append("content credentials, which hold for the unchanged picture only")
        elif marker in _APPLICATION and not content.startswith((*_OF_CODING, EXIF_HEADER)):
            left.append(f"a block of unknown meaning (APP{marker - APP0})")
    notes = tuple(f"not kept: {what}" for what in dict.fromkeys(left))
    resources = without_previews(photoshop) or None
    return JpegBlocks(xmp, tuple(long_xmp), resources, tuple(comments), notes)


def replace_blocks(
    data: bytes, blocks: JpegBlocks, *, exif: bytes | None, icc_profile: bytes | None
) -> bytes:
    """A JPEG file with these blocks instead of its own, behind its JFIF block.

    What is too long for its block is left out: see `too_long`.
    """
    coding: dict[int, bytes] = {}  # the last of each kind: jpeglib writes one more before it
    rest = len(JPEG_START)
    for marker, content, end in segments(data):
        if marker not in _APPLICATION and marker != COMMENT:
            break
        if marker in (APP0, APP14):
            coding[marker] = content
        rest = end
    parts = [JPEG_START, *(segment(*one) for one in coding.items())]
    if exif and not too_long(exif):
        header = b"" if exif.startswith(EXIF_HEADER) else EXIF_HEADER
        parts.append(segment(APP1, header + exif))
    if blocks.xmp and not too_long(blocks.xmp):
        parts.append(segment(APP1, _XMP_HEADER + blocks.xmp))
    parts += [segment(APP1, _LONG_XMP_HEADER + part) for part in blocks.long_xmp]
    size = MAX_BLOCK - len(_PROFILE_HEADER) - 2
    profile = _pieces(icc_profile or b"", size)
    if len(profile) < 256:
        for number, piece in enumerate(profile, 1):
            place = bytes([number, len(profile)])
            parts.append(segment(APP2, _PROFILE_HEADER + place + piece))
    for piece in _pieces(blocks.photoshop or b"", MAX_BLOCK - len(_PHOTOSHOP_HEADER)):
        parts.append(segment(APP13, _PHOTOSHOP_HEADER + piece))
    parts += [segment(COMMENT, comment) for comment in blocks.comments if not too_long(comment)]
    return b"".join([*parts, data[rest:]])


def too_long(content: bytes) -> bool:
    """Whether a JPEG file has no room for a block of EXIF, XMP or a comment."""
    return len(content) > MAX_BLOCK - len(_XMP_HEADER)


def without_previews(resources: bytes) -> bytes:
    """Photoshop's image resources but the small pictures among them."""
    parts = [whole for number, whole, _ in _resources(resources) if number not in _PREVIEWS]
    return b"".join(parts)


def iptc_of(resources: bytes) -> bytes | None:
    """The IPTC record among Photoshop's image resources."""
    return next((content for number, _, content in _resources(resources) if number == _IPTC), None)


def iptc_resource(iptc: bytes) -> bytes:
    """An IPTC record as the only one of Photoshop's image resources."""
    padding = b"\0" * (len(iptc) % 2)
    size = len(iptc).to_bytes(4, "big")
    return b"8BIM" + _IPTC.to_bytes(2, "big") + b"\0\0" + size + iptc + padding


def _pieces(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def _resources(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, all bytes and content of each image resource; nothing behind a damaged one."""
    position = 0
    while position + 12 <= len(data):
        name = data[position + 6] + 1
        size_at = position + 6 + name + name % 2
        size = int.from_bytes(data[size_at : size_at + 4], "big")
        end = size_at + 4 + size + size % 2
        if size_at + 4 + size > len(data):
            return
        number = int.from_bytes(data[position + 4 : position + 6], "big")
        yield number, data[position:end], data[size_at + 4 : size_at + 4 + size]
        position = end
