"""JPEG files written as they were coded."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, JpegImagePlugin
from PIL import ImageFile as PillowFile

from panini_core.images import ImageFile, jpeg_coefficients, read_image, write_image

from .pictures import noise

needs_jpeglib = pytest.mark.skipif(
    importlib.util.find_spec("jpeglib") is None, reason="needs jpeglib: pip install jpeglib"
)
KINDS: dict[str, dict[str, Any]] = {
    "good": {"quality": 95, "subsampling": "4:4:4"},
    "best": {"quality": 100, "subsampling": "4:4:4"},
    "web": {"quality": 75, "subsampling": "4:2:0"},
    "wide": {"quality": 88, "subsampling": "4:2:2"},
    "progressive": {"quality": 90, "progressive": True},
    "poor": {"quality": 20},
    "worst": {"quality": 1},
    "own tables": {"qtables": [[3] * 64, [5] * 64, [7] * 64]},
    "one table": {"qtables": [[4] * 64]},
}
ORIENTATION = 0x0112


def photograph(height: int = 57, width: int = 83) -> np.ndarray:
    """(H, W, 3) with edges, gradients and noise."""
    rows, columns = np.mgrid[:height, :width]
    smooth = np.stack([3 * rows, 2 * columns, rows + columns], axis=-1)
    blocks = 60 * ((rows // 11 + columns // 13) % 2)[..., None]
    grain = noise(height, width, 3).astype(int) // 12
    return np.clip(smooth + blocks + grain, 0, 255).astype(np.uint8)


def save(path: Path, kind: str, *, mode: str = "RGB", orientation: int | None = None) -> ImageFile:
    options = dict(KINDS[kind])
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif.tobytes()
    Image.fromarray(photograph()).convert(mode).save(path, "JPEG", **options)
    return read_image(path)


def tables(path: Path) -> list[list[int]]:
    """One a component."""
    with Image.open(path) as image:
        found: Any = image
        return [list(found.quantization[layer[3]]) for layer in found.layer]


def stored(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_tables_and_chroma_are_the_sources(tmp_path: Path, kind: str, mode: str) -> None:
    write_image(tmp_path / "b.jpg", save(tmp_path / "a.jpg", kind, mode=mode))
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
    write_image(tmp_path / "b.jpg", save(tmp_path / "a.jpg", kind))
    before, after = stored(tmp_path / "a.jpg").astype(int), stored(tmp_path / "b.jpg").astype(int)
    again = np.mean((before - after) ** 2)
    quality = 75 if kind in ("poor", "worst") else 95
    Image.fromarray(stored(tmp_path / "a.jpg")).save(
        tmp_path / "c.jpg", quality=quality, subsampling=KINDS[kind].get("subsampling", "4:2:0")
    )
    assert again <= np.mean((before - stored(tmp_path / "c.jpg").astype(int)) ** 2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_lie_as_in_the_source(tmp_path: Path, orientation: int) -> None:
    image = save(tmp_path / "a.jpg", "best", orientation=orientation)
    write_image(tmp_path / "b.jpg", image)
    assert stored(tmp_path / "b.jpg").shape == stored(tmp_path / "a.jpg").shape
    with Image.open(tmp_path / "b.jpg") as theirs:
        assert theirs.getexif()[ORIENTATION] == orientation
    again = read_image(tmp_path / "b.jpg")
    torch.testing.assert_close(again.pixels, image.pixels, atol=4 / 255, rtol=0)


def test_a_picture_whose_orientation_cannot_be_told_is_written_upright(tmp_path: Path) -> None:
    image = save(tmp_path / "a.jpg", "best", orientation=6)
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
    image = save(tmp_path / "a.jpg", "good", mode="CMYK")
    write_image(tmp_path / "b.jpg", image)
    assert tables(tmp_path / "b.jpg")[0] == tables(tmp_path / "a.jpg")[0]
    image = save(tmp_path / "a.jpg", "web")
    write_image(tmp_path / "b.jpg", image.with_pixels(torch.rand(3, 114, 166)))
    assert tables(tmp_path / "b.jpg") == tables(tmp_path / "a.jpg")


# --- with jpeglib: the coefficients of unchanged blocks ---------------------------------------


def with_new_corner(image: ImageFile) -> ImageFile:
    """The upper left 20 x 12 px of the stored picture are new; no other pixel is."""
    pixels = image.pixels.clone()
    pixels[:, :12, :20] = 1 - pixels[:, :12, :20]
    return image.with_pixels(pixels)


@needs_jpeglib
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_unchanged_blocks_keep_their_coefficients(tmp_path: Path, kind: str, mode: str) -> None:
    jpeglib = importlib.import_module("jpeglib")
    write_image(tmp_path / "b.jpg", with_new_corner(save(tmp_path / "a.jpg", kind, mode=mode)))
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


@needs_jpeglib
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_components_are_numbered_as_before(tmp_path: Path, mode: str) -> None:
    for kind in KINDS:
        write_image(tmp_path / "b.jpg", save(tmp_path / "a.jpg", kind, mode=mode))
        with Image.open(tmp_path / "a.jpg") as old, Image.open(tmp_path / "b.jpg") as new:
            numbers = [[layer[0] for layer in file.layer] for file in (old, new)]  # type: ignore[attr-defined]
            assert numbers[0] == numbers[1]


@needs_jpeglib
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pixels_away_from_changes_are_identical(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    image = save(tmp_path / "a.jpg", kind, orientation=orientation)
    pixels = image.pixels.clone()
    pixels[:, 24:40, 24:40] = 1 - pixels[:, 24:40, 24:40]
    write_image(tmp_path / "b.jpg", image.with_pixels(pixels))
    again = read_image(tmp_path / "b.jpg").pixels
    differs = (again != image.pixels).any(dim=0)
    rows, columns = (index.unique() for index in differs.nonzero(as_tuple=True))
    assert len(rows) and rows.min() >= 6 and rows.max() <= 57  # a block of 16 px and the next one
    assert columns.min() >= 6 and columns.max() <= 57


@needs_jpeglib
def test_an_unchanged_picture_is_the_same_to_the_pixel(tmp_path: Path) -> None:
    for kind in KINDS:
        image = save(tmp_path / "a.jpg", kind, orientation=6)
        write_image(tmp_path / "b.jpg", image)
        assert torch.equal(read_image(tmp_path / "b.jpg").pixels, image.pixels)
