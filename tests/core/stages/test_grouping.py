from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.faces import Face
from panini_core.stages.grouping import (
    face_numbers,
    group_images,
    number_faces,
    rows_of_images,
)


def faces(counts: list[int]) -> list[Face]:
    return [
        Face(torch.zeros(4), torch.zeros(5, 2), 1.0, index)
        for index, count in enumerate(counts)
        for _ in range(count)
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 12))
def test_groups_hold_every_image_and_face_once(counts: list[int], most: int) -> None:
    all_faces = faces(counts)
    groups = group_images(all_faces, len(counts), most)
    assert [index for group in groups for index in group.images] == list(range(len(counts)))
    assert [face for group in groups for face in all_faces[group.faces]] == all_faces
    for group in groups:
        owners = {face.image_index for face in all_faces[group.faces]}
        assert owners <= set(group.images)
        if len(all_faces[group.faces]) > most:
            assert len(group.images) <= 1


def test_groups_are_as_large_as_they_may() -> None:
    groups = group_images(faces([2, 1, 0, 3, 9, 1]), 6, 4)
    assert [list(group.images) for group in groups] == [[0, 1, 2], [3], [4], [5]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=30))
def test_rows_of_images_are_numbered_image_by_image(owners: list[int]) -> None:
    some = [Face(torch.zeros(4), torch.zeros(5, 2), 1.0, owner) for owner in owners]
    rows = rows_of_images(some)
    assert list(rows) == sorted(set(owners))
    assert sorted(row for own in rows.values() for row in own) == list(range(len(owners)))
    for index, own in rows.items():
        assert own == sorted(own) and {some[row].image_index for row in own} == {index}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=30))
def test_faces_are_numbered_within_their_image(owners: list[int]) -> None:
    some = [Face(torch.zeros(4), torch.zeros(5, 2), 1.0, owner) for owner in owners]
    numbered = number_faces(some)
    assert [one.image_index for one in numbered] == owners
    for own in rows_of_images(numbered).values():
        assert [numbered[row].number for row in own] == list(range(len(own)))
    assert face_numbers(numbered) == face_numbers(some) == [one.number for one in numbered]


def test_a_number_stays_with_its_face() -> None:
    numbered = number_faces(faces([3, 2]))
    kept = [numbered[row] for row in (2, 0, 4)]
    assert face_numbers(kept) == [2, 0, 1]
    assert [one.number for one in number_faces(kept)] == [0, 1, 0]
