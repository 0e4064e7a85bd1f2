"""The degradation model: clean faces in, degraded faces of the same size out.

One pass is blur -> down-sampling -> up-sampling -> noise -> JPEG (panini_spec, section 5; the
order measured on the official inputs), or, as in a small picture that somebody enlarged later,
noise and JPEG before the up-sampling. The second order is a second, milder pass.

`sample_degradations` draws parameters from ranges, `degrade` applies them. The same parameters
may be applied to other faces, which makes the positive pairs of UDRL.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur_kernels import SINC_RADIUS, SUPPORT_SIGMAS, blur_kernels, convolve
from .jpeg import jpeg_compress

Range = tuple[float, float]

FILTERS = ("bilinear", "bicubic", "area", "nearest")

# The size at which the ranges state blur in px.
REFERENCE_SIZE = 512

# Uniform numbers drawn per sample and pass: a fixed number, so that a sample does not depend on
# the ones beside it. A few are to spare.
_DRAWS_PER_PASS = 24


@dataclass(frozen=True, slots=True)
class PassRanges:
    """What one pass draws from. A range is uniform unless stated; (a, a) is the value a.

    Weights need not sum to 1.
    """

    blur_probability: float = 1.0
    blur_sigma: Range = (0.0, 4.0)  # px in an image of 512 px; scaled with the image's size
    anisotropic_probability: float = 0.5
    # gaussian, generalised-gaussian, plateau, sinc
    blur_families: tuple[float, float, float, float] = (0.7, 0.12, 0.1, 0.08)
    generalised_shape: Range = (0.5, 4.0)
    plateau_shape: Range = (1.0, 2.0)
    sinc_cutoff: Range = (math.pi / 3, math.pi)  # radians per px

    resize_probability: float = 1.0
    down: Range = (1.0, 8.0)  # factor, log-uniform
    # bilinear, bicubic, area, nearest
    down_filters: tuple[float, float, float, float] = (0.6, 0.25, 0.15, 0.0)
    up_filters: tuple[float, float, float, float] = (0.5, 0.5, 0.0, 0.0)

    noise_probability: float = 0.8
    shot_noise_share: float = 0.3  # Poisson instead of Gaussian
    noise_sigma: Range = (0.0, 10.0)  # of 255; for Poisson noise at white
    grey_noise_probability: float = 0.3

    jpeg_probability: float = 1.0
    jpeg_quality: Range = (50.0, 95.0)  # rounded
    chroma_subsampling_probability: float = 0.8  # 4:2:0, else 4:4:4

    low_resolution_probability: float = 0.0  # noise and JPEG come before the up-sampling
    final_sinc_probability: float = 0.0  # an extra sinc filter before JPEG


@dataclass(frozen=True, slots=True)
class DegradationRanges:
    """What `sample_degradations` draws from."""

    first: PassRanges = field(default_factory=PassRanges)
    second: PassRanges = field(default_factory=PassRanges)
    second_probability: float = 0.0
    clean_probability: float = 0.0  # no pass at all, only JPEG of the quality below
    clean_jpeg_quality: Range = (85.0, 100.0)


_SECOND_PASS = PassRanges(
    blur_probability=0.5,
    blur_sigma=(0.0, 1.5),
    resize_probability=0.5,
    down=(1.0, 2.0),
    noise_probability=0.5,
    noise_sigma=(0.0, 5.0),
    jpeg_quality=(50.0, 95.0),
    final_sinc_probability=0.2,
)

PRESETS: dict[str, DegradationRanges] = {
    "mild": DegradationRanges(
        PassRanges(blur_sigma=(0.2, 2.0), down=(1.5, 4.0), noise_sigma=(0.0, 5.0))
    ),
    "medium": DegradationRanges(
        PassRanges(blur_sigma=(1.0, 4.0), down=(4.0, 8.0), noise_sigma=(0.0, 10.0))
    ),
    "heavy": DegradationRanges(
        PassRanges(
            blur_sigma=(2.0, 8.0),
            down=(8.0, 18.0),
            noise_sigma=(0.0, 15.0),
            jpeg_quality=(30.0, 90.0),
        )
    ),
    "training": DegradationRanges(
        PassRanges(
            blur_probability=0.9,
            blur_sigma=(0.0, 8.0),
            down=(1.0, 20.0),
            noise_sigma=(0.0, 15.0),
            jpeg_probability=0.95,
            jpeg_quality=(30.0, 95.0),
            low_resolution_probability=0.15,
        ),
        _SECOND_PASS,
        second_probability=0.25,
        clean_probability=0.05,
    ),
    "film-grain": DegradationRanges(
        PassRanges(
            blur_sigma=(0.5, 2.5),
            down=(1.3, 2.5),
            noise_probability=1.0,
            noise_sigma=(12.0, 30.0),
            shot_noise_share=0.0,
            grey_noise_probability=1.0,
            jpeg_quality=(80.0, 97.0),
            low_resolution_probability=1.0,
        )
    ),
    "low-light": DegradationRanges(
        PassRanges(
            blur_sigma=(0.5, 3.0),
            down=(1.5, 4.0),
            noise_probability=1.0,
            noise_sigma=(20.0, 45.0),
            shot_noise_share=1.0,
            grey_noise_probability=0.0,
            jpeg_quality=(60.0, 92.0),
            low_resolution_probability=0.7,
        )
    ),
    "official": DegradationRanges(
        PassRanges(
            blur_sigma=(2.0, 8.0),
            blur_families=(1.0, 0.0, 0.0, 0.0),
            down=(1.0, 16.0),
            down_filters=(1.0, 0.0, 0.0, 0.0),
            noise_probability=1.0,
            noise_sigma=(0.0, 12.0),
            shot_noise_share=0.0,
            grey_noise_probability=0.0,
            jpeg_quality=(57.0, 95.0),
        )
    ),
}


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
    sinc_kernels: Tensor  # (N, K', K'), after the noise
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

    def map(self, function: Callable[[Tensor], Tensor]) -> DegradationPass:
        """`function` applied to every tensor."""
        return DegradationPass(
            **{item.name: function(getattr(self, item.name)) for item in dataclasses.fields(self)}
        )


@dataclass(frozen=True, slots=True, eq=False)
class DegradationParameters:
    """What happens to each of N images: the passes in order, neutral where a sample skips one."""

    passes: tuple[DegradationPass, ...]

    def __len__(self) -> int:
        return len(self.passes[0].down) if self.passes else 0

    def select(self, indices: Sequence[int] | Tensor) -> DegradationParameters:
        """The samples at `indices`, in that order."""
        chosen = torch.as_tensor(indices, dtype=torch.long, device="cpu")
        return DegradationParameters(tuple(p.map(lambda t: t[chosen]) for p in self.passes))

    def repeat(self, times: int) -> DegradationParameters:
        """The whole set `times` times: sample i also at i + N, i + 2N, …"""
        return self.select(torch.arange(len(self)).repeat(times))


def sample_degradations(
    ranges: DegradationRanges,
    count: int,
    *,
    generator: torch.Generator,
    image_size: int = REFERENCE_SIZE,
) -> DegradationParameters:
    """Draw parameters for `count` images of `image_size` px.

    The same generator state gives the same parameters; sample i does not depend on `count`.
    """
    shape = (count, 2 * _DRAWS_PER_PASS + 3)
    uniforms = torch.rand(
        shape, generator=generator, dtype=torch.float64, device=generator.device
    ).cpu()
    scale = image_size / REFERENCE_SIZE
    own = _Draws(uniforms[:, :3])
    first = _sample_pass(ranges.first, _Draws(uniforms[:, 3 : 3 + _DRAWS_PER_PASS]), scale)
    second = _sample_pass(ranges.second, _Draws(uniforms[:, 3 + _DRAWS_PER_PASS :]), scale)

    neutral = DegradationPass.neutral(count)
    is_clean = own.chance(ranges.clean_probability)
    clean = dataclasses.replace(
        neutral, jpeg_quality=own.uniform(*ranges.clean_jpeg_quality).round()
    )
    has_second = own.chance(ranges.second_probability) & ~is_clean
    first = _choose(is_clean, clean, first)
    if not bool(has_second.any()):
        return DegradationParameters((first,))
    return DegradationParameters((first, _choose(has_second, second, neutral)))


class _Draws:
    """Hands out one column of uniform numbers after the other, shaped as asked."""

    def __init__(self, uniforms: Tensor) -> None:
        self._columns = iter(uniforms.unbind(1))

    def uniform(self, low: float, high: float) -> Tensor:
        return (low + (high - low) * next(self._columns)).float()

    def log_uniform(self, low: float, high: float) -> Tensor:
        return self.uniform(math.log(low), math.log(high)).exp()

    def chance(self, probability: float) -> Tensor:
        return next(self._columns) < probability

    def choice(self, weights: Sequence[float]) -> Tensor:
        bounds = torch.tensor(weights, dtype=torch.float64).cumsum(0)
        picked = torch.searchsorted(bounds, next(self._columns) * bounds[-1], right=True)
        return picked.clamp_max(len(weights) - 1)


def _sample_pass(ranges: PassRanges, draws: _Draws, scale: float) -> DegradationPass:
    kernels = _sample_kernels(ranges, draws, scale)
    resized = draws.chance(ranges.resize_probability)
    down = draws.log_uniform(*ranges.down)
    down_filter, up_filter = draws.choice(ranges.down_filters), draws.choice(ranges.up_filters)

    noisy = draws.chance(ranges.noise_probability)
    shot = draws.chance(ranges.shot_noise_share)
    noise_sigma = draws.uniform(*ranges.noise_sigma) * noisy
    grey_noise = draws.chance(ranges.grey_noise_probability)

    compressed = draws.chance(ranges.jpeg_probability)
    quality = draws.uniform(*ranges.jpeg_quality).round() * compressed
    chroma_subsampling = draws.chance(ranges.chroma_subsampling_probability)
    low_resolution = draws.chance(ranges.low_resolution_probability)

    rings = draws.chance(ranges.final_sinc_probability)
    cutoff = draws.uniform(*ranges.sinc_cutoff)
    zeros = torch.zeros_like(cutoff)
    sinc_kernels = blur_kernels(
        torch.full_like(rings, 3, dtype=torch.long),
        zeros,
        zeros,
        zeros,
        zeros,
        cutoff,
        radius=SINC_RADIUS,
    )
    return DegradationPass(
        kernels=kernels,
        down=torch.where(resized, down, 1.0),
        down_filter=down_filter,
        up_filter=up_filter,
        gaussian_sigma=noise_sigma * ~shot,
        shot_sigma=noise_sigma * shot,
        grey_noise=grey_noise,
        sinc_kernels=_choose_kernels(rings, sinc_kernels),
        jpeg_quality=quality,
        chroma_subsampling=chroma_subsampling,
        low_resolution=low_resolution,
    )


def _sample_kernels(ranges: PassRanges, draws: _Draws, scale: float) -> Tensor:
    blurred = draws.chance(ranges.blur_probability)
    family = draws.choice(ranges.blur_families)
    sigma_x = draws.uniform(*ranges.blur_sigma) * scale
    sigma_y = draws.uniform(*ranges.blur_sigma) * scale
    anisotropic = draws.chance(ranges.anisotropic_probability)
    angle = draws.uniform(0, math.pi)
    generalised = draws.uniform(*ranges.generalised_shape)
    plateau = draws.uniform(*ranges.plateau_shape)
    radius = max(math.ceil(SUPPORT_SIGMAS * ranges.blur_sigma[1] * scale), 1)
    if ranges.blur_families[3] > 0:
        radius = max(radius, SINC_RADIUS)
    kernels = blur_kernels(
        family,
        sigma_x,
        torch.where(anisotropic, sigma_y, sigma_x),
        angle,
        torch.where(family == 2, plateau, generalised),
        draws.uniform(*ranges.sinc_cutoff),
        radius=radius,
    )
    return _choose_kernels(blurred, kernels)


def _identity_kernels(count: int, size: int) -> Tensor:
    kernels = torch.zeros(count, size, size)
    kernels[:, size // 2, size // 2] = 1
    return kernels


def _choose_kernels(chosen: Tensor, kernels: Tensor) -> Tensor:
    """The kernel where chosen, else none."""
    identity = _identity_kernels(*kernels.shape[:2])
    return torch.where(chosen[:, None, None], kernels, identity)


def _choose(chosen: Tensor, one: DegradationPass, other: DegradationPass) -> DegradationPass:
    """Sample by sample, `one` where chosen (N,), else `other`."""
    picked: dict[str, Tensor] = {}
    for item in dataclasses.fields(one):
        a, b = getattr(one, item.name), getattr(other, item.name)
        if a.ndim == 3:
            size = max(a.shape[-1], b.shape[-1])
            a, b = _grow_kernels(a, size), _grow_kernels(b, size)
        picked[item.name] = torch.where(chosen.view(-1, *[1] * (a.ndim - 1)), a, b)
    return DegradationPass(**picked)


def _grow_kernels(kernels: Tensor, size: int) -> Tensor:
    margin = (size - kernels.shape[-1]) // 2
    return F.pad(kernels, (margin, margin, margin, margin))


def degrade_images(images: Tensor, preset: str = "medium", *, seed: int = 0) -> Tensor:
    """Degrade (N, 3, H, W) RGB in [0, 1] with parameters drawn from `PRESETS[preset]`.

    Raises ValueError for a preset that does not exist.
    """
    if preset not in PRESETS:
        raise ValueError(f"No degradation preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    generator = torch.Generator().manual_seed(seed)
    size = max(images.shape[-2:])
    parameters = sample_degradations(
        PRESETS[preset], len(images), generator=generator, image_size=size
    )
    return degrade(images, parameters, generator=generator)


def degrade(
    images: Tensor,
    parameters: DegradationParameters,
    *,
    generator: torch.Generator | Tensor | None = None,
) -> Tensor:
    """Apply `parameters` to `images`.

    images: (N, 3, H, W) RGB in [0, 1], on any device; `parameters` stay on the CPU. generator
    seeds the noise: a torch generator of any device, or one whole number per sample (N,), or None
    for torch's global one. Sample i depends on its own parameters and seed only. Noise of the
    same seed differs between a CPU and a GPU.

    Returns (N, 3, H, W) in [0, 1], rounded to 8 bits as in a file.
    """
    if images.ndim != 4 or images.shape[1] != 3 or len(images) != len(parameters):
        raise ValueError(
            f"degrade needs images ({len(parameters)}, 3, H, W) for {len(parameters)} parameter "
            f"sets, got {tuple(images.shape)}."
        )
    noise_sources = _noise_sources(len(images), generator, images.device)
    degraded = images.float()
    for one_pass in parameters.passes:
        degraded = _apply_pass(degraded, one_pass, noise_sources)
    return (degraded * 255).round_().clamp_(0, 255).div_(255).to(images.dtype)


def _noise_sources(
    count: int, generator: torch.Generator | Tensor | None, device: torch.device
) -> list[torch.Generator]:
    """One generator per sample, on the images' device."""
    if isinstance(generator, Tensor):
        seeds = generator.flatten()
        if len(seeds) != count:
            raise ValueError(f"degrade needs one seed per sample: {count}, got {len(seeds)}.")
    else:
        source = torch.device("cpu") if generator is None else generator.device
        seeds = torch.randint(2**62, (count,), generator=generator, device=source)
    return [torch.Generator(device).manual_seed(int(seed)) for seed in seeds.tolist()]


