"""What lies over a picture of a picture: the dots of a print, the stripes of a screen.

Coordinates are continuous: pixel i covers [i, i + 1). Angles turn from x towards y (down).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# How the screens of cyan, magenta and yellow are turned against the one of black, so that they
# form small rosettes and no coarse moire: 15, 75 and 0 degrees where black has 45.
INK_ANGLES = (-math.pi / 6, math.pi / 6, -math.pi / 4)

# Over how many pixels the edge of a dot goes from paper to ink: that of a pixel's own area.
_EDGE = 1.0


def print_dots(images: Tensor, period: Tensor, angle: Tensor) -> Tensor:
    """The light of each channel as dots of ink on white paper, a screen of its own each.

    images: (N, C, H, W) in [0, 1]. period: (N,) px between the rows of dots, at least 2. angle:
    (N, C) radians, between the rows of dots of the channel's ink and the picture's x axis.
    Returns (N, C, H, W) in [0, 1] of the same mean light where the picture is flat.

    The amplitude-modulated screen of offset printing with the diamond spot function of
    PostScript: the dots meet at a coverage of one half, where ink and paper form a checkerboard.
    """
    angle = angle.to(images)[..., None, None]
    period = period.to(images)[:, None, None, None]
    along, across = _turned(images, angle)
    # Distance from the nearest dot's centre, 0 to 1, as |x| + |y| measures it.
    distance = _from_whole(along / period).add_(_from_whole(across / period))
    # The share of the cell that is nearer than that: uniform in [0, 1], so that ink where it lies
    # below the wanted coverage has just that coverage.
    far = distance > 0.5
    threshold = torch.where(far, 1 - distance, distance).square_().mul_(2)
    threshold = torch.where(far, 1 - threshold, threshold)

    coverage = 1 - images.clamp(0, 1)
    # Narrower near paper and full ink, so that the mean stays what it is.
    room = 2 * torch.minimum(coverage, 1 - coverage)
    edge = torch.minimum(room, 2 * _EDGE / period).clamp_min_(1e-4)
    ink = (coverage - threshold).div_(edge).add_(0.5).clamp_(0, 1)
    return 1 - ink


def stripes(
    images: Tensor, period: Tensor, angle: Tensor, contrast: Tensor, bend: Tensor, colour: Tensor
) -> Tensor:
    """Light and dark stripes, as between the pixels of a screen and those of a camera (moire).

    images: (N, C, H, W) in [0, 1]; the other arguments are (N,). period: px. angle: radians,
    between the direction in which the stripes repeat and the x axis. contrast: the light becomes
    1 - contrast to 1 + contrast times itself. bend: by how many periods the stripes are off the
    straight line where they leave a picture's longer side. colour: radians by which the wave of
    each channel is ahead of the one before; 0 is grey. Returns (N, C, H, W) in [0, 1].
    """
    period, contrast, bend, colour = (
        value.to(images)[:, None, None, None] for value in (period, contrast, bend, colour)
    )
    along, across = _turned(images, angle.to(images)[:, None, None, None])
    half = max(images.shape[-2:]) / 2
    wave = (along / period + bend * (across / half).square()).mul_(2 * math.pi)
    channels = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    return (images * (1 + contrast * torch.cos(wave + colour * channels))).clamp_(0, 1)


def _turned(images: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates from the picture's centre, along the angle and across it; px."""
    height, width = images.shape[-2:]
    y = (torch.arange(height, device=images.device) + 0.5 - height / 2)[:, None]
    x = torch.arange(width, device=images.device) + 0.5 - width / 2
    cos, sin = torch.cos(angle), torch.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def _from_whole(values: Tensor) -> Tensor:
    """How far off the nearest whole number, 0 to 0.5."""
    return (values - values.round()).abs_()
