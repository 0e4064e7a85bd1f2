"""MobileStyleGAN: a StyleGAN2 distilled into separable convolutions and wavelets, as a GAN prior.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (2021). Its codes are StyleGAN2's; images come out as Haar wavelet bands. Demodulation
does not depend on the code and is part of the weights. A style scales the input channels of a
convolution; since that commutes with a depthwise convolution, each sample gets a pointwise matrix
of its own instead of a scaled copy of its features.

Features are channels_last throughout: a pointwise convolution is then one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .levels import resolution_of
from .precision import FullPrecision, full_precision
from .stylegan2 import Fuse, MappingNetwork, check_w_plus
from .window import Window

SLOPE = 0.2  # of the leaky ReLUs; unlike StyleGAN2's they have no gain
BANDS = 4  # of a Haar step: the low one, then vertical, horizontal and diagonal details


def haar_up(halved_bands: Tensor) -> Tensor:
    """The inverse Haar transform of bands that are halved already.

    (N, 4 C, h, w) -> (N, C, 2h, 2w). Channels come band by band: C of the low band, then C each of
    the details (lh, hl, hh) that alternate between rows, between columns and between both.
    """
    low, rows, columns, both = halved_bands.permute(0, 2, 3, 1).chunk(BANDS, dim=-1)
    even, odd = low + rows, low - rows  # (N, h, w, C)
    even_step, odd_step = columns + both, columns - both
    lines = [
        torch.stack([even + even_step, even - even_step], dim=3),
        torch.stack([odd + odd_step, odd - odd_step], dim=3),
    ]
    image = torch.stack(lines, dim=2)  # (N, h, 2, w, 2, C)
    return rearrange(image, "n h a w b c -> n c (h a) (w b)")


class Modulation(FullPrecision):
    """Codes w (N, S) -> the scale of every channel (N, C), in float32."""

    def __init__(self, style_size: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, style_size) / style_size**0.5)
        self.bias = nn.Parameter(torch.ones(channels))

    def forward(self, w: Tensor) -> Tensor:
        with full_precision(w):
            return F.linear(w.float(), self.weight.float(), self.bias.float())


def _noise_and_bias(noise: Tensor, strength: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to features (N, C, h, w) before the activation: (1 or N, C, h, w)."""
    return (bias[:, None, None] + strength * noise).to(dtype)


