"""How bright a colour is: luma of ITU-R BT.601, as JPEG has it."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # shares of red, green and blue


def to_grey(images: Tensor) -> Tensor:
    """(…, 3, H, W) RGB -> (…, 1, H, W): luma."""
    weights = torch.tensor(LUMA, device=images.device, dtype=images.dtype).view(3, 1, 1)
    return (images * weights).sum(-3, keepdim=True)
