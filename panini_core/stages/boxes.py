"""Boxes from elsewhere -> faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..faces import Face
from ..models.box_overlap import box_overlaps
from ..models.face_detector import FaceDetector
from .align import FFHQ_TEMPLATE
from .detect import detect_faces

LEAST_OVERLAP = 0.3  # of a box with a detected face's box (intersection over union)
DETECTION_THRESHOLD = 0.3  # low: the box says already that there is a face
ESTIMATED_SCORE = 0.0  # of a face whose landmarks are guessed

# Where RetinaFace's box lies around the landmarks of an upright face, from FFHQ's template.
_FACE_IN_TEMPLATE = (150.0, 135.0, 362.0, 430.0)


def faces_from_boxes(
    detector: FaceDetector, images: Tensor, boxes: Sequence[Sequence[Tensor]]
) -> list[Face]:
    """The faces in given boxes, image by image, in the boxes' order.

    images (N, 3, H, W) RGB in [0, 1]; boxes: for each image, tensors (4,) x0, y0, x1, y1 in px.
    The faces of an image are numbered in that order. A box gets the landmarks of the detected face
    that it overlaps most. Where the detector sees none, an upright face that fills the box is
    assumed; its score is 0. Corners may come in any order. A box without an area, or with no part
    in its image, holds no face and is left out.

    Raises ValueError if there are not as many lists of boxes as images, and for boxes that are not
    finite.
    """
    if len(boxes) != len(images):
        raise ValueError(f"Expected boxes of {len(images)} images, got {len(boxes)} lists.")
    found: list[list[Face]] = [[] for _ in range(len(images))]
    for face in detect_faces(detector, images, threshold=DETECTION_THRESHOLD):
        found[face.image_index].append(face)
    faces: list[Face] = []
    for index, (own, detected) in enumerate(zip(boxes, found, strict=True)):
        for number, box in enumerate(_usable(own, images.shape[-1], images.shape[-2])):
            best = _best_fit(box, detected)
            if best is not None:
                faces.append(replace(best, box=box, number=number))
            else:
                landmarks = _upright_landmarks(box)
                faces.append(Face(box, landmarks, ESTIMATED_SCORE, index, number))
    return faces


def _usable(boxes: Sequence[Tensor], width: int, height: int) -> list[Tensor]:
    """Those boxes (4,) that have an area and a part in an image of this size, float32."""
    usable: list[Tensor] = []
    for given in boxes:
        if not bool(torch.isfinite(given).all()):
            raise ValueError(f"Expected a box of four finite numbers, got {given.tolist()}.")
        corners = given.float().cpu().view(2, 2)
        box = torch.cat([corners.amin(0), corners.amax(0)])
        x0, y0, x1, y1 = box.tolist()
        if min(x1, width) > max(x0, 0) and min(y1, height) > max(y0, 0):
            usable.append(box)
    return usable


def _best_fit(box: Tensor, detected: Sequence[Face]) -> Face | None:
    """The detected face that a box overlaps most; None if that is not enough to be the same."""
    if not detected:
        return None
    overlaps = box_overlaps(box[None], torch.stack([face.box for face in detected]))[0]
    best = int(overlaps.argmax())
    return detected[best] if overlaps[best] >= LEAST_OVERLAP else None


def _upright_landmarks(box: Tensor) -> Tensor:
    """The template's landmarks (5, 2), stretched so that its face fills the box."""
    template_box = torch.tensor(_FACE_IN_TEMPLATE)
    unit = (torch.tensor(FFHQ_TEMPLATE) - template_box[:2]) / (template_box[2:] - template_box[:2])
    return box[:2] + unit * (box[2:] - box[:2])
