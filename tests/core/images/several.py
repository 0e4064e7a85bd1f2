"""Files of several pictures: animations, and pages of any kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from panini_core.images import ImageFile, Metadata, Place, read_images, write_images

from .pictures import from_array, noise, to_array

DURATIONS = [100, 50, 250, 40, 100]


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


def save_animation(path: Path, arrays: list[np.ndarray], **options: Any) -> None:
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


def save_pages(path: Path) -> list[ImageFile]:
    """The pages as one file, which Pillow could not write."""
    made = [replace(page, place=Place(index, 5)) for index, page in enumerate(pages())]
    write_images(path, made)
    return list(read_images(path))
