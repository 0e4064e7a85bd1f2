"""The grain of a photograph: measured in its flat parts, and drawn anew.

Film grain and the noise of a sensor are taken for the same: noise of zero mean, as strong
everywhere, Gaussian, and as white noise looks through a Gaussian blur of at most a few px. Whatever
is found is refused where it is not like that: hair and cloth have a direction or a period, foliage
has few values that are large, JPEG has a grid of 8 px, and a picture that shows none of it at some
places has no grain at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.luma import LUMA, to_grey
from ..models.transfer import to_device, to_like
from .asking import Asking

PATCH = 16  # px; the side of what is looked at
STRIDE = 8  # px, times a whole number: so all patches lie alike on the grid of JPEG
MOST_PATCHES = 4096
FLAT = 0.1  # the quantile of the patches' energies that is the picture's floor
NEAR_FLOOR = 2.0  # energies up to so many times as large count as the same floor
FEWEST_AROUND, FEWEST_INSIDE = 24, 6  # patches, without which nothing is known
LEAST_STD, LARGEST_STD = 1.5 / 255, 0.12  # of brightness: below it does not show, above it is none
LEAST_INSIDE = 0.25  # of the energy around a face must be in the photograph's own face
CLIPPED = 0.02  # share of a patch that may be black or white: there noise is cut off
KURTOSIS = (2.3, 4.2)  # that of a Gaussian is 3
LARGEST_COHERENCE = 0.4  # of the gradients in a patch: 1 in hair
LAGS = (2, 3, 4, 6)  # px, over which grain is correlated as the blur behind it says
LARGEST_SURPRISE = 0.08  # of a correlation
LARGEST_GRID = 2.5  # energy of steps across the grid of JPEG, by that of the others
COARSE = 1.25  # px; coarser grain is measured in the halved picture
HALVINGS = 1
SIZES = tuple(0.05 * step for step in range(33))  # px, that are told apart
LARGE = 4 * MOST_PATCHES * STRIDE**2  # px of a picture, of which patches no longer show everything
PIXELS_MIXED = 2**22  # of noise at a time, whose brightness and colours become red, green and blue


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """Noise that is as strong, as coarse and as coloured as a photograph's."""

    mixing: Tensor  # (C, C) from independent noises of variance 1 to brightness and colours
    size: float  # px, std of the blur that makes white noise of brightness as coarse
    colour_size: float  # px, the same for colour

    @property
    def strength(self) -> float:
        """Standard deviation of brightness."""
        return float(self.mixing[0, 0])

    def weakened(self, share: float) -> Grain:
        """Grain whose standard deviation is a share of this one's."""
        return Grain(self.mixing * share, self.size, self.colour_size)

    def draw(self, height: int, width: int, seed: int) -> Tensor:
        """Noise (C, height, width) of this kind, the same for the same seed on every device."""
        generator = torch.Generator().manual_seed(seed)
        count = len(self.mixing)
        sizes = [self.size, *[self.colour_size] * (count - 1)]
        reach = [len(_taps(size)) // 2 for size in sizes]
        noise = self.mixing.new_empty((count, height, width))
        for row, (size, margin) in enumerate(zip(sizes, reach, strict=True)):
            shape = (1, 1, height + 2 * margin, width + 2 * margin)
            white = to_like(torch.randn(shape, generator=generator), self.mixing)
            taps = to_like(_taps(size), self.mixing).view(1, 1, 1, -1)
            noise[row] = F.conv2d(F.conv2d(white, taps), taps.mT)[0, 0]
        for band in noise.split(max(PIXELS_MIXED // width, 1), dim=1):  # in place
            band.copy_(_from_opponents(torch.einsum("cn,nhw->chw", self.mixing, band)))
        return noise


@dataclass(frozen=True, slots=True, eq=False)
class Strips:
    """A picture (C, height, width) whose rows are made when they are asked for: of a large one only
    some are looked at."""

    height: int
    width: int
    rows: Callable[[int, int], Tensor]  # from which to which -> (C, h, width)

    @staticmethod
    def of(picture: Tensor | Strips) -> Strips:
        """Also of a picture (C, h, w) that is there."""
        if isinstance(picture, Strips):
            return picture
        height, width = picture.shape[-2:]
        return Strips(height, width, lambda top, bottom: picture[:, top:bottom])

    def halved(self) -> Strips:
        """Means of 2 x 2 px."""

        def rows(top: int, bottom: int) -> Tensor:
            return F.avg_pool2d(self.rows(2 * top, 2 * bottom)[None], 2)[0]

        return Strips(self.height // 2, self.width // 2, rows)


@torch.no_grad()
def measure_grain(photograph: Tensor | Strips, drawn: Tensor | Strips) -> Asking[Grain | None]:
    """The grain of a photograph (C, h, w) in [0, 1] around a face; None if it has none.

    C is 1 in a grey picture. drawn (1, h, w) in [0, 1]: where the face will be drawn. What lies
    beside it is measured; what it shows now must have grain as well, or what is around is texture.
    """
    return (yield from _measure(Strips.of(photograph), Strips.of(drawn), HALVINGS))


@torch.no_grad()
def share_missing(
    photograph: Tensor | Strips, face: Tensor | Strips, drawn: Tensor | Strips
) -> Asking[float]:
    """How much of a photograph's grain a restored face (C, h, w) lacks, 0..1, of its std.

    By the floors of the energies in both, around the face and inside of it (see `measure_grain`).
    """
    pictures = [
        _Patches.of(Strips.of(one), Strips.of(drawn)).energies() for one in (photograph, face)
    ]
    wanted, found = map(_Energies.read, (yield torch.stack(pictures)))
    inside = wanted.inside & found.inside
    if not inside.any() or not wanted.around.any():
        return 1.0
    floors = _floor(wanted.energy[wanted.around]), _floor(found.energy[inside])
    return math.sqrt(max(1 - floors[1] / max(floors[0], 1e-12), 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Patches:
    """Small parts of a picture, what is left of them without a plane, and where they lie."""

    residual: Tensor  # (P, C, PATCH, PATCH), brightness first
    energy: Tensor  # (P,) of brightness
    inside: Tensor  # (P,) where the face is drawn, and not clipped
    around: Tensor  # (P,) where it is not, and not clipped

    @staticmethod
    def of(picture: Strips, drawn: Strips) -> _Patches:
        height, width = picture.height, picture.width
        count = math.ceil(height / STRIDE) * math.ceil(width / STRIDE) / MOST_PATCHES
        stride = STRIDE * max(math.ceil(math.sqrt(count)), 1)

        def cut(strip: Tensor) -> Tensor:  # (C, h, w) -> (P, C, PATCH, PATCH)
            parts = strip.unfold(1, PATCH, stride).unfold(2, PATCH, stride)
            return parts.permute(1, 2, 0, 3, 4).reshape(-1, len(strip), PATCH, PATCH)

        def look(rows: Callable[[int, int], Tensor]) -> Tensor:
            if stride <= PATCH:
                return cut(rows(0, height))
            return torch.cat(
                [cut(rows(top, top + PATCH)) for top in range(0, height - PATCH + 1, stride)]
            )

        if min(height, width) < PATCH:
            none = picture.rows(0, 0)
            empty, none = none.new_zeros(0, len(none), PATCH, PATCH), none.new_zeros(0)
            return _Patches(empty, none, none.bool(), none.bool())
        values = look(picture.rows)
        extreme = ((values <= 0.5 / 255) | (values >= 1 - 0.5 / 255)).float()
        clipped = extreme.mean((2, 3)).amax(1) > CLIPPED
        flat = look(lambda top, bottom: _to_opponents(picture.rows(top, bottom))).flatten(2)
        plane = to_like(_plane(), flat)
        residual = (flat - (flat @ plane) @ plane.mT).unflatten(2, (PATCH, PATCH))
        share = look(drawn.rows).mean((1, 2, 3))
        return _Patches(
            residual,
            residual[:, 0].square().mean((1, 2)),
            inside=(share > 0.5) & ~clipped,
            around=(share < 0.5) & ~clipped,
        )

    def energies(self) -> Tensor:
        """All but the residual, (3, P), for `_Energies`."""
        places = (self.inside, self.around)
        return torch.stack([self.energy, *(place.to(self.energy) for place in places)])


@dataclass(frozen=True, slots=True, eq=False)
class _Energies:
    """The fields of the same names of `_Patches`, in the computer's own memory."""

    energy: Tensor
    inside: Tensor
    around: Tensor

    @staticmethod
    def read(values: Tensor) -> _Energies:
        energy, inside, around = values
        return _Energies(energy, inside > 0, around > 0)

    def flat(self) -> Tensor | None:
        """Which patches (P,) around the face show what may be grain; None if it cannot be."""
        energy, around = self.energy, self.around
        if around.sum() < FEWEST_AROUND or self.inside.sum() < FEWEST_INSIDE:
            return None
        floor = _floor(energy[around])
        if _floor(energy[self.inside]) < LEAST_INSIDE * floor:
            return None
        # Twice, since the floor of pure noise lies below its mean.
        flat = around & (energy <= NEAR_FLOOR * floor)
        flat = around & (energy <= NEAR_FLOOR * energy[flat].median())
        return flat if LEAST_STD**2 <= energy[flat].mean() <= LARGEST_STD**2 else None


def _measure(photograph: Strips, drawn: Strips, halvings: int) -> Asking[Grain | None]:
    patches = _Patches.of(photograph, drawn)
    flat = _Energies.read((yield patches.energies())).flat()
    if flat is None:
        return None
    residual = _rows(patches.residual, flat)
    traits = yield _traits(residual[:, 0])
    size = _size(traits[0])
    if size > COARSE and halvings:
        found = yield from _measure(photograph.halved(), drawn.halved(), halvings - 1)
        return None if found is None else _doubled(found)
    if size == SIZES[-1] or not _is_grain(traits, size):
        return None
    channels = residual.shape[1]
    if channels > 1:  # colours may change where brightness does not
        energy = yield residual[:, 1:].square().mean((1, 2, 3))
        residual = _rows(residual, energy <= NEAR_FLOOR * _floor(energy))
    covariance = torch.einsum("pchw,pdhw->cd", residual, residual) / residual[:, 0].numel()
    colours = residual[:, 1:] if channels > 1 else residual
    ratio, *products = yield torch.cat([_roughness(colours)[None], covariance.flatten()])
    colour_size = _size(ratio) if channels > 1 else size
    kept = [_kept(one) for one in (size, *[colour_size] * (channels - 1))]
    scale = torch.tensor(kept, dtype=torch.float64).sqrt()
    covariance = torch.stack(products).double().view(channels, channels)
    tiny = 1e-9 * torch.eye(channels, dtype=torch.float64)  # colours may follow brightness
    mixing = torch.linalg.cholesky(covariance / (scale[:, None] * scale) + tiny)
    return Grain(to_like(mixing, residual), size, colour_size)


def _rows(values: Tensor, chosen: Tensor) -> Tensor:
    """The rows that a mask in the computer's own memory names, wherever the values are."""
    return values[to_device(torch.nonzero(chosen)[:, 0], values.device)]


def _floor(energies: Tensor) -> float:
    return float(energies.quantile(FLAT))


def _doubled(grain: Grain) -> Grain:
    """The grain of a picture whose halved version has the given one."""

    def before(size: float) -> float:  # the mean over 2 px is a blur itself
        return math.sqrt(max(4 * size**2 - 0.25, 0.25))

    size, colour_size = before(grain.size), before(grain.colour_size)
    gains = [math.sqrt(1 + 0.25 / one**2) for one in (size, colour_size)]
    rows = torch.tensor([gains[0], *[gains[1]] * (len(grain.mixing) - 1)])
    return Grain(grain.mixing * to_like(rows, grain.mixing)[:, None], size, colour_size)


def _traits(residual: Tensor) -> Tensor:
    """What tells whether flat patches (P, s, s) hold noise, for `_is_grain`: their roughness,
    kurtosis and coherence, correlations over LAGS down and across, and the energies of steps
    across and down at each of PATCH - 1 places."""
    energy = residual.square().mean((1, 2)).clamp(min=1e-12)
    kurtosis = (residual**4).mean((1, 2)).div(energy**2).mean()
    gx = (
        residual[:, 1:-1, 2:] - residual[:, 1:-1, :-2]
    )  # neighbours of one px have nothing in common
    gy = residual[:, 2:, 1:-1] - residual[:, :-2, 1:-1]
    xx, yy, xy = (gx * gx).mean((1, 2)), (gy * gy).mean((1, 2)), (gx * gy).mean((1, 2))
    coherence = torch.hypot(xx - yy, 2 * xy) / (xx + yy).clamp(min=1e-12)
    correlations = [
        (a * b).mean() / energy.mean()
        for lag in LAGS
        for a, b in (
            (residual[:, lag:], residual[:, :-lag]),
            (residual[:, :, lag:], residual[:, :, :-lag]),
        )
    ]
    steps = residual.diff(dim=2).square().mean((0, 1)), residual.diff(dim=1).square().mean((0, 2))
    single = [_roughness(residual[:, None]), kurtosis, coherence.median(), *correlations]
    return torch.cat([torch.stack(single), *steps])


def _is_grain(traits: Tensor, size: float) -> bool:
    """Whether flat patches of such `_traits` hold noise of that size, no texture and no blocks."""
    _, kurtosis, coherence = traits[:3].tolist()
    correlations, across, down = traits[3:].split([2 * len(LAGS), PATCH - 1, PATCH - 1])
    lags = [lag for lag in LAGS for _ in range(2)]
    return (
        KURTOSIS[0] <= kurtosis <= KURTOSIS[1]
        and coherence <= LARGEST_COHERENCE
        and all(
            abs(correlation - _left_correlation(size, lag)) <= LARGEST_SURPRISE
            for correlation, lag in zip(correlations.tolist(), lags, strict=True)
        )
        and _grid(across) <= LARGEST_GRID
        and _grid(down) <= LARGEST_GRID
    )


def _grid(steps: Tensor) -> float:
    """How much larger the energies of steps (PATCH - 1,) are at one place of every eight."""
    places = torch.stack([steps[place::8].mean() for place in range(8)])
    return float(places.max() / places.median().clamp(min=1e-12))


def _roughness(residual: Tensor) -> Tensor:
    """By how much neighbours in noise (P, C, s, s) differ, in shares of its energy: ()."""
    steps = residual.diff(dim=3).square().mean() + residual.diff(dim=2).square().mean()
    return steps / 2 / residual.square().mean().clamp(min=1e-12)


def _size(roughness: Tensor) -> float:
    """The blur (px) behind noise of that roughness."""
    found = float(roughness)
    ratios = [2 * (1 - _correlation(size)[1]) / _kept(size) for size in SIZES]
    return min(zip(SIZES, ratios, strict=True), key=lambda known: abs(known[1] - found))[0]


@cache
def _taps(size: float) -> Tensor:
    """A Gaussian that keeps the variance of white noise."""
    reach = math.ceil(4 * size)
    distance = torch.arange(-reach, reach + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (distance / max(size, 1e-3)) ** 2)
    return taps / taps.square().sum().sqrt()


@cache
def _correlation(size: float) -> tuple[float, ...]:
    """Of noise with itself, along an axis, over 0 px to PATCH - 1 px."""
    taps = F.pad(_taps(size), (0, PATCH))
    return tuple(float((taps[lag:] * taps[: len(taps) - lag]).sum()) for lag in range(PATCH))


@cache
def _kept(size: float) -> float:
    """The share of noise's energy that the removal of a plane leaves in a patch."""
    plane = _plane().double()
    return 1 - float((plane * (_covariance(size) @ plane)).sum()) / PATCH**2


@cache
def _left_correlation(size: float, lag: int) -> float:
    """Of noise with itself over `lag` px, along an axis, in a patch without its plane."""
    plane = _plane().double()
    remove = torch.eye(PATCH**2, dtype=torch.float64) - plane @ plane.mT
    left = (remove @ _covariance(size) @ remove).view(PATCH, PATCH, PATCH, PATCH)
    there = left.diagonal(lag, dim1=1, dim2=3).diagonal(dim1=0, dim2=1).mean()  # in the same row
    return float(there / left.diagonal(dim1=1, dim2=3).diagonal(dim1=0, dim2=1).mean())


def _covariance(size: float) -> Tensor:
    """Of the pixels of a patch of noise with variance 1: (PATCH², PATCH²)."""
    lags = (torch.arange(PATCH) - torch.arange(PATCH)[:, None]).abs()
    along = torch.tensor(_correlation(size), dtype=torch.float64)[lags]
    return torch.kron(along, along)


@cache
def _plane() -> Tensor:
    """(PATCH², 3): what is constant or rises evenly, orthonormal."""
    place = torch.arange(PATCH) - (PATCH - 1) / 2
    flat = torch.ones(PATCH, PATCH)
    planes = torch.stack([flat, flat * place, flat * place[:, None]]).flatten(1)
    return (planes / planes.norm(dim=1, keepdim=True)).mT.contiguous()


def _to_opponents(picture: Tensor) -> Tensor:
    """RGB (3, h, w) -> brightness, red - it, blue - it; grey (1, h, w) as it is."""
    if len(picture) == 1:
        return picture
    grey = to_grey(picture)
    return torch.cat([grey, picture[:1] - grey, picture[2:] - grey])


def _from_opponents(picture: Tensor) -> Tensor:
    if len(picture) == 1:
        return picture
    grey, red, blue = picture.split(1)
    green = grey - (LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    return torch.cat([grey + red, green, grey + blue])
