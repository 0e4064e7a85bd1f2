"""ImageFile -> the bytes of an image file.

Pillow writes most; PNG of 16-bit colour is written here, since Pillow cannot.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin

from .animation_encoding import encode_animation
from .exif import EXIF_HEADER, adapt_exif, adapt_xmp, read_orientation
from .jpeg_blocks import JpegBlocks, replace_blocks, too_long
from .jpeg_coding import encode_jpeg
from .orientation import is_transposed
from .png_text import SIGNATURE, XMP_KEYWORD, text_chunk
from .tiff_encoding import encode_tiff
from .value import FilePixels, ImageFile, JpegSource, Metadata

PNG_LEVEL = 4  # of zlib: 2.5 times as quick as its usual 6, for photographs 5 % larger
WEBP_QUALITY = 95  # only where the source was lossy; a lossless source stays lossless

ALPHA_FORMATS = frozenset({"PNG", "TIFF", "WEBP", "GIF"})
SIXTEEN_BIT_FORMATS = frozenset({"PNG", "TIFF"})

ROWS = 256  # that are rounded at a time

_INCHES_PER_METRE = 1 / 0.0254


def encode_image(file_format: str, image: ImageFile) -> bytes:
    """The file's bytes. Raises what Pillow raises for a picture that the format cannot hold."""
    pixels = _quantise(file_format, image)
    metadata = _adapted(image.metadata, (pixels.shape[1], pixels.shape[0]))
    if file_format == "JPEG":
        return _encode_jpeg(pixels, metadata, image.source)
    if file_format == "TIFF":
        return encode_tiff([(pixels, metadata)])
    if pixels.dtype == np.uint16 and pixels.shape[2] > 1:
        return _encode_png_16bit(pixels, metadata)

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    out = io.BytesIO()
    picture.save(out, file_format, **_pillow_options(file_format, image, metadata))
    return out.getvalue()


def encode_images(file_format: str, images: Iterable[ImageFile]) -> bytes:
    """The bytes of a file of pages (TIFF) or of an animation (GIF, PNG, WebP), one or more.

    What is said of an animation is what its first frame says. Raises what Pillow raises for
    pictures that the format cannot hold.
    """
    if file_format == "TIFF":
        return encode_tiff(_quantise_all(file_format, images))
    pictures = iter(images)
    first = next(pictures)
    metadata = _adapted(first.metadata, first.size)
    frames = ((_quantise(file_format, image), image) for image in chain([first], pictures))
    options = _pillow_options(file_format, first, metadata)
    options.pop("exact", None)  # which is for single pictures
    return encode_animation(file_format, frames, options)


def _quantise_all(
    file_format: str, images: Iterable[ImageFile]
) -> Iterator[tuple[FilePixels, Metadata]]:
    for image in images:
        yield _quantise(file_format, image), _adapted(image.metadata, image.size)


def _pillow_options(file_format: str, image: ImageFile, metadata: Metadata) -> dict[str, Any]:
    """What Pillow is told beside the pixels."""
    options: dict[str, Any] = {
        "icc_profile": metadata.icc_profile,
        "exif": metadata.exif,
        "dpi": metadata.dpi,
    }
    if file_format == "WEBP":
        options["xmp"] = metadata.xmp
        # exact: colours below alpha 0 stay
        lossless = {"lossless": True, "exact": True}
        options |= lossless if image.lossless else {"quality": WEBP_QUALITY}
    elif file_format == "PNG":
        options["compress_level"] = PNG_LEVEL
        options["pnginfo"] = PngImagePlugin.PngInfo()
        for chunk in _text_chunks(metadata):
            options["pnginfo"].add(*chunk)
    elif file_format == "GIF":
        options = {"comment": next(iter(metadata.comments), None)}
    return {key: value for key, value in options.items() if value}


