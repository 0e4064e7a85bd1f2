"""What the nodes that find and choose faces show: numbered pictures, and data for the board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ... import panini_core as core
from ...panini_core import rows_of_images
from .. import host
from ..sockets import Faces

if TYPE_CHECKING:
    from ...panini_core import Face

PAYLOAD_VERSION = 1
MOST_FRAMES = 64  # of a batch that are sent to the browser
BOARD_SIDE = 1280  # px, of a picture on the board


def draw_overlay(images: Tensor, faces: Faces, selected: Sequence[bool]) -> Tensor:
    """(N, 3, H, W) with the faces numbered; those that are not selected in grey. The type and
    the device are the images'."""
    drawn = images.new_empty(images.shape)
    rows = rows_of_images(faces.faces)
    for index, image in enumerate(images):
        own = rows.get(index, [])
        drawn[index] = core.draw_faces(
            image, [faces.faces[row] for row in own], selected=[selected[row] for row in own]
        )
    return drawn


def board(
    images: Tensor,
    faces: Faces,
    selected: Sequence[bool],
    severities: Sequence[float | None] | None = None,
    sort: str | None = None,
    *,
    most: int = MOST_FRAMES,
) -> dict[str, Any]:
    """The `ui` of a node with a face board: pictures as references, boxes in their pixels.

    sort: the order that the numbers of the faces come from; None if the node cannot change it.
    most: so many images are sent, the first ones.
    With each face of a clip comes what `largest` and `centre` go by there, which cannot be seen
    from one frame, and whether it was filled in; with each frame, who is missed in it for a moment.
    """
    rows = rows_of_images(faces.faces)
    missed = core.missed_faces(faces.faces)
    numbers = core.face_numbers(faces.faces)
    areas = core.face_areas(faces.faces)
    distances = core.face_distances(faces.faces, height=faces.height, width=faces.width)
    frames = [
        {
            "image": host.save_preview(image, longest=BOARD_SIDE),
            "width": image.shape[-1],
            "height": image.shape[-2],
            "faces": [
                {
                    **describe_face(numbers[row], faces.faces[row]),
                    **describe_in_clip(faces.faces[row], areas[row], distances[row]),
                    "severity": severities[row] if severities else None,
                    "selected": bool(selected[row]),
                }
                for row in rows.get(index, [])
            ],
            "missed": [
                {
                    "number": numbers[row],
                    **describe_in_clip(faces.faces[row], areas[row], distances[row]),
                }
                for row in missed.get(index, [])
            ],
        }
        for index, image in enumerate(images[:most])
    ]
    payload = {
        "version": PAYLOAD_VERSION,
        "total_frames": len(images),
        "sort": sort,
        "frames": frames,
    }
    return {"panini_faces": [payload]}


def describe_face(number: int, face: Face) -> Mapping[str, Any]:
    """A face as plain values: its box in px, score and size; a score only where it was seen, and
    whether its landmarks can be relied on only if they cannot."""
    return {
        "number": number,
        "box": [round(value, 1) for value in face.box.tolist()],
        "score": None if face.filled else round(face.score, 4),
        "size": round(face.size, 1),
        **({} if face.reliable else {"reliable": False}),
    }


def describe_in_clip(face: Face, area: float, distance: float) -> Mapping[str, Any]:
    """What the faces of a clip have besides: the means over their track, px² and px from the middle
    of the image, and whether the face was filled in. Nothing of a face that is not followed."""
    if face.track is None:
        return {}
    return {"area": round(area, 3), "from_middle": round(distance, 3), "filled": face.filled}
