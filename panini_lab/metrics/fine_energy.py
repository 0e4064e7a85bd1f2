"""Fine energy: how much of a clean face's finest detail a restored one has.

The finest octave is the first plane of the isotropic undecimated wavelet transform (Starck, Fadili
and Murtagh, "The Undecimated Wavelet Decomposition and its Reconstruction" (2007)): the image minus
itself smoothed by the cubic B-spline (1, 4, 6, 4, 1) / 16 along rows and columns. Of a wave along
one axis it holds all at the Nyquist frequency, half the energy at 0.47 of it, 7 % at a quarter.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_SPLINE = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_REACH = len(_SPLINE) // 2
# Per pixel; far below the 1e-6 of rounding to 8 bits. Keeps the share finite on flat faces.
_NO_ENERGY = 1e-10


def fine_energy(restored: Tensor, clean: Tensor) -> Tensor:
    """The energy of the finest octave of `restored` over that of `clean`, (N,); 1 if equal.

    restored, clean: (N, 3, H, W) RGB in [0, 1], at least 3 px; `clean` may hold a single image
    for all of the other. Below 1 is softer than the clean face, above 1 sharper or noisier: detail
    and noise count alike, and so does what lies in the wrong place. Energy is the sum of squares of
    the mean of red, green and blue, mirrored at the border; in float32, under autocast as well.
    Raises ValueError for shapes that differ or are too small.
    """
    if restored.ndim != 4 or restored.shape[1:] != clean.shape[1:]:
        raise ValueError(
            "Images must have equal shapes (N, 3, H, W), got "
            f"{tuple(restored.shape)}, {tuple(clean.shape)}."
        )
    if min(restored.shape[2:]) <= _REACH:
        raise ValueError(
            f"Fine energy needs images of at least {_REACH + 1} px, got {tuple(restored.shape)}."
        )
    return (_energy(restored) + _NO_ENERGY) / (_energy(clean) + _NO_ENERGY)


def _energy(images: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N,): the mean square of the finest octave."""
    grey = images.float().mean(dim=1, keepdim=True)
    mirrored = F.pad(grey, (_REACH, _REACH, _REACH, _REACH), mode="reflect")
    finest = grey - _smooth(_smooth(mirrored, 2), 3)
    return finest.square().mean(dim=(1, 2, 3))


def _smooth(x: Tensor, dim: int) -> Tensor:
    """`x` smoothed along `dim`, shorter by the reach at both ends.

    In sums, since autocast would round a convolution to half precision.
    """
    length = x.shape[dim] - 2 * _REACH
    parts = [weight * x.narrow(dim, start, length) for start, weight in enumerate(_SPLINE)]
    return torch.stack(parts).sum(dim=0)
