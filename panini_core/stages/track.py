"""Faces of a clip: who is who from frame to frame, also where a face was hardly seen or missed.

The images of a batch are taken for consecutive frames: a face's `image_index` is its time. Time is
counted in frames.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor

from ..faces import Face
from ..models.box_overlap import box_areas, box_overlaps, shared_areas
from ..models.face_detector import MAX_OVERLAP
from .grouping import rows_of_images

LARGEST_GAP = 5  # frames in a row in which a face may be missed
LEAST_OVERLAP = 0.3  # of the box that is expected with the box that is found (IoU)
LARGEST_DISTANCE = 0.3  # of the landmarks from where they are expected, share of the face's size
LARGEST_LEAP = 1.2  # of a face whose motion is not known yet, in its sizes
LARGEST_CHANGE = 0.1  # of the landmarks among themselves in a leap, share of the face's size
STEADINESS = 0.5  # share of what was known of a motion that a new frame leaves
MOST_HIDDEN = 0.4  # share of a missed face behind another, beyond which it was hidden

STRETCH = 16  # frames of a long clip that are settled together
AHEAD = 16  # frames that are looked ahead for that: so far back a weak face may be before its track

LookAgain = Callable[[int], Sequence[Face]]  # frame -> all that may be a face there
IsThere = Callable[[Face, Face, Face], bool]  # a face to fill in, those before and after -> is it?


@dataclass(frozen=True, slots=True)
class Sight:
    """What was surely seen in one frame."""

    frame: int
    faces: Sequence[Face]
    is_cut: bool = False  # the frame begins another shot, which ends all tracks


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive frames of a clip and their faces, frame by frame."""

    frames: range
    faces: tuple[Face, ...]
    going_on: frozenset[int] = frozenset()  # tracks that are seen in later frames as well


@dataclass(slots=True)
class _Track:
    """A face that is followed: where it was last, and how it moves."""

    number: int
    face: Face
    velocity: Tensor | None = None  # (2,) px per frame; None: not known from one frame

    def expected(self, frame: int) -> Tensor:
        """Box and landmarks (7, 2) in another frame, if the face moves on as it did."""
        if self.velocity is None:
            return face_points(self.face)
        return face_points(self.face) + self.velocity * (frame - self.face.image_index)

    def follow(self, face: Face) -> None:
        """Goes on to a face of another frame."""
        moved = (face_points(face) - face_points(self.face))[2:].mean(0)  # of the landmarks
        moved /= face.image_index - self.face.image_index
        known = moved if self.velocity is None else self.velocity
        self.velocity = torch.lerp(moved, known, STEADINESS)
        self.face = face


def track_faces(faces: Sequence[Face]) -> list[int]:
    """A number for each face, from 0, the same for the same face in all frames.

    A face goes on where its motion so far leads: boxes must overlap there and landmarks be near;
    of several, those that fit best go together. A face that was seen once may leap, by up to
    LARGEST_LEAP of its sizes into the next frame, if it looks the same there. A face may be missed
    in up to LARGEST_GAP frames. What fits nothing begins a new track, as all faces do after a cut.
    """
    walk = _Walk()
    numbers = [-1] * len(faces)
    for frame, rows in rows_of_images(faces).items():
        found, _ = walk.step(Sight(frame, [faces[row] for row in rows]), _nothing)
        for row, number in zip(rows, found, strict=True):
            numbers[row] = number
    return numbers


def follow_faces(
    faces: Sequence[Face],
    count: int,
    look_again: LookAgain,
    *,
    cuts: Collection[int] = (),
    is_there: IsThere | None = None,
) -> list[Face]:
    """The faces of a clip of `count` frames, each with its track, and what they go on through.

    `faces` are those that are sure; they alone begin tracks (see `track_faces`). In frames where a
    track misses its face, `look_again` is asked for weaker ones: what fits goes on with the track,
    forward and back in time (after ByteTrack, Zhang et al., ECCV 2022). What is missed still
    between two frames of a track, in up to LARGEST_GAP frames, is filled in, with a score of 0
    (`Face.filled`), where `is_there` says so; not where another face hides it. No track goes on
    into one of the frames `cuts`, with which shots begin.

    Tracks count from 0 in the order in which they appear, and are the faces' numbers. The result
    goes frame by frame, by number.
    """
    rows = rows_of_images(faces)
    sights = (
        Sight(frame, [faces[row] for row in rows.get(frame, [])], frame in cuts)
        for frame in range(count)
    )
    stretches = follow_in_passing(sights, look_again, is_there=is_there, size=max(count, 1))
    return [face for stretch in stretches for face in stretch.faces]


