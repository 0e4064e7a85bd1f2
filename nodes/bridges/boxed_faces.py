"""Boxes of other nodes -> PANINI_FACES."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from ... import panini_core as core
from .. import host
from ..sockets import Faces

if TYPE_CHECKING:
    from ...panini_core import FaceDetector


def faces_in_boxes(
    detector: host.ManagedNetwork[FaceDetector], images: Tensor, boxes: list[list[Tensor]]
) -> Faces:
    """A face for each box of each image."""
    found = core.faces_from_boxes(detector.load(), images, boxes)
    return Faces(tuple(found), len(images), images.shape[-2], images.shape[-1])
