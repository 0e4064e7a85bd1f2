"""Faces of a clip made steady: boxes, landmarks and DR smoothed over time, track by track.

A face's `image_index` is its time, counted in frames; who is who is told in `track.py`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..faces import DegradationRepresentation, Face, FaceSet
from .track import face_points, track_faces

REACH = 4  # standard deviations of time beyond which frames know nothing of each other
ROWS_PER_STEP = 256  # faces that are smoothed together
LEAST_TRUST = 1e-6  # in what was not seen: it counts where nothing else does


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
    points = torch.stack([face_points(face) for face in faces])
    smooth = _smooth(points.flatten(1), faces, tracks, frames).view_as(points)
    return [
        replace(
            face,
            box=moved[:2].flatten().to(face.box),
            landmarks=moved[2:].to(face.landmarks),
            track=track,
        )
        for face, moved, track in zip(faces, smooth, tracks, strict=True)
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
    _check(frames)
    reach = REACH * frames
    waiting: deque[tuple[FaceSet, DegradationRepresentation]] = deque()
    known: list[tuple[Face, Tensor]] = []  # with their vectors, as long as they reach a later part
    newest = -math.inf
    for part, degradation in parts:
        waiting.append((part, degradation))
        known += zip(part.faces, degradation.vectors.cpu().double(), strict=True)
        newest = known[-1][0].image_index if known else newest
        while waiting and _time_of(waiting[0][0]).stop - 1 + reach <= newest:
            yield _smooth_part(*waiting.popleft(), known, frames)
        oldest = min([_time_of(one).start for one, _ in waiting if len(one)], default=newest)
        known = [one for one in known if one[0].image_index >= oldest - reach]
    while waiting:
        yield _smooth_part(*waiting.popleft(), known, frames)


def _time_of(faces: FaceSet) -> range:
    """The frames of the faces, from the first to the last; without a face before all frames."""
    if not faces.faces:
        return range(-1, 0)
    return range(faces.faces[0].image_index, faces.faces[-1].image_index + 1)


def _smooth_part(
    part: FaceSet,
    degradation: DegradationRepresentation,
    known: Sequence[tuple[Face, Tensor]],
    frames: float,
) -> tuple[FaceSet, DegradationRepresentation]:
    """A part with its DR smoothed, from the faces around it that are known."""
    if frames == 0 or not len(part):
        return part, degradation
    time, reach = _time_of(part), REACH * frames
    near = [
        one for one in known if time.start - reach <= one[0].image_index <= time.stop - 1 + reach
    ]
    faces = [face for face, _ in near]
    first = sum(face.image_index < time.start for face in faces)
    smooth = _smooth(
        torch.stack([vector for _, vector in near]),
        faces,
        _tracks_of(faces),
        frames,
        range(first, first + len(part)),
    )
    return part, DegradationRepresentation(smooth.to(degradation.vectors))


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
