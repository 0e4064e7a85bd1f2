"""Which of the faces that were found are restored: a short text, the same for people and files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .faces import Face

NAMED_RULES = ("all", "largest", "center")
LAST_NUMBER = 9999
_NUMBERS = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def parse_rule(rule: str) -> str | set[int]:
    """`all`, `largest` and `center` as they are; `0,2,4-6` as the numbers of the faces.

    Raises ValueError for anything else.
    """
    name = rule.strip().lower()
    if name in NAMED_RULES:
        return name
    numbers: set[int] = set()
    for part in rule.split(","):
        match = _NUMBERS.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else -1
        if not first <= last <= LAST_NUMBER:
            raise ValueError(
                f"Cannot select faces by {rule!r}: expected {', '.join(NAMED_RULES)} or numbers "
                f"from 0 to {LAST_NUMBER} such as 0,2,4-6."
            )
        numbers.update(range(first, last + 1))
    return numbers


def select_faces(faces: Sequence[Face], rule: str, *, height: int, width: int) -> list[Face]:
    """Those of the faces that the rule names, image by image, in their order.

    `all`; `largest`: the one with the largest box; `center`: the one nearest to the middle of its
    image (height x width px); `0,2,4-6`: by number, in the order in which the faces of an image
    are given. Numbers that an image does not have are no error. Raises ValueError if the rule
    cannot be read.
    """
    parsed = parse_rule(rule)
    chosen: list[Face] = []
    for index in sorted({face.image_index for face in faces}):
        own = [face for face in faces if face.image_index == index]
        if isinstance(parsed, set):
            chosen += [face for number, face in enumerate(own) if number in parsed]
        elif parsed == "largest":
            chosen.append(max(own, key=_area))
        elif parsed == "center":
            chosen.append(min(own, key=lambda face: _distance(face, height, width)))
        else:
            chosen += own
    return chosen


def _area(face: Face) -> float:
    x0, y0, x1, y1 = face.box.tolist()
    return (x1 - x0) * (y1 - y0)


def _distance(face: Face, height: int, width: int) -> float:
    x0, y0, x1, y1 = face.box.tolist()
    return ((x0 + x1 - width) ** 2 + (y0 + y1 - height) ** 2) ** 0.5
