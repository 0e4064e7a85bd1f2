"""The coefficients of unchanged blocks, which jpeglib keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from panini_core.images import ImageFile, read_image, write_image
from panini_core.images.jpeg_coefficients import keep_coefficients

from .jpeg_files import KINDS, save_jpeg

jpeglib = pytest.importorskip("jpeglib")


def with_new_corner(image: ImageFile) -> ImageFile:
    """The upper left 20 x 12 px of the stored picture are new; no other pixel is."""
    pixels = image.pixels.clone()
    pixels[:, :12, :20] = 1 - pixels[:, :12, :20]
    return image.with_pixels(pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_unchanged_blocks_keep_their_coefficients(tmp_path: Path, kind: str, mode: str) -> None:
    write_image(tmp_path / "b.jpg", with_new_corner(save_jpeg(tmp_path / "a.jpg", kind, mode=mode)))
    old, new = (jpeglib.read_dct(str(tmp_path / name)) for name in ("a.jpg", "b.jpg"))
    sampled = KINDS[kind].get("subsampling") if "qtables" not in KINDS[kind] else "4:2:0"
    corner = {"Y": (2, 3), "Cb": {"4:4:4": (2, 3), "4:2:2": (2, 2)}.get(sampled or "", (1, 2))}
    corner["Cr"] = corner["Cb"]
    for index, name in enumerate(["Y", "Cb", "Cr"] if mode == "RGB" else ["Y"]):
        steps = [file.get_component_qt(index).astype(int) for file in (old, new)]
        before, after = getattr(old, name) * steps[0], getattr(new, name) * steps[1]
        same = (before == after).all(axis=(2, 3))
        rows, columns = corner[name]
        assert same[rows:].all() and same[:, columns:].all()
        assert mode == "RGB" or not same[:rows, :columns].any()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_components_are_numbered_as_before(tmp_path: Path, mode: str) -> None:
    for kind in KINDS:
        write_image(tmp_path / "b.jpg", save_jpeg(tmp_path / "a.jpg", kind, mode=mode))
        with Image.open(tmp_path / "a.jpg") as old, Image.open(tmp_path / "b.jpg") as new:
            numbers = [[layer[0] for layer in file.layer] for file in (old, new)]  # type: ignore[attr-defined]
            assert numbers[0] == numbers[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pixels_away_from_changes_are_identical(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    image = save_jpeg(tmp_path / "a.jpg", kind, orientation=orientation)
    pixels = image.pixels.clone()
    pixels[:, 24:40, 24:40] = 1 - pixels[:, 24:40, 24:40]
    write_image(tmp_path / "b.jpg", image.with_pixels(pixels))
    again = read_image(tmp_path / "b.jpg").pixels
    differs = (again != image.pixels).any(dim=0)
    rows, columns = (index.unique() for index in differs.nonzero(as_tuple=True))
    assert len(rows) and rows.min() >= 6 and rows.max() <= 57  # a block of 16 px and the next one
    assert columns.min() >= 6 and columns.max() <= 57


def test_an_unchanged_picture_is_the_same_to_the_pixel(tmp_path: Path) -> None:
    for kind in KINDS:
        image = save_jpeg(tmp_path / "a.jpg", kind, orientation=6)
        write_image(tmp_path / "b.jpg", image)
        assert torch.equal(read_image(tmp_path / "b.jpg").pixels, image.pixels)


def test_files_that_do_not_match_are_left_alone(tmp_path: Path) -> None:
    files = {}
    for kind, mode in [("web", "RGB"), ("good", "RGB"), ("web", "L")]:
        save_jpeg(tmp_path / "a.jpg", kind, mode=mode)
        files[kind, mode] = (tmp_path / "a.jpg").read_bytes()
    unchanged = np.zeros((57, 83), bool)
    web = files["web", "RGB"]
    assert keep_coefficients(web, web, unchanged) is not None
    for other in (files["good", "RGB"], files["web", "L"], web[:300], b"no picture"):
        assert keep_coefficients(web, other, unchanged) is None
        assert keep_coefficients(other, web, unchanged) is None
