"""Which faces belong to one image and how they are numbered there, and which images are worked on
together, so that memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..faces import Face


def rows_of_images(faces: Sequence[Face]) -> dict[int, list[int]]:
    """The places in `faces` of each image's own ones, image by image, where it has any."""
    rows: dict[int, list[int]] = {}
    for row, face in enumerate(faces):
        rows.setdefault(face.image_index, []).append(row)
    return dict(sorted(rows.items()))


def number_faces(faces: Sequence[Face]) -> list[Face]:
    """The faces, each numbered by its place among those of its image, from 0, as they are given."""
    places = _places(faces)
    return [replace(face, number=place) for face, place in zip(faces, places, strict=True)]


def face_numbers(faces: Sequence[Face]) -> list[int]:
    """The number of each face; of one that was not numbered, its place among those of its image."""
    return [
        place if face.number is None else face.number
        for face, place in zip(faces, _places(faces), strict=True)
    ]


def _places(faces: Sequence[Face]) -> list[int]:
    """Each face's place among those of its image, from 0."""
    places = [0] * len(faces)
    for rows in rows_of_images(faces).values():
        for place, row in enumerate(rows):
            places[row] = place
    return places


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive images and their faces."""

    images: range
    faces: slice  # of all faces


def group_images(faces: Sequence[Face], count: int, most: int) -> list[Group]:
    """Groups of `count` images with at most so many faces together; an image that has more is
    a group of its own. Without images there is one empty group.

    The faces must be given image by image.
    """
    owned = [0] * count
    for face in faces:
        owned[face.image_index] += 1
    groups: list[Group] = []
    first, done, held = 0, 0, 0
    for index, own in enumerate(owned):
        if index > first and held + own > most:
            groups.append(Group(range(first, index), slice(done, done + held)))
            first, done, held = index, done + held, 0
        held += own
    return [*groups, Group(range(first, count), slice(done, done + held))]
