"""The degradation model: clean faces in, degraded faces of the same size out.

One pass is blur -> down-sampling -> up-sampling -> noise -> JPEG (the order measured on the inputs
that were published with the paper), or, as in a small picture that somebody enlarged later,
noise and JPEG before the up-sampling. The second order is a second, milder pass.

Where a sample has them, the dots of a print or the stripes of a screen, which a camera took in,
come between blur and down-sampling; and what people do to pictures, between noise and JPEG: saved
before (another JPEG), sharpened, reduced to few tones. WebP or AVIF come after JPEG.

`degrade_with` draws parameters from ranges (`sample_degradations`) and applies them (`degrade`).
The same parameters may be applied to other faces, which makes the positive pairs of UDRL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur_kernels import convolve, gaussian_blur, trim_kernels
from .jpeg import jpeg_compress, shifted_jpeg_compress
from .parameters import DegradationParameters, DegradationPass
from .patterns import INK_ANGLES, print_dots, stripes
from .ranges import PRESETS, DegradationRanges, PassRanges
from .resizing import FILTERS, resize
from .sampling import sample_degradations
from .sharpening import unsharp_mask
from .tones import reduce_tones
from .web_codecs import web_compress

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
    degraded = torch.empty_like(images)
    for start in range(0, len(images), chunk):
        these = slice(start, start + chunk)
        part = images[these].float()
        for one_pass in parameters.passes:
            part = _apply_pass(part, one_pass.select(these), sources[these])
        degraded[these] = (part * 255).round_().clamp_(0, 255).div_(255)
    return degraded


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
    images = _add_stripes(_print(images, p), p)
    images = _one_by_one(images, p, sources, _down_and_up)
    final_grid = ~p.low_resolution
    images = _add_noise(images, p, sources, final_grid)
    images = _blur(images, p.sinc_kernels)
    return _edit_and_save(images, p, saved=final_grid, sharpened=p.sharpen_enlarged)


def _blur(images: Tensor, kernels: Tensor) -> Tensor:
    kernels = trim_kernels(kernels)
    centre = kernels.shape[-1] // 2

    def blur(chosen: Tensor, index: Tensor) -> Tensor:
        return convolve(chosen, kernels[index].to(images.device, non_blocking=True))

    return _for_chosen(images, kernels[:, centre, centre] != 1, blur)


def _print(images: Tensor, p: DegradationPass) -> Tensor:
    """The pictures as prints made of dots, photographed."""

    def black(chosen: Tensor, index: Tensor) -> Tensor:
        light = chosen.mean(dim=1, keepdim=True)
        dots = print_dots(light, p.dot_period[index], p.dot_angle[index, None])
        return photographed(chosen, chosen + (dots - light), index)

    def coloured(chosen: Tensor, index: Tensor) -> Tensor:
        angles = p.dot_angle[index, None] + torch.tensor(INK_ANGLES)
        return photographed(chosen, print_dots(chosen, p.dot_period[index], angles), index)

    def photographed(chosen: Tensor, dots: Tensor, index: Tensor) -> Tensor:
        strength = p.dot_strength[index].to(images)[:, None, None, None]
        return gaussian_blur(chosen.lerp(dots, strength), p.dot_blur[index])

    printed = p.dot_period > 0
    images = _for_chosen(images, printed & p.grey_dots, black)
    return _for_chosen(images, printed & ~p.grey_dots, coloured)


def _add_stripes(images: Tensor, p: DegradationPass) -> Tensor:
    """The pictures as a camera saw them on a screen."""

    def add(chosen: Tensor, index: Tensor) -> Tensor:
        values = (p.stripe_period, p.stripe_angle, p.stripe_contrast, p.stripe_bend)
        return stripes(chosen, *(one[index] for one in values), colour=p.stripe_colour[index])

    return _for_chosen(images, p.stripe_period > 0, add)


def _down_and_up(image: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    """One image made small and enlarged again, with all that happens to small pictures between."""
    height, width = image.shape[-2:]
    down = float(p.down)
    if whole := bool(p.whole_down):
        # A border, so that the small picture is a whole number of times smaller.
        down = round(down)
        image = F.pad(image, (0, -width % down, 0, -height % down), mode="replicate")
    large_size = (image.shape[-2], image.shape[-1])
    small_size = (max(round(large_size[0] / down), 1), max(round(large_size[1] / down), 1))
    resized = small_size != large_size
    if resized:
        image = resize(image, small_size, FILTERS[int(p.down_filter)])
    image = _add_noise(image, p, sources, p.low_resolution)
    image = _edit_and_save(image, p, saved=p.low_resolution, sharpened=~p.sharpen_enlarged)
    if resized:
        image = resize(image, large_size, FILTERS[int(p.up_filter)])
    return image[..., :height, :width] if whole else image


def _add_noise(
    images: Tensor, p: DegradationPass, sources: list[torch.Generator], where: Tensor
) -> Tensor:
    def add(chosen: Tensor, index: Tensor) -> Tensor:
        return _one_by_one(chosen, p.select(index), [sources[i] for i in index], _noisy)

    return _for_chosen(images, where & (p.gaussian_sigma + p.shot_sigma > 0), add)


def _noisy(image: Tensor, p: DegradationPass, sources: list[torch.Generator]) -> Tensor:
    """One image (1, 3, H, W) with its Gaussian and Poisson noise."""
    grey = bool(p.grey_noise)
    (source,) = sources
    shape = (1, 1 if grey else 3, *image.shape[2:])
    gaussian_sigma, shot_sigma = float(p.gaussian_sigma) / 255, float(p.shot_sigma) / 255
    result = image
    if shot_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        light = image.mean(dim=1, keepdim=True) if grey else image
        result = result + shot_noise(light, 1 / shot_sigma**2, normal)
    if gaussian_sigma > 0:
        normal = torch.randn(shape, generator=source, device=image.device)
        result = result + normal.mul_(gaussian_sigma)
    return result


def _edit_and_save(
    images: Tensor, p: DegradationPass, *, saved: Tensor, sharpened: Tensor
) -> Tensor:
    """What happens to a picture on one grid, in this order; `saved` and `sharpened`: where."""

    def earlier_jpeg(chosen: Tensor, index: Tensor) -> Tensor:
        values = (p.earlier_jpeg_quality, p.chroma_subsampling, p.earlier_jpeg_origin)
        return shifted_jpeg_compress(chosen, *(one[index] for one in values))

    def sharpen(chosen: Tensor, index: Tensor) -> Tensor:
        return unsharp_mask(chosen, p.sharpen_amount[index], p.sharpen_sigma[index])

    def reduce(chosen: Tensor, index: Tensor) -> Tensor:
        return reduce_tones(chosen, p.tones[index], p.dithered[index])

    def jpeg(chosen: Tensor, index: Tensor) -> Tensor:
        return jpeg_compress(chosen, p.jpeg_quality[index], p.chroma_subsampling[index])

    def web(chosen: Tensor, index: Tensor) -> Tensor:
        return web_compress(chosen, p.web_quality[index], p.avif[index])

    images = _for_chosen(images, saved & (p.earlier_jpeg_quality > 0), earlier_jpeg)
    images = _for_chosen(images, sharpened & (p.sharpen_amount > 0), sharpen)
    images = _for_chosen(images, saved & (p.tones > 0), reduce)
    images = _for_chosen(images, saved & (p.jpeg_quality > 0), jpeg)
    return _for_chosen(images, saved & (p.web_quality > 0), web)


def _one_by_one(
    images: Tensor,
    p: DegradationPass,
    sources: list[torch.Generator],
    operation: Callable[[Tensor, DegradationPass, list[torch.Generator]], Tensor],
) -> Tensor:
    """`operation` of every image (1, 3, H, W) with its own parameters and source."""
    if len(images) == 1:
        return operation(images, p, sources)
    each = [slice(i, i + 1) for i in range(len(images))]
    return torch.cat([operation(images[one], p.select(one), sources[one]) for one in each])


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
