"""JPEG files of every coding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from panini_core.images import ImageFile, read_image

from .pictures import noise

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


def save_jpeg(
    path: Path, kind: str, *, mode: str = "RGB", orientation: int | None = None
) -> ImageFile:
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
