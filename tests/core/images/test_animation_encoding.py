"""Animations written as they were read: pixels, times, runs, what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from panini_core.images import ImageFile, Metadata, read_images, write_images

from .pictures import from_array, to_array
from .several import DURATIONS, frames, save_animation, visible

ANIMATIONS = ["a.gif", "a.png", "a.webp"]


@pytest.mark.parametrize("name", ANIMATIONS)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("loops", [None, 0, 3])
def test_frames_times_and_runs_come_back(
    tmp_path: Path, name: str, channels: int, loops: int | None
) -> None:
    arrays = frames(channels=channels)
    save_animation(tmp_path / name, arrays, **({} if loops is None else {"loop": loops}))
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
    save_animation(tmp_path / name, arrays, loop=0)
    for other in ANIMATIONS:
        write_images(tmp_path / f"b{other}", read_images(tmp_path / name))
        for image, array in zip(read_images(tmp_path / f"b{other}"), arrays, strict=True):
            np.testing.assert_array_equal(to_array(image), array)


def test_the_picture_for_programs_that_know_no_animations_stays_apart(tmp_path: Path) -> None:
    arrays = frames(3)
    save_animation(tmp_path / "a.png", arrays, default_image=True, duration=[50, 250])
    read = list(read_images(tmp_path / "a.png"))
    assert [image.place.still for image in read if image.place] == [True, False, False]
    write_images(tmp_path / "b.png", read)
    with Image.open(tmp_path / "b.png") as theirs:
        assert theirs.info["default_image"]
        assert theirs.n_frames == 3  # type: ignore[attr-defined]
    for image, array in zip(read_images(tmp_path / "b.png"), arrays, strict=True):
        np.testing.assert_array_equal(to_array(image), array)


def test_equal_frames_become_one_that_is_shown_as_long(tmp_path: Path) -> None:
    save_animation(tmp_path / "a.gif", frames(3))
    read = list(read_images(tmp_path / "a.gif"))
    write_images(tmp_path / "b.gif", [read[0], read[1], read[1].with_pixels(read[1].pixels)])
    durations = [image.place.duration for image in read_images(tmp_path / "b.gif") if image.place]
    assert durations == [100, 100]


def test_what_is_said_of_an_animation_is_kept(tmp_path: Path) -> None:
    save_animation(tmp_path / "a.gif", frames(), comment=b"who made it")
    write_images(tmp_path / "b.gif", read_images(tmp_path / "a.gif"))
    assert next(read_images(tmp_path / "b.gif")).metadata.comments == (b"who made it",)
    said = Metadata(text=(("workflow", "{}"),), xmp=b"<x/>")
    for name in ("a.png", "a.webp"):
        save_animation(tmp_path / name, frames())
        first, *rest = read_images(tmp_path / name)
        told = [ImageFile(first.pixels, metadata=said, place=first.place), *rest]
        write_images(tmp_path / f"b{name}", told)
        kept = next(read_images(tmp_path / f"b{name}")).metadata
        assert kept.xmp == b"<x/>"
        assert kept.text == (said.text if name == "a.png" else ())