def _apply_pass(images: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    images = _blur(images, p.kernels)
    images = torch.cat(
        [
            _resample(images[i : i + 1], p.map(lambda t, i=i: t[i : i + 1]), sources[i : i + 1])
            for i in range(len(images))
        ]
    )
    final = ~p.low_resolution
    images = _add_noise(images, p, sources, final)
    images = _blur(images, p.sinc_kernels)
    return _compress(images, p, final)


def _blur(images: Tensor, kernels: Tensor) -> Tensor:
    centre = kernels.shape[-1] // 2

    def blur(chosen: Tensor, index: Tensor) -> Tensor:
        return convolve(chosen, kernels[index].to(images.device, non_blocking=True))

    return _for_chosen(images, kernels[:, centre, centre] != 1, blur)


def _resample(image: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    """One image down and up again, with noise and JPEG in between where asked for."""
    height, width = image.shape[-2:]
    down = float(p.down)
    small_size = (max(round(height / down), 1), max(round(width / down), 1))
    resized = small_size != (height, width)
    if resized:
        image = resize(image, small_size, FILTERS[int(p.down_filter)])
    image = _compress(_add_noise(image, p, sources, p.low_resolution), p, p.low_resolution)
    if resized:
        image = resize(image, (height, width), FILTERS[int(p.up_filter)])
    return image


def resize(images: Tensor, size: tuple[int, int], method: str) -> Tensor:
    """(N, C, H, W) to `size` (height, width); bilinear and bicubic are antialiased."""
    if method in ("bilinear", "bicubic"):
        return F.interpolate(images, size=size, mode=method, antialias=True)
    mode: Literal["area", "nearest-exact"] = "area" if method == "area" else "nearest-exact"
    return F.interpolate(images, size=size, mode=mode)


def _add_noise(
    images: Tensor, p: DegradationPass, sources: list[torch.Generator], where: Tensor
) -> Tensor:
    def add(chosen: Tensor, index: Tensor) -> Tensor:
        return torch.stack(
            [
                _noisy(
                    image,
                    float(p.gaussian_sigma[i]) / 255,
                    float(p.shot_sigma[i]) / 255,
                    bool(p.grey_noise[i]),
                    sources[i],
                )
                for image, i in zip(chosen, index.tolist(), strict=True)
            ]
        )

    return _for_chosen(images, where & (p.gaussian_sigma + p.shot_sigma > 0), add)


def _noisy(
    image: Tensor, gaussian_sigma: float, shot_sigma: float, grey: bool, source: torch.Generator
) -> Tensor:
    """One image (3, H, W) with Gaussian and Poisson noise of the given deviations in [0, 1]."""
    shape = (1 if grey else 3, *image.shape[1:])
    noise = torch.zeros(shape, device=image.device)
    if gaussian_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        noise = normal * gaussian_sigma
    if shot_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        light = image.mean(dim=0, keepdim=True) if grey else image
        noise = noise + shot_noise(light, 1 / shot_sigma**2, normal)
    return image + noise


def shot_noise(light: Tensor, photons: float, normal: Tensor) -> Tensor:
    """Poisson noise to add to `light` in [0, 1] when white is `photons` photons on average.

    Made from standard `normal` numbers by the Cornish-Fisher expansion of the Poisson
    distribution to its skewness, rounded to whole photons: ten times faster than drawing from it,
    and close above a few photons.
    """
    expected = light.clamp_min(0) * photons
    counted = expected + expected.sqrt() * normal + (normal.square() - 1) / 6
    return (counted.round_().clamp_min_(0) - expected) / photons


def _compress(images: Tensor, p: DegradationPass, where: Tensor) -> Tensor:
    def compress(chosen: Tensor, index: Tensor) -> Tensor:
        return jpeg_compress(chosen, p.jpeg_quality[index], p.chroma_subsampling[index])

    return _for_chosen(images, where & (p.jpeg_quality > 0), compress)


def _for_chosen(
    images: Tensor, chosen: Tensor, operation: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """`operation(images[index], index)` for the chosen (N,) samples; the others stay."""
    index = chosen.nonzero().flatten()
    if len(index) == 0:
        return images
    if len(index) == len(images):
        return operation(images, index)
    here = index.to(images.device)
    result = images.clone()
    result[here] = operation(images[here], index)
    return result
