"""A number for all faces, and other ones for some of them: a short text such as `0.8; 2: 0.5`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .grouping import face_numbers
from .selection import parse_numbers, plain_signs

if TYPE_CHECKING:  # so that texts are read without loading torch
    from ..faces import Face


@dataclass(frozen=True, slots=True)
class PerFace:
    """A number a face."""

    usual: float
    others: Mapping[int, float]  # of faces that have another one, by their numbers

    def values(self) -> list[float]:
        """All that is in it, the usual one first."""
        return [self.usual, *self.others.values()]


def parse_per_face(text: str) -> PerFace:
    """`0.8; 2: 0.5; 4-6,9: 0`: 0.8, but 0.5 for face 2, and 0 for the faces 4 to 6 and 9.

    Full-width signs, as keyboards for Chinese and Japanese type them, are read as well. Raises
    ValueError for what cannot be read, for a face that is named twice, and if there is not one
    value for all faces.
    """
    usual: float | None = None
    others: dict[int, float] = {}
    for part in plain_signs(text).split(";"):
        if not part.strip():
            continue
        numbers, colon, value = part.rpartition(":")
        number = read_number(value)
        if number is None:
            raise _unreadable(text, f"{value.strip()!r} is no number")
        if not colon:
            if usual is not None:
                raise _unreadable(text, f"{usual:g} and {number:g} are both for all faces")
            usual = number
            continue
        faces = parse_numbers(numbers)
        if faces is None:
            raise _unreadable(text, f"{numbers.strip()!r} names no faces by number")
        twice = sorted(faces & set(others))
        if twice:
            raise _unreadable(text, f"face {twice[0]} is named twice")
        others.update(dict.fromkeys(faces, number))
    if usual is None:
        raise _unreadable(text, "the value for all other faces is missing")
    return PerFace(usual, others)


def values_of_faces(value: float | str, faces: Sequence[Face]) -> list[float]:
    """The number of each face, by its own number (see `face_numbers`); `value`: one for all, or a
    text for `parse_per_face`."""
    if not isinstance(value, str):
        return [float(value)] * len(faces)
    parsed = parse_per_face(value)
    return [parsed.others.get(number, parsed.usual) for number in face_numbers(faces)]


def read_number(text: str) -> float | None:
    """A finite number; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _unreadable(text: str, reason: str) -> ValueError:
    return ValueError(
        f"Cannot read {text!r}: {reason}. Expected a number for all faces, then others by the "
        "faces' numbers, such as 0.8; 2: 0.5; 4-6: 0."
    )
