"""The degradation encoder: an image to its degradation representation (DR)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import repeat
from torch import Tensor, nn

from .dct import dct_matrix
from .precision import FullPrecision, full_precision


class FrequencyBands(FullPrecision):
    """Images (N, 3, S, S) -> normalised DCT coefficients of p x p blocks, (N, 3p^2, S/p, S/p).

    Blur, noise and compression are told by the weak high frequencies, which drown in the
    brightness of raw pixels. Each coefficient is brought to unit variance over the training faces.
    """

    def __init__(self, patch: int) -> None:
        super().__init__()
        self.patch = patch
        # What each coefficient looks like, for every colour by itself: a strided convolution.
        rows = dct_matrix(patch)
        patterns = torch.einsum("uy,vx->uvyx", rows, rows).float()
        basis = repeat(patterns, "u v y x -> (colour u v) 1 y x", colour=3)
        self.register_buffer("basis", basis, persistent=False)
        self.basis: Tensor
        self.normalise = nn.BatchNorm2d(3 * patch**2, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        with full_precision(images):  # bfloat16 would round the high frequencies away
            images = images.float()
            basis = self.basis.to(images)
            if self.training:
                return self.normalise(F.conv2d(images, basis, stride=self.patch, groups=3))
            # The statistics are part of the convolution.
            mean, variance = self.normalise.running_mean, self.normalise.running_var
            assert mean is not None
            assert variance is not None
            scale = torch.rsqrt(variance.float() + self.normalise.eps)
            basis = basis * scale[:, None, None, None]
            return F.conv2d(images, basis, -mean.float() * scale, stride=self.patch, groups=3)


class Discriminants(FullPrecision):
    """Features (N, D) -> the part of them (N, D) that tells degradations apart, of rank K.

    A contrastive encoder still knows something of the person. What varies between faces that
    share a degradation is left out: x becomes mean + loadings (directions (x - mean)). Statistics,
    not learned: `set` fills them; until then nothing is left out but what exceeds rank K.
    """

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        if not 0 < rank <= size:
            raise ValueError(f"Between 1 and {size} discriminants fit {size} features, got {rank}.")
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("directions", torch.eye(rank, size))
        self.register_buffer("loadings", torch.eye(size, rank))
        self.mean: Tensor
        self.directions: Tensor
        self.loadings: Tensor

    @property
    def rank(self) -> int:
        return len(self.directions)

    @torch.no_grad()
    def set(self, mean: Tensor, directions: Tensor, loadings: Tensor) -> None:
        """Fill in mean (D,), directions (K, D) and loadings (D, K)."""
        self.mean.copy_(mean)
        self.directions.copy_(directions)
        self.loadings.copy_(loadings)

    def forward(self, features: Tensor) -> Tensor:
        with full_precision(features):
            mean = self.mean.float()
            found = F.linear(features.float() - mean, self.directions.float())
            return mean + F.linear(found, self.loadings.float())


class DegradationEncoder(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] -> DR (N, D), a global average of convolutional features.

    `projection` is the head of the contrastive training (UDRL); restoration uses the DR itself.
    """

    def __init__(
        self,
        layers: Sequence[tuple[int, int]],  # (channels, stride) a convolution
        *,
        pool: int = 1,  # mean over pool x pool pixels first
        patch: int = 1,  # p > 1: then the frequency bands of p x p blocks instead of pixels
        discriminants: int = 0,  # k > 0: of the averages only what k discriminants tell
    ) -> None:
        super().__init__()
        self.pool = pool
        self.bands = FrequencyBands(patch) if patch > 1 else None
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
        self.discriminants = Discriminants(width, discriminants) if discriminants else None

    def average_features(self, images: Tensor) -> Tensor:
        """Images (N, 3, S, S) in [-1, 1] -> (N, D) float32: what UDRL trains."""
        x = F.avg_pool2d(images, self.pool) if self.pool > 1 else images
        if self.bands is not None:
            x = self.bands(x)
        first = self.features[0]
        assert isinstance(first, nn.Conv2d)
        return self.features(x.to(first.weight.dtype)).float().mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        averages = self.average_features(images)
        return averages if self.discriminants is None else self.discriminants(averages)
