"""The parameters of degradations, per sample: drawn from ranges, selected, repeated, given."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur_kernels import FAMILIES, SINC_RADIUS, SUPPORT_SIGMAS, blur_kernels
from .ranges import REFERENCE_SIZE, DegradationRanges, FamilyWeights, FilterWeights, PassRanges

FILTERS = ("bilinear", "bicubic", "aliased_bilinear", "aliased_bicubic", "area", "nearest")

# Uniform numbers drawn per sample: a fixed number, so that no sample depends on the ones beside
# it. A few are to spare in each pass.
_DRAWS_OF_SAMPLE = 5
_DRAWS_OF_PASS = 24


@dataclass(frozen=True, slots=True, eq=False)
class DegradationPass:
    """The parameters of one pass for N samples, on the CPU, where they steer the work."""

    kernels: Tensor  # (N, K, K), K odd, sum 1
    down: Tensor  # (N,) factor >= 1; 1: no resizing
    down_filter: Tensor  # (N,) index into FILTERS
    up_filter: Tensor  # (N,) index into FILTERS
    gaussian_sigma: Tensor  # (N,) of 255; 0: none
    shot_sigma: Tensor  # (N,) standard deviation of Poisson noise at white, of 255; 0: none
    grey_noise: Tensor  # (N,) bool: the same noise in all three channels
    sinc_kernels: Tensor  # (N, K', K'), K' odd: a filter between noise and JPEG
    jpeg_quality: Tensor  # (N,) whole number in 1..100; 0: no JPEG
    chroma_subsampling: Tensor  # (N,) bool: 4:2:0
    low_resolution: Tensor  # (N,) bool: noise and JPEG come before the up-sampling

    @classmethod
    def neutral(cls, count: int) -> DegradationPass:
        """Parameters that change nothing; `dataclasses.replace` sets what shall differ."""
        zeros, false = torch.zeros(count), torch.zeros(count, dtype=torch.bool)
        first_filter = torch.zeros(count, dtype=torch.long)
        return cls(
            kernels=_identity_kernels(count, 1),
            down=torch.ones(count),
            down_filter=first_filter,
            up_filter=first_filter,
            gaussian_sigma=zeros,
            shot_sigma=zeros,
            grey_noise=false,
            sinc_kernels=_identity_kernels(count, 1),
            jpeg_quality=zeros,
            chroma_subsampling=false,
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

    def repeat(self, times: int) -> DegradationParameters:
        """The whole set `times` times: sample i is also i + N, i + 2 N, …"""
        return self.select(torch.arange(len(self)).repeat(times))


def sample_degradations(
    ranges: DegradationRanges,
    count: int,
    *,
    generator: torch.Generator,
    image_size: int = REFERENCE_SIZE,
) -> DegradationParameters:
    """Draw parameters for `count` images whose longer side is `image_size` px.

    The same generator state gives the same parameters; sample i does not depend on `count`.
    Raises ValueError if count is below 1.
    """
    if count < 1:
        raise ValueError(f"There must be at least one image to draw parameters for, got {count}.")
    shape = (count, _DRAWS_OF_SAMPLE + 2 * _DRAWS_OF_PASS)
    # Uniform numbers are filled in order, sample by sample (normal ones would not be).
    uniforms = torch.rand(
        shape, generator=generator, dtype=torch.float64, device=generator.device
    ).cpu()
    of_sample, of_first, of_second = uniforms.split(
        [_DRAWS_OF_SAMPLE, _DRAWS_OF_PASS, _DRAWS_OF_PASS], dim=1
    )
    draws = _Draws(of_sample)
    scale = image_size / REFERENCE_SIZE
    first = _sample_alternatives(ranges.first, draws, of_first, scale)
    second = _sample_alternatives(ranges.second, draws, of_second, scale)

    neutral = DegradationPass.neutral(count)
    is_clean = draws.chance(ranges.clean_probability)
    clean_quality = draws.uniform(ranges.clean_jpeg_quality).round()
    clean = dataclasses.replace(neutral, jpeg_quality=clean_quality)
    has_second = draws.chance(ranges.second_probability) & ~is_clean
    first = _where(is_clean, clean, first)
    if not bool(has_second.any()):
        return DegradationParameters((first,))
    return DegradationParameters((first, _where(has_second, second, neutral)))


class _Draws:
    """Hands out one column of uniform numbers (N, …) after the other, shaped as asked."""

    def __init__(self, uniforms: Tensor) -> None:
        self._columns = iter(uniforms.unbind(1))

    def uniform(self, limits: tuple[float, float]) -> Tensor:
        low, high = limits
        return (low + (high - low) * next(self._columns)).float()

    def log_uniform(self, limits: tuple[float, float]) -> Tensor:
        return self.uniform((math.log(limits[0]), math.log(limits[1]))).exp()

    def chance(self, probability: float) -> Tensor:
        return next(self._columns) < probability

    def choice(self, weights: Sequence[float]) -> Tensor:
        bounds = torch.tensor(weights, dtype=torch.float64).cumsum(0)
        picked = torch.searchsorted(bounds, next(self._columns) * bounds[-1], right=True)
        return picked.clamp_max(len(weights) - 1)


def _sample_alternatives(
    alternatives: tuple[PassRanges, ...], draws: _Draws, uniforms: Tensor, scale: float
) -> DegradationPass:
    which = draws.choice([ranges.weight for ranges in alternatives])
    passes: list[DegradationPass] = []
    samples: list[Tensor] = []
    for number, ranges in enumerate(alternatives):
        own = (which == number).nonzero().flatten()
        if len(own) > 0:
            passes.append(_sample_pass(ranges, _Draws(uniforms[own]), scale))
            samples.append(own)
    return _concatenate(passes).select(torch.cat(samples).argsort())


def _sample_pass(ranges: PassRanges, draws: _Draws, scale: float) -> DegradationPass:
    kernels = _sample_kernels(ranges, draws, scale)
    resized = draws.chance(ranges.resize_probability)
    down = draws.log_uniform(ranges.down)
    down_filter = draws.choice(_filter_weights(ranges.down_filters))
    up_filter = draws.choice(_filter_weights(ranges.up_filters))

    noisy = draws.chance(ranges.noise_probability)
    shot = draws.chance(ranges.shot_noise_share)
    noise_sigma = draws.uniform(ranges.noise_sigma) * noisy
    grey_noise = draws.chance(ranges.grey_noise_probability)

    compressed = draws.chance(ranges.jpeg_probability)
    quality = draws.uniform(ranges.jpeg_quality).round() * compressed
    return DegradationPass(
        kernels=kernels,
        down=torch.where(resized, down, 1.0),
        down_filter=down_filter,
        up_filter=up_filter,
        gaussian_sigma=noise_sigma * ~shot,
        shot_sigma=noise_sigma * shot,
        grey_noise=grey_noise,
        sinc_kernels=_sample_final_sinc(ranges, draws),
        jpeg_quality=quality,
        chroma_subsampling=draws.chance(ranges.chroma_subsampling_probability),
        low_resolution=draws.chance(ranges.low_resolution_probability),
    )


def _sample_kernels(ranges: PassRanges, draws: _Draws, scale: float) -> Tensor:
    blurred = draws.chance(ranges.blur_probability)
    family = draws.choice(_family_weights(ranges.blur_families))
    sigma_x = draws.uniform(ranges.blur_sigma) * scale
    sigma_y = draws.uniform(ranges.blur_sigma) * scale
    anisotropic = draws.chance(ranges.anisotropic_probability)
    angle = draws.uniform((0.0, math.pi))
    generalised = draws.uniform(ranges.generalised_shape)
    plateau = draws.uniform(ranges.plateau_shape)
    radius = math.ceil(SUPPORT_SIGMAS * ranges.blur_sigma[1] * scale)
    if ranges.blur_families.sinc > 0:
        radius = max(radius, SINC_RADIUS)
    kernels = blur_kernels(
        family,
        sigma_x,
        torch.where(anisotropic, sigma_y, sigma_x),
        angle,
        torch.where(family == FAMILIES.index("plateau"), plateau, generalised),
        draws.uniform(ranges.sinc_cutoff),
        radius=radius,
    )
    return _kernels_where(blurred, kernels)


def _sample_final_sinc(ranges: PassRanges, draws: _Draws) -> Tensor:
    rings, cutoff = draws.chance(ranges.final_sinc_probability), draws.uniform(ranges.sinc_cutoff)
    if ranges.final_sinc_probability == 0:
        return _identity_kernels(len(cutoff), 1)
    family = torch.full_like(rings, FAMILIES.index("sinc"), dtype=torch.long)
    unused = torch.ones_like(cutoff)
    kernels = blur_kernels(family, unused, unused, unused, unused, cutoff, radius=SINC_RADIUS)
    return _kernels_where(rings, kernels)


def _family_weights(weights: FamilyWeights) -> list[float]:
    return [float(getattr(weights, name)) for name in FAMILIES]


def _filter_weights(weights: FilterWeights) -> list[float]:
    return [float(getattr(weights, name)) for name in FILTERS]


def _identity_kernels(count: int, size: int) -> Tensor:
    kernels = torch.zeros(count, size, size)
    kernels[:, size // 2, size // 2] = 1
    return kernels


def _kernels_where(chosen: Tensor, kernels: Tensor) -> Tensor:
    """The kernel where chosen (N,), else the one that changes nothing."""
    identity = _identity_kernels(len(kernels), kernels.shape[-1])
    return torch.where(chosen[:, None, None], kernels, identity)


def _concatenate(passes: Sequence[DegradationPass]) -> DegradationPass:
    """The samples of all passes, one after the other."""
    joined: dict[str, Tensor] = {}
    for item in dataclasses.fields(DegradationPass):
        values = [getattr(one, item.name) for one in passes]
        if item.name in ("kernels", "sinc_kernels"):
            values = _to_common_size(values)
        joined[item.name] = torch.cat(values)
    return DegradationPass(**joined)


def _where(chosen: Tensor, these: DegradationPass, others: DegradationPass) -> DegradationPass:
    """Sample by sample, from `these` where chosen (N,), else from `others`."""
    samples = torch.arange(len(chosen))
    return _concatenate([these, others]).select(samples + len(chosen) * ~chosen)


def _to_common_size(kernels: list[Tensor]) -> list[Tensor]:
    """Zeros around the smaller ones."""
    largest = max(one.shape[-1] for one in kernels)
    margins = [(largest - one.shape[-1]) // 2 for one in kernels]
    return [F.pad(k, (m, m, m, m)) for k, m in zip(kernels, margins, strict=True)]
