"""Files that are pictures, and those that are not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.images import (
    ImageFileError,
    read_image,
)

from .pictures import noise


def complete_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(40, 40, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def enormous_png(width: int, height: int) -> bytes:
    """A file of a few bytes that claims to hold this many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"This is a text.\n", "not one"),
        (complete_png()[:20], "damaged"),
        (complete_png()[:-700], "damaged or cut off"),
        (enormous_png(30_000, 30_000), "30000x30000"),
        (enormous_png(100_000, 100_000), "more than twice"),
    ],
)
def test_unreadable_files_are_named_and_explained(
    tmp_path: Path, content: bytes | None, got: str
) -> None:
    path = tmp_path / "face.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageFileError) as caught:
        read_image(path)
    assert got in caught.value.got
    assert str(path) in str(caught.value)
    assert caught.value.expected
    assert caught.value.remedy.endswith(".")


def test_a_folder_and_a_float_tiff_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="a folder"):
        read_image(tmp_path)
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match="32-bit float"):
        read_image(tmp_path / "a.tif")
