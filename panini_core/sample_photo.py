"""A photograph to try things with, in the public domain; it comes with the package."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from .degrading.degrade import degrade_images
from .images import read_image
from .models.luma import to_grey

FILE = Path(__file__).parent / "samples" / "eileen_collins.jpg"


def sample_photo(preset: str | None = None, *, seed: int = 0, grey: bool = False) -> Tensor:
    """NASA's portrait of Eileen Collins: (1, 3, 512, 512), RGB float32 in [0, 1].

    preset: how it is made worse, a name of DEGRADATION_PRESETS, drawn from `seed`; None: as it is.
    grey: black and white, three equal channels. Raises ValueError for another name.
    """
    photo = read_image(FILE).pixels[None]
    photo = photo if preset is None else degrade_images(photo, preset, seed=seed)
    return to_grey(photo).expand(-1, 3, -1, -1).contiguous() if grey else photo
