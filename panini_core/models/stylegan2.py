"""StyleGAN2: the generator (the GAN prior of the paper) and its discriminator.

Weights are stored unscaled and multiplied by ``1 / sqrt(fan_in)`` at run time (equalised learning
rate). Styles, demodulation and RGB sums stay in float32 whatever the precision of the features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from .derived import Derived
from .levels import resolution_of
from .precision import FullPrecision, full_precision

FIR_TAPS = (1.0, 3.0, 3.0, 1.0)
DEMODULATION_EPS = 1e-8
LEAKY_SLOPE = 0.2
LEAKY_GAIN = math.sqrt(2)  # keeps the variance through the activation

# Called as fuse(resolution, features (N, C, r, r)) -> features, after each resolution's layers.
Fuse = Callable[[int, Tensor], Tensor]


def fir_kernel(gain: float) -> Tensor:
    """The separable low-pass filter of StyleGAN2, (4, 4), summing to `gain`."""
    taps = torch.tensor(FIR_TAPS, device="cpu")  # also where a network is made without memory
    kernel = torch.outer(taps, taps)
    return kernel * (gain / kernel.sum())


def filter_depthwise(x: Tensor, kernel: Tensor, *, padding: int) -> Tensor:
    """Each channel of `x` (N, C, h, w) filtered with `kernel` (4, 4), zero-padded."""
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, 1, -1, -1).contiguous()
    return F.conv2d(x, weight, padding=padding, groups=channels)


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance of its input."""
    return F.leaky_relu(x, LEAKY_SLOPE) * LEAKY_GAIN


