"""How pictures are compressed, and what their files say of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from panini_core.images import (
    Metadata,
    read_image,
    write_image,
)

from .pictures import from_array, noise

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("suffix", "bits"),
    [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8), (".webp", 8)],
)
def test_profile_exif_and_resolution_are_kept(tmp_path: Path, suffix: str, bits: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    Image.fromarray(noise(8, 6, 3)).save(
        tmp_path / "source.jpg", icc_profile=SRGB_PROFILE, exif=exif.tobytes(), dpi=(300, 150)
    )
    source = read_image(tmp_path / "source.jpg")
    array = noise(8, 6, 3, bits=bits)
    image = from_array(array, metadata=source.metadata)
    write_image(tmp_path / f"a{suffix}", image)

    again = read_image(tmp_path / f"a{suffix}")
    assert again.metadata.icc_profile == SRGB_PROFILE
    assert again.metadata.exif is not None
    kept = Image.Exif()
    kept.load(again.metadata.exif)
    assert kept[0x010F] == "A camera"
    assert kept.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    if suffix != ".webp":  # which has no field for it
        assert again.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    write_image(tmp_path / f"b{suffix}", again)  # what one format listed, it takes again
    assert read_image(tmp_path / f"b{suffix}").metadata == again.metadata


def test_a_tiffs_layout_does_not_travel_as_exif(tmp_path: Path) -> None:
    Image.fromarray(noise(8, 6, 3)).save(tmp_path / "a.tif", software="a scanner")
    image = read_image(tmp_path / "a.tif")
    assert image.metadata.exif is not None
    write_image(tmp_path / "b.png", image)
    assert dict(Image.open(tmp_path / "b.png").getexif()) == {0x0131: "a scanner"}


@pytest.mark.parametrize("bits", [8, 16])
def test_png_text_is_kept(tmp_path: Path, bits: int) -> None:
    text = (("workflow", '{"nodes": [1, "ä"]}'), ("parameters", "a portrait"))
    metadata = Metadata(text=text)
    write_image(tmp_path / "a.png", from_array(noise(4, 4, 3, bits=bits), metadata=metadata))
    assert read_image(tmp_path / "a.png").metadata.text == text


def test_webp_comes_back_with_or_without_loss_as_it_came(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(16, 16, 3))
    picture.save(tmp_path / "lossless.webp", lossless=True)
    picture.save(tmp_path / "lossy.webp", quality=80)
    picture.save(tmp_path / "with-profile.webp", lossless=True, icc_profile=SRGB_PROFILE)
    for name, lossless in [("lossless", True), ("lossy", False), ("with-profile", True)]:
        image = read_image(tmp_path / f"{name}.webp")
        assert image.lossless is lossless
        write_image(tmp_path / "again.webp", image)
        assert read_image(tmp_path / "again.webp").lossless is lossless


def test_jpeg_keeps_full_chroma_at_quality_95(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", from_array(noise(16, 16, 3)))
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
        theirs = io.BytesIO()
        image.save(theirs, "JPEG", quality=95)
        assert image.quantization == Image.open(theirs).quantization  # type: ignore[attr-defined]
