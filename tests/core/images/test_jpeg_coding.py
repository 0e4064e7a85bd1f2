"""JPEG files written as they were coded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, JpegImagePlugin
from PIL import ImageFile as PillowFile

from panini_core.images import ImageFile, Metadata, jpeg_coefficients, read_image, write_image
from panini_core.images.jpeg_segments import APP0, segments

from .jpeg_files import KINDS, ORIENTATION, photograph, save_jpeg, stored, tables
from .pictures import noise


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_tables_and_chroma_are_the_sources(tmp_path: Path, kind: str, mode: str) -> None:
    write_image(tmp_path / "b.jpg", save_jpeg(tmp_path / "a.jpg", kind, mode=mode))
    before, after = tables(tmp_path / "a.jpg"), tables(tmp_path / "b.jpg")
    if kind in ("poor", "worst"):  # finer, so that a restored face is not spoilt again
        Image.fromarray(photograph()).convert(mode).save(tmp_path / "c.jpg", quality=75)
        pairs = zip(before, after, tables(tmp_path / "c.jpg"), strict=True)
        for old, new, fine in pairs:
            assert all(n <= f for n, f in zip(new, fine, strict=True))
            assert all(o % n == 0 for o, n in zip(old, new, strict=True))
    else:
        assert after == before
    with Image.open(tmp_path / "a.jpg") as old, Image.open(tmp_path / "b.jpg") as new:
        assert JpegImagePlugin.get_sampling(new) == JpegImagePlugin.get_sampling(old)
        assert new.mode == old.mode


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_changed_hardly_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def without(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(jpeg_coefficients, "import_module", without)
    write_image(tmp_path / "b.jpg", save_jpeg(tmp_path / "a.jpg", kind))
    before, after = stored(tmp_path / "a.jpg").astype(int), stored(tmp_path / "b.jpg").astype(int)
    again = np.mean((before - after) ** 2)
    quality = 75 if kind in ("poor", "worst") else 95
    Image.fromarray(stored(tmp_path / "a.jpg")).save(
        tmp_path / "c.jpg", quality=quality, subsampling=KINDS[kind].get("subsampling", "4:2:0")
    )
    assert again <= np.mean((before - stored(tmp_path / "c.jpg").astype(int)) ** 2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_lie_as_in_the_source(tmp_path: Path, orientation: int) -> None:
    image = save_jpeg(tmp_path / "a.jpg", "best", orientation=orientation)
    write_image(tmp_path / "b.jpg", image)
    assert stored(tmp_path / "b.jpg").shape == stored(tmp_path / "a.jpg").shape
    with Image.open(tmp_path / "b.jpg") as theirs:
        assert theirs.getexif()[ORIENTATION] == orientation
    again = read_image(tmp_path / "b.jpg")
    torch.testing.assert_close(again.pixels, image.pixels, atol=4 / 255, rtol=0)


def test_a_picture_whose_orientation_cannot_be_told_is_written_upright(tmp_path: Path) -> None:
    image = save_jpeg(tmp_path / "a.jpg", "best", orientation=6)
    plain = ImageFile(image.pixels, source=image.source)
    write_image(tmp_path / "b.jpg", plain)
    torch.testing.assert_close(
        read_image(tmp_path / "b.jpg").pixels, image.pixels, atol=6 / 255, rtol=0
    )


def test_noise_fits_at_the_best_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for progressive in (False, True):
        with monkeypatch.context() as patched:
            patched.setattr(PillowFile, "MAXBLOCK", 1_000_000)  # Pillow's own would not do
            Image.fromarray(noise(200, 300, 3)).save(
                tmp_path / "a.jpg", quality=100, subsampling=0, progressive=progressive
            )
        image = read_image(tmp_path / "a.jpg")
        write_image(tmp_path / "b.jpg", image.with_pixels(image.pixels.flip(2)))
        assert read_image(tmp_path / "b.jpg").size == (300, 200)


def test_cmyk_and_enlarged_pictures_keep_their_tables(tmp_path: Path) -> None:
    image = save_jpeg(tmp_path / "a.jpg", "good", mode="CMYK")
    write_image(tmp_path / "b.jpg", image)
    assert tables(tmp_path / "b.jpg")[0] == tables(tmp_path / "a.jpg")[0]
    image = save_jpeg(tmp_path / "a.jpg", "web")
    write_image(tmp_path / "b.jpg", image.with_pixels(torch.rand(3, 114, 166)))
    assert tables(tmp_path / "b.jpg") == tables(tmp_path / "a.jpg")


def test_there_is_one_block_of_each_coding(tmp_path: Path) -> None:
    for kind in KINDS:
        image = save_jpeg(tmp_path / "a.jpg", kind)
        said = Metadata(dpi=(240.0, 240.0))
        write_image(tmp_path / "b.jpg", replace(image, metadata=said))
        data = (tmp_path / "b.jpg").read_bytes()
        markers = [marker for marker, _, _ in segments(data)]
        assert markers[0] == APP0
        assert markers.count(APP0) == 1
        assert read_image(tmp_path / "b.jpg").metadata.dpi == said.dpi