class EqualLinear(FullPrecision):
    """Linear layer with equalised learning rate; computes in float32."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias_init: float = 0.0,
        lr_mul: float = 1.0,  # both parameters are stored divided by it
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.normal_(self.weight, std=1 / lr_mul)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_mul))
        self.lr_mul = lr_mul
        self.scale = lr_mul / math.sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x):
            weight, bias = self.weight.float(), self.bias.float()
            return F.linear(x.float() * self.scale, weight, bias * self.lr_mul)


def _energy(weight: Tensor) -> Tensor:
    """The sum of squares (O, I) of every filter of weights (O, I, k, k), float32."""
    return weight.float().square().sum((2, 3))


class ModulatedConv(nn.Module):
    """Convolution whose input channels are scaled by a style, optionally two-fold up-sampling.

    Batch-friendly form: scale the input, convolve once for the whole batch, demodulate the output;
    equal to modulating the weights of every sample.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        style_size: int,
        *,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.randn(shape))
        self.style = EqualLinear(style_size, in_channels, bias_init=1.0)
        self.scale = 1 / math.sqrt(in_channels * kernel_size**2)
        self.demodulate = demodulate
        self.upsample = upsample
        self.energy = Derived(_energy)
        self.register_buffer("blur", fir_kernel(gain=4.0), persistent=False)
        self.blur: Tensor

    def forward(self, x: Tensor, w: Tensor, shift: Tensor | None = None, gain: float = 1) -> Tensor:
        # x (N, I, h, w), w (N, S) -> (N, O, h, w), or (N, O, 2h, 2w) with upsample; times a gain,
        # plus a shift (O,)
        with full_precision(x):
            style = self.style(w)  # (N, I)
            gains = torch.full_like(style[:, :1], gain)  # (N, 1)
            if self.demodulate:
                energy = self.energy(self.weight) * self.scale**2  # (O, I)
                # Half precision overflows on large styles; demodulation lets us rescale freely.
                peak = style.abs().amax(1, keepdim=True).clamp_min(1e-8)
                gains = (
                    gains * peak * torch.rsqrt(F.linear(style.square(), energy) + DEMODULATION_EPS)
                )
                style = style / peak
            style = style * self.scale  # rather than the weights, which are many more

        x = x * style.to(x.dtype)[:, :, None, None]
        weight = self.weight.to(x.dtype)
        if self.upsample:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = filter_depthwise(x, self.blur, padding=1)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        shift = x.new_zeros(1) if shift is None else shift.to(x.dtype)
        return torch.addcmul(shift[:, None, None], x, gains.to(x.dtype)[:, :, None, None])


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias, activation."""

    def __init__(
        self, in_channels: int, out_channels: int, style_size: int, *, upsample: bool = False
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv(in_channels, out_channels, 3, style_size, upsample=upsample)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        # The activation's gain goes through it, onto what is smaller than the features.
        x = self.conv(x, w, self.bias * LEAKY_GAIN, LEAKY_GAIN)
        x = x + (self.noise_strength * noise * LEAKY_GAIN).to(x.dtype)
        return F.leaky_relu(x, LEAKY_SLOPE)


class ToRGB(nn.Module):
    """Features and the previous, half as large RGB image to this level's RGB image (float32)."""

    def __init__(self, in_channels: int, style_size: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(in_channels, 3, 1, style_size, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, w: Tensor, previous: Tensor | None) -> Tensor:
        rgb = self.conv(x, w).float() + self.bias.float()[:, None, None]
        if previous is None:
            return rgb
        with full_precision(x):
            kernel = self.conv.blur.float().expand(3, 1, -1, -1)
            return rgb + F.conv_transpose2d(previous, kernel, stride=2, padding=1, groups=3)


class SynthesisBlock(nn.Module):
    """All layers of one resolution; the 4x4 block starts from the learned constant."""

    def __init__(self, resolution: int, in_channels: int, channels: int, style_size: int) -> None:
        super().__init__()
        starts = resolution == 4
        self.up = None if starts else StyledConv(in_channels, channels, style_size, upsample=True)
        self.conv = StyledConv(channels, channels, style_size)
        self.to_rgb = ToRGB(channels, style_size)


class MappingNetwork(nn.Module):
    """z (N, Z) ~ N(0, I) -> w (N, Z)."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EqualLinear(size, size, lr_mul=0.01) for _ in range(layers))

    def forward(self, z: Tensor) -> Tensor:
        z = z.float()
        w = z / (z.norm(dim=1, keepdim=True) / math.sqrt(z.shape[1]) + 1e-6)
        for layer in self.layers:
            w = leaky_relu(layer(w))
        return w


def check_w_plus(w_plus: Tensor, rows: int, style_size: int) -> None:
    """Raise ValueError unless the codes are (N, rows, style_size)."""
    if w_plus.ndim != 3 or w_plus.shape[1:] != (rows, style_size):
        raise ValueError(
            f"W+ codes must be (N, {rows}, {style_size}) for this generator, got "
            f"{tuple(w_plus.shape)}; one code for all rows is w[:, None].expand(-1, {rows}, -1)."
        )


class StyleGAN2Generator(nn.Module):
    """W+ codes to an image, with an opening for other features at every resolution."""

    def __init__(
        self,
        channels: Mapping[int, int],  # resolution -> width, for 4, 8, 16, … without gaps
        style_size: int,
        mapping_layers: int,
        *,
        detail_patch: int = 1,  # p > 1: the last features also give p x p pixels each
    ) -> None:
        super().__init__()
        self.resolutions = tuple(channels)
        if self.resolutions != tuple(map(resolution_of, range(len(channels)))):
            raise ValueError(f"Generator resolutions must be 4, 8, 16, …; got {self.resolutions}.")
        self.style_size = style_size
        self.detail_patch = detail_patch
        self.mapping = MappingNetwork(style_size, mapping_layers)
        self.constant = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        self.blocks = nn.ModuleDict()
        previous = channels[4]
        for resolution, width in channels.items():
            self.blocks[str(resolution)] = SynthesisBlock(resolution, previous, width, style_size)
            previous = width
        for index in range(2 * len(channels) - 1):
            size = 2 ** ((index + 5) // 2)
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, size, size))
        self.detail: nn.Sequential | None = None
        if detail_patch > 1:
            self.detail = nn.Sequential(
                nn.Conv2d(previous, previous, 3, padding=1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(previous, 3 * detail_patch**2, 3, padding=1),
            )

    @property
    def mean_latent(self) -> Tensor | None:
        """The mean code, if the generator knows it by itself: no."""
        return None

    @property
    def w_plus_rows(self) -> int:
        """Number of W+ codes: two a resolution."""
        return 2 * len(self.resolutions)

    @property
    def image_size(self) -> int:
        """Side of the image in pixels."""
        return self.resolutions[-1] * self.detail_patch

    def fixed_noise(self) -> list[Tensor]:
        """The stored noise images (1, 1, s, s), in the order of the styled convolutions."""
        return [self.get_buffer(f"noise_{i}") for i in range(2 * len(self.resolutions) - 1)]

    def forward(
        self,
        w_plus: Tensor,  # (N, w_plus_rows, S)
        *,
        size: int | None = None,  # None or image_size: this generator has no other
        noise: Sequence[Tensor] | None = None,  # (N or 1, 1, s, s) a styled conv; None = the stored
        fuse: Fuse | None = None,  # None = the plain generator
    ) -> Tensor:  # (N, 3, image_size, image_size), float32, nominally [-1, 1]
        if size not in (None, self.image_size):
            raise ValueError(f"This generator's images have {self.image_size} px, not {size}.")
        check_w_plus(w_plus, self.w_plus_rows, self.style_size)
        noises = iter(self.fixed_noise() if noise is None else noise)
        row = iter(range(self.w_plus_rows))
        x = self.constant.expand(w_plus.shape[0], -1, -1, -1)
        rgb: Tensor | None = None
        shared = next(row)  # a resolution's ToRGB and the next up-convolution share one code
        for resolution in self.resolutions:
            block = self.blocks[str(resolution)]
            assert isinstance(block, SynthesisBlock)
            if block.up is not None:
                x = block.up(x, w_plus[:, shared], next(noises))
                x = block.conv(x, w_plus[:, next(row)], next(noises))
            else:
                x = block.conv(x, w_plus[:, shared], next(noises))
            shared = next(row)
            rgb = block.to_rgb(x, w_plus[:, shared], rgb)
            if fuse is not None:
                x = fuse(resolution, x)
        assert rgb is not None
        if self.detail is None:
            return rgb
        rgb = F.interpolate(rgb, scale_factor=self.detail_patch, mode="bilinear")
        return rgb + F.pixel_shuffle(self.detail(x), self.detail_patch).float()

    @torch.no_grad()
    def silence(self) -> None:
        """Let the untrained generator begin with a picture of zeros."""
        for block in self.blocks.values():
            assert isinstance(block, SynthesisBlock)
            block.to_rgb.conv.weight.zero_()
        if self.detail is not None:
            for parameter in self.detail[-1].parameters():
                parameter.zero_()

    def sample(self, z: Tensor) -> Tensor:
        """Images from z (N, S) ~ N(0, I): the prior by itself."""
        return self(self.mapping(z)[:, None].expand(-1, self.w_plus_rows, -1))


class EqualConv(nn.Module):
    """Convolution with equalised learning rate, optionally blurred and strided by two."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        downsample: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = 1 / math.sqrt(in_channels * kernel_size**2)
        self.downsample = downsample
        self.register_buffer("blur", fir_kernel(gain=1.0), persistent=False)
        self.blur: Tensor

    def forward(self, x: Tensor) -> Tensor:
        padding = self.weight.shape[-1] // 2
        if self.downsample:
            x = filter_depthwise(x, self.blur, padding=1 + padding)
            padding = 0
        weight = (self.weight * self.scale).to(x.dtype)
        return F.conv2d(x, weight, self.bias, stride=2 if self.downsample else 1, padding=padding)


class DiscriminatorBlock(nn.Module):
    """Residual block that halves the resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = EqualConv(in_channels, in_channels, 3)
        self.down = EqualConv(in_channels, out_channels, 3, downsample=True)
        self.skip = EqualConv(in_channels, out_channels, 1, downsample=True, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        main = leaky_relu(self.down(leaky_relu(self.conv(x))))
        return (main + self.skip(x)) / math.sqrt(2)


def append_batch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """One more channel: the mean deviation inside groups of `group` samples (minibatch-std)."""
    count, _, height, width = x.shape
    group = min(group, count)
    if count % group:
        raise ValueError(f"The batch must be at most {group} or divisible by it; got {count}.")
    grouped = rearrange(x.float(), "(group rest) c h w -> group rest (c h w)", group=group)
    deviation = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean(1)  # (rest,)
    feature = repeat(deviation, "rest -> (group rest) 1 h w", group=group, h=height, w=width)
    return torch.cat([x, feature.to(x.dtype)], dim=1)


class StyleGAN2Discriminator(nn.Module):
    """Images (N, 3, r, r) in [-1, 1] -> logits (N, 1); positive means real."""

    def __init__(self, channels: Mapping[int, int]) -> None:  # resolution -> width, 4, 8, …, r
        super().__init__()
        resolutions = sorted(channels, reverse=True)
        self.image_size = resolutions[0]
        self.from_rgb = EqualConv(3, channels[self.image_size], 1)
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(channels[r], channels[r // 2]) for r in resolutions[:-1]
        )
        self.final_conv = EqualConv(channels[4] + 1, channels[4], 3)
        self.final_linear = EqualLinear(channels[4] * 16, channels[4])
        self.logit = EqualLinear(channels[4], 1)

    def forward(self, images: Tensor) -> Tensor:
        x = leaky_relu(self.from_rgb(images))
        for block in self.blocks:
            x = block(x)
        x = leaky_relu(self.final_conv(append_batch_deviation(x)))
        return self.logit(leaky_relu(self.final_linear(x.flatten(1))))
