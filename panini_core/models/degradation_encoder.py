"""The degradation encoder: an image to its degradation representation (DR)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class DegradationEncoder(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] -> DR (N, D), a global average of convolutional features.

    `projection` is the head of the contrastive training (UDRL); restoration uses the DR itself.
    """

    def __init__(
        self,
        layers: Sequence[tuple[int, int]],  # (channels, stride) a convolution
        *,
        pool: int = 1,  # mean over pool x pixels first
        patch: int = 1,  # then fold patch x patch pixels into channels
    ) -> None:
        super().__init__()
        self.pool, self.patch = pool, patch
        blocks: list[nn.Module] = []
        width = 3 * patch**2
        for channels, stride in layers:
            blocks += [
                nn.Conv2d(width, channels, 3, stride=stride, padding=1),
                nn.BatchNorm2d(channels),
                nn.LeakyReLU(0.1),
            ]
            width = channels
        self.features = nn.Sequential(*blocks)
        self.projection = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.1), nn.Linear(width, width)
        )

    def forward(self, images: Tensor) -> Tensor:
        x = F.avg_pool2d(images, self.pool) if self.pool > 1 else images
        x = F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x
        return self.features(x).float().mean((2, 3))
