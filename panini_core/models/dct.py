"""The discrete cosine transform, which splits blocks of pixels into frequencies."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II of `size` values, (size, size) float64, on the CPU.

    Rows are frequencies: D @ B @ D.T are the coefficients of a block B, vertical frequencies
    first, and D.T @ C @ D is the block of coefficients C.
    """
    position = torch.arange(size, dtype=torch.float64, device="cpu")
    matrix = torch.cos(math.pi / size * torch.outer(position, position + 0.5))
    return matrix * torch.where(position == 0, math.sqrt(1 / size), math.sqrt(2 / size))[:, None]
