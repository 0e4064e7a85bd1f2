"""What the compare slider shows: pictures before and after, and where their faces are."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ... import panini_core as core
from .. import host
from ..sockets import Faces
from . import face_board

PAYLOAD_VERSION = 1
MOST_PAIRS = 64  # of a batch that are sent to the browser


def payload(
    before: Tensor, after: Tensor, faces: Faces | None = None, *, most: int = MOST_PAIRS
) -> dict[str, Any]:
    """The `ui` of a node with a compare slider: pictures as references, boxes in px of `before`.

    before, after: (N, 3, H, W), as many, or one that is compared with all; their sizes may differ.
    most: so many pairs are sent, the first ones.
    """
    total = max(len(before), len(after))
    pairs = [
        _pair(before, after, min(index, len(before) - 1), min(index, len(after) - 1), faces)
        for index in range(min(total, most))
    ]
    return {"panini_compare": [{"version": PAYLOAD_VERSION, "total": total, "pairs": pairs}]}


def _pair(
    before: Tensor, after: Tensor, left: int, right: int, faces: Faces | None
) -> dict[str, Any]:
    own = [] if faces is None else faces.of_image(left)
    return {
        "before": host.save_preview(before[left]),
        "after": host.save_preview(after[right]),
        "before_size": [before.shape[-1], before.shape[-2]],
        "after_size": [after.shape[-1], after.shape[-2]],
        "faces": [
            {"number": number, "box": face_board.describe_face(number, face)["box"]}
            for number, face in zip(core.face_numbers(own), own, strict=True)
        ],
    }
