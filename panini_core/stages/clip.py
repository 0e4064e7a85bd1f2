"""Stage one for the frames of a clip: faces that are followed, also where they hardly show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import Face
from ..models.box_overlap import box_overlaps
from ..models.face_detector import MAX_OVERLAP, FaceDetector
from ..options import DEFAULT_THRESHOLD
from .chunks import OnImage
from .detect import detect_faces
from .grouping import rows_of_images
from .track import follow_faces, track_faces

SHARE_TO_GO_ON = 0.5  # of the threshold: what a face must score where one is expected
LEAST_LIKENESS = 0.5  # correlation of a place where a face is filled in with where it was seen
COMPARED_SIDE = 16  # px of the pictures that are compared: the face, and not its grain
FLAT = 1e-6  # variance of pictures in [0, 1] below which there is nothing to compare


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
    stays the same. Only frames in which a track misses its face are looked at again. While they
    are, `on_image` is called with the frames done: all.

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

    followed = follow_faces([face for face in sure if face.reliable], len(images), look_again)
    placed = [face for face in followed if not face.filled or _shows_it(images, face, followed)]
    return _add_unplaced(placed, [face for face in sure if not face.reliable])


def _add_unplaced(placed: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """All faces that are followed, and of the others those that are none of them."""
    rows = rows_of_images(placed)
    lost: list[Face] = []
    for face in others:
        boxes = [placed[row].box for row in rows.get(face.image_index, [])]
        if not boxes or not (box_overlaps(face.box[None], torch.stack(boxes)) > MAX_OVERLAP).any():
            lost.append(face)
    first = max((face.track + 1 for face in placed if face.track is not None), default=0)
    numbers = [first + track for track in track_faces(lost)]
    lost = [
        replace(face, track=number, number=number)
        for face, number in zip(lost, numbers, strict=True)
    ]
    return sorted([*placed, *lost], key=lambda face: (face.image_index, face.number))


def _shows_it(images: Tensor, filled: Face, followed: Sequence[Face]) -> bool:
    """Whether the frame of a face that was filled in looks, at its place, as one of the frames in
    which the track was seen before and after: not if there is a cut, a flash or somebody's back."""
    seen = [face for face in followed if face.track == filled.track and not face.filled]
    before = [face for face in seen if face.image_index < filled.image_index]
    after = [face for face in seen if face.image_index > filled.image_index]
    here = _small(images, filled)
    nearest = (*before[-1:], *after[:1])
    return any(_likeness(here, _small(images, face)) > LEAST_LIKENESS for face in nearest)


def _small(images: Tensor, face: Face) -> Tensor:
    """What lies in a face's box, as a small grey picture (s, s) around its mean."""
    image = images[face.image_index].float()
    height, width = image.shape[-2:]
    left, top, right, bottom = face.box.round().int().tolist()
    rows = slice(min(max(top, 0), height - 1), max(bottom, 1))
    columns = slice(min(max(left, 0), width - 1), max(right, 1))
    small = F.adaptive_avg_pool2d(image[:, rows, columns].mean(0)[None, None], COMPARED_SIDE)[0, 0]
    return small - small.mean()


def _likeness(a: Tensor, b: Tensor) -> float:
    """The correlation of two pictures around their means; 1 for two that show nothing."""
    energies = float(a.square().mean()), float(b.square().mean())
    if max(energies) < FLAT:
        return 1.0
    return float((a * b).mean()) / math.sqrt(max(energies[0] * energies[1], FLAT**2))
