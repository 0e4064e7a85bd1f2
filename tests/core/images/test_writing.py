"""Picture files: exact round trips, kinds that are kept, and clear errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from panini_core.images import (
    ImageFile,
    ImageFileError,
    check_writable,
    read_image,
    read_images,
    save_image,
    write_file,
    write_image,
    write_images,
)

from .pictures import from_array, noise, to_array
from .several import frames, save_animation, save_pages


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".bmp"])
def test_all_8bit_values_survive(tmp_path: Path, suffix: str) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    array = np.stack([values, values.T, values[::-1]], axis=-1)
    Image.fromarray(array).save(tmp_path / f"a{suffix}", lossless=True)
    image = read_image(tmp_path / f"a{suffix}")
    assert image.pixels.dtype == torch.float32
    assert image.bit_depth == 8
    write_image(tmp_path / f"b{suffix}", image)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / f"b{suffix}")), array)


@pytest.mark.parametrize(
    ("suffix", "channels"),  # Pillow does not open 16-bit TIFF of grey with alpha
    [(".png", 1), (".png", 2), (".png", 3), (".png", 4), (".tif", 1), (".tif", 3), (".tif", 4)],
)
def test_all_16bit_values_survive(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    array = np.stack([values, values.T, values[::-1], values[:, ::-1]][:channels], axis=-1)
    write_image(tmp_path / f"a{suffix}", from_array(array))
    image = read_image(tmp_path / f"a{suffix}")
    assert (image.bit_depth, image.grey) == (16, channels <= 2)
    np.testing.assert_array_equal(to_array(image), array)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16bit_files_agree_with_opencv_in_both_directions(tmp_path: Path, suffix: str) -> None:
    cv2 = pytest.importorskip("cv2")
    rgba = noise(9, 7, 4, bits=16)
    bgra = rgba[..., [2, 1, 0, 3]]
    for channels in (3, 4):
        theirs = tmp_path / f"theirs{channels}{suffix}"
        assert cv2.imwrite(str(theirs), bgra[..., :channels])
        np.testing.assert_array_equal(to_array(read_image(theirs)), rgba[..., :channels])
        ours = tmp_path / f"ours{channels}{suffix}"
        write_image(ours, from_array(rgba[..., :channels]))
        read_back = cv2.imread(str(ours), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(read_back, bgra[..., :channels])


def test_values_are_rounded_half_to_even_and_clamped(tmp_path: Path) -> None:
    levels = torch.tensor([-1.0, 0.5, 1.5, 2.5, 253.5, 254.5, 300.0]) / 255
    write_image(tmp_path / "a.png", ImageFile(pixels=levels.expand(3, 1, -1)))
    assert to_array(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 0, 2, 2, 254, 254, 255]


def test_nan_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="NaN"):
        write_image(tmp_path / "a.png", ImageFile(pixels=torch.full((3, 2, 2), float("nan"))))
    assert not list(tmp_path.iterdir())


@settings(deadline=None, max_examples=40)
@given(
    suffix=st.sampled_from([".png", ".tif", ".webp"]),
    channels=st.sampled_from([1, 2, 3, 4]),
    bits=st.sampled_from([8, 16]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_read_write_read_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    channels: int,
    bits: int,
    height: int,
    width: int,
    seed: int,
) -> None:
    if suffix == ".webp":
        bits, channels = 8, max(channels, 3)
    if (suffix, channels, bits) == (".tif", 2, 16):
        channels = 4
    folder = tmp_path_factory.mktemp("kinds")
    array = noise(height, width, channels, bits=bits, seed=seed)
    write_image(folder / f"a{suffix}", from_array(array))
    first = read_image(folder / f"a{suffix}")
    np.testing.assert_array_equal(to_array(first)[..., :channels], array)
    write_image(folder / f"b{suffix}", first)
    assert (folder / f"a{suffix}").read_bytes() == (folder / f"b{suffix}").read_bytes()


def test_colours_below_full_transparency_are_kept(tmp_path: Path) -> None:
    array = noise(6, 6, 4)
    array[..., 3] = 0
    for name in ("a.png", "a.webp", "a.tif"):
        write_image(tmp_path / name, from_array(array))
        np.testing.assert_array_equal(to_array(read_image(tmp_path / name)), array)


def test_one_pixel_and_very_wide_pictures(tmp_path: Path) -> None:
    for width, height in [(1, 1), (30_000, 20)]:
        array = noise(height, width, 3)
        write_image(tmp_path / "a.png", from_array(array))
        image = read_image(tmp_path / "a.png")
        assert image.size == (width, height)
        np.testing.assert_array_equal(to_array(image), array)


def test_formats_refuse_what_they_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="16-bit"):
        check_writable(tmp_path / "a.jpg", from_array(noise(2, 2, 3, bits=16)))
    transparent = from_array(np.zeros((2, 2, 4), np.uint8))
    with pytest.raises(ImageFileError, match="transparency"):
        check_writable(tmp_path / "a.jpg", transparent)
    for name in ("a.gif", "a.xyz"):
        with pytest.raises(ImageFileError, match=r"\.png keeps everything"):
            write_image(tmp_path / name, transparent)
    opaque = from_array(np.full((2, 2, 4), 255, np.uint8))
    write_image(tmp_path / "a.jpg", opaque)
    assert read_image(tmp_path / "a.jpg").alpha is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_picture_too_wide_for_its_format(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="20000x1 px"):
        write_image(tmp_path / "a.webp", from_array(noise(1, 20_000, 3)))


def test_an_unwritable_place_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="folder exists"):
        write_file(tmp_path / "nowhere" / "a.png", b"data")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageFileError):
        write_file(tmp_path / "a.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((ImageFileError, KeyboardInterrupt)):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- pixels alone, and new pixels for a picture ---------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff", "a.bmp"])
def test_pixels_are_saved_without_further_ado(tmp_path: Path, name: str) -> None:
    pixels = torch.from_numpy(noise(3, 7, 9).astype(np.float32) / 255)
    save_image(tmp_path / name, pixels)
    again = read_image(tmp_path / name)
    assert torch.equal(again.pixels, pixels)
    assert again.bit_depth == 8 and again.alpha is None


def test_half_precision_and_values_beyond_the_range_are_saved(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", torch.tensor([-0.5, 0.5, 1.5]).half().view(3, 1, 1))
    assert (read_image(tmp_path / "a.png").pixels * 255).flatten().tolist() == [0, 128, 255]


def test_a_batch_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(3, H, W\), got \(1, 3, 5, 6\).*images\[0\]"):
        save_image(tmp_path / "a.png", torch.rand(1, 3, 5, 6))
    with pytest.raises(ValueError, match=r"\(3, H, W\), got \(4, 5, 6\)\."):
        save_image(tmp_path / "a.png", torch.rand(4, 5, 6))
    assert list(tmp_path.iterdir()) == []


# --- several pictures in one file ----------------------------------------------------------------


def test_a_still_picture_is_not_written_as_gif(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"\.png keeps everything"):
        write_images(tmp_path / "a.gif", [from_array(noise(4, 4, 3))])


def test_formats_refuse_several_pictures_of_another_kind(tmp_path: Path) -> None:
    save_animation(tmp_path / "a.gif", frames())
    frame, page = next(read_images(tmp_path / "a.gif")), save_pages(tmp_path / "a.tif")[0]
    for name, image, remedy in [
        ("b.jpg", frame, "GIF or PNG or WEBP"),
        ("b.tif", frame, "GIF or PNG or WEBP"),
        ("b.png", page, "Write TIFF"),
        ("b.gif", page, "Write TIFF"),
    ]:
        with pytest.raises(ImageFileError, match=f"5 (pages|frames).*{remedy}"):
            check_writable(tmp_path / name, image)


@pytest.mark.parametrize("name", ["b.gif", "b.tif"])
def test_an_error_of_the_source_of_the_pictures_is_its_own(tmp_path: Path, name: str) -> None:
    made = save_pages(tmp_path / "a.tif") if name == "b.tif" else []
    save_animation(tmp_path / "a.gif", frames())

    def broken() -> Iterator[ImageFile]:
        yield made[0] if made else next(read_images(tmp_path / "a.gif"))
        raise ValueError("no square")

    with pytest.raises(ValueError, match=r"^no square$"):
        write_images(tmp_path / name, broken())
    assert not (tmp_path / name).exists()
