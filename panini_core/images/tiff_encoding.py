"""Pages -> the bytes of a TIFF file.

Written here, since Pillow writes neither 16-bit colour nor the nested parts of EXIF.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

from PIL import Image, TiffImagePlugin

from .jpeg_blocks import iptc_of
from .value import FilePixels, Metadata

_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 700, 33723, 34377
_NESTED_EXIF_TAGS = (34665, 34853)  # the camera's directory, the position's directory
_FIRST_PAGE = 4  # where the header says where that is


def encode_tiff(pages: Iterable[tuple[FilePixels, Metadata]]) -> bytes:
    """(H, W, C) of either depth, each page in one deflated strip, with what is said of it.

    PNG's text chunks have no place in it.
    """
    out = io.BytesIO()
    link = _FIRST_PAGE
    for pixels, metadata in pages:
        strip = zlib.compress(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(), 6)
        directory = _directory(pixels, metadata, len(strip))
        out.write(b"\0" * (out.tell() % 2))
        start = out.tell() or 8  # Pillow writes the header before the first
        directory.save(out)
        out.write(strip)
        data = out.getbuffer()
        struct.pack_into("<I", data, link, start)
        (count,) = struct.unpack_from("<H", data, start)
        link = start + 2 + 12 * count
        data.release()
    return out.getvalue()


def _directory(pixels: FilePixels, metadata: Metadata, length: int) -> Any:
    """Of a page of (H, W, C), whose strip has so many bytes and comes behind the directory."""
    height, width, channels = pixels.shape
    directory: Any = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if metadata.exif:
        exif = Image.Exif()
        exif.load(metadata.exif)
        for tag in exif:
            directory[tag] = exif.get_ifd(tag) if tag in _NESTED_EXIF_TAGS else exif[tag]
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * pixels.dtype.itemsize,) * channels
    directory[TiffImagePlugin.COMPRESSION] = 8  # deflate
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if channels <= 2 else 2
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    directory[TiffImagePlugin.ROWSPERSTRIP] = height
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = length
    directory[TiffImagePlugin.STRIPOFFSETS] = 0  # Pillow adds where the directory ends
    if channels in (2, 4):
        directory[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha that the colours are not scaled by
    if metadata.dpi:
        horizontal, vertical = metadata.dpi
        directory[TiffImagePlugin.X_RESOLUTION] = horizontal
        directory[TiffImagePlugin.Y_RESOLUTION] = vertical
        directory[TiffImagePlugin.RESOLUTION_UNIT] = 2  # per inch
    if metadata.icc_profile:
        directory[TiffImagePlugin.ICCPROFILE] = metadata.icc_profile
    if metadata.xmp:
        directory[_XMP_TAG] = metadata.xmp
    if metadata.photoshop:
        directory[_PHOTOSHOP_TAG] = metadata.photoshop
        if iptc := iptc_of(metadata.photoshop):
            directory[_IPTC_TAG] = iptc
    return directory
