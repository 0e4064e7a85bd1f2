"""What the nodes tell about degradations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ... import panini_core as core
from .. import host

if TYPE_CHECKING:
    from ...panini_core import (
        DegradationAtlas,
        DegradationDescription,
        DegradationRepresentation,
        Face,
        FaceRestorer,
        FaceSet,
    )

PAYLOAD_VERSION = 1


def represent(
    model: host.ManagedNetwork[FaceRestorer], faces: FaceSet
) -> DegradationRepresentation:
    """The degradation of each face, on the CPU."""
    network, batch = host.load_panini(model)
    return core.represent_degradation(network, faces, batch=batch).to("cpu")


def represent_in_images(
    model: host.ManagedNetwork[FaceRestorer], images: Tensor, faces: Sequence[Face]
) -> DegradationRepresentation:
    """The degradation of each face of the images (N, 3, H, W), on the CPU; no crops are kept."""
    network, batch = host.load_panini(model)
    return core.represent_in_images(network, images, faces, batch=batch).to("cpu")


def describe(
    model: host.ManagedNetwork[FaceRestorer], degradation: DegradationRepresentation
) -> tuple[DegradationAtlas | None, tuple[DegradationDescription, ...]]:
    """The model's atlas, and what it says of each face; None and nothing if it has none."""
    atlas = core.load_atlas(host.require_panini(model), model.source)
    return atlas, () if atlas is None else core.describe_degradation(atlas, degradation)


def write_report(found: Sequence[DegradationDescription], faces: Sequence[Face]) -> str:
    """A line about each face, by its number, and by its image if there are several."""
    if not faces:
        return "There is no face."
    if not found:
        return f"{len(faces)} faces; this model has no atlas of known degradations to compare with."
    lines: list[str] = []
    for number, face, known in zip(core.face_numbers(faces), faces, found, strict=True):
        place = f"image {face.image_index}, " if _are_of_several_images(faces) else ""
        lines.append(f"{place}face {number}: {known.text}")
    return "\n".join(lines)


def payload(
    atlas: DegradationAtlas | None,
    found: Sequence[DegradationDescription],
    faces: Sequence[Face],
) -> dict[str, Any]:
    """The `ui` of the degradation view: the map, and where each face lies on it."""
    numbers = shown_numbers(faces)
    known_map = None
    if atlas is not None:
        positions, labels = atlas.positions.tolist(), atlas.labels.tolist()
        points = [
            [round(x, 3), round(y, 3), label]
            for (x, y), label in zip(positions, labels, strict=True)
        ]
        known_map = {"labels": list(atlas.names), "points": points}
    shown = [
        {
            "number": number,
            "position": [round(value, 4) for value in known.position],
            "severity": round(known.severity, 3),
            "nearest": [[name, round(share, 3)] for name, share in known.nearest],
            "text": known.text,
        }
        for number, known in zip(numbers if found else [], found, strict=True)
    ]
    return {
        "panini_degradation": [
            {"version": PAYLOAD_VERSION, "atlas": known_map, "count": len(faces), "faces": shown}
        ]
    }


def shown_numbers(faces: Sequence[Face]) -> list[int]:
    """What the faces are called on the map: their numbers; those of several images, which share
    numbers, are counted."""
    several = _are_of_several_images(faces)
    return list(range(len(faces))) if several else core.face_numbers(faces)


def _are_of_several_images(faces: Sequence[Face]) -> bool:
    return len({face.image_index for face in faces}) > 1
