"""What files say of their pictures, as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from panini_core.images import read_image, write_image
from panini_core.images.jpeg_blocks import iptc_of

from .pictures import noise

IPTC = b"\x1c\x02\x05\x00\x05Title"


def test_iptc_of_a_tiff_is_kept(tmp_path: Path) -> None:
    Image.fromarray(noise(4, 4, 3)).save(tmp_path / "a.tif", tiffinfo={33723: IPTC})
    image = read_image(tmp_path / "a.tif")
    for name in ("b.tif", "b.jpg"):
        write_image(tmp_path / name, image)
        assert iptc_of(read_image(tmp_path / name).metadata.photoshop or b"") == IPTC
    with Image.open(tmp_path / "b.tif") as theirs:
        assert theirs.tag_v2[33723] == IPTC  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_foreign_profile_is_not_kept(tmp_path: Path, suffix: str) -> None:
    for space, kept in [(b"RGB ", True), (b"CMYK", False), (b"GRAY", False)]:
        profile = bytes(16) + space + bytes(200)
        Image.fromarray(noise(8, 8, 3)).save(tmp_path / f"a{suffix}", icc_profile=profile)
        found = read_image(tmp_path / f"a{suffix}").metadata.icc_profile
        assert found == (profile if kept else None)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_damaged_exif_costs_itself_only(tmp_path: Path, suffix: str) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x07\0" + b"\x12\x01\x02\0\xff\xff\xff\x7f" * 3
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / f"a{suffix}", exif=exif)
    image = read_image(tmp_path / f"a{suffix}")
    assert image.size == (8, 8)
    write_image(tmp_path / f"b{suffix}", image)
    assert read_image(tmp_path / f"b{suffix}").size == (8, 8)
