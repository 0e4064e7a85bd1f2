"""Stage one for the frames of a clip: faces that are followed, also where they hardly show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import torch
from torch import Tensor

from ..faces import Face
from ..models.box_overlap import box_overlaps
from ..models.face_detector import MAX_OVERLAP, FaceDetector
from ..models.transfer import to_device, to_host
from ..options import DEFAULT_THRESHOLD
from .chunks import OnImage
from .cuts import mark_cuts, thumbnail
from .detect import PIXELS_PER_CALL, detect_faces
from .grouping import rows_of_images
from .pooling import mean_pool
from .track import LARGEST_GAP, Sight, Stretch, follow_faces, follow_in_passing, track_faces

SHARE_TO_GO_ON = 0.5  # of the threshold: what a face must score where one is expected
LEAST_LIKENESS = 0.5  # correlation of a place where a face is filled in with where it was seen
COMPARED_SIDE = 16  # px of the pictures that are compared: the face, and not its grain
FLAT = 1e-6  # variance of pictures in [0, 1] below which there is nothing to compare

Look = Callable[[], Tensor]  # gives the pixels (3, H, W) of a frame, RGB in [0, 1]
# Numbers of frames, the frames, the least score -> the faces of each, with its frame's number.
Find = Callable[[Sequence[int], Sequence[Look], float], list[list[Face]]]


def detect_in_clip(
    detector: FaceDetector,
    images: Tensor,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    min_size: float = 0,
    max_size: float = math.inf,
    on_image: OnImage | None = None,
) -> list[Face]:
    """The faces of consecutive frames (N, 3, H, W), RGB in [0, 1], each followed through the clip.

    As `detect_faces` finds them, which says what the options mean; those faces begin tracks. The
    tracks go on through frames that show the face with a score above SHARE_TO_GO_ON of the
    threshold only, and through short gaps (see `follow_faces`) in which the picture at that place
    stays the same. A cut ends them (see `mark_cuts`). Only frames in which a track misses its face
    are looked at again. While they are, `on_image` is called with the frames done: all.

    A face whose landmarks cannot be relied on counts as missed. Where its place stays without a
    face, it is returned as it is, with a track of its own.

    Returns faces frame by frame, with their tracks and numbered by them: from 0 in the order in
    which they appear, in one frame from left to right; unreliable ones last.
    """
    sure = detect_faces(
        detector,
        images,
        threshold=threshold,
        min_size=min_size,
        max_size=max_size,
        on_image=on_image,
    )

    def look_again(frame: int) -> Sequence[Face]:
        if on_image is not None:
            on_image(len(images), len(images))
        weak = detect_faces(
            detector,
            images[frame : frame + 1],
            threshold=threshold * SHARE_TO_GO_ON,
            min_size=min_size,
            max_size=max_size,
        )
        return [replace(face, image_index=frame) for face in weak if face.reliable]

    thumbs = enumerate(to_host([thumbnail(image) for image in images]))
    placed = follow_faces(
        [face for face in sure if face.reliable],
        len(images),
        look_again,
        cuts={frame for frame, is_cut in mark_cuts(thumbs) if is_cut},
        is_there=_shows_it(images.__getitem__),
    )
    return _add_unplaced(placed, [face for face in sure if not face.reliable])


def _add_unplaced(placed: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """All faces that are followed, and of the others those that are none of them."""
    lost = _without_place(placed, others)
    first = max((face.track + 1 for face in placed if face.track is not None), default=0)
    numbers = [first + track for track in track_faces(lost)]
    lost = [
        replace(face, track=number, number=number)
        for face, number in zip(lost, numbers, strict=True)
    ]
    return sorted([*placed, *lost], key=lambda face: (face.image_index, face.number))


def _without_place(placed: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """Of the other faces those at whose place no face is followed."""
    rows = rows_of_images(placed)
    lost: list[Face] = []
    for face in others:
        boxes = [placed[row].box for row in rows.get(face.image_index, [])]
        if not boxes or not (box_overlaps(face.box[None], torch.stack(boxes)) > MAX_OVERLAP).any():
            lost.append(face)
    return lost


def detect_in_passing(
    frames: Iterable[Look],
    size: tuple[int, int],
    find: Find,
    threshold: float = DEFAULT_THRESHOLD,
    *,
    on_left_alone: Callable[[Sequence[Face]], None] | None = None,
) -> Iterator[Stretch]:
    """What `detect_in_clip` finds, a few frames at a time, while the frames come.

    size: their height and width. `find(numbers, frames, threshold)` detects, as `finder` does. The
    pixels of some frames are asked for more than once; frames are let go once they are settled.
    Faces whose landmarks cannot be relied on are left out; those at whose place no other face is
    are told to `on_left_alone`, before their frames come.
    """
    window = _Window()
    unplaced: dict[int, list[Face]] = {}
    per_call = max(min(PIXELS_PER_CALL // max(size[0] * size[1], 1), 16), 1)

    def see() -> Iterator[tuple[Sight, Tensor]]:
        numbered = enumerate(frames)
        while batch := list(islice(numbered, per_call)):
            numbers, looks = [number for number, _ in batch], [look for _, look in batch]
            shown = [_once(look) for look in looks]
            for number, look, show, faces in zip(
                numbers, looks, shown, find(numbers, shown, threshold), strict=True
            ):
                window.looks[number] = look
                unplaced[number] = [face for face in faces if not face.reliable]
                sure = [face for face in faces if face.reliable]
                yield Sight(number, sure), thumbnail(show()).cpu()

    def look_again(frame: int) -> Sequence[Face]:
        weak = find([frame], [window.looks[frame]], threshold * SHARE_TO_GO_ON)[0]
        return [face for face in weak if face.reliable]

    sights = (replace(sight, is_cut=is_cut) for sight, is_cut in mark_cuts(see()))
    followed = follow_in_passing(sights, look_again, is_there=_shows_it(window.pixels))
    for stretch in followed:
        window.leave(stretch.frames.stop - LARGEST_GAP - 1)
        others = [face for frame in stretch.frames for face in unplaced.pop(frame, ())]
        if on_left_alone is not None and (lost := _without_place(stretch.faces, others)):
            on_left_alone(lost)
        yield stretch


def finder(
    detector: FaceDetector,
    device: torch.device,
    *,
    min_size: float = 0,
    max_size: float = math.inf,
) -> Find:
    """Finds faces in some frames of a clip, each with its frame's number as `image_index`."""

    def find(numbers: Sequence[int], looks: Sequence[Look], threshold: float) -> list[list[Face]]:
        images = to_device(torch.stack([look() for look in looks]), device)
        faces = detect_faces(
            detector, images, threshold=threshold, min_size=min_size, max_size=max_size
        )
        found: list[list[Face]] = [[] for _ in numbers]
        for face in faces:
            own = replace(face, image_index=numbers[face.image_index])
            found[face.image_index].append(own)
        return found

    return find


