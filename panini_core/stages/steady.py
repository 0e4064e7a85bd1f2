"""Restored faces of a clip made steady: what restoration adds is filtered over time.

A network answers noise that differs from frame to frame with skin that boils. Along each track, the
crops are laid on each other by what the photographs show, and what restoration draws, in the broad
light of its own frame, becomes a mean over the frames that look the same at that place.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import RestoredFaces
from ..models.luma import to_grey
from ..options import DEFAULT_FEATHER
from .asking import Asking, answer_together
from .layers import face_mask
from .pooling import mean_pool
from .register import register, warp

LONGEST = 3.0  # frames, of the Gaussian in time: faces hardly stay alike for longer
REACH = 2.5  # of its standard deviations beyond which frames do not count
COMPARED_SIDE = 64  # px of the crops that are compared: features, and not their noise
LIGHT_SIDE = 8  # places of a crop where the light is compared, which stays each frame's own
ALIKE = 0.02  # difference of two crops, in [0, 1], up to which they show the same
MOST_NOISE = 0.03  # that widens it: more is motion
NEIGHBOURHOOD = 7  # px of the compared crops over which they are compared
LEAST_MOVE = 0.1  # px of a restored crop below which it is not moved, since that would soften it
BANDS = (8, 3)  # px of a restored crop up to which detail is fine; the finest last
MOST_GAIN = 2.5  # of the detail that a mean loses


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One face in one frame."""

    time: int
    track: int | None
    restored: Tensor  # (3, R, R)
    small: Tensor  # (3, COMPARED_SIDE, COMPARED_SIDE), of the photograph


def steady_faces(restored: RestoredFaces, frames: float) -> RestoredFaces:
    """The restored crops (F, 3, R, R) of a clip filtered over time within each track.

    The weights are a Gaussian of standard deviation `frames`, LONGEST at most, times how alike the
    crops of two frames are at each place: where they differ by more than noise (a mouth that opens,
    a hand in front), every frame keeps its own. The fine detail of the mean is brought back to the
    strength that it has in single frames. Faces without a track stay as they are. 0 gives the same
    object. Raises ValueError below 0.
    """
    times = [face.image_index for face in restored.face_set.faces]
    if frames == 0 or not times:
        return restored
    part = (range(min(times), max(times) + 1), restored)
    ((_, steady),) = steady_in_passing([part], frames)
    return steady


def steady_in_passing(
    parts: Iterable[tuple[range, RestoredFaces]], frames: float
) -> Iterator[tuple[range, RestoredFaces]]:
    """Parts of a clip, each with its frames, filtered as `steady_faces` filters the whole.

    The parts come in the order of time. A part goes on once all frames have come that reach it: so
    many crops are held, however long the clip is. Raises ValueError below 0.
    """
    if not 0 <= frames < math.inf:
        raise ValueError(f"Smoothing must be 0 frames or more, got {frames}.")
    if frames == 0:
        yield from parts
        return
    reach = frames_of_reach(frames)
    waiting: deque[tuple[range, RestoredFaces]] = deque()
    known: list[_Seen] = []
    for part in parts:
        waiting.append(part)
        known += _see(part[1])
        while waiting and waiting[0][0].stop + reach <= part[0].stop:
            yield _steady_part(waiting.popleft(), known, frames)
        oldest = waiting[0][0].start if waiting else part[0].stop
        known = [one for one in known if one.time >= oldest - reach]
    while waiting:
        yield _steady_part(waiting.popleft(), known, frames)


def frames_of_reach(frames: float) -> int:
    """How many frames before and after a frame count."""
    return math.floor(REACH * min(frames, LONGEST))


def _see(restored: RestoredFaces) -> list[_Seen]:
    small = mean_pool(restored.face_set.crops.float(), COMPARED_SIDE)
    rows = zip(restored.face_set.faces, restored.crops, small, strict=True)
    return [_Seen(face.image_index, face.track, crop, seen) for face, crop, seen in rows]


