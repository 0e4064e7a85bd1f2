"""Colour modes, orientation, transparency and damage of picture files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from panini_core.images import (
    ImageFileError,
    Metadata,
    is_animation,
    read_image,
    read_images,
    write_image,
)

from .pictures import from_array, noise, to_array
from .several import frames, save_animation, save_pages

ORIENTATION = 0x0112


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "L"), ("a.jpg", "L"), ("a.tif", "L"), ("a.png", "I;16")]
)
def test_grey_files_stay_grey(tmp_path: Path, name: str, mode: str) -> None:
    array = noise(8, 8, bits=16 if mode == "I;16" else 8)
    Image.fromarray(array).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.grey
    assert torch.equal(image.pixels[0], image.pixels[2])
    write_image(tmp_path / f"again-{name}", image)
    assert Image.open(tmp_path / f"again-{name}").mode == mode


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int, bits: int) -> None:
    array = noise(5, 3, 3, bits=bits)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    metadata = Metadata(exif=exif.tobytes())
    write_image(tmp_path / "a.png", from_array(array, metadata=metadata))

    image = read_image(tmp_path / "a.png")
    turned = {
        1: array,
        2: array[:, ::-1],
        3: array[::-1, ::-1],
        4: array[::-1],
        5: array.transpose(1, 0, 2),
        6: np.rot90(array, -1),
        7: np.rot90(array, 2).transpose(1, 0, 2),
        8: np.rot90(array, 1),
    }[orientation]
    np.testing.assert_array_equal(to_array(image), turned)
    write_image(tmp_path / "b.png", image)
    assert Image.open(tmp_path / "b.png").getexif()[ORIENTATION] == 1
    np.testing.assert_array_equal(to_array(read_image(tmp_path / "b.png")), turned)


def test_palette_cmyk_and_one_bit_are_converted_with_a_note(tmp_path: Path) -> None:
    colour = Image.fromarray(noise(8, 8, 3))
    colour.convert("P").save(tmp_path / "palette.png")
    colour.convert("P").save(tmp_path / "palette.gif")
    colour.convert("CMYK").save(tmp_path / "cmyk.jpg")
    colour.convert("1").save(tmp_path / "bits.png")
    for name, word in [
        ("palette.png", "palette"),
        ("palette.gif", "palette"),
        ("cmyk.jpg", "CMYK"),
    ]:
        image = read_image(tmp_path / name)
        assert word in image.notes[0]
        assert not image.grey
    bits = read_image(tmp_path / "bits.png")
    assert bits.grey
    assert "1 bit" in bits.notes[0]
    assert bits.pixels.unique().tolist() == [0, 1]


def test_cmyk_without_a_profile_has_the_right_colours(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (220, 30, 40))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    mean = read_image(tmp_path / "a.jpg").pixels.mean(dim=(1, 2)) * 255
    torch.testing.assert_close(mean, torch.tensor([220.0, 30.0, 40.0]), atol=4, rtol=0)


def test_a_cmyk_profile_is_not_kept_for_rgb_and_a_broken_one_does_no_harm(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(16, 16, 3)).convert("CMYK")
    picture.save(tmp_path / "plain.tif")
    picture.save(tmp_path / "broken.tif", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 200)
    plain, broken = (read_image(tmp_path / f"{name}.tif") for name in ("plain", "broken"))
    assert torch.equal(plain.pixels, broken.pixels)
    assert broken.metadata.icc_profile is None


def test_transparent_palette_and_colour_key_become_alpha(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "a.gif", transparency=0)
    image = read_image(tmp_path / "a.gif")
    assert image.alpha is not None
    assert image.alpha.flatten().tolist() == [0, 1]
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "key.png", transparency=(1, 2, 3))
    keyed = read_image(tmp_path / "key.png")
    assert keyed.alpha is not None
    assert keyed.alpha.max() == 0


def test_the_first_of_several_pictures_is_used_with_a_note(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), (50 * index, 0, 0)) for index in range(1, 4)]
    for name in ("a.tif", "a.webp", "a.png", "a.gif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        image = read_image(tmp_path / name)
        assert "3 pictures" in image.notes[0], name
        assert image.pixels[0].unique().tolist() == pytest.approx([50 / 255])


def test_truncated_jpeg_and_16bit_png_are_refused(tmp_path: Path) -> None:
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "a.jpg")
    write_image(tmp_path / "b.png", from_array(noise(64, 64, 3, bits=16)))
    for name in ("a.jpg", "b.png"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ImageFileError, match="damaged or cut off"):
            read_image(tmp_path / name)


def test_a_gif_is_an_animation_only_if_it_moves(tmp_path: Path) -> None:
    save_animation(tmp_path / "a.gif", frames())
    save_animation(tmp_path / "b.gif", frames(1))
    (tmp_path / "c.gif").write_bytes(b"GIF89a")
    assert [is_animation(tmp_path / f"{name}.gif") for name in "abcd"] == [True] + 3 * [False]
    assert [image.place for image in read_images(tmp_path / "b.gif")] == [None]


def test_an_animation_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    for name in ("a.gif", "a.webp"):
        save_animation(tmp_path / name, [noise(40, 40, 3, seed=seed) for seed in range(5)])
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(ImageFileError, match=r"cut off|not one"):
            list(read_images(tmp_path / name))


def test_the_first_picture_alone_is_read_with_a_note(tmp_path: Path) -> None:
    save_animation(tmp_path / "a.gif", frames())
    save_pages(tmp_path / "a.tif")
    for name in ("a.gif", "a.tif"):
        image = read_image(tmp_path / name)
        assert image.place is None
        assert image.notes[0] == "the file holds 5 pictures; only the first was used"
    buffer = io.BytesIO()
    Image.fromarray(noise(8, 8, 3)).save(
        buffer, "MPO", save_all=True, append_images=[Image.fromarray(noise(8, 8, 3, seed=1))]
    )
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())  # a picture and its depth, or the like
    (image,) = read_images(tmp_path / "a.jpg")
    assert image.place is None
    assert "2 pictures; only the first" in image.notes[0]
