from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.faces import Face
from panini_core.stages.per_face import PerFace, parse_per_face, values_of_faces


def face(image_index: int = 0, number: int | None = None) -> Face:
    return Face(torch.zeros(4), torch.zeros(5, 2), 0.9, image_index, number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.8", PerFace(0.8, {})),
        ("0.8; 2: 0.5", PerFace(0.8, {2: 0.5})),
        ("2:.5;1", PerFace(1, {2: 0.5})),  # in any order
        (" 1 ; 0, 4-6 : 0 ; ", PerFace(1, {0: 0, 4: 0, 5: 0, 6: 0})),
        # full-width, as keyboards for Chinese and Japanese type: numbers, semicolon, colon, comma
        ("\uff10.8\uff1b2\u30013\uff1a\uff11", PerFace(0.8, {2: 1, 3: 1})),
    ],
)
def test_texts_that_can_be_read(text: str, expected: PerFace) -> None:
    assert parse_per_face(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "value for all other faces is missing"),
        ("2: 0.5", "value for all other faces is missing"),
        ("0.8; 0.5", "0.8 and 0.5 are both for all faces"),
        ("1; 2: 0.5; 1-3: 0", "face 2 is named twice"),
        ("1; largest: 0.5", "'largest' names no faces by number"),
        ("1; : 0.5", "'' names no faces by number"),
        ("1; 3-2: 0.5", "'3-2' names no faces by number"),
        ("1; 2: half", "'half' is no number"),
        ("1; 2:", "'' is no number"),
        ("0,8", "'0,8' is no number"),
        ("nan", "'nan' is no number"),
    ],
)
def test_other_texts_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"{reason}. Expected a number for all faces"):
        parse_per_face(text)


@given(
    usual=st.floats(0, 1), others=st.dictionaries(st.integers(0, 9999), st.floats(0, 1), max_size=5)
)
def test_what_is_written_is_read(usual: float, others: dict[int, float]) -> None:
    text = "; ".join([str(usual), *(f"{number}: {value}" for number, value in others.items())])
    parsed = parse_per_face(text)
    assert parsed == PerFace(usual, others)
    assert parsed.values() == [usual, *others.values()]


def test_faces_are_known_by_their_numbers() -> None:
    faces = [face(0, 2), face(0, 5), face(1, 2)]
    assert values_of_faces("0.8; 2: 0.5", faces) == [0.5, 0.8, 0.5]
    assert values_of_faces("0.8; 1: 0.5", [face(0), face(0), face(1)]) == [0.8, 0.5, 0.8]
    assert values_of_faces(0.3, faces) == [0.3] * 3
    assert values_of_faces("0.3", []) == []
