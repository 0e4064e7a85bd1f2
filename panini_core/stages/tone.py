"""The one tone of a grey, sepia or otherwise toned photograph around a face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.luma import LUMA, to_grey
from ..models.transfer import to_like
from .asking import Asking

CELLS = 32  # a crop's side in cells: means over them are free of the chroma noise of JPEG
TOLERANCE = 6 / 255  # of red - green and blue - green of a cell, from the tone of its brightness
FEW = 0.01  # share of the face that may be off: a scratch, a date, a corner of a stamp
POWERS = 4  # of brightness; a cubic follows any toning from shadows to lights
REACH = 2.5  # standard deviations of brightness; beyond, the tone goes on unchanged
RIDGE = 1e-6  # keeps the fit solvable where brightness does not vary


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """Red - green and blue - green as a cubic of brightness; both zero in a grey photograph."""

    mean: Tensor  # () of the brightness
    spread: Tensor  # () its standard deviation
    curve: Tensor  # (2, POWERS)

    def differences(self, grey: Tensor) -> Tensor:
        """(1, H, W) brightness -> (2, H, W): red - green and blue - green there."""
        powers = _powers((grey - self.mean) / self.spread)
        return torch.einsum("cp,phw->chw", self.curve, powers)

    def colour(self, grey: Tensor) -> Tensor:
        """(1, H, W) in [0, 1] -> (3, H, W) RGB in this tone, as bright, clamped to [0, 1]."""
        red, blue = self.differences(grey).split(1)
        green = grey - LUMA[0] * red - LUMA[2] * blue
        return torch.cat([green + red, green, green + blue]).clamp(0, 1)


@torch.no_grad()
def find_tone(photograph: Tensor, weights: Tensor) -> Asking[Tone | None]:
    """The tone of a photograph (3, S, S) in [0, 1] where weights (1, S, S) >= 0 are; None if it
    has several: if it is a colour photograph.

    In one tone, colour follows from brightness (none at all, sepia, two inks). The curve is fitted
    by least squares. Colour that differs from it by a little, or at few places, is no colour.
    """
    grey = to_grey(photograph)
    share = weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
    mean = (share * grey).sum()
    spread = (share * (grey - mean) ** 2).sum().sqrt().clamp(min=1e-3)
    difference = torch.stack([photograph[0] - photograph[1], photograph[2] - photograph[1]])
    powers = _powers((grey - mean) / spread)
    sums = yield _sums(powers, difference, share)
    tone = Tone(mean, spread, to_like(_fit(sums), mean))

    off = F.adaptive_avg_pool2d((difference - tone.differences(grey))[None], CELLS)[0].abs()
    toned = (off <= TOLERANCE).all(0)
    cells = F.adaptive_avg_pool2d(share, CELLS)
    strange, whole = yield torch.stack([(cells * ~toned).sum(), cells.sum()])
    return tone if strange <= FEW * whole else None


def _powers(place: Tensor) -> Tensor:
    """(1, H, W) in standard deviations -> (POWERS, H, W)."""
    place = place.clamp(-REACH, REACH)
    return torch.cat([place**power for power in range(POWERS)])


def _sums(powers: Tensor, values: Tensor, share: Tensor) -> Tensor:
    """What weighted least squares need to know of a picture: (POWERS, POWERS + C)."""
    left = torch.einsum("phw,qhw,hw->pq", powers, powers, share[0])
    right = torch.einsum("phw,chw,hw->pc", powers, values, share[0])
    return torch.cat([left, right], dim=1)


def _fit(sums: Tensor) -> Tensor:
    """Weighted least squares (C, POWERS), float64; zeros are fitted by zeros exactly."""
    left, right = sums.double().tensor_split([POWERS], dim=1)
    ridge = RIDGE * torch.eye(POWERS, dtype=left.dtype)  # of flat pictures
    return torch.linalg.solve(left + ridge, right).mT
