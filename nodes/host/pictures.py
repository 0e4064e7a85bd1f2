"""Pictures for the browser."""

from __future__ import annotations

import uuid
from pathlib import Path

import folder_paths
from torch import Tensor

from ... import panini_core as core

PREVIEW_QUALITY = 92  # of WebP


def save_preview(image: Tensor, *, longest: int | None = None) -> dict[str, str]:
    """Write (3, H, W) in [0, 1] to ComfyUI's temporary folder; a reference for its /view route.

    `longest`: shrink it so that no side is longer, px.
    """
    picture = core.to_pillow(image)
    if longest is not None:
        picture.thumbnail((longest, longest))
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    name = f"panini_{uuid.uuid4().hex}.webp"
    picture.save(folder / name, quality=PREVIEW_QUALITY)
    return {"filename": name, "subfolder": "", "type": "temp"}
