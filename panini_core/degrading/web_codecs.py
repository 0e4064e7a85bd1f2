"""WebP and AVIF: what files of the web lose, by the codecs themselves.

Both predict blocks from their neighbours and smooth over the blocks' edges, whose traces (smeared
texture, straight strokes at odd angles, blotches of colour) no quantisation of separate blocks
has. So the real codecs run, those that Pillow brings, on the CPU.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, features
from torch import Tensor

# Quick settings: 4 (WebP's own) finds somewhat smaller files in three times the time.
_OPTIONS: dict[str, dict[str, Any]] = {
    "WEBP": {"method": 2},
    "AVIF": {"speed": 10, "max_threads": 1},
}


def web_compress(images: Tensor, quality: Tensor, avif: Tensor) -> Tensor:
    """What `images` look like after they were saved as WebP or AVIF and read again.

    images: (N, 3, H, W) RGB in [0, 1], on any device; rounded to 8 bits first. quality: (N,)
    whole numbers in 0..100, each codec's own scale. avif: (N,) bool; where Pillow has no AVIF
    (before 11.3, or built without), WebP takes its place. Chroma is 4:2:0, as both codecs save by
    default. Several images share the CPU's cores. Returns (N, 3, H, W) in [0, 1], multiples of
    1/255, in the dtype of `images`.
    """
    count = len(images)
    if quality.shape != (count,) or avif.shape != (count,):
        raise ValueError(
            f"quality and avif must be ({count},) for {count} images, "
            f"got {tuple(quality.shape)} and {tuple(avif.shape)}."
        )
    if bool(((quality < 0) | (quality > 100)).any()):
        raise ValueError(f"The quality must lie in 0..100, got {quality.tolist()}.")
    pixels = (images.float() * 255).round_().clamp_(0, 255).byte()
    arrays = list(pixels.permute(0, 2, 3, 1).cpu().numpy())
    can_avif = "avif" in features.get_supported_modules()
    formats = ["AVIF" if one and can_avif else "WEBP" for one in avif.tolist()]
    qualities = [int(one) for one in quality.tolist()]
    if count == 1:
        decoded = [_round_trip(arrays[0], qualities[0], formats[0])]
    else:
        with ThreadPoolExecutor(min(count, os.cpu_count() or 1)) as pool:
            decoded = list(pool.map(_round_trip, arrays, qualities, formats))
    result = torch.from_numpy(np.stack(decoded)).to(images.device).permute(0, 3, 1, 2)
    return (result.float() / 255).to(images.dtype)


def _round_trip(pixels: NDArray[np.uint8], quality: int, file_format: str) -> NDArray[np.uint8]:
    """(H, W, 3) there and back."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, quality=quality, **_OPTIONS[file_format])
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))
