"""ImageFile -> the bytes of an image file.

Pillow writes most; PNG of 16-bit colour and TIFF (16-bit colour, and EXIF in any) are written
here, since Pillow cannot.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin

from .png_text import SIGNATURE, text_chunk
from .value import FilePixels, ImageFile, Metadata

JPEG_QUALITY = 95  # with 4:4:4 chroma: halved chroma would smear the colours of a small face
WEBP_QUALITY = 95  # only where the source was lossy; a lossless source stays lossless

ALPHA_FORMATS = frozenset({"PNG", "TIFF", "WEBP"})
SIXTEEN_BIT_FORMATS = frozenset({"PNG", "TIFF"})

_EXIF_HEADER = b"Exif\x00\x00"
_INCHES_PER_METRE = 1 / 0.0254
_NESTED_EXIF_TAGS = (34665, 34853)  # the camera's directory, the position's directory


def encode_image(file_format: str, image: ImageFile) -> bytes:
    """The file's bytes. Raises what Pillow raises for a picture that the format cannot hold."""
    pixels = _quantise(file_format, image)
    metadata = image.metadata
    if file_format == "TIFF":
        return _encode_tiff(pixels, metadata)
    if pixels.dtype == np.uint16 and pixels.shape[2] > 1:
        return _encode_png_16bit(pixels, metadata)

    options: dict[str, Any] = {
        "icc_profile": metadata.icc_profile,
        "exif": metadata.exif,
        "dpi": metadata.dpi,
    }
    if file_format == "JPEG":
        options |= {"quality": JPEG_QUALITY, "subsampling": "4:4:4"}
    elif file_format == "WEBP" and image.lossless:
        options |= {"lossless": True, "exact": True}  # exact: colours below alpha 0 stay
    elif file_format == "WEBP":
        options |= {"quality": WEBP_QUALITY}
    elif file_format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        for key, value in metadata.text:
            options["pnginfo"].add(*text_chunk(key, value))
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    out = io.BytesIO()
    picture.save(out, file_format, **{key: value for key, value in options.items() if value})
    return out.getvalue()


def _quantise(file_format: str, image: ImageFile) -> FilePixels:
    """(H, W, C) in the file's integers, rounded half to even."""
    colour = image.pixels.detach().float()
    if image.grey and file_format != "WEBP":  # which has no grey
        colour = colour.mean(dim=0, keepdim=True)
    if image.alpha is not None and file_format in ALPHA_FORMATS:
        colour = torch.cat([colour, image.alpha.detach().to(colour)])
    scale, kind = (65535, np.uint16) if image.bit_depth == 16 else (255, np.uint8)
    values = (colour.clamp(0, 1) * scale).round().cpu().permute(1, 2, 0)
    return np.ascontiguousarray(values.numpy().astype(kind))


def _encode_png_16bit(pixels: FilePixels, metadata: Metadata) -> bytes:
    """(H, W, C) grey + alpha, RGB or RGBA."""
    height, width, channels = pixels.shape
    colour_type = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    out = io.BytesIO()
    out.write(SIGNATURE)
    PngImagePlugin.putchunk(out, b"IHDR", header)
    if metadata.icc_profile:
        profile = zlib.compress(metadata.icc_profile)
        PngImagePlugin.putchunk(out, b"iCCP", b"ICC Profile\0\0", profile)
    if metadata.dpi:
        per_metre = [round(value * _INCHES_PER_METRE) for value in metadata.dpi]
        PngImagePlugin.putchunk(out, b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if metadata.exif:
        PngImagePlugin.putchunk(out, b"eXIf", metadata.exif.removeprefix(_EXIF_HEADER))
    for key, value in metadata.text:
        PngImagePlugin.putchunk(out, *text_chunk(key, value))
    PngImagePlugin.putchunk(out, b"IDAT", zlib.compress(_filter_sub(pixels), 6))
    PngImagePlugin.putchunk(out, b"IEND")
    return out.getvalue()


def _filter_sub(pixels: FilePixels) -> bytes:
    """PNG's filter 1 on every row: a byte minus the same byte of the pixel to the left."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, width, 2 * channels)
    filtered = np.ones((height, 1 + width * 2 * channels), np.uint8)  # each row starts with a 1
    filtered[:, 1:] = np.diff(rows, axis=1, prepend=np.uint8(0)).reshape(height, -1)
    return filtered.tobytes()


def _encode_tiff(pixels: FilePixels, metadata: Metadata) -> bytes:
    """(H, W, C) of either depth in one deflated strip; PNG's text chunks have no place in it."""
    height, width, channels = pixels.shape
    strip = zlib.compress(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(), 6)
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
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = len(strip)
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
    out = io.BytesIO()
    directory.save(out)
    out.write(strip)
    return out.getvalue()
