"""Small clean faces to study."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def study_faces() -> Tensor:
    """(8, 3, 64, 64) uint8: smooth, different pictures."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(8, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round().byte()