def _steady_part(
    part: tuple[range, RestoredFaces], known: Sequence[_Seen], frames: float
) -> tuple[range, RestoredFaces]:
    time, restored = part
    crops = answer_together(
        [
            _steady(one, [other for other in known if _counts(one, other, frames)], frames)
            for one in _see(restored)
        ]
    )
    if not crops:
        return part
    return time, replace(restored, crops=torch.stack(crops))


def _counts(one: _Seen, other: _Seen, frames: float) -> bool:
    """Whether another frame of the same face reaches this one."""
    away = abs(one.time - other.time)
    return (
        one.track is not None and one.track == other.track and 0 < away <= frames_of_reach(frames)
    )


def _steady(own: _Seen, others: Sequence[_Seen], frames: float) -> Asking[Tensor]:
    """The crop (3, R, R) of one face, filtered with those of other frames."""
    if not others:
        return own.restored
    side = own.restored.shape[-1]
    seen = torch.stack([other.small for other in others])
    mask = face_mask(COMPARED_SIDE, DEFAULT_FEATHER).to(seen.dtype)
    maps = yield from register(to_grey(own.small), to_grey(seen), mask)
    differences = own.small - warp(seen, maps)
    alike = _likeness(to_grey(differences))
    lights = _light(differences, alike)

    total = own.restored
    weight = torch.ones_like(total[:1])
    energies = [_local(_fine(total, band).square()) for band in BANDS]
    spread = min(frames, LONGEST)
    moves = yield maps.abs().amax(1)
    for other, moved, move, place, light in zip(
        others, maps, moves.tolist(), alike, lights, strict=True
    ):
        drawn = other.restored
        near = math.exp(-0.5 * ((own.time - other.time) / spread) ** 2)
        share = near * _grow(place.to(drawn), side)
        energies = [
            energy + _local(share) * _local(_fine(drawn, band).square())
            for energy, band in zip(energies, BANDS, strict=True)
        ]
        if move * side / 2 > LEAST_MOVE:
            drawn = warp(drawn[None], moved[None].to(drawn))[0]
        total = total + share * (drawn + _grow(light.to(drawn), side))
        weight = weight + share
    mean = total / weight
    for energy, band in zip(energies, BANDS, strict=True):
        fine = _fine(mean, band)
        gain = energy / _local(weight) / _local(fine.square()).clamp(min=1e-8)
        mean = mean + (_grow(gain.clamp(min=1).sqrt().clamp(max=MOST_GAIN), side) - 1) * fine
    return mean.clamp(0, 1)


def _likeness(differences: Tensor) -> Tensor:
    """How far pictures that differ so (K, 1, s, s) show the same: (K, 1, s, s) in [0, 1].

    As far as they differ, around each place, by no more than ALIKE and the noise that they have.
    """
    pad = NEIGHBOURHOOD // 2
    squares = F.pad(differences.square(), (pad, pad, pad, pad), mode="reflect")
    squares = F.avg_pool2d(squares, NEIGHBOURHOOD, stride=1)
    noise = squares.flatten(1).median(1).values.min().clamp(max=MOST_NOISE**2)
    excess = squares / (ALIKE**2 + 2 * noise) - 1
    return torch.exp(-2 * excess.clamp(min=0))


def _light(differences: Tensor, alike: Tensor) -> Tensor:
    """The broad difference in light and colour (K, 3, LIGHT_SIDE, LIGHT_SIDE) where pictures show
    the same: what is in front of one of them does not count."""
    shares = mean_pool(alike, LIGHT_SIDE)
    return mean_pool(differences * alike, LIGHT_SIDE) / shares.clamp(min=1e-3)


def _fine(crop: Tensor, band: int) -> Tensor:
    """The fine detail of a crop (C, R, R): what means over so many px leave."""
    side = crop.shape[-1]
    return crop - _grow(mean_pool(crop[None], max(side // band, 1))[0], side)


def _local(values: Tensor) -> Tensor:
    """The mean of values (C, R, R) over all channels, and around each place: (1, r, r)."""
    return mean_pool(values.mean(0, keepdim=True)[None], 16)[0]


def _grow(values: Tensor, side: int) -> Tensor:
    """(C, s, s) -> (C, side, side)."""
    return F.interpolate(values[None], (side, side), mode="bilinear", align_corners=False)[0]
