"""Degradation-aware feature interpolation (DAFI, section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .precision import FullPrecision, full_precision


class InterpolationPredictor(FullPrecision):
    """DR (N, D) -> alpha (N, L, C) in [0, 1]: the GAN prior's share per level and channel.

    A softmax over two logits a channel, one for the prior and one for the image; in float32.
    """

    def __init__(self, degradation_size: int, levels: int, channels: int) -> None:
        super().__init__()
        self.levels, self.channels = levels, channels
        self.hidden = nn.Linear(degradation_size, degradation_size)
        self.logits = nn.Linear(degradation_size, levels * 2 * channels)

    def forward(self, degradation: Tensor) -> Tensor:
        with full_precision(degradation):
            x = F.linear(degradation.float(), self.hidden.weight.float(), self.hidden.bias.float())
            x = F.leaky_relu(x, 0.1)
            x = F.linear(x, self.logits.weight.float(), self.logits.bias.float())
            return x.view(-1, self.levels, 2, self.channels).softmax(2)[:, :, 0]


def interpolate(prior: Tensor, image: Tensor, alpha: Tensor) -> Tensor:
    """F = alpha * F_prior + (1 - alpha) * F_image, with alpha (N, c), features (N, c, h, w)."""
    return torch.lerp(image.to(prior.dtype), prior, alpha[:, :, None, None].to(prior.dtype))


def add_bands(drawn: Tensor, images: Tensor, alpha: Tensor) -> Tensor:
    """The picture, with 1 - alpha (N, B, 3) of each of its B finest bands, plus what was drawn.

    What is coarser than the coarsest band (2^B px) stays; coarse first.
    """
    return drawn + weigh_bands(images, 1 - alpha)


def interpolate_bands(drawn: Tensor, images: Tensor, alpha: Tensor) -> Tensor:
    """Band by band alpha (N, B, 3) of what was drawn and 1 - alpha of the picture, coarse first.

    The first band is all that is coarser than the B - 1 others. Both (N, 3, S, S).
    """
    difference = drawn - images  # the bands are linear in the picture
    return images + weigh_bands(difference, alpha[:, 1:], coarsest=alpha[:, 0])


def weigh_bands(images: Tensor, kept: Tensor, *, coarsest: Tensor | None = None) -> Tensor:
    """The picture with each of its frequency bands scaled: a Laplacian pyramid, put together again.

    images (N, 3, S, S); kept (N, B, 3) in [0, 1], the share of every band and colour, coarse
    first; coarsest (N, 3), of what is coarser than the coarsest band (2^B px), which stays if
    None. Shares of 1 give the images back.
    """
    sizes = [images.float()]
    for _ in range(kept.shape[1]):
        sizes.append(_halve(sizes[-1]))
    coarse = sizes.pop()
    picture = coarse if coarsest is None else coarse * coarsest[:, :, None, None]
    for band, fine in enumerate(reversed(sizes)):
        # picture + share * (fine - coarse), the two coarse ones enlarged: together, in one step
        share = kept[:, band, :, None, None]
        rest = torch.addcmul(picture, coarse, share, value=-1)
        picture = torch.addcmul(F.interpolate(rest, scale_factor=2, mode="bilinear"), fine, share)
        coarse = fine
    return picture


def _halve(images: Tensor) -> Tensor:
    """Means of 2 x 2 px (N, C, S, S); on a CPU several times as quick as pooling three colours."""
    rows = images[..., ::2, :] + images[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) / 4


class FeatureInterpolation(nn.Module):
    """Brings the image features of every level to the prior's width and interpolates the two."""

    def __init__(self, image_channels: Sequence[int], prior_channels: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(image, prior, 3, padding=1)
            for image, prior in zip(image_channels, prior_channels, strict=True)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, level: int, prior: Tensor, image: Tensor, alpha: Tensor) -> Tensor:
        # prior (N, c, r, r), image (N, i, r, r), alpha (N, L, C) -> (N, c, r, r)
        return interpolate(prior, self.convs[level](image), alpha[:, level, : prior.shape[1]])
