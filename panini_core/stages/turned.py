"""Faces that lie on their side or stand on their head: found again, upright.

RetinaFace was trained on upright faces. It finds turned ones as well, but gives them the landmarks
of an upright face, or a mixture, and the boxes that vote on them disagree. What looks like that is
turned to all sides and seen again; from the side from which it looks like a face it is seen once
more, for its landmarks.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..models.box_overlap import box_overlaps, shared_areas
from ..models.face_detector import MAX_OVERLAP, Detections, FaceDetector
from .looks import Looks, Places, look, misfits_of, rolls_of

# A face is taken as it is found if it is upright, sure, and its votes agree: so are nearly all
# sharp faces of ordinary photographs, and 1 in 200 of the turned ones.
LEAST_SCORE = 0.3  # of what is looked at again
CLEAR_SCORE = 0.97
LARGEST_ROLL = 12.0  # degrees, from which landmarks lie measurably off
LARGEST_SCATTER = 0.04  # see `Detections.scatter`
LARGEST_MISFIT = 0.11  # see `misfits_of`

ANGLES = 8  # at which a face is looked at whose landmarks say nothing of its angle
GLANCE_SIDE = 128  # px of those looks: enough to tell the angle
REFINEMENTS = 2  # looks at what is upright as far as is known, each nearer to it
OTHER_SIZES = (0.85, 1.18)  # of two more looks at what is put right
SIDEWAYS = 60.0  # degrees in a look, from which another look shows the face better
WEIGHT_OF_SCATTER = 3.0  # against the score, where looks compete
SAME_PLACE = 0.1  # mean distance of landmarks in sides of the face, up to which looks agree
MOST_HIDDEN = 0.7  # share of a face inside one that was put right, from which it is the same


def look_again(
    detector: FaceDetector, image: Tensor, found: Detections
) -> tuple[Detections, Tensor]:
    """The faces found in an image (3, H, W), RGB in [0, 1], with turned ones put right.

    Only those are looked at again that are not clearly upright. A face that turns out to be upright
    as it was found stays as it is, to the bit. A turned one gets the landmarks of the look that
    shows it upright, a box around it, and the higher of the two scores.

    Returns the faces, each once, and for each (K,) whether its landmarks can be relied on: not if
    they are not clearly those of an upright face, and the looks show neither better ones nor the
    same.
    """
    crooked = (
        (rolls_of(found.landmarks).abs() > LARGEST_ROLL)
        | (found.scatter > LARGEST_SCATTER)
        | (misfits_of(found.landmarks) > LARGEST_MISFIT)
    )
    doubtful = (found.scores > LEAST_SCORE) & (crooked | (found.scores < CLEAR_SCORE))
    rows = torch.nonzero(doubtful)[:, 0]
    if not len(rows):
        return found, torch.ones_like(doubtful)

    asked = found.select(rows)
    looks = look(detector, image, Places.of_boxes(asked.boxes, rolls_of(asked.landmarks)))
    known = looks.fit & _agree(looks.landmarks, asked)
    others = torch.nonzero(~known)[:, 0]
    if len(others):
        looks = looks.with_others(others, _search(detector, image, asked.boxes[others]))

    confirmed = _agree(looks.landmarks, asked) & (looks.scatter <= LARGEST_SCATTER)
    right = looks.fit & ~(confirmed & (looks.rolls.abs() <= LARGEST_ROLL))
    reliable = torch.ones_like(doubtful)
    reliable[rows] = looks.fit | confirmed | ~crooked[rows]
    return _put_right(found, reliable, rows[right], _steadied(detector, image, looks.select(right)))


def _search(detector: FaceDetector, image: Tensor, boxes: Tensor) -> Looks:
    """Looks at faces in boxes (K, 4) that may be turned in any way."""
    places = Places.of_boxes(boxes, torch.zeros(len(boxes)))
    looks = look(detector, image, places.at_angles(ANGLES), GLANCE_SIDE)
    ranks = looks.scores - WEIGHT_OF_SCATTER * looks.scatter
    ranks = torch.where(looks.tilts.abs() > SIDEWAYS, ranks - 10, ranks).view(-1, ANGLES)
    looks = looks.select(ranks.argmax(1) + torch.arange(len(ranks)) * ANGLES)
    for _ in range(REFINEMENTS):
        looks = look(detector, image, looks.places())
    return looks


def _steadied(detector: FaceDetector, image: Tensor, looks: Looks) -> Looks:
    """The looks with the mean of the landmarks that they and others, of other sizes, show.

    The landmarks of one look alone vary by some 2.5 degrees and 3 % with the photograph's angle.
    """
    places = looks.places()
    if not len(places):
        return looks
    landmarks, counts = looks.landmarks.clone(), torch.ones(len(places))
    for size in OTHER_SIZES:
        other = look(detector, image, replace(places, sides=places.sides * size))
        counts += other.fit
        landmarks += other.landmarks * other.fit[:, None, None]
    return replace(looks, landmarks=landmarks / counts[:, None, None])


def _put_right(
    found: Detections, reliable: Tensor, rows: Tensor, looks: Looks
) -> tuple[Detections, Tensor]:
    """The faces with those at `rows` as the looks show them, each once."""
    faces = Detections(
        found.boxes.index_copy(0, rows, looks.boxes()),
        found.landmarks.index_copy(0, rows, looks.landmarks),
        found.scores.index_copy(0, rows, found.scores[rows].maximum(looks.scores)),
        found.scatter.index_copy(0, rows, looks.scatter),
    )
    moved = torch.zeros_like(reliable).index_fill(0, rows, True)
    same = box_overlaps(faces.boxes, faces.boxes) > MAX_OVERLAP
    same |= shared_areas(faces.boxes, faces.boxes) > MOST_HIDDEN * faces.areas[:, None]
    same &= moved[:, None] | moved
    kept: list[int] = []
    for row in (faces.scores + reliable).argsort(descending=True, stable=True).tolist():
        if not same[row, kept].any():
            kept.append(row)
    chosen = torch.tensor(sorted(kept), dtype=torch.long)
    return faces.select(chosen), reliable[chosen]


def _agree(landmarks: Tensor, faces: Detections) -> Tensor:
    """Whether landmarks (K, 5, 2) lie where the faces have theirs."""
    distances = (landmarks - faces.landmarks).norm(dim=2).mean(1)
    return distances < SAME_PLACE * faces.sides
