"""Blur kernels of several families, one per sample, and their convolution.

With q = x^T S^-1 x, S built from two standard deviations and an angle: Gaussian exp(-q/2),
generalised Gaussian exp(-q^b/2), plateau 1/(1 + q^b), and the ideal low-pass ("sinc")
w J1(w r) / (2 pi r), which rings (Wang et al., Real-ESRGAN, ICCVW 2021).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

FAMILIES = ("gaussian", "generalised_gaussian", "plateau", "sinc")

# Where a kernel ends, in standard deviations: a Gaussian holds 98.9 % of its weight inside.
SUPPORT_SIGMAS = 3.0
# Radius of the sinc kernels in px, as usual in practice (21x21).
SINC_RADIUS = 10


def blur_kernels(
    family: Tensor,
    sigma_x: Tensor,
    sigma_y: Tensor,
    angle: Tensor,
    shape: Tensor,
    cutoff: Tensor,
    *,
    radius: int,
) -> Tensor:
    """Kernels (N, K, K) with K = 2 radius + 1, each of sum 1.

    All arguments are (N,): family an index into `FAMILIES`; the standard deviations in px (0 is no
    blur); the angle of the first axis in radians; the exponent b of the generalised and plateau
    families; the cut-off frequency w of sinc in radians per px (pi keeps all that a pixel grid
    can hold).
    """
    coordinates = torch.arange(-radius, radius + 1, dtype=torch.float64, device=family.device)
    y, x = torch.meshgrid(coordinates, coordinates, indexing="ij")
    cos, sin = torch.cos(angle.double()), torch.sin(angle.double())
    along = cos[:, None, None] * x + sin[:, None, None] * y
    across = cos[:, None, None] * y - sin[:, None, None] * x
    smallest = 1e-3  # px: by far narrower than a pixel, so the kernel is a single one
    first, second = (s.double().clamp_min(smallest)[:, None, None] for s in (sigma_x, sigma_y))
    q = (along / first) ** 2 + (across / second) ** 2
    exponent = shape.double()[:, None, None]

    smooth = torch.where(
        family[:, None, None] == FAMILIES.index("plateau"),
        1 / (1 + q**exponent),
        torch.exp(
            -0.5
            * torch.where(
                family[:, None, None] == FAMILIES.index("generalised_gaussian"), q**exponent, q
            )
        ),
    )
    smooth = smooth * (q <= SUPPORT_SIGMAS**2)
    kernels = torch.where(
        family[:, None, None] == FAMILIES.index("sinc"),
        _sinc(torch.hypot(x, y), cutoff.double()[:, None, None]),
        smooth,
    )
    return (kernels / kernels.sum(dim=(1, 2), keepdim=True)).float()


def _sinc(distance: Tensor, cutoff: Tensor) -> Tensor:
    """The circular ideal low-pass, cut off at SINC_RADIUS."""
    away = distance.clamp_min(1e-6)
    values = cutoff * torch.special.bessel_j1(cutoff * away) / (2 * math.pi * away)
    values = torch.where(distance == 0, cutoff**2 / (4 * math.pi), values)
    return values * (distance <= SINC_RADIUS)


def trim_kernels(kernels: Tensor) -> Tensor:
    """(N, K, K) without the border in which all of them are zero; K stays odd."""
    radius = kernels.shape[-1] // 2
    used = (kernels != 0).any(dim=0)
    rows, columns = used.nonzero().unbind(1)
    needed = int(torch.stack([(rows - radius).abs().max(), (columns - radius).abs().max()]).max())
    margin = radius - needed
    return kernels[:, margin : kernels.shape[-1] - margin, margin : kernels.shape[-1] - margin]


def convolve(images: Tensor, kernels: Tensor) -> Tensor:
    """Each image (N, C, H, W) convolved with its kernel (N, K, K); borders are reflected.

    Runs in the frequency domain, so its cost hardly depends on the kernel's size. Raises
    ValueError if K is even.
    """
    size = kernels.shape[-1]
    if size % 2 == 0:
        raise ValueError(f"A kernel must have an odd size, got {tuple(kernels.shape)}.")
    radius = size // 2
    height, width = images.shape[-2:]
    # An image smaller than the kernel has not enough to reflect: its edge is repeated.
    border = "reflect" if radius < min(height, width) else "replicate"
    padded = F.pad(images.float(), (radius, radius, radius, radius), mode=border)
    grid = tuple(_fast_length(length + 2 * radius) for length in (height, width))
    spectrum = torch.fft.rfft2(padded, s=grid)
    spectrum *= torch.fft.rfft2(kernels.float(), s=grid)[:, None]
    blurred = torch.fft.irfft2(spectrum, s=grid)
    # The kernel's centre lies at (radius, radius), the picture's corner at twice that.
    start = 2 * radius
    return blurred[..., start : start + height, start : start + width].to(images.dtype)


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Each image (N, C, H, W) blurred with its sigma (N,), px; borders are repeated.

    Row by row and column by column, which for a narrow Gaussian is several times faster than
    `convolve`. 0 is no blur.
    """
    radius = max(math.ceil(SUPPORT_SIGMAS * float(sigma.max())), 0)
    offsets = torch.arange(radius + 1)
    narrow = sigma.float().clamp_min(1e-3)[:, None]
    weights = torch.exp(-0.5 * (offsets / narrow) ** 2)
    # Every image's kernel ends where its own sigma says, whatever is blurred beside it.
    weights *= offsets <= (SUPPORT_SIGMAS * narrow).ceil()
    weights /= weights[:, :1] + 2 * weights[:, 1:].sum(dim=1, keepdim=True)
    taps = weights.to(images)[:, :, None, None, None].unbind(1)
    padded = F.pad(images, (radius, radius, radius, radius), mode="replicate")
    return _weighted_sum(_weighted_sum(padded, taps, dim=2), taps, dim=3)


def _weighted_sum(padded: Tensor, taps: tuple[Tensor, ...], dim: int) -> Tensor:
    """Neighbours along `dim` summed with symmetric weights, the centre's first."""
    radius = len(taps) - 1
    length = padded.shape[dim] - 2 * radius
    total = padded.narrow(dim, radius, length) * taps[0]
    for offset, weight in enumerate(taps[1:], start=1):
        for start in (radius - offset, radius + offset):
            total.addcmul_(padded.narrow(dim, start, length), weight)
    return total


def _fast_length(length: int) -> int:
    """The next even length with the factors 2, 3 and 5 only, which FFTs like."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and length % 2 == 0:
            return length
        length += 1
