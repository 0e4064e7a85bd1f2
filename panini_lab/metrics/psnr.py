"""Peak signal-to-noise ratio."""

from __future__ import annotations

from torch import Tensor

EQUAL_PSNR = 100.0  # dB: equal images would have an infinite ratio, and a mean with them too


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """The ratio of each pair in dB over all three channels, (N,); at most EQUAL_PSNR.

    a, b: (N, 3, H, W) RGB in [0, 1]; one side may hold a single image for all of the other.
    Raises ValueError for shapes that differ.
    """
    if a.ndim != 4 or a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"Images must have equal shapes (N, 3, H, W), got {tuple(a.shape)}, {tuple(b.shape)}."
        )
    error = (a.float() - b.float()).square().mean(dim=(1, 2, 3))
    return -10 * error.clamp(min=10 ** (-EQUAL_PSNR / 10)).log10()
