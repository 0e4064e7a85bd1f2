"""Pictures on their way between workers lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from panini_core.bulk.packing import PackedImage, from_bytes, to_bytes
from panini_core.images import ImageFile


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (16, np.uint16)])
def test_a_file_s_numbers_are_carried_as_such(bits: int, kind: type) -> None:
    levels = np.arange(2**bits, dtype=np.float32)
    row = np.divide(levels, np.float32(2**bits - 1), dtype=np.float32)
    pixels = torch.from_numpy(row).expand(3, 1, -1).contiguous()
    image = ImageFile(pixels, alpha=pixels[:1], bit_depth=bits)
    packed = PackedImage.pack(image)
    assert packed.pixels.dtype == kind
    back: ImageFile = from_bytes(to_bytes(packed)).unpack()
    assert torch.equal(back.pixels, image.pixels)
    assert back.alpha is not None and torch.equal(back.alpha, pixels[:1])
    assert back.bit_depth == bits


def test_other_numbers_are_carried_exactly() -> None:
    pixels = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)) * 1.5 - 0.2
    back = from_bytes(to_bytes(PackedImage.pack(ImageFile(pixels)))).unpack()
    assert torch.equal(back.pixels, pixels)
    assert back.alpha is None
