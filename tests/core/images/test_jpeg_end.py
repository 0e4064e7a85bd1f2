"""JPEG files that lack their last bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from panini_core.images import ImageFileError, read_image
from panini_core.images.jpeg_end import add_jpeg_end, lacks_jpeg_end

from .pictures import noise

KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "fine chroma": {"subsampling": "4:4:4"},
    "good": {"quality": 95},
}


def jpeg(mode: str = "RGB", *, flat_end: bool = False, **options: object) -> bytes:
    """A picture whose lower right is busy, or flat, so that little stands for much."""
    array = np.kron(noise(9, 13, 3), np.ones((8, 8, 1), np.uint8))
    if flat_end:
        array[40:] = 128
    buffer = io.BytesIO()
    Image.fromarray(array).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_file_without_its_end_mark_is_read_with_a_note(
    tmp_path: Path, kind: str, mode: str, lost: int
) -> None:
    data = jpeg(mode, **KINDS[kind])
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "a.jpg").write_bytes(data[:-lost])
    whole, image = read_image(tmp_path / "whole.jpg"), read_image(tmp_path / "a.jpg")
    assert torch.equal(image.pixels, whole.pixels)
    assert image.notes == (*whole.notes, "the file lacks its end, but no pixel")
    assert image.metadata == whole.metadata


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("flat_end", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.9, 0.95, 0.98])
def test_a_picture_that_does_not_reach_its_end_is_refused(
    tmp_path: Path, kind: str, mode: str, flat_end: bool, share: float
) -> None:
    data = jpeg(mode, flat_end=flat_end, **KINDS[kind])
    (tmp_path / "a.jpg").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImageFileError, match=r"cut off|not one"):
        read_image(tmp_path / "a.jpg")


def test_a_progressive_picture_that_lacks_a_whole_scan_is_refused() -> None:
    data = jpeg(progressive=True)
    scans = [place for place in range(len(data) - 1) if data[place : place + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for place in scans:
        tables = data.rfind(b"\xff\xc4", 0, place)  # those of a scan stand before it
        for cut in (place, tables):
            assert add_jpeg_end(data[:cut]) is None


def test_zeros_in_place_of_the_end_do_no_harm(tmp_path: Path) -> None:
    data = jpeg()
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "a.jpg").write_bytes(data[:-2] + bytes(500))
    assert torch.equal(
        read_image(tmp_path / "a.jpg").pixels, read_image(tmp_path / "whole.jpg").pixels
    )


def test_the_end_of_a_thumbnail_is_not_the_pictures(tmp_path: Path) -> None:
    exif = b"Exif\0\0" + jpeg(quality=20)  # what matters is the end mark in it
    data = jpeg(exif=exif)
    assert not lacks_jpeg_end(data)
    assert not lacks_jpeg_end(data + b"trailing bytes")
    assert lacks_jpeg_end(data[:-2])


def test_what_is_no_jpeg_gets_no_end() -> None:
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", jpeg()[:300]):
        assert lacks_jpeg_end(data) == data.startswith(b"\xff\xd8")
        assert add_jpeg_end(data) is None
