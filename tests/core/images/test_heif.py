"""HEIC pictures, with pillow-heif and without it."""

from __future__ import annotations

import importlib
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features

from panini_core.images import ImageFileError, decoding, heif, read_image, write_image
from panini_core.images.heif import is_heif

needs_pillow_heif = pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is None, reason="needs pillow-heif"
)
HEADER = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"


def photograph() -> Image.Image:
    rows, columns = np.mgrid[:40, :64]
    return Image.fromarray(np.stack([3 * columns, 5 * rows, rows + columns], -1).astype(np.uint8))


def save(path: Path, picture: Image.Image, **options: object) -> None:
    pillow_heif = importlib.import_module("pillow_heif")
    pillow_heif.from_pillow(picture).save(path, quality=95, chroma=444, **options)


def test_only_heic_counts_as_heic() -> None:
    assert is_heif(HEADER + bytes(9))
    for data in (b"", HEADER[:4], b"\xff\xd8\xff\xe0", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"):
        assert not is_heif(data)
    if features.check("avif"):
        buffer = io.BytesIO()
        photograph().save(buffer, "AVIF")
        assert not is_heif(buffer.getvalue())


def test_without_pillow_heif_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(heif, "import_module", without)
    (tmp_path / "a.heic").write_bytes(HEADER + bytes(99))
    with pytest.raises(ImageFileError, match="pip install pillow-heif"):
        read_image(tmp_path / "a.heic")


@needs_pillow_heif
def test_a_phones_picture_is_read_upright_with_what_it_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A phone"
    save(tmp_path / "a.heic", photograph(), exif=exif.tobytes(), xmp=b"<x/>")
    image = read_image(tmp_path / "a.heic")
    assert (image.format, image.size, image.lossless) == ("HEIF", (40, 64), False)
    expected = np.rot90(np.asarray(photograph()), -1)
    read = (image.pixels * 255).permute(1, 2, 0).numpy()
    assert np.abs(read - expected).max() < 16
    write_image(tmp_path / "b.png", image)
    again = read_image(tmp_path / "b.png")
    assert torch.equal(again.pixels, image.pixels)
    assert again.metadata.xmp == b"<x/>"
    with Image.open(tmp_path / "b.png") as theirs:
        assert dict(theirs.getexif()) == {0x0112: 1, 0x010F: "A phone"}


@needs_pillow_heif
def test_the_main_one_of_several_pictures_is_read_with_a_note(tmp_path: Path) -> None:
    pillow_heif = importlib.import_module("pillow_heif")
    file = pillow_heif.from_pillow(Image.new("RGB", (32, 32), (200, 0, 0)))
    file.add_from_pillow(Image.new("RGB", (48, 48), (0, 0, 200)))
    file.save(tmp_path / "a.heic", primary_index=1)
    image = read_image(tmp_path / "a.heic")
    assert image.size == (48, 48)
    assert image.pixels[2].mean() > 0.7 > image.pixels[0].mean()
    assert image.notes == ("the file holds 2 pictures; only the main one was used",)


@needs_pillow_heif
def test_damaged_and_enormous_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.heic", photograph())
    data = (tmp_path / "a.heic").read_bytes()
    (tmp_path / "b.heic").write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(ImageFileError, match="damaged or cut off"):
        read_image(tmp_path / "b.heic")
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1_000)
    with pytest.raises(ImageFileError, match="64x40"):
        read_image(tmp_path / "a.heic")
