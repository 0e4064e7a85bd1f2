"""Degradation-aware feature interpolation (DAFI, section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .precision import full_precision


class InterpolationPredictor(nn.Module):
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
    alpha = alpha[:, :, None, None]
    return alpha.to(prior.dtype) * prior + (1 - alpha).to(prior.dtype) * image.to(prior.dtype)


def weigh_bands(images: Tensor, kept: Tensor) -> Tensor:
    """The picture with each of its frequency bands scaled: a Laplacian pyramid, put together again.

    images (N, 3, S, S); kept (N, B, 3) in [0, 1], the share of every band and colour, coarse
    first. What is coarser than the coarsest band (2^B px) stays; shares of 1 give the images back.
    """
    sizes = [images.float()]
    for _ in range(kept.shape[1]):
        sizes.append(F.avg_pool2d(sizes[-1], 2))
    picture = sizes.pop()
    coarse = picture
    for band, fine in enumerate(reversed(sizes)):
        detail = fine - F.interpolate(coarse, scale_factor=2, mode="bilinear")
        picture = F.interpolate(picture, scale_factor=2, mode="bilinear")
        picture = picture + kept[:, band, :, None, None] * detail
        coarse = fine
    return picture


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