def lost_metadata(file_format: str, metadata: Metadata) -> list[str]:
    """What a file of this format has no place for, in words."""
    texts = ", ".join(key for key, _ in metadata.text)
    bare = file_format in ("BMP", "GIF")
    lost = {
        f"texts ({texts})": metadata.text and file_format != "PNG",
        "EXIF": metadata.exif and (bare or (file_format == "JPEG" and too_long(metadata.exif))),
        "XMP": metadata.xmp and (bare or (file_format == "JPEG" and too_long(metadata.xmp))),
        "the end of a long XMP packet": metadata.long_xmp and file_format != "JPEG",
        "IPTC and Photoshop's image resources": metadata.photoshop
        and file_format not in ("JPEG", "TIFF"),
        "comments": metadata.comments and file_format not in ("JPEG", "PNG", "GIF"),
        "a colour profile": metadata.icc_profile and bare,
    }
    return [what for what, is_lost in lost.items() if is_lost]


def _adapted(metadata: Metadata, size: tuple[int, int], orientation: int | None = None) -> Metadata:
    """What is said about a picture of this width and height, stored in another orientation."""
    exif = metadata.exif
    if exif is not None:
        with suppress(ValueError):  # of a caller: written as it is
            exif = adapt_exif(exif, orientation=orientation, size=size)
    xmp = metadata.xmp
    if xmp is not None and orientation is not None:
        xmp = adapt_xmp(xmp, orientation)
    return replace(metadata, exif=exif, xmp=xmp)


def _encode_jpeg(pixels: FilePixels, metadata: Metadata, source: JpegSource | None) -> bytes:
    """In the orientation of its source, if the EXIF data can say so."""
    if source is not None:
        size = (pixels.shape[1], pixels.shape[0])
        size = size[::-1] if is_transposed(source.orientation) else size
        stored = _adapted(metadata, size, source.orientation)
        if read_orientation(stored.exif) == source.orientation:
            metadata = stored
        else:
            source = replace(source, orientation=1)
    encoded = encode_jpeg(pixels, dpi=metadata.dpi, source=source)
    blocks = JpegBlocks(metadata.xmp, metadata.long_xmp, metadata.photoshop, metadata.comments)
    return replace_blocks(encoded, blocks, exif=metadata.exif, icc_profile=metadata.icc_profile)


def _text_chunks(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    texts = [*metadata.text]
    texts += [("Comment", comment.decode("utf-8", "replace")) for comment in metadata.comments]
    if metadata.xmp:
        texts.append((XMP_KEYWORD, metadata.xmp.decode("utf-8", "replace")))
    return [text_chunk(key, value) for key, value in texts]


def _quantise(file_format: str, image: ImageFile) -> FilePixels:
    """(H, W, C) in the file's integers, rounded half to even."""
    colour = image.pixels.detach().float()
    if image.grey and file_format != "WEBP":  # which has no grey
        colour = colour.mean(dim=0, keepdim=True)
    if image.alpha is not None and file_format in ALPHA_FORMATS:
        colour = torch.cat([colour, image.alpha.detach().to(colour)])
    scale, kind = (65535, np.uint16) if image.bit_depth == 16 else (255, np.uint8)
    channels, height, width = colour.shape
    values = np.empty((height, width, channels), kind)
    for top in range(0, height, ROWS):  # so that a large picture is not held once more
        rows = (colour[:, top : top + ROWS].clamp(0, 1) * scale).round()
        values[top : top + ROWS] = rows.cpu().permute(1, 2, 0).numpy()
    return values


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
        PngImagePlugin.putchunk(out, b"eXIf", metadata.exif.removeprefix(EXIF_HEADER))
    for chunk in _text_chunks(metadata):
        PngImagePlugin.putchunk(out, *chunk)
    PngImagePlugin.putchunk(out, b"IDAT", zlib.compress(_filter_sub(pixels), PNG_LEVEL))
    PngImagePlugin.putchunk(out, b"IEND")
    return out.getvalue()


def _filter_sub(pixels: FilePixels) -> bytes:
    """PNG's filter 1 on every row: a byte minus the same byte of the pixel to the left."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, width, 2 * channels)
    filtered = np.ones((height, 1 + width * 2 * channels), np.uint8)  # each row starts with a 1
    filtered[:, 1:] = np.diff(rows, axis=1, prepend=np.uint8(0)).reshape(height, -1)
    return filtered.tobytes()