@dataclass(slots=True)
class _Window:
    """The frames that may be asked for again, and the pixels of the last one that was."""

    looks: dict[int, Look] = field(default_factory=dict[int, "Look"])

    def pixels(self, frame: int) -> Tensor:
        return self.looks[frame]()

    def leave(self, until: int) -> None:
        self.looks = {frame: look for frame, look in self.looks.items() if frame >= until}


def _once(look: Look) -> Look:
    """The same, but the pixels are made once only; where they are not asked for, not at all."""
    made: list[Tensor] = []

    def show() -> Tensor:
        if not made:
            made.append(look())
        return made[0]

    return show


def _shows_it(pixels: Callable[[int], Tensor]) -> Callable[[Face, Face, Face], bool]:
    """Whether the frame of a face that was filled in looks, at its place, as one of the frames in
    which the track was seen before and after: not if there is a flash or somebody's back."""

    def is_there(filled: Face, before: Face, after: Face) -> bool:
        faces = (filled, before, after)
        here, *near = to_host([_small(pixels(face.image_index), face) for face in faces])
        return any(_likeness(here, other) > LEAST_LIKENESS for other in near)

    return is_there


def _small(image: Tensor, face: Face) -> Tensor:
    """What lies in a face's box, as a small grey picture (s, s) around its mean."""
    image = image.float()
    height, width = image.shape[-2:]
    left, top, right, bottom = face.box.round().int().tolist()
    rows = slice(min(max(top, 0), height - 1), max(bottom, 1))
    columns = slice(min(max(left, 0), width - 1), max(right, 1))
    small = mean_pool(image[:, rows, columns].mean(0)[None, None], COMPARED_SIDE)[0, 0]
    return small - small.mean()


def _likeness(a: Tensor, b: Tensor) -> float:
    """The correlation of two pictures around their means; 1 for two that show nothing."""
    energies = float(a.square().mean()), float(b.square().mean())
    if max(energies) < FLAT:
        return 1.0
    return float((a * b).mean()) / math.sqrt(max(energies[0] * energies[1], FLAT**2))
