"""Pictures as integers, as their files hold them."""

from __future__ import annotations

import numpy as np
import torch

from panini_core.images import (
    ImageFile,
)


def noise(*shape: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    kind = np.uint16 if bits == 16 else np.uint8
    return np.random.default_rng(seed).integers(0, 2**bits, shape).astype(kind)


def from_array(array: np.ndarray, **options: object) -> ImageFile:
    """(H, W, C) integers as an ImageFile."""
    bits = 16 if array.dtype == np.uint16 else 8
    values = torch.from_numpy(array.astype(np.float32) / (2**bits - 1)).permute(2, 0, 1)
    grey = values.shape[0] <= 2
    return ImageFile(
        pixels=values[:1].expand(3, -1, -1) if grey else values[:3],
        alpha=values[-1:] if values.shape[0] in (2, 4) else None,
        bit_depth=bits,
        grey=grey,
        **options,  # type: ignore[arg-type]
    )


def to_array(image: ImageFile) -> np.ndarray:
    """The integers of all channels, (H, W, C)."""
    planes = [image.pixels[:1] if image.grey else image.pixels]
    if image.alpha is not None:
        planes.append(image.alpha)
    scale = 2**image.bit_depth - 1
    return (torch.cat(planes) * scale).round().to(torch.int64).permute(1, 2, 0).numpy()
