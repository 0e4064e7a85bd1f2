"""Stage one for the frames of a clip: faces that are followed, also where they hardly show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from ..faces import Face
from ..models.face_detector import FaceDetector
from ..options import DEFAULT_THRESHOLD
from .chunks import OnImage
from .detect import detect_faces
from .track import follow_faces

SHARE_TO_GO_ON = 0.5  # of the threshold: what a face must score where one is expected


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
    threshold only, and through short gaps (see `follow_faces`). Only frames in which a track misses
    its face are looked at again. While they are, `on_image` is called with the frames done: all.

    Returns faces frame by frame, with their tracks and numbered by them: from 0 in the order in
    which they appear, in one frame from left to right.
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
        return [replace(face, image_index=frame) for face in weak]

    return follow_faces(sure, len(images), look_again)