def follow_in_passing(
    sights: Iterable[Sight],
    look_again: LookAgain,
    *,
    is_there: IsThere | None = None,
    size: int = STRETCH,
) -> Iterator[Stretch]:
    """What `follow_faces` gives, `size` frames at a time, while the frames come one by one.

    Frames count from 0. For each stretch AHEAD frames more are seen: a weak face that comes before
    its track's first sure one by more than that is not taken. `look_again` and `is_there` are asked
    about the frames from LARGEST_GAP + 1 before the stretch to the newest one.
    """
    follower = _Follower(look_again, is_there)
    start = seen = 0
    for sight in sights:
        follower.go_forward(sight)
        seen = sight.frame + 1
        if seen - start >= size + AHEAD:
            yield follower.settle(range(start, start + size), seen)
            start += size
    while start < seen:
        yield follower.settle(range(start, min(start + size, seen)), seen)
        start += size


def face_points(face: Face) -> Tensor:
    """The corners of the box and the landmarks: (7, 2) in px, float64 on the CPU."""
    corners = rearrange(face.box, "(corner xy) -> corner xy", xy=2)
    return torch.cat([corners, face.landmarks]).cpu().double()


def _nothing(frame: int) -> Sequence[Face]:
    return ()


@dataclass(slots=True)
class _Walk:
    """The way through a clip, forward: the tracks that may go on."""

    tracks: list[_Track] = field(default_factory=list["_Track"])
    count: int = 0  # of the tracks so far

    def step(self, sight: Sight, weak: LookAgain) -> tuple[list[int], list[Face]]:
        """The tracks of the next frame's faces, and the weak faces that other tracks go on with."""
        frame, here = sight.frame, list(sight.faces)
        self.tracks = [] if sight.is_cut else _within_reach(self.tracks, frame)
        pairs = _match(self.tracks, here, frame, leaps=True)
        gone_on = _go_on_with_weak(self.tracks, pairs.values(), here, frame, weak)
        numbers: list[int] = []
        for place, face in enumerate(here):
            track = pairs.get(place)
            if track is None:
                track = _Track(self.count, face)
                self.tracks.append(track)
                self.count += 1
            else:
                track.follow(face)
            numbers.append(track.number)
        return numbers, gone_on


class _Follower:
    """Follows the faces of a clip, and settles what is known of a stretch of it."""

    def __init__(self, look_again: LookAgain, is_there: IsThere | None) -> None:
        self._look_again = look_again
        self._is_there = is_there
        self._walk = _Walk()
        self._known: list[Face] = []  # of the frames that matter yet, with the walk's tracks
        self._cuts: set[int] = set()
        self._looked: dict[int, Sequence[Face]] = {}
        self._order: dict[int | None, int] = {}  # the numbers of the walk's tracks

    def go_forward(self, sight: Sight) -> None:
        """The next frame."""
        if sight.is_cut:
            self._cuts.add(sight.frame)
        numbers, gone_on = self._walk.step(sight, self._weak)
        pairs = zip(sight.faces, numbers, strict=True)
        self._known += [replace(face, track=number) for face, number in pairs]
        self._known += gone_on

    def settle(self, frames: range, seen: int) -> Stretch:
        """The faces of a stretch, the first that is not settled; `seen`: the frames so far."""
        back = range(seen - 1, frames.start - 1, -1)
        known = self._known + _go_back(self._known, back, self._weak, self._cuts)
        filled = [face for face in _fill(known, self._is_there) if face.image_index in frames]
        own = [face for face in known if face.image_index in frames]
        keep = frames.stop - LARGEST_GAP - 1
        settled = [face for face in known if keep <= face.image_index < frames.stop]
        later = [face for face in self._known if face.image_index >= frames.stop]
        self._known = settled + later
        self._looked = {frame: faces for frame, faces in self._looked.items() if frame >= keep}
        self._cuts = {frame for frame in self._cuts if frame >= keep}
        faces = _number_tracks(own + filled, self._order)
        going_on = {self._order[face.track] for face in later if face.track in self._order}
        return Stretch(frames, tuple(faces), frozenset(going_on))

    def _weak(self, frame: int) -> Sequence[Face]:
        if frame not in self._looked:
            self._looked[frame] = self._look_again(frame)
        return self._looked[frame]


