"""The colours of GIF: those that were there stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.images import read_images, write_images
from panini_core.images.gif_palette import colours_of, to_palette

from .pictures import noise
from .several import save_animation


def test_pixels_that_are_not_changed_stay_in_a_gif(tmp_path: Path) -> None:
    """Also where the new ones need more colours than there are."""
    arrays = [
        np.concatenate([noise(16, 8, 3, seed=seed), np.full((16, 24, 3), 9 * seed, np.uint8)], 1)
        for seed in range(3)
    ]  # 129 colours each
    save_animation(tmp_path / "a.gif", arrays, optimize=False)
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
    save_animation(tmp_path / "a.png", [noise(40, 40, 3, seed=seed) // 2 for seed in range(2)])
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
