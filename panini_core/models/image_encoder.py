"""The image encoder: a degraded face to its features at every fused level and to W+ codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RDB_GROWTH = 32
RESIDUAL_SCALE = 0.2


def _lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def _kaiming(layer: nn.Conv2d | nn.Linear, *, slope: float = 0.0, scale: float = 1.0) -> None:
    """Normal weights that keep the variance through an activation of negative `slope`, scaled."""
    nn.init.kaiming_normal_(layer.weight, a=slope)
    with torch.no_grad():
        layer.weight.mul_(scale)
        if layer.bias is not None:
            layer.bias.zero_()


class ResidualDenseBlock(nn.Module):
    """Five densely connected 3x3 convolutions with a scaled residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels + RDB_GROWTH * index for index in range(5)]
        outs = [RDB_GROWTH] * 4 + [channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in zip(widths, outs, strict=True)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            _kaiming(conv, scale=0.1)  # small first residuals keep a deep trunk stable (ESRGAN)

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for conv in self.convs[:-1]:
            features.append(_lrelu(conv(torch.cat(features, dim=1))))
        return x + RESIDUAL_SCALE * self.convs[-1](torch.cat(features, dim=1))


class RRDB(nn.Module):
    """Residual in residual dense block: three dense blocks inside one scaled residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualDenseBlock(channels) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL_SCALE * self.blocks(x)


class FeatureExtractor(nn.Module):
    """A first convolution and a residual trunk of RRDBs."""

    def __init__(self, in_channels: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.trunk = nn.Sequential(*(RRDB(channels) for _ in range(blocks)))
        self.last = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x + self.last(self.trunk(x))


class Attention(nn.Module):
    """Channel gate, then spatial gate (a CBAM); one convolution precedes both, with one weight."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(channels, channels, 3, padding=1)
        self.channel_gate = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        self.spatial_gate = nn.Sequential(
            nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, momentum=0.01)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        gate = self.channel_gate(x.mean((2, 3))) + self.channel_gate(x.amax((2, 3)))
        x = self.before(x * torch.sigmoid(gate)[:, :, None, None])
        summary = torch.stack([x.amax(1), x.mean(1)], dim=1)
        return x * torch.sigmoid(self.spatial_gate(summary))


class EncoderLevel(nn.Module):
    """Convolutions with activations; the first has the stride."""

    def __init__(
        self,
        in_channels: int,
        layers: Sequence[tuple[int, int]],
        *,
        first_gain: float = 1.0,  # of the first layer's initial weights
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        for channels, stride in layers:
            conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1)
            # Ten levels of torch's default would shrink the signal to nothing.
            _kaiming(conv, slope=0.2, scale=first_gain)
            first_gain = 1.0
            self.convs.append(conv)
            in_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = _lrelu(conv(x))
        return x


class LatentHead(nn.Module):
    """Features of 4x4 (N, C, 4, 4) -> W+ codes (N, rows, style_size)."""

    def __init__(self, channels: int, hidden: int, rows: int, style_size: int) -> None:
        super().__init__()
        self.rows = rows
        self.squeeze = nn.Conv2d(channels, hidden, 3, padding=1)
        self.linear = nn.Linear(hidden * 16, rows * style_size)
        _kaiming(self.squeeze, slope=0.2)
        _kaiming(self.linear, slope=1.0)

    def forward(self, x: Tensor) -> Tensor:
        x = _lrelu(self.squeeze(x))
        return self.linear(x.flatten(1)).unflatten(1, (self.rows, -1))


class LowRankLatentHead(nn.Module):
    """As `LatentHead`, with one code for all rows and, of a low rank, how each row differs.

    A GAN was trained with one code for all rows: codes near each other draw better faces.
    """

    def __init__(self, channels: int, hidden: int, rank: int, rows: int, style_size: int) -> None:
        super().__init__()
        self.rows, self.rank = rows, rank
        self.squeeze = nn.Conv2d(channels, hidden, 3, padding=1)
        self.hidden = nn.Linear(hidden * 16, style_size)
        self.code = nn.Linear(style_size, style_size)
        self.difference = nn.Linear(style_size, rows * rank)
        self.directions = nn.Parameter(torch.zeros(rows, rank, style_size))  # no difference yet
        _kaiming(self.squeeze, slope=0.2)
        _kaiming(self.hidden, slope=0.2)
        _kaiming(self.code, slope=1.0, scale=0.1)
        _kaiming(self.difference, slope=1.0)

    def forward(self, x: Tensor) -> Tensor:
        x = _lrelu(self.squeeze(x))
        x = _lrelu(self.hidden(x.flatten(1)))
        shares = self.difference(x).unflatten(1, (self.rows, self.rank))
        differences = torch.einsum("nrk,rks->nrs", shares, self.directions.to(shares.dtype))
        return self.code(x)[:, None] + differences


class ImageEncoder(nn.Module):
    """Images (N, 3, S, S) in [-1, 1] -> image features, coarse first (4x4, 8x8, …), and W+."""

    def __init__(
        self,
        *,
        patch: int,  # fold patch x patch pixels into channels first
        extractor_channels: int,
        extractor_blocks: int,  # 0 = no extractor: the stem reads the pixels
        attention_hidden: int,  # 0 = no attention
        stem: Sequence[tuple[int, int]],  # (channels, stride) down to the finest fused level
        level_channels: Sequence[int],  # of the fused levels, coarse first (4x4, 8x8, …)
        level_convs: int,  # convolutions in every level below the finest
        latent_hidden: int,
        latent_rank: int = 0,  # r > 0: rows of W+ differ by rank r only
        w_plus_rows: int,
        style_size: int,
    ) -> None:
        super().__init__()
        self.patch = patch
        front: list[nn.Module] = []
        width = 3 * patch**2
        if extractor_blocks:
            front.append(FeatureExtractor(width, extractor_channels, extractor_blocks))
            width = extractor_channels
            if attention_hidden:
                front.append(Attention(width, attention_hidden))
        self.front = nn.Sequential(*front)
        # Pixels deviate by about a third: bring the features to the prior's unit variance.
        self.stem = EncoderLevel(width, stem, first_gain=1.0 if extractor_blocks else 4.0)
        fine_first = level_channels[::-1]
        self.levels = nn.ModuleList(
            EncoderLevel(above, [(width, 2)] + [(width, 1)] * (level_convs - 1))
            for above, width in pairwise(fine_first)
        )
        sizes = (w_plus_rows, style_size)
        self.latent_head = (
            LowRankLatentHead(level_channels[0], latent_hidden, latent_rank, *sizes)
            if latent_rank
            else LatentHead(level_channels[0], latent_hidden, *sizes)
        )

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        x = F.pixel_unshuffle(images, self.patch) if self.patch > 1 else images
        features = [self.stem(self.front(x))]
        for level in self.levels:
            features.append(level(features[-1]))
        return features[::-1], self.latent_head(features[-1])
