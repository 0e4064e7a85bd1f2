from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.faces import Face
from panini_core.selection import parse_rule, select_faces


def face(x: float, y: float, side: float, image_index: int = 0) -> Face:
    box = torch.tensor([x, y, x + side, y + side])
    return Face(box, torch.zeros(5, 2), 0.9, image_index)


FACES = [
    face(0, 0, 10),
    face(45, 45, 10),
    face(60, 10, 30),
    face(5, 5, 20, 1),
    face(80, 80, 19, 1),
]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("all", [0, 1, 2, 3, 4]),
        ("largest", [2, 3]),
        ("center", [1, 3]),
        (" Center ", [1, 3]),
        ("0", [0, 3]),
        ("1,0", [0, 1, 3, 4]),
        ("1-2", [1, 2, 4]),
        ("0, 2 - 9", [0, 2, 3]),
        ("7", []),
        ("none", []),
        ("1,1,1", [1, 4]),
    ],
)
def test_rules(rule: str, expected: list[int]) -> None:
    chosen = select_faces(FACES, rule, height=100, width=100)
    assert [FACES.index(one) for one in chosen] == expected


@pytest.mark.parametrize(
    "rule", ["", "biggest", "1,,2", "-1", "3-1", "1.5", "0;2", "1-2-3", "0-99999999999"]
)
def test_other_texts_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="expected all, largest, center, none or numbers"):
        parse_rule(rule)


@settings(deadline=None, max_examples=50)
@given(st.sets(st.integers(0, 12), min_size=1))
def test_numbers_written_one_by_one_select_exactly_them(numbers: set[int]) -> None:
    faces = [face(10 * index, 0, 5) for index in range(10)]
    chosen = select_faces(faces, ",".join(map(str, numbers)), height=50, width=100)
    assert [faces.index(one) for one in chosen] == sorted(n for n in numbers if n < 10)


def test_no_faces_stay_none() -> None:
    for rule in ("all", "largest", "center", "none", "0"):
        assert select_faces([], rule, height=10, width=10) == []
