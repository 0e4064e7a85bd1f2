"""Drawing the parameters of degradations from ranges, reproducibly and sample by sample."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .blur_kernels import FAMILIES, SINC_RADIUS, SUPPORT_SIGMAS, blur_kernels
from .parameters import (
    DegradationParameters,
    DegradationPass,
    concatenate,
    identity_kernels,
    where,
)
from .ranges import (
    REFERENCE_SIZE,
    DegradationRanges,
    FamilyWeights,
    FilterWeights,
    PassRanges,
)
from .resizing import FILTERS

# Uniform numbers drawn per sample: a fixed number, so that no sample depends on the ones beside
# it. The last one of a pass seeds as many more as are wanted, so that whatever is drawn there
# leaves all other draws as they are.
_DRAWS_OF_SAMPLE = 5
_DRAWS_OF_PASS = 24
_FURTHER_DRAWS = 40  # some to spare

_NARROWEST_PERIOD = 2.0  # px: what a pixel grid can hold


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
    first = where(is_clean, clean, first)
    if not bool(has_second.any()):
        return DegradationParameters((first,))
    return DegradationParameters((first, where(has_second, second, neutral)))


class _Draws:
    """Hands out one column of uniform numbers (N, …) after the other, shaped as asked."""

    def __init__(self, uniforms: Tensor) -> None:
        self._columns = iter(uniforms.unbind(1))

    def further(self, count: int) -> _Draws:
        """`count` new columns, every sample's from a generator that its next number seeds."""
        seeds = (next(self._columns) * 2**53).long().tolist()
        rows = [
            torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            for seed in seeds
        ]
        return _Draws(torch.stack(rows))

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
    return concatenate(passes).select(torch.cat(samples).argsort())


def _sample_pass(ranges: PassRanges, draws: _Draws, scale: float) -> DegradationPass:
    kernels = _sample_kernels(ranges, draws, scale)
    resized = draws.chance(ranges.resize_probability)
    down = draws.log_uniform(ranges.down)
    down_filter = draws.choice(_filter_weights(ranges.down_filters))
    up_filter = draws.choice(_filter_weights(ranges.up_filters))

    noisy = draws.chance(ranges.noise_probability)
    shot = draws.chance(ranges.shot_noise_probability)
    noise_sigma = draws.uniform(ranges.noise_sigma) * noisy
    grey_noise = draws.chance(ranges.grey_noise_probability)

    compressed = draws.chance(ranges.jpeg_probability)
    quality = draws.uniform(ranges.jpeg_quality).round() * compressed
    usual = dataclasses.replace(
        DegradationPass.neutral(len(quality)),
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
    if not ranges.has_further:
        return usual
    further = draws.further(_FURTHER_DRAWS)
    return dataclasses.replace(
        usual,
        whole_down=further.chance(ranges.whole_down_probability),
        **_sample_dots(ranges, further, scale),
        **_sample_stripes(ranges, further, scale),
        **_sample_edits(ranges, further, scale),
        **_sample_codecs(ranges, further),
    )


def _sample_dots(ranges: PassRanges, draws: _Draws, scale: float) -> dict[str, Tensor]:
    """The dots of a print."""
    printed = draws.chance(ranges.dots_probability)
    period = (draws.log_uniform(ranges.dot_period) * scale).clamp_min(_NARROWEST_PERIOD)
    return {
        "dot_period": period * printed,
        "dot_angle": draws.uniform((0.0, math.pi / 2)),
        "dot_strength": draws.uniform(ranges.dot_strength),
        "dot_blur": draws.uniform(ranges.dot_blur) * scale,
        "grey_dots": draws.chance(ranges.grey_dots_probability),
    }


def _sample_stripes(ranges: PassRanges, draws: _Draws, scale: float) -> dict[str, Tensor]:
    """The stripes of a screen."""
    striped = draws.chance(ranges.stripes_probability)
    period = (draws.log_uniform(ranges.stripe_period) * scale).clamp_min(_NARROWEST_PERIOD)
    return {
        "stripe_period": period * striped,
        "stripe_angle": draws.uniform((0.0, 2 * math.pi)),
        "stripe_contrast": draws.uniform(ranges.stripe_contrast),
        "stripe_bend": draws.uniform(ranges.stripe_bend),
        "stripe_colour": draws.uniform(ranges.stripe_colour),
    }


def _sample_edits(ranges: PassRanges, draws: _Draws, scale: float) -> dict[str, Tensor]:
    """What somebody did to the picture: sharpening and fewer tones."""
    sharpened = draws.chance(ranges.sharpen_probability)
    amount = draws.uniform(ranges.sharpen_amount) * sharpened
    sigma = draws.uniform(ranges.sharpen_sigma) * scale
    sharpen_enlarged = draws.chance(ranges.sharpen_enlarged_probability)
    reduced = draws.chance(ranges.tones_probability)
    return {
        "sharpen_amount": amount,
        "sharpen_sigma": sigma,
        "sharpen_enlarged": sharpen_enlarged,
        "tones": draws.log_uniform(ranges.tones).round() * reduced,
        "dithered": draws.chance(ranges.dither_probability),
    }


def _sample_codecs(ranges: PassRanges, draws: _Draws) -> dict[str, Tensor]:
    """The file before the JPEG and the one after it."""
    earlier = draws.chance(ranges.earlier_jpeg_probability)
    earlier_quality = draws.uniform(ranges.earlier_jpeg_quality).round() * earlier
    origin = torch.stack([draws.uniform((0.0, 16.0)).floor() for _ in range(2)], dim=1)
    on_the_web = draws.chance(ranges.web_probability)
    return {
        "earlier_jpeg_quality": earlier_quality,
        "earlier_jpeg_origin": origin.clamp_max(15),
        "web_quality": draws.uniform(ranges.web_quality).round() * on_the_web,
        "avif": draws.chance(ranges.avif_probability),
    }


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
        return identity_kernels(len(cutoff), 1)
    family = torch.full_like(rings, FAMILIES.index("sinc"), dtype=torch.long)
    unused = torch.ones_like(cutoff)
    kernels = blur_kernels(family, unused, unused, unused, unused, cutoff, radius=SINC_RADIUS)
    return _kernels_where(rings, kernels)


def _family_weights(weights: FamilyWeights) -> list[float]:
    return [float(getattr(weights, name)) for name in FAMILIES]


def _filter_weights(weights: FilterWeights) -> list[float]:
    return [float(getattr(weights, name)) for name in FILTERS]


def _kernels_where(chosen: Tensor, kernels: Tensor) -> Tensor:
    """The kernel where chosen (N,), else the one that changes nothing."""
    identity = identity_kernels(len(kernels), kernels.shape[-1])
    return torch.where(chosen[:, None, None], kernels, identity)