def _go_back(
    known: Sequence[Face], frames: Iterable[int], weak: LookAgain, cuts: Collection[int]
) -> list[Face]:
    """The weak faces with which tracks of known ones go on back in time."""
    gone_on: list[Face] = []
    all_rows = rows_of_images(known)
    tracks: dict[int, _Track] = {}
    for frame in frames:
        here = [known[row] for row in all_rows.get(frame, [])]
        near = _within_reach(list(tracks.values()), frame)
        numbers = {face.track for face in here}
        present = [track for track in near if track.number in numbers]
        gone_on += _go_on_with_weak(near, present, here, frame, weak)
        for face in here:
            if face.track in tracks:
                tracks[face.track].follow(face)
            elif face.track is not None:
                tracks[face.track] = _Track(face.track, face)
        if frame in cuts:
            tracks = {}
    return gone_on


def _go_on_with_weak(
    tracks: Sequence[_Track],
    present: Collection[_Track],  # those of them that have a face in this frame
    here: Sequence[Face],  # the known faces of this frame
    frame: int,
    weak: LookAgain,
) -> list[Face]:
    """The weak faces that the other tracks go on with."""
    numbers = {track.number for track in present}
    waiting = [track for track in tracks if track.number not in numbers]
    if not waiting:
        return []
    free = _elsewhere(weak(frame), here)
    gone_on: list[Face] = []
    for place, track in _match(waiting, free, frame).items():
        gone_on.append(replace(free[place], track=track.number))
        track.follow(gone_on[-1])
    return gone_on


def _within_reach(tracks: Sequence[_Track], frame: int) -> list[_Track]:
    """Those that were not missed in too many frames."""
    return [one for one in tracks if abs(frame - one.face.image_index) <= LARGEST_GAP + 1]


def _elsewhere(weak: Sequence[Face], known: Sequence[Face]) -> list[Face]:
    """Those weak faces that are none of the known ones of their frame."""
    if not known:
        return list(weak)
    boxes = torch.stack([face.box for face in known])
    return [
        face for face in weak if (box_overlaps(face.box[None], boxes) <= MAX_OVERLAP).all().item()
    ]


def _fill(known: Sequence[Face], is_there: IsThere | None) -> list[Face]:
    """The faces that are missed between two frames of their track, on the straight way."""
    tracks: dict[int | None, list[Face]] = {}
    for face in sorted(known, key=lambda one: one.image_index):
        tracks.setdefault(face.track, []).append(face)
    rows = rows_of_images(known)
    filled: list[Face] = []
    for own in tracks.values():
        for before, after in pairwise(own):
            for frame in range(before.image_index + 1, after.image_index):
                face = _between(before, after, frame)
                hidden = _is_hidden(face, [known[row] for row in rows.get(frame, [])])
                if not hidden and (is_there is None or is_there(face, before, after)):
                    filled.append(face)
    return filled


def _between(before: Face, after: Face, frame: int) -> Face:
    share = (frame - before.image_index) / (after.image_index - before.image_index)
    return replace(
        before,
        box=torch.lerp(before.box, after.box, share),
        landmarks=torch.lerp(before.landmarks, after.landmarks, share),
        score=0.0,
        image_index=frame,
        filled=True,
    )


