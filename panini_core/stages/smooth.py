"""Faces of a clip made steady: boxes, landmarks and DR smoothed over time, track by track.

A face's `image_index` is its time, counted in frames; who is who is told in `track.py`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import torch
from torch import Tensor

from ..faces import DegradationRepresentation, Face, FaceSet
from .track import Stretch, face_points, track_faces

REACH = 4  # standard deviations of time beyond which frames know nothing of each other
ROWS_PER_STEP = 256  # faces that are smoothed together
LEAST_TRUST = 1e-6  # in what was not seen: it counts where nothing else does

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[Item]):
    """Consecutive frames of a clip, with their faces in the order of time and a value of each."""

    frames: range
    faces: Sequence[Face]
    values: Tensor  # (F, C)
    item: Item  # what the part stands for


def smooth_faces(faces: Sequence[Face], frames: float) -> list[Face]:
    """The faces with box and landmarks smoothed over time within each track, in their order.

    They carry their track (see `track_faces`), which is found if they carry none yet.
    The weights are a Gaussian of standard deviation `frames`, cut off at REACH of them, times the
    square of the score, since the landmarks of weak detections lie far off. Under them a straight
    motion is fitted, so that a face that stands still or moves evenly keeps its place also where
    its track begins or ends. 0 gives the same faces. Raises ValueError below 0.
    """
    _check(frames)
    if frames == 0 or not faces:
        return list(faces)
    tracks = _tracks_of(faces)
    smooth = _smooth(_points(faces), faces, tracks, frames)
    return [
        replace(face, track=track)
        for face, track in zip(_moved(faces, smooth), tracks, strict=True)
    ]


def smooth_stretches(stretches: Iterable[Stretch], frames: float) -> Iterator[Stretch]:
    """The stretches of a clip with their faces as `smooth_faces` smooths those of the whole.

    A stretch goes on once all frames have come that reach it. The faces must carry their tracks.
    Raises ValueError below 0.
    """
    parts = (Part(one.frames, one.faces, _points(one.faces), one) for one in stretches)
    for stretch, smooth in smooth_parts(parts, frames):
        if frames == 0 or not stretch.faces:
            yield stretch
        else:
            yield replace(stretch, faces=tuple(_moved(stretch.faces, smooth)))


def _points(faces: Sequence[Face]) -> Tensor:
    """Boxes and landmarks as values (F, 14)."""
    points = [face_points(face).flatten() for face in faces]
    return torch.stack(points) if points else torch.empty(0, 14, dtype=torch.float64)


def _moved(faces: Sequence[Face], points: Tensor) -> list[Face]:
    """The faces with boxes and landmarks as given by `_points`."""
    return [
        replace(
            face,
            box=moved[:2].flatten().to(face.box),
            landmarks=moved[2:].to(face.landmarks),
        )
        for face, moved in zip(faces, points.view(-1, 7, 2), strict=True)
    ]


def smooth_degradation(
    degradation: DegradationRepresentation, faces: Sequence[Face], frames: float
) -> DegradationRepresentation:
    """The DR of each face smoothed over time within its track, as `smooth_faces` does.

    0 gives the same object. Raises ValueError below 0, or if the counts differ.
    """
    _check(frames)
    if len(degradation) != len(faces):
        raise ValueError(f"Got {len(degradation)} degradations for {len(faces)} faces.")
    if frames == 0 or not faces:
        return degradation
    vectors = degradation.vectors
    smooth = _smooth(vectors.cpu().double(), faces, _tracks_of(faces), frames)
    return DegradationRepresentation(smooth.to(vectors.dtype).to(vectors.device))


def smooth_in_passing(
    parts: Iterable[tuple[FaceSet, DegradationRepresentation]], frames: float
) -> Iterator[tuple[FaceSet, DegradationRepresentation]]:
    """The parts of a clip, each with its DR smoothed as `smooth_degradation` smooths the whole.

    The parts come in the order of time, all faces of a frame in one of them, and the faces carry
    their tracks. A part goes on once all frames have come that reach it (REACH * frames later):
    so much of a clip is held, however long it is. Raises ValueError below 0.
    """
    timed = (
        Part(_time_of(faces), faces.faces, degradation.vectors, faces)
        for faces, degradation in parts
    )
    for faces, vectors in smooth_parts(timed, frames):
        yield faces, DegradationRepresentation(vectors)


def smooth_parts(parts: Iterable[Part[Item]], frames: float) -> Iterator[tuple[Item, Tensor]]:
    """The items of the parts, each with its values (F, C) smoothed as those of the whole clip.

    As `smooth_in_passing`. Raises ValueError below 0.
    """
    _check(frames)
    reach = REACH * frames
    waiting: deque[Part[Item]] = deque()
    known: list[tuple[Face, Tensor]] = []  # with their values, as long as they reach a later part
    newest = -1
    for part in parts:
        waiting.append(part)
        known += zip(part.faces, part.values.cpu().double(), strict=True)
        newest = max(newest, part.frames.stop - 1)
        while waiting and waiting[0].frames.stop - 1 + reach <= newest:
            done = waiting.popleft()
            yield done.item, _smooth_part(done, known, frames)
        oldest = min([one.frames.start for one in waiting if one.faces], default=newest)
        known = [one for one in known if one[0].image_index >= oldest - reach]
    while waiting:
        done = waiting.popleft()
        yield done.item, _smooth_part(done, known, frames)


def _time_of(faces: FaceSet) -> range:
    """The frames of the faces, from the first to the last; without a face before all frames."""
    if not faces.faces:
        return range(-1, 0)
    return range(faces.faces[0].image_index, faces.faces[-1].image_index + 1)


def _smooth_part(part: Part[Item], known: Sequence[tuple[Face, Tensor]], frames: float) -> Tensor:
    """The values of a part smoothed, from the faces around it that are known."""
    if frames == 0 or not part.faces:
        return part.values
    first, last = part.faces[0].image_index, part.faces[-1].image_index
    reach = REACH * frames
    near = [one for one in known if first - reach <= one[0].image_index <= last + reach]
    faces = [face for face, _ in near]
    before = sum(face.image_index < first for face in faces)
    smooth = _smooth(
        torch.stack([value for _, value in near]),
        faces,
        _tracks_of(faces),
        frames,
        range(before, before + len(part.faces)),
    )
    return smooth.to(part.values)


def _check(frames: float) -> None:
    if not 0 <= frames < math.inf:
        raise ValueError(f"Smoothing must be 0 frames or more, got {frames}.")


def _tracks_of(faces: Sequence[Face]) -> list[int]:
    """The tracks that the faces carry, or those found if any of them carries none."""
    carried = [face.track for face in faces if face.track is not None]
    return carried if len(carried) == len(faces) else track_faces(faces)


def _smooth(
    values: Tensor,  # (F, C), float64
    faces: Sequence[Face],
    tracks: Sequence[int],
    frames: float,
    wanted: range | None = None,  # the rows that are asked for; None: all
) -> Tensor:  # (K, C)
    """Values of the faces, smoothed within each track."""
    chosen = slice(None) if wanted is None else slice(wanted.start, wanted.stop)
    times = torch.tensor([face.image_index for face in faces], dtype=torch.float64)
    numbers = torch.tensor(tracks)
    trust = torch.tensor([face.score for face in faces], dtype=torch.float64).square()
    trust = trust.clamp(min=LEAST_TRUST)
    result = torch.empty_like(values[chosen])
    for number in set(tracks[chosen]):
        rows = torch.nonzero(numbers == number)[:, 0]
        for part in torch.nonzero(numbers[chosen] == number)[:, 0].split(ROWS_PER_STEP):
            result[part] = _fit(times[chosen][part], times[rows], values[rows], trust[rows], frames)
    return result


def _fit(at: Tensor, times: Tensor, values: Tensor, trust: Tensor, frames: float) -> Tensor:
    """Values (K, C) at the times `at` (K,) of straight lines fitted to values (T, C) at `times`
    (T,), each weighed by the trust in it (T,) and a Gaussian around its time."""
    distance = (times - at[:, None]) / frames
    weights = torch.exp(-0.5 * distance**2) * (distance.abs() <= REACH) * trust
    weights = weights / weights.sum(1, keepdim=True)
    away = times - (weights @ times)[:, None]  # (K, T): from the middle of what is weighed
    spread = (weights * away**2).sum(1, keepdim=True)
    here = at[:, None] - (weights @ times)[:, None]
    lever = torch.where(spread > 1e-9, here / spread, 0.0)  # a single time has no slope
    return (weights * (1 + lever * away)) @ values
