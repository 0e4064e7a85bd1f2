"""Faces of a clip: who is who from frame to frame, and steady values over time.

The images of a batch are taken for consecutive frames: a face's `image_index` is its time. Time is
counted in frames.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor

from ..faces import DegradationRepresentation, Face, FaceSet
from ..models.box_overlap import box_overlaps
from .grouping import rows_of_images

LARGEST_GAP = 5  # frames in a row in which a face may be missed
LEAST_OVERLAP = 0.3  # of the box that is expected with the box that is found (IoU)
LARGEST_DISTANCE = 0.3  # of the landmarks from where they are expected, share of the face's size
STEADINESS = 0.5  # share of what was known of a motion that a new frame leaves
REACH = 4  # standard deviations of time beyond which frames know nothing of each other
ROWS_PER_STEP = 256  # faces that are smoothed together


@dataclass(slots=True)
class _Track:
    """A face that is followed: where it was last, and how it moves."""

    number: int
    face: Face
    velocity: Tensor  # (2,) px per frame

    def expected(self, frame: int) -> Tensor:
        """Box and landmarks (7, 2) in a later frame, if the face moves on as it did."""
        return _points(self.face) + self.velocity * (frame - self.face.image_index)

    def follow(self, face: Face) -> None:
        """Goes on to a face of a later frame."""
        moved = (_points(face) - _points(self.face))[2:].mean(0)  # of the landmarks
        moved /= face.image_index - self.face.image_index
        self.velocity = torch.lerp(moved, self.velocity, STEADINESS)
        self.face = face


def track_faces(faces: Sequence[Face]) -> list[int]:
    """A number for each face, from 0, the same for the same face in all frames.

    A face goes on where its motion so far leads: boxes must overlap there and landmarks be near;
    of several, those that fit best go together. A face may be missed in up to LARGEST_GAP frames.
    What fits nothing begins a new track, as all faces do after a cut.
    """
    numbers = [-1] * len(faces)
    tracks: list[_Track] = []
    count = 0
    for frame, rows in rows_of_images(faces).items():
        tracks = [one for one in tracks if frame - one.face.image_index <= LARGEST_GAP + 1]
        pairs = _match(tracks, [faces[row] for row in rows], frame)
        for place, row in enumerate(rows):
            track = pairs.get(place)
            if track is None:
                still = torch.zeros(2, dtype=torch.float64)
                track = _Track(count, faces[row], still)
                tracks.append(track)
                count += 1
            else:
                track.follow(faces[row])
            numbers[row] = track.number
    return numbers


def smooth_faces(faces: Sequence[Face], frames: float) -> list[Face]:
    """The faces with box and landmarks smoothed over time within each track, in their order.

    They carry their track (see `track_faces`), which is found if they carry none yet.
    The weights are a Gaussian of standard deviation `frames`, cut off at REACH of them; under them
    a straight motion is fitted, so that a face that stands still or moves evenly keeps its place
    also where its track begins or ends. 0 gives the same faces. Raises ValueError below 0.
    """
    _check(frames)
    if frames == 0 or not faces:
        return list(faces)
    tracks = _tracks_of(faces)
    points = torch.stack([_points(face) for face in faces])
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


def _points(face: Face) -> Tensor:
    """The corners of the box and the landmarks: (7, 2) in px, float64 on the CPU."""
    corners = rearrange(face.box, "(corner xy) -> corner xy", xy=2)
    return torch.cat([corners, face.landmarks]).cpu().double()


def _match(tracks: Sequence[_Track], faces: Sequence[Face], frame: int) -> dict[int, _Track]:
    """The tracks that go on, by the place of their face in `faces`; the best fits first."""
    if not tracks:
        return {}
    expected = torch.stack([track.expected(frame) for track in tracks])
    overlap, distance = _compare(expected, torch.stack([_points(face) for face in faces]))
    fitting = torch.nonzero((overlap >= LEAST_OVERLAP) & (distance <= LARGEST_DISTANCE))
    misfit = (distance - overlap)[tuple(fitting.T)]
    pairs: dict[int, _Track] = {}
    used: set[int] = set()
    for index, place in fitting[misfit.argsort(stable=True)].tolist():
        if index not in used and place not in pairs:
            pairs[place] = tracks[index]
            used.add(index)
    return pairs


def _compare(some: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Of faces (T, 7, 2) and (K, 7, 2) as `_points` gives them: the overlap of their boxes (IoU)
    and the mean distance of their landmarks in sizes of the larger face, both (T, K)."""
    overlap = box_overlaps(some[:, :2].flatten(1), others[:, :2].flatten(1))
    sizes, other_sizes = ((points[:, 1] - points[:, 0]).amax(1) for points in (some, others))
    size = torch.maximum(sizes[:, None], other_sizes)
    distance = (some[:, None, 2:] - others[:, 2:]).norm(dim=-1).mean(-1)
    return overlap, distance / size.clamp(min=1e-9)


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
    result = torch.empty_like(values[chosen])
    for number in set(tracks[chosen]):
        rows = torch.nonzero(numbers == number)[:, 0]
        for part in torch.nonzero(numbers[chosen] == number)[:, 0].split(ROWS_PER_STEP):
            result[part] = _fit(times[chosen][part], times[rows], values[rows], frames)
    return result


def _fit(at: Tensor, times: Tensor, values: Tensor, frames: float) -> Tensor:
    """Values (K, C) at the times `at` (K,) of straight lines fitted to values (T, C) at `times`
    (T,), each under a Gaussian around its time."""
    distance = (times - at[:, None]) / frames
    weights = torch.exp(-0.5 * distance**2) * (distance.abs() <= REACH)
    weights = weights / weights.sum(1, keepdim=True)
    away = times - (weights @ times)[:, None]  # (K, T): from the middle of what is weighed
    spread = (weights * away**2).sum(1, keepdim=True)
    here = at[:, None] - (weights @ times)[:, None]
    lever = torch.where(spread > 1e-9, here / spread, 0.0)  # a single time has no slope
    return (weights * (1 + lever * away)) @ values