def _is_hidden(face: Face, others: Sequence[Face]) -> bool:
    if not others:
        return False
    shared = shared_areas(face.box[None], torch.stack([other.box for other in others]))
    return bool((shared > MOST_HIDDEN * box_areas(face.box[None])[:, None]).any())


def _number_tracks(faces: Sequence[Face], order: dict[int | None, int]) -> list[Face]:
    """The faces frame by frame, tracks and numbers in the order in which the tracks appear; in one
    frame, from left to right. `order` holds the numbers of earlier tracks, and then of these."""
    in_time = sorted(faces, key=lambda face: (face.image_index, face.box[[0, 2]].sum().item()))
    for face in in_time:
        order.setdefault(face.track, len(order))
    numbered = [
        replace(face, track=order[face.track], number=order[face.track]) for face in in_time
    ]
    return sorted(numbered, key=lambda face: (face.image_index, face.number))


def _match(
    tracks: Sequence[_Track], faces: Sequence[Face], frame: int, *, leaps: bool = False
) -> dict[int, _Track]:
    """The tracks that go on, by the place of their face in `faces`; the best fits first, then the
    leaps where there may be any."""
    if not tracks or not faces:
        return {}
    expected = torch.stack([track.expected(frame) for track in tracks])
    found = torch.stack([face_points(face) for face in faces])
    overlap, distance = _compare(expected, found)
    fitting = (overlap >= LEAST_OVERLAP) & (distance <= LARGEST_DISTANCE)
    pairs = _best_pairs(fitting, distance - overlap)
    if leaps:
        taken_tracks, taken_faces = set(pairs.values()), set(pairs)
        fresh = torch.tensor(
            [
                track.velocity is None
                and abs(frame - track.face.image_index) == 1
                and index not in taken_tracks
                for index, track in enumerate(tracks)
            ]
        )
        free = torch.tensor([place not in taken_faces for place in range(len(faces))])
        leap, change = _compare_leaps(expected, found)
        fitting = (leap <= LARGEST_LEAP) & (change <= LARGEST_CHANGE)
        pairs |= _best_pairs(fitting & fresh[:, None] & free, leap + change)
    return {place: tracks[index] for place, index in pairs.items()}


def _best_pairs(fitting: Tensor, misfit: Tensor) -> dict[int, int]:
    """Of what fits (T, K), the pairs of least misfit, each row and column once: row by column."""
    candidates = torch.nonzero(fitting)
    pairs: dict[int, int] = {}
    used: set[int] = set()
    order = misfit[tuple(candidates.T)].argsort(stable=True)
    for row, column in candidates[order].tolist():
        if row not in used and column not in pairs:
            pairs[column] = row
            used.add(row)
    return pairs


def _compare(some: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Of faces (T, 7, 2) and (K, 7, 2) as `face_points` gives them: the overlap of their boxes
    (IoU) and the mean distance of their landmarks in sizes of the larger face, both (T, K)."""
    overlap = box_overlaps(some[:, :2].flatten(1), others[:, :2].flatten(1))
    distance = (some[:, None, 2:] - others[:, 2:]).norm(dim=-1).mean(-1)
    return overlap, distance / _larger_sizes(some, others)


def _compare_leaps(some: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Likewise how far the middle of the landmarks moves, and the mean distance of the landmarks
    and corners once the middles lie on each other, in sizes of the larger face, both (T, K)."""
    middles, other_middles = (points[:, 2:].mean(1) for points in (some, others))
    leap = (middles[:, None] - other_middles).norm(dim=-1)
    shapes, other_shapes = some - middles[:, None], others - other_middles[:, None]
    change = (shapes[:, None] - other_shapes).norm(dim=-1).mean(-1)
    size = _larger_sizes(some, others)
    return leap / size, change / size


def _larger_sizes(some: Tensor, others: Tensor) -> Tensor:
    sizes, other_sizes = ((points[:, 1] - points[:, 0]).amax(1) for points in (some, others))
    return torch.maximum(sizes[:, None], other_sizes).clamp(min=1e-9)
