"""The degradation model: clean faces in, degraded faces of the same size out.

One pass is blur -> down-sampling -> up-sampling -> noise -> JPEG (panini_spec, section 5; the
order measured on the published inputs), or, as in a small picture that somebody enlarged later,
noise and JPEG before the up-sampling. The second order is a second, milder pass.

`degrade_with` draws parameters from ranges (`sample_degradations`) and applies them (`degrade`).
The same parameters may be applied to other faces, which makes the positive pairs of UDRL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur_kernels import convolve, trim_kernels
from .jpeg import jpeg_compress
from .parameters import FILTERS, DegradationParameters, DegradationPass, sample_degradations
from .ranges import PRESETS, DegradationRanges, PassRanges

__all__ = [
    "FILTERS",
    "PRESETS",
    "DegradationParameters",
    "DegradationPass",
    "DegradationRanges",
    "PassRanges",
    "degrade",
    "degrade_images",
    "degrade_with",
    "degraded_batches",
    "resize",
    "sample_degradations",
    "shot_noise",
]


def degraded_batches(
    faces: Tensor,  # (N, 3, S, S) uint8
    ranges: DegradationRanges,
    *,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    batch: int = 8,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean faces and the same degraded, (B, 3, S, S) RGB in [0, 1] on `device`, a few at a time.

    Every face has parameters of its own, drawn before the first batch.
    """
    parameters = sample_degradations(
        ranges, len(faces), generator=generator, image_size=faces.shape[-1]
    )
    for start in range(0, len(faces), batch):
        these = slice(start, start + batch)
        clean = faces[these].to(device).float() / 255
        yield clean, degrade(clean, parameters.select(these), generator=generator)


def degrade_images(
    images: Tensor, ranges: str | DegradationRanges = "medium", *, seed: int = 0
) -> Tensor:
    """Degrade (N, 3, H, W) RGB in [0, 1] with parameters drawn from `ranges`, or a preset's name.

    Every image is degraded differently; the same seed gives the same result. Raises ValueError for
    a preset that does not exist.
    """
    return degrade_with(ranges, images, generator=torch.Generator().manual_seed(seed))


def degrade_with(
    ranges: str | DegradationRanges, images: Tensor, *, generator: torch.Generator
) -> Tensor:
    """As `degrade_images`; the CPU's `generator` draws the parameters, then the noise."""
    if isinstance(ranges, str):
        if ranges not in PRESETS:
            raise ValueError(
                f"No degradation preset {ranges!r}; choose one of {', '.join(PRESETS)}."
            )
        ranges = PRESETS[ranges]
    size = max(images.shape[-2:])
    parameters = sample_degradations(ranges, len(images), generator=generator, image_size=size)
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

    Returns (N, 3, H, W) in [0, 1], rounded to 8 bits as in a file, in the dtype of `images`.
    """
    if images.ndim != 4 or images.shape[1] != 3 or len(images) != len(parameters):
        raise ValueError(
            f"degrade needs images ({len(parameters)}, 3, H, W) for {len(parameters)} parameter "
            f"sets, got {tuple(images.shape)}."
        )
    sources = _noise_sources(len(images), generator, images.device)
    # A CPU is quickest with one image at a time, which stays in its caches; a GPU with all.
    chunk = 1 if images.device.type == "cpu" else len(images)
    degraded: list[Tensor] = []
    for start in range(0, len(images), chunk):
        these = slice(start, start + chunk)
        part = images[these].float()
        for one_pass in parameters.passes:
            part = _apply_pass(part, one_pass.select(these), sources[these])
        degraded.append((part * 255).round_().clamp_(0, 255).div_(255).to(images.dtype))
    return torch.cat(degraded) if degraded else images.clone()


def resize(images: Tensor, size: tuple[int, int], method: str) -> Tensor:
    """(N, C, H, W) to `size` (height, width) by one of `FILTERS`.

    Bilinear and bicubic are antialiased as in Pillow; the aliased ones, area and nearest are those
    of OpenCV. Bicubic filters may overshoot [0, 1].
    """
    if method not in FILTERS:
        raise ValueError(f"No filter {method!r}; choose one of {', '.join(FILTERS)}.")
    base = method.removeprefix("aliased_")
    if base == "bilinear" or base == "bicubic":
        return F.interpolate(images, size=size, mode=base, antialias=base == method)
    mode: Literal["area", "nearest"] = "area" if base == "area" else "nearest"
    return F.interpolate(images, size=size, mode=mode)


def shot_noise(light: Tensor, photons: float, normal: Tensor) -> Tensor:
    """Poisson noise to add to `light` in [0, 1] when white is `photons` photons on average.

    Made from standard `normal` numbers by the Cornish-Fisher expansion of the Poisson
    distribution up to its skewness, in whole photons: ten times faster than drawing from it, and
    close to it above a few photons.
    """
    expected = light.clamp_min(0) * photons
    counted = expected + expected.sqrt() * normal + (normal.square() - 1) / 6
    return (counted.round_().clamp_min_(0) - expected) / photons


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
    return [torch.Generator(device).manual_seed(seed) for seed in seeds.tolist()]


def _apply_pass(images: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    images = _blur(images, p.kernels)
    images = torch.cat(
        [
            _down_and_up(images[i : i + 1], p.select(slice(i, i + 1)), sources[i : i + 1])
            for i in range(len(images))
        ]
    )
    final_grid = ~p.low_resolution
    images = _add_noise(images, p, sources, final_grid)
    images = _blur(images, p.sinc_kernels)
    return _compress(images, p, final_grid)


def _blur(images: Tensor, kernels: Tensor) -> Tensor:
    kernels = trim_kernels(kernels)
    centre = kernels.shape[-1] // 2

    def blur(chosen: Tensor, index: Tensor) -> Tensor:
        return convolve(chosen, kernels[index].to(images.device, non_blocking=True))

    return _for_chosen(images, kernels[:, centre, centre] != 1, blur)


def _down_and_up(image: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    """One image made small and enlarged again, with noise and JPEG in between where asked for."""
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


def _add_noise(
    images: Tensor, p: DegradationPass, sources: list[torch.Generator], where: Tensor
) -> Tensor:
    def add(chosen: Tensor, index: Tensor) -> Tensor:
        noisy = [
            _noisy(image, p.select(slice(i, i + 1)), sources[i])
            for image, i in zip(chosen, index.tolist(), strict=True)
        ]
        return torch.stack(noisy)

    return _for_chosen(images, where & (p.gaussian_sigma + p.shot_sigma > 0), add)


def _noisy(image: Tensor, p: DegradationPass, source: torch.Generator) -> Tensor:
    """One image (3, H, W) with its Gaussian and Poisson noise."""
    grey = bool(p.grey_noise)
    shape = (1 if grey else 3, *image.shape[1:])
    gaussian_sigma, shot_sigma = float(p.gaussian_sigma) / 255, float(p.shot_sigma) / 255
    result = image
    if shot_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        light = image.mean(dim=0, keepdim=True) if grey else image
        result = result + shot_noise(light, 1 / shot_sigma**2, normal)
    if gaussian_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        result = result + normal.mul_(gaussian_sigma)
    return result


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
