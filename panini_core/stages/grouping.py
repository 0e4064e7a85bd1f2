"""Which faces belong to one image, and which images are worked on together, so that memory does not
grow with the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..faces import Face


def rows_of_images(faces: Sequence[Face]) -> dict[int, list[int]]:
    """The places in `faces` of each image's own ones, image by image; images without are left out.

    A face's place among them is its number.
    """
    rows: dict[int, list[int]] = {}
    for row, face in enumerate(faces):
        rows.setdefault(face.image_index, []).append(row)
    return dict(sorted(rows.items()))


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
