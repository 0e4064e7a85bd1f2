"""Pictures and faces as plain values for JSON reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..faces import Face
from ..images import ImageFile

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")


def describe_image(source: Path, image: ImageFile) -> dict[str, Any]:
    width, height = image.size
    return {
        "source": str(source),
        "width": width,
        "height": height,
        "format": image.format,
        "bit_depth": image.bit_depth,
    }


def describe_face(index: int, face: Face) -> dict[str, Any]:
    """Numbers in px of the upright picture; left and right are the viewer's. A face is reliable if
    its landmarks are; others are not restored."""
    points = [[round(value, 2) for value in point] for point in face.landmarks.tolist()]
    return {
        "index": index,
        "box": [round(value, 2) for value in face.box.tolist()],
        "landmarks": dict(zip(LANDMARKS, points, strict=True)),
        "score": round(face.score, 4),
        "reliable": face.reliable,
    }


def note_left_alone(faces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """A note on faces, as `describe_face` tells of them, that are left alone; none if none are."""
    return say_left_alone(sum(not face["reliable"] for face in faces))


def say_left_alone(count: int) -> tuple[str, ...]:
    """A note on so many faces that are left alone; none if there are none."""
    return (f"left alone, since no landmarks fit: {count}",) if count else ()
