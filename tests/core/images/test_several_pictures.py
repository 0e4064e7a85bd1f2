"""Animations and pages: read one by one, and written as such again."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panini_core.images import (
    ImageFile,
    ImageFileError,
    Metadata,
    Place,
    check_writable,
    is_animation,
    read_image,
    read_images,
    write_images,
)
from panini_core.images.gif_palette import colours_of, to_palette

from .pictures import from_array, noise, to_array

DURATIONS = [100, 50, 250, 40, 100]
ANIMATIONS = ["a.gif", "a.png", "a.webp"]


def frames(count: int = 5, *, channels: int = 3) -> list[np.ndarray]:
    """Few colours, other ones in every frame; a square that moves."""
    made: list[np.ndarray] = []
    for index in range(count):
        array = np.full((20, 30, channels), 40 * index, np.uint8)
        array[4:12, 3 * index : 3 * index + 8, :3] = noise(1, 1, 3, seed=index)
        if channels == 4:
            array[..., 3] = 255
            array[15:, 5 * index : 5 * index + 6] = 0
        made.append(array)
    return made


def save(path: Path, arrays: list[np.ndarray], **options: Any) -> None:
    first, *rest = [Image.fromarray(array) for array in arrays]
    if path.suffix == ".gif" and arrays[0].shape[2] == 4:
        options["disposal"] = 2
    settings: dict[str, Any] = {"duration": DURATIONS[: len(arrays)], "lossless": True, **options}
    first.save(path, save_all=True, append_images=rest, **settings)


def visible(image: ImageFile) -> np.ndarray:
    """(H, W, 4), where colours that cannot be seen do not count."""
    array = to_array(image)
    if array.shape[2] == 3:
        array = np.concatenate([array, np.full_like(array[..., :1], 255)], axis=2)
    return array * (array[..., 3:] > 0)


# --- animations -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANIMATIONS)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("loops", [None, 0, 3])
def test_frames_times_and_runs_come_back(
    tmp_path: Path, name: str, channels: int, loops: int | None
) -> None:
    arrays = frames(channels=channels)
    save(tmp_path / name, arrays, **({} if loops is None else {"loop": loops}))
    read = list(read_images(tmp_path / name))
    write_images(tmp_path / f"b{name}", iter(read))
    again = list(read_images(tmp_path / f"b{name}"))
    for found in (read, again):
        assert len(found) == len(arrays)
        for index, (image, array) in enumerate(zip(found, arrays, strict=True)):
            np.testing.assert_array_equal(visible(image), visible(from_array(array)))
            assert image.place is not None
            assert (image.place.index, image.place.count) == (index, 5)
            assert image.place.duration == DURATIONS[index]
            assert not image.place.is_page
    assert read[0].place is not None and again[0].place is not None
    assert again[0].place.loops == read[0].place.loops
    assert read[0].place.loops == (loops if loops is not None or name == "a.gif" else 0)


@pytest.mark.parametrize("name", ANIMATIONS)
def test_an_animation_may_change_its_format(tmp_path: Path, name: str) -> None:
    arrays = frames()
    save(tmp_path / name, arrays, loop=0)
    for other in ANIMATIONS:
        write_images(tmp_path / f"b{other}", read_images(tmp_path / name))
        for image, array in zip(read_images(tmp_path / f"b{other}"), arrays, strict=True):
            np.testing.assert_array_equal(to_array(image), array)


def test_the_picture_for_programs_that_know_no_animations_stays_apart(tmp_path: Path) -> None:
    arrays = frames(3)
    save(tmp_path / "a.png", arrays, default_image=True, duration=[50, 250])
    read = list(read_images(tmp_path / "a.png"))
    assert [image.place.still for image in read if image.place] == [True, False, False]
    write_images(tmp_path / "b.png", read)
    with Image.open(tmp_path / "b.png") as theirs:
        assert theirs.info["default_image"]
        assert theirs.n_frames == 3  # type: ignore[attr-defined]
    for image, array in zip(read_images(tmp_path / "b.png"), arrays, strict=True):
        np.testing.assert_array_equal(to_array(image), array)


def test_equal_frames_become_one_that_is_shown_as_long(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", frames(3))
    read = list(read_images(tmp_path / "a.gif"))
    write_images(tmp_path / "b.gif", [read[0], read[1], read[1].with_pixels(read[1].pixels)])
    durations = [image.place.duration for image in read_images(tmp_path / "b.gif") if image.place]
    assert durations == [100, 100]


def test_what_is_said_of_an_animation_is_kept(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", frames(), comment=b"who made it")
    write_images(tmp_path / "b.gif", read_images(tmp_path / "a.gif"))
    assert next(read_images(tmp_path / "b.gif")).metadata.comments == (b"who made it",)
    said = Metadata(text=(("workflow", "{}"),), xmp=b"<x/>")
    for name in ("a.png", "a.webp"):
        save(tmp_path / name, frames())
        first, *rest = read_images(tmp_path / name)
        told = [ImageFile(first.pixels, metadata=said, place=first.place), *rest]
        write_images(tmp_path / f"b{name}", told)
        kept = next(read_images(tmp_path / f"b{name}")).metadata
        assert kept.xmp == b"<x/>"
        assert kept.text == (said.text if name == "a.png" else ())


def test_a_gif_is_an_animation_only_if_it_moves(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", frames())
    save(tmp_path / "b.gif", frames(1))
    (tmp_path / "c.gif").write_bytes(b"GIF89a")
    assert [is_animation(tmp_path / f"{name}.gif") for name in "abcd"] == [True] + 3 * [False]
    assert [image.place for image in read_images(tmp_path / "b.gif")] == [None]


def test_a_still_picture_is_not_written_as_gif(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"\.png keeps everything"):
        write_images(tmp_path / "a.gif", [from_array(noise(4, 4, 3))])


# --- the colours of GIF -----------------------------------------------------------------------


def test_pixels_that_are_not_changed_stay_in_a_gif(tmp_path: Path) -> None:
    """Also where the new ones need more colours than there are."""
    arrays = [
        np.concatenate([noise(16, 8, 3, seed=seed), np.full((16, 24, 3), 9 * seed, np.uint8)], 1)
        for seed in range(3)
    ]  # 129 colours each
    save(tmp_path / "a.gif", arrays, optimize=False)
    read = list(read_images(tmp_path / "a.gif"))
    new = [image.with_pixels(image.pixels.clone()) for image in read]
    for index, image in enumerate(new):
        rows, columns = np.mgrid[:16, :16] / 15
        smooth = np.stack([rows, columns, (rows + columns) / 2])
        image.pixels[:, :, 16:] = torch.from_numpy(smooth).float() * (1 - 0.1 * index)
    write_images(tmp_path / "b.gif", new)
    for before, after, wanted in zip(read, read_images(tmp_path / "b.gif"), new, strict=True):
        assert torch.equal(after.pixels[:, :, :16], before.pixels[:, :, :16])
        error = (after.pixels - wanted.pixels)[:, :, 16:].abs().mean()
        assert error < 0.04


def test_frames_of_too_many_colours_are_dithered(tmp_path: Path) -> None:
    save(tmp_path / "a.png", [noise(40, 40, 3, seed=seed) // 2 for seed in range(2)])
    read = list(read_images(tmp_path / "a.png"))
    write_images(tmp_path / "b.gif", read)
    for before, after in zip(read, read_images(tmp_path / "b.gif"), strict=True):
        mean = (after.pixels - before.pixels).mean(dim=(1, 2)).abs()
        assert (mean < 0.02).all()


@given(
    colours=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=400, unique=True),
    transparent=st.booleans(),
    data=st.data(),
)
def test_a_palette_keeps_what_it_can(
    colours: list[tuple[int, int, int]], transparent: bool, data: st.DataObject
) -> None:
    pixels = np.array(colours, np.uint8)[None]
    if transparent:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2)
        pixels[0, data.draw(st.integers(0, len(colours) - 1)), 3] = 0
    opaque = pixels[..., 3] == 255 if transparent else np.ones(pixels.shape[:2], bool)
    known = None
    if data.draw(st.booleans()) and opaque[0, :100].any():
        known = colours_of(pixels[:, :100])
    shown = np.asarray(to_palette(pixels, known).convert("RGBA"))
    np.testing.assert_array_equal(shown[..., 3] == 255, opaque)
    if opaque.sum() <= 256 - transparent:
        np.testing.assert_array_equal(shown[opaque][:, :3], pixels[opaque][:, :3])
        assert colours_of(pixels) is not None
    elif known is not None:
        first = opaque.copy()
        first[:, 100:] = False
        np.testing.assert_array_equal(shown[first][:, :3], pixels[first][:, :3])


# --- pages ------------------------------------------------------------------------------------


def pages() -> list[ImageFile]:
    """Of other sizes, depths, channels and words each."""
    exif = Image.Exif()
    exif[0x010F] = "A scanner"
    return [
        from_array(noise(8, 6, 3), metadata=Metadata(dpi=(300.0, 300.0), exif=exif.tobytes())),
        from_array(noise(5, 9, 1)),
        from_array(noise(7, 7, 3, bits=16), metadata=Metadata(xmp=b"<x/>", dpi=(72.0, 72.0))),
        from_array(noise(4, 3, 4, bits=16)),
        from_array(noise(6, 6, 1, bits=16), metadata=Metadata(icc_profile=bytes(16) + b"GRAY")),
    ]


def as_file(path: Path) -> list[ImageFile]:
    """The pages as one file, which Pillow could not write."""
    made = [replace(page, place=Place(index, 5)) for index, page in enumerate(pages())]
    write_images(path, made)
    return list(read_images(path))


def test_pages_of_any_kind_come_back(tmp_path: Path) -> None:
    read = as_file(tmp_path / "a.tif")
    write_images(tmp_path / "b.tif", read)
    assert (tmp_path / "b.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()
    for index, (page, image) in enumerate(zip(pages(), read, strict=True)):
        np.testing.assert_array_equal(to_array(image), to_array(page))
        assert (image.bit_depth, image.grey) == (page.bit_depth, page.grey)
        assert image.metadata.xmp == page.metadata.xmp
        assert image.metadata.dpi == page.metadata.dpi
        assert image.metadata.icc_profile == page.metadata.icc_profile
        assert (image.metadata.exif is None) == (page.metadata.exif is None)
        assert image.place is not None
        assert (image.place.index, image.place.count) == (index, 5)
        assert image.place.is_page


def test_others_read_the_pages(tmp_path: Path) -> None:
    as_file(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as theirs:
        assert theirs.n_frames == 5  # type: ignore[attr-defined]
        theirs.seek(1)
        np.testing.assert_array_equal(np.asarray(theirs), noise(5, 9, 1)[..., 0])
    cv2 = pytest.importorskip("cv2")
    complete, found = cv2.imreadmulti(str(tmp_path / "a.tif"), flags=cv2.IMREAD_UNCHANGED)
    assert complete and len(found) == 5
    np.testing.assert_array_equal(found[2][..., ::-1], noise(7, 7, 3, bits=16))


@pytest.mark.parametrize("big", [False, True])
def test_pages_of_others_are_read(tmp_path: Path, big: bool) -> None:
    arrays = [noise(6, 4 + index, 3, seed=index) for index in range(3)]
    first, *rest = [Image.fromarray(array) for array in arrays]
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest, big_tiff=big)
    for image, array in zip(read_images(tmp_path / "a.tif"), arrays, strict=True):
        np.testing.assert_array_equal(to_array(image), array)


def test_pages_in_the_other_byte_order_are_read(tmp_path: Path) -> None:
    def page(value: int, start: int, following: int) -> bytes:
        entries = [(256, 3, 1, 1 << 16), (257, 3, 1, 1 << 16), (258, 3, 1, 8 << 16)]
        entries += [(259, 3, 1, 1 << 16), (262, 3, 1, 1 << 16), (273, 4, 1, start + 102)]
        entries += [(277, 3, 1, 1 << 16), (279, 4, 1, 1)]
        directory = struct.pack(">H", 8) + b"".join(struct.pack(">HHII", *e) for e in entries)
        return directory + struct.pack(">I", following) + bytes([value, 0])

    data = b"MM\0*" + struct.pack(">I", 8) + page(7, 8, 112) + page(9, 112, 0)
    (tmp_path / "a.tif").write_bytes(data)
    values = [to_array(image).item() for image in read_images(tmp_path / "a.tif")]
    assert values == [7, 9]


# --- what goes wrong --------------------------------------------------------------------------


def test_formats_refuse_what_they_cannot_hold(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", frames())
    frame, page = next(read_images(tmp_path / "a.gif")), as_file(tmp_path / "a.tif")[0]
    for name, image, remedy in [
        ("b.jpg", frame, "GIF or PNG or WEBP"),
        ("b.tif", frame, "GIF or PNG or WEBP"),
        ("b.png", page, "Write TIFF"),
        ("b.gif", page, "Write TIFF"),
    ]:
        with pytest.raises(ImageFileError, match=f"5 (pages|frames).*{remedy}"):
            check_writable(tmp_path / name, image)


def test_an_animation_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    for name in ("a.gif", "a.webp"):
        save(tmp_path / name, [noise(40, 40, 3, seed=seed) for seed in range(5)])
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(ImageFileError, match=r"cut off|not one"):
            list(read_images(tmp_path / name))


@pytest.mark.parametrize("name", ["b.gif", "b.tif"])
def test_an_error_of_the_source_of_the_pictures_is_its_own(tmp_path: Path, name: str) -> None:
    made = as_file(tmp_path / "a.tif") if name == "b.tif" else []
    save(tmp_path / "a.gif", frames())

    def broken() -> Iterator[ImageFile]:
        yield made[0] if made else next(read_images(tmp_path / "a.gif"))
        raise ValueError("no square")

    with pytest.raises(ValueError, match=r"^no square$"):
        write_images(tmp_path / name, broken())
    assert not (tmp_path / name).exists()


def test_the_first_picture_alone_is_read_with_a_note(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", frames())
    as_file(tmp_path / "a.tif")
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
