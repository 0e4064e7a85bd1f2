"""How bright a colour is: luma of ITU-R BT.601, as JPEG has it."""

from __future__ import annotations

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # shares of red, green and blue


def to_grey(images: Tensor) -> Tensor:
    """(…, 3, H, W) RGB -> (…, 1, H, W): luma."""
    red, green, blue = images.split(1, -3)
    return red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