class StyledConv(nn.Module):
    """A modulated 3x3 convolution, noise, bias, activation: where the network starts."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.style = Modulation(style_size, channels)
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3) / (9 * channels) ** 0.5)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        scale = self.style(w).to(x.dtype)[:, :, None, None]
        x = F.conv2d(x * scale, self.weight.to(x.dtype), padding=1)
        x = x + _noise_and_bias(noise, self.noise_strength, self.bias, x.dtype)
        return F.leaky_relu(x, SLOPE)


class StyledSeparableConv(nn.Module):
    """A modulated depthwise and pointwise convolution, noise, bias, activation."""

    def __init__(self, in_channels: int, out_channels: int, style_size: int) -> None:
        super().__init__()
        self.style = Modulation(style_size, in_channels)
        self.depthwise = nn.Parameter(torch.randn(in_channels, 1, 3, 3) / 3)
        self.pointwise = nn.Parameter(torch.randn(out_channels, in_channels) / in_channels**0.5)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        # pointwise(depthwise(x * scale)) = (pointwise * scale)(depthwise(x))
        x = F.conv2d(x, self.depthwise.to(x.dtype), padding=1, groups=x.shape[1])
        shift = _noise_and_bias(noise, self.noise_strength, self.bias, x.dtype)
        return F.leaky_relu(mix_channels(x, self.pointwise, self.style(w), shift), SLOPE)


def mix_channels(x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """A modulated pointwise convolution: x (N, I, h, w), weight (O, I), scale (N, I), plus shift
    (1 or N, O, 1 or h, 1 or w) -> (N, O, h, w)."""
    count, _, height, width = x.shape
    with full_precision(x):
        matrices = (weight.float() * scale[:, None, :]).to(x.dtype)
    pixels = rearrange(x, "n c h w -> n (h w) c")
    shift = shift.expand(count, -1, height, width)
    added = rearrange(shift.contiguous(memory_format=torch.channels_last), "n c h w -> n (h w) c")
    mixed = torch.baddbmm(added, pixels, matrices.transpose(1, 2))
    return rearrange(mixed, "n (h w) c -> n c h w", h=height)


class WaveletBlock(nn.Module):
    """One doubling of the resolution and its two convolutions."""

    def __init__(self, in_channels: int, channels: int, style_size: int) -> None:
        super().__init__()
        self.up = Modulation(style_size, in_channels)
        self.conv1 = StyledSeparableConv(in_channels // BANDS, channels, style_size)
        self.conv2 = StyledSeparableConv(channels, channels, style_size)

    def forward(
        self, x: Tensor, first: Tensor, second: Tensor, noises: tuple[Tensor, Tensor]
    ) -> Tensor:
        # x (N, I, h, w) and the codes (N, S) of the two layers -> (N, C, 2h, 2w)
        x = haar_up(x * (self.up(first) / 2).to(x.dtype)[:, :, None, None])
        x = self.conv1(x, first, noises[0])
        return self.conv2(x, second, noises[1])


class ToBands(nn.Module):
    """The last features to the wavelet bands of the image, (N, 12, h, w) float32: each band RGB."""

    def __init__(self, channels: int, style_size: int) -> None:
        super().__init__()
        self.style = Modulation(style_size, channels)
        self.weight = nn.Parameter(torch.randn(3 * BANDS, channels) / channels**0.5)
        self.bias = nn.Parameter(torch.zeros(3 * BANDS))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        shift = self.bias.to(x.dtype)[None, :, None, None]
        return mix_channels(x, self.weight, self.style(w), shift).float()


class MobileGenerator(nn.Module):
    """W+ codes to an image, with an opening for other features at every resolution.

    The interface of `StyleGAN2Generator`. Of the last features' bands the low one, halved, is the
    image at their own size; with the details the image is twice as large.
    """

    def __init__(
        self,
        channels: Mapping[int, int],  # resolution -> width, for 4, 8, 16, … without gaps
        style_size: int,
        mapping_layers: int,
    ) -> None:
        super().__init__()
        self.resolutions = tuple(channels)
        if self.resolutions != tuple(map(resolution_of, range(len(channels)))):
            raise ValueError(f"Generator resolutions must be 4, 8, 16, …; got {self.resolutions}.")
        widths = list(channels.values())
        if wrong := [width for width in widths[:-1] if width % BANDS]:
            raise ValueError(f"Widths that are split into {BANDS} bands must divide; got {wrong}.")
        self.style_size = style_size
        self.mapping = MappingNetwork(style_size, mapping_layers)
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.conv = StyledConv(widths[0], style_size)
        self.blocks = nn.ModuleDict(
            {
                str(resolution): WaveletBlock(before, width, style_size)
                for resolution, before, width in zip(
                    self.resolutions[1:], widths, widths[1:], strict=False
                )
            }
        )
        self.to_bands = ToBands(widths[-1], style_size)
        for index in range(2 * len(channels) - 1):
            size = 2 ** ((index + 5) // 2)
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, size, size))
        self.register_buffer("mean_latent", torch.zeros(style_size))  # all zero: not known
        self.mean_latent: Tensor

    @property
    def w_plus_rows(self) -> int:
        """Number of W+ codes: one for the start, two a doubling, one for the bands."""
        return 2 * len(self.resolutions)

    @property
    def image_size(self) -> int:
        """Side of the image without the details, px."""
        return self.resolutions[-1]

    def fixed_noise(self) -> list[Tensor]:
        """The stored noise images (1, 1, s, s), in the order of the styled convolutions."""
        return [self.get_buffer(f"noise_{i}") for i in range(2 * len(self.resolutions) - 1)]

    def forward(
        self,
        w_plus: Tensor,  # (N, w_plus_rows, S)
        *,
        size: int | None = None,  # image_size (None) or twice that
        noise: Sequence[Tensor] | None = None,  # (N or 1, 1, s, s) a styled conv; None = the stored
        fuse: Fuse | None = None,  # None = the plain generator
    ) -> Tensor:  # (N, 3, size, size), float32, nominally [-1, 1]
        features = self.synthesise(w_plus, noise=noise, fuse=fuse)
        return self.to_image(features, w_plus, size=size)

    def synthesise(
        self,
        w_plus: Tensor,
        *,
        noise: Sequence[Tensor] | None = None,
        fuse: Fuse | None = None,
        window: Window | None = None,  # what to compute from its resolution on; None = all
        up_to: int | None = None,  # the last resolution to compute; None = all
    ) -> Tensor:  # the features of the last resolution (N, C, r, r)
        """The features before they become an image; other arguments as of `forward`."""
        check_w_plus(w_plus, self.w_plus_rows, self.style_size)
        for resolution in (up_to, window and window.resolution):
            if resolution not in (None, *self.resolutions):
                raise ValueError(
                    f"This generator's features have {', '.join(map(str, self.resolutions))} px, "
                    f"not {resolution}."
                )
        noises = self.fixed_noise() if noise is None else list(noise)
        x = self.constant.expand(w_plus.shape[0], -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.conv(x, w_plus[:, 0], noises[0])
        for level, resolution in enumerate(self.resolutions):
            if level:
                x = self.apply_block(x, w_plus, level, noises[2 * level - 1], noises[2 * level])
            if fuse is not None:
                x = fuse(resolution, x)
            if resolution == up_to:
                break
            if window is not None and resolution == window.resolution:
                x = window.cut(x).contiguous(memory_format=torch.channels_last)
                finer = 2 * level + 1
                noises = noises[:finer] + [window.cut(image) for image in noises[finer:]]
        return x

    def apply_block(self, x: Tensor, w_plus: Tensor, level: int, *noises: Tensor) -> Tensor:
        """The block of `resolutions[level]` applied to the features of the one before."""
        block = self.blocks[str(self.resolutions[level])]
        assert isinstance(block, WaveletBlock)
        first, second = noises
        return block(x, w_plus[:, 2 * level - 1], w_plus[:, 2 * level], (first, second))

    def to_image(self, features: Tensor, w_plus: Tensor, *, size: int | None = None) -> Tensor:
        """The last features (N, C, r, r), or a window of them, as an image (N, 3, r, r) float32.

        `size` twice `image_size` adds the details: (N, 3, 2r, 2r).
        """
        bands = self.to_bands(features, w_plus[:, -1])
        if size is None or size == self.image_size:
            return bands[:, :3] / 2
        if size != 2 * self.image_size:
            raise ValueError(
                f"The image has {self.image_size} px, or {2 * self.image_size} with its details; "
                f"got size={size}."
            )
        return haar_up(bands / 2)

    @torch.no_grad()
    def silence(self) -> None:
        """Let the untrained generator begin with a picture of zeros."""
        self.to_bands.weight.zero_()

    def sample(self, z: Tensor) -> Tensor:
        """Images from z (N, S) ~ N(0, I): the prior by itself."""
        return self(self.mapping(z)[:, None].expand(-1, self.w_plus_rows, -1))
