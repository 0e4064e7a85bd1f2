"""The parameters of degradations, per sample: given, selected, put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class DegradationPass:
    """The parameters of one pass for N samples, on the CPU, where they steer the work."""

    kernels: Tensor  # (N, K, K), K odd, sum 1
    dot_period: Tensor  # (N,) px between the dots of a print, at least 2; 0: none
    dot_angle: Tensor  # (N,) radians, of black's screen
    dot_strength: Tensor  # (N,) 1: ink and paper only; below, mixed with the picture
    dot_blur: Tensor  # (N,) standard deviation in px, of a print as it was photographed
    grey_dots: Tensor  # (N,) bool: black dots only, colours stay
    stripe_period: Tensor  # (N,) px between the stripes of a screen; 0: none
    stripe_angle: Tensor  # (N,) radians
    stripe_contrast: Tensor  # (N,) of the light
    stripe_bend: Tensor  # (N,) periods off the straight at the border
    stripe_colour: Tensor  # (N,) radians between the channels; 0: grey
    down: Tensor  # (N,) factor >= 1; 1: no resizing
    whole_down: Tensor  # (N,) bool: rounded, so that each small pixel becomes as many large ones
    down_filter: Tensor  # (N,) index into FILTERS
    up_filter: Tensor  # (N,) index into FILTERS
    gaussian_sigma: Tensor  # (N,) of 255; 0: none
    shot_sigma: Tensor  # (N,) standard deviation of Poisson noise at white, of 255; 0: none
    grey_noise: Tensor  # (N,) bool: the same noise in all three channels
    sinc_kernels: Tensor  # (N, K', K'), K' odd: a filter between noise and JPEG
    earlier_jpeg_quality: Tensor  # (N,) of a file that the picture was cut out of; 0: none
    earlier_jpeg_origin: Tensor  # (N, 2) x and y of the picture in that file's blocks, 0..15
    sharpen_amount: Tensor  # (N,) of the unsharp mask; 0: none
    sharpen_sigma: Tensor  # (N,) its standard deviation, px
    sharpen_enlarged: Tensor  # (N,) bool: after the up-sampling instead of before
    tones: Tensor  # (N,) values that a channel has; 0: all
    dithered: Tensor  # (N,) bool: fewer tones with a dither pattern instead of bands
    jpeg_quality: Tensor  # (N,) whole number in 1..100; 0: no JPEG
    chroma_subsampling: Tensor  # (N,) bool: 4:2:0, of the earlier JPEG too
    web_quality: Tensor  # (N,) whole number in 1..100 of WebP or AVIF; 0: neither
    avif: Tensor  # (N,) bool: AVIF instead of WebP
    low_resolution: Tensor  # (N,) bool: noise, tones and compression before the up-sampling

    @classmethod
    def neutral(cls, count: int) -> DegradationPass:
        """Parameters that change nothing; `dataclasses.replace` sets what shall differ."""
        zeros, false = torch.zeros(count), torch.zeros(count, dtype=torch.bool)
        first_filter = torch.zeros(count, dtype=torch.long)
        return cls(
            kernels=identity_kernels(count, 1),
            dot_period=zeros,
            dot_angle=zeros,
            dot_strength=zeros,
            dot_blur=zeros,
            grey_dots=false,
            stripe_period=zeros,
            stripe_angle=zeros,
            stripe_contrast=zeros,
            stripe_bend=zeros,
            stripe_colour=zeros,
            down=torch.ones(count),
            whole_down=false,
            down_filter=first_filter,
            up_filter=first_filter,
            gaussian_sigma=zeros,
            shot_sigma=zeros,
            grey_noise=false,
            sinc_kernels=identity_kernels(count, 1),
            earlier_jpeg_quality=zeros,
            earlier_jpeg_origin=torch.zeros(count, 2),
            sharpen_amount=zeros,
            sharpen_sigma=zeros,
            sharpen_enlarged=false,
            tones=zeros,
            dithered=false,
            jpeg_quality=zeros,
            chroma_subsampling=false,
            web_quality=zeros,
            avif=false,
            low_resolution=false,
        )

    def __len__(self) -> int:
        return len(self.down)

    def select(self, indices: Tensor | slice) -> DegradationPass:
        """The samples at `indices`."""
        return self._map(lambda values: values[indices])

    def _map(self, function: Callable[[Tensor], Tensor]) -> DegradationPass:
        return DegradationPass(
            **{item.name: function(getattr(self, item.name)) for item in dataclasses.fields(self)}
        )


@dataclass(frozen=True, slots=True, eq=False)
class DegradationParameters:
    """What happens to each of N images: the passes in order, neutral where a sample skips one."""

    passes: tuple[DegradationPass, ...]

    def __post_init__(self) -> None:
        if not self.passes or len({len(one) for one in self.passes}) != 1:
            raise ValueError(
                "DegradationParameters needs at least one pass, all for the same number of "
                f"samples, got passes for {[len(one) for one in self.passes]}."
            )

    def __len__(self) -> int:
        return len(self.passes[0])

    def select(self, indices: Sequence[int] | Tensor | slice) -> DegradationParameters:
        """The samples at `indices`, in that order."""
        if not isinstance(indices, slice):
            indices = torch.as_tensor(indices, dtype=torch.long, device="cpu")
        return DegradationParameters(tuple(one.select(indices) for one in self.passes))


def identity_kernels(count: int, size: int) -> Tensor:
    """(N, K, K) that change nothing."""
    kernels = torch.zeros(count, size, size)
    kernels[:, size // 2, size // 2] = 1
    return kernels


def concatenate(passes: Sequence[DegradationPass]) -> DegradationPass:
    """The samples of all passes, one after the other."""
    joined: dict[str, Tensor] = {}
    for item in dataclasses.fields(DegradationPass):
        values = [getattr(one, item.name) for one in passes]
        if item.name in ("kernels", "sinc_kernels"):
            values = _to_common_size(values)
        joined[item.name] = torch.cat(values)
    return DegradationPass(**joined)


def where(chosen: Tensor, these: DegradationPass, others: DegradationPass) -> DegradationPass:
    """Sample by sample, from `these` where chosen (N,), else from `others`."""
    samples = torch.arange(len(chosen))
    return concatenate([these, others]).select(samples + len(chosen) * ~chosen)


def _to_common_size(kernels: list[Tensor]) -> list[Tensor]:
    """Zeros around the smaller ones."""
    largest = max(one.shape[-1] for one in kernels)
    margins = [(largest - one.shape[-1]) // 2 for one in kernels]
    return [F.pad(k, (m, m, m, m)) for k, m in zip(kernels, margins, strict=True)]
