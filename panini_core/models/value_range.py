"""The two value ranges: [0, 1] of files and stages, [-1, 1] of networks."""

from __future__ import annotations

from torch import Tensor

ROWS_LOOKED_AT = 256  # at a time, since what is a part of a picture is copied to be looked at


def to_network(images: Tensor) -> Tensor:
    """[0, 1] to the networks' [-1, 1]; any shape."""
    return images * 2 - 1


def from_network(images: Tensor, *, clamp: bool = True) -> Tensor:
    """The networks' [-1, 1] to [0, 1]; any shape.

    Without `clamp` what lies beyond stays beyond, as a loss needs it, whose gradient leads back.
    """
    images = (images + 1) / 2
    return images.clamp(0, 1) if clamp else images


def finite_pixels(images: Tensor) -> Tensor:
    """Pictures in [0, 1] of any shape with NaN as 0 and infinity as the nearer end of the range,
    so that what sums over pixels does not spread them.

    On a CPU, where looking costs nothing, the very pictures if all is finite.
    """
    looked_at = images.device.type == "cpu" and images.numel() > 0
    if looked_at and all(
        bool(end.isfinite())
        for rows in images.detach().split(ROWS_LOOKED_AT, max(images.ndim - 2, 0))
        for end in rows.aminmax()
    ):
        return images
    return images.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0)
