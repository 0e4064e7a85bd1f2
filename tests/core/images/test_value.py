"""A picture as a file holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from panini_core.images import Metadata, read_image, write_image

from .pictures import from_array, noise, to_array


def test_new_pixels_keep_the_kind_of_their_picture(tmp_path: Path) -> None:
    rgba = from_array(noise(6, 8, 4, bits=16), metadata=Metadata(dpi=(72.0, 72.0)))
    larger = rgba.with_pixels(torch.rand(3, 12, 16))
    assert (larger.size, larger.bit_depth) == ((16, 12), 16)
    assert larger.metadata == rgba.metadata
    assert larger.alpha is not None and larger.alpha.shape == (1, 12, 16)
    assert 0 <= larger.alpha.min() <= larger.alpha.max() <= 1
    same = rgba.with_pixels(1 - rgba.pixels)
    assert same.alpha is rgba.alpha
    write_image(tmp_path / "a.png", same)
    np.testing.assert_array_equal(to_array(read_image(tmp_path / "a.png")), to_array(same))
