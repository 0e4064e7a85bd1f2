from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.faces import Face
from panini_core.stages.grouping import number_faces
from panini_core.stages.selection import (
    SORT_ORDERS,
    face_areas,
    face_distances,
    missed_faces,
    parse_rule,
    rows_in_order,
    select_faces,
    select_in_passing,
    sort_faces,
)
from panini_core.stages.track import Stretch


def face(x: float, y: float, side: float, image_index: int = 0) -> Face:
    box = torch.tensor([x, y, x + side, y + side])
    return Face(box, torch.zeros(5, 2), 0.9, image_index)


def places(some: list[Face], others: list[Face]) -> list[int]:
    """Where each of some faces is among others: the one with the same box."""
    boxes = [(other.image_index, *other.box.tolist()) for other in others]
    return [boxes.index((one.image_index, *one.box.tolist())) for one in some]


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
        ("centre", [1, 3]),
        ("center", [1, 3]),
        (" Center ", [1, 3]),
        ("0", [0, 3]),
        ("1,0", [0, 1, 3, 4]),
        ("1-2", [1, 2, 4]),
        ("0, 2 - 9", [0, 2, 3]),
        ("7", []),
        ("none", []),
        ("1,1,1", [1, 4]),
        # full-width, as keyboards for Chinese and Japanese type: comma, enumeration, numbers, dash
        ("0\uff0c2", [0, 2, 3]),
        ("0\u30012", [0, 2, 3]),
        ("\uff11\uff0d\uff12\u3000", [1, 2, 4]),
        ("1\u20132", [1, 2, 4]),
        ("\uff41\uff4c\uff4c", [0, 1, 2, 3, 4]),
    ],
)
def test_rules(rule: str, expected: list[int]) -> None:
    chosen = select_faces(FACES, rule, height=100, width=100)
    assert places(chosen, FACES) == expected


@pytest.mark.parametrize(
    "rule",
    ["", "biggest", "1,,2", "-1", "3-1", "1.5", "0;2", "1-2-3", "0-99999999999", "1\uff0c\uff0c2"],
)
def test_other_texts_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="expected all, largest, centre, none or numbers"):
        parse_rule(rule)


@settings(deadline=None, max_examples=50)
@given(st.sets(st.integers(0, 12), min_size=1))
def test_numbers_written_one_by_one_select_exactly_them(numbers: set[int]) -> None:
    faces = [face(10 * index, 0, 5) for index in range(10)]
    chosen = select_faces(faces, ",".join(map(str, numbers)), height=50, width=100)
    assert places(chosen, faces) == sorted(n for n in numbers if n < 10)


def test_no_faces_stay_none() -> None:
    for rule in ("all", "largest", "centre", "none", "0"):
        assert select_faces([], rule, height=10, width=10) == []


@pytest.mark.parametrize(
    ("rule", "max_faces", "expected"),
    [("all", 2, [0, 1, 3, 4]), ("1-9", 1, [1, 4]), ("all", 0, [0, 1, 2, 3, 4]), ("none", 1, [])],
)
def test_a_limit_keeps_the_first_of_each_image(
    rule: str, max_faces: int, expected: list[int]
) -> None:
    chosen = select_faces(FACES, rule, height=100, width=100, max_faces=max_faces)
    assert places(chosen, FACES) == expected


def test_numbers_that_faces_carry_are_theirs() -> None:
    numbered = number_faces(FACES)
    some = [numbered[2], numbered[0], numbered[4]]
    chosen = select_faces(some, "1-2", height=100, width=100)
    assert places(chosen, FACES) == [2, 4]
    assert [one.number for one in chosen] == [2, 1]


@pytest.mark.parametrize(
    ("rule", "wrong", "expected"),
    [("all", 2, [0, 1, 3, 4]), ("largest", 2, [0, 3]), ("centre", 1, [2, 3])],
)
def test_faces_that_no_landmarks_fit_are_never_selected(
    rule: str, wrong: int, expected: list[int]
) -> None:
    faces = [replace(one, reliable=row != wrong) for row, one in enumerate(FACES)]
    chosen = select_faces(faces, rule, height=100, width=100)
    assert places(chosen, FACES) == expected
    alone = [replace(FACES[0], reliable=False)]
    assert select_faces(alone, rule, height=100, width=100) == []
    assert select_faces(alone, "0", height=100, width=100) == []


def test_a_limit_below_none_is_refused() -> None:
    with pytest.raises(ValueError, match="max_faces must be at least 0"):
        select_faces(FACES, "all", height=100, width=100, max_faces=-1)


# --- order --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("as detected", [0, 1, 2, 3, 4]),
        ("left to right", [0, 1, 2, 3, 4]),
        ("right to left", [2, 1, 0, 4, 3]),
        ("top to bottom", [0, 2, 1, 3, 4]),
        ("bottom to top", [1, 2, 0, 4, 3]),
        ("large to small", [2, 0, 1, 3, 4]),
        ("small to large", [0, 1, 2, 4, 3]),
        ("confidence", [0, 1, 2, 3, 4]),
        ("centre", [1, 2, 0, 3, 4]),
        ("center", [1, 2, 0, 3, 4]),
    ],
)
def test_orders(order: str, expected: list[int]) -> None:
    ordered = sort_faces(FACES, order, height=100, width=100)
    assert places(ordered, FACES) == expected
    assert [one.number for one in ordered] == [0, 1, 2, 0, 1]
    assert rows_in_order(FACES, order, height=100, width=100) == expected


def test_confidence_puts_the_surest_first() -> None:
    faces = [Face(torch.zeros(4), torch.zeros(5, 2), score) for score in (0.7, 0.9, 0.8)]
    ordered = sort_faces(faces, "confidence", height=10, width=10)
    assert [one.score for one in ordered] == [0.9, 0.8, 0.7]


def test_positions_are_those_of_the_centres() -> None:
    wide, narrow = face(0, 0, 100), face(10, 10, 20)  # begins further left, lies further right
    ordered = sort_faces([wide, narrow], "left to right", height=9, width=9)
    assert places(ordered, [narrow, wide]) == [0, 1]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(SORT_ORDERS), st.permutations(range(5)))
def test_every_order_keeps_all_faces_and_puts_images_one_after_the_other(
    order: str, shuffled: list[int]
) -> None:
    faces = [FACES[index] for index in shuffled]
    ordered = sort_faces(faces, order, height=100, width=100)
    assert sorted(places(ordered, faces)) == [0, 1, 2, 3, 4]
    assert [one.image_index for one in ordered] == [0, 0, 0, 1, 1]


def test_other_orders_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'by name': expected as detected, .*, centre\."):
        sort_faces(FACES, "by name", height=10, width=10)


# --- clips --------------------------------------------------------------------------------------


def followed(x: float, side: float, frame: int, track: int) -> Face:
    return replace(face(x, 40 - side / 2, side, frame), track=track)


@settings(deadline=None, max_examples=60)
@given(
    clip=st.lists(
        st.dictionaries(
            st.integers(0, 3), st.tuples(st.integers(0, 80), st.integers(5, 20)), max_size=4
        ),
        min_size=1,
        max_size=6,
    ),
    order=st.sampled_from(SORT_ORDERS),
)
def test_in_a_clip_a_number_means_one_face(
    clip: list[dict[int, tuple[int, int]]], order: str
) -> None:
    faces = [
        followed(x, side, frame, track)
        for frame, own in enumerate(clip)
        for track, (x, side) in own.items()
    ]
    ordered = sort_faces(faces, order, height=80, width=100)
    numbers = {(one.track, one.number) for one in ordered}
    assert sorted(number for _, number in numbers if number is not None) == list(
        range(len({one.track for one in faces}))
    )
    keys = [(one.image_index, one.number) for one in ordered]
    assert keys == sorted(key for key in keys if key[1] is not None)
    rows = rows_in_order(faces, order, height=80, width=100)
    assert all(one.box is faces[row].box for one, row in zip(ordered, rows, strict=True))
    kept = select_faces(ordered, "0", height=80, width=100)
    assert {one.track for one in kept} == {one.track for one in ordered if one.number == 0}


def test_in_a_clip_sizes_and_places_are_those_of_tracks() -> None:
    faces = [
        one
        for frame, (left, right) in enumerate([(20, 10), (10, 14), (20, 12)])
        for one in (followed(10, left, frame, 5), followed(45, right, frame, 2))
    ]
    size = {"height": 80, "width": 100}
    assert [one.track for one in select_faces(faces, "largest", **size)] == [5] * 3
    assert [one.track for one in select_faces(faces, "centre", **size)] == [2] * 3
    assert face_areas(faces) == pytest.approx([300, 440 / 3] * 3)
    assert face_distances(faces, **size) == pytest.approx([(30 + 35 + 30) / 3, (0 + 2 + 1) / 3] * 3)
    ordered = sort_faces(faces, "large to small", **size)
    assert [one.track for one in select_faces(ordered, "all", **size, max_faces=1)] == [5] * 3
    singly = [replace(one, track=None) for one in faces]
    assert [one.box[0] for one in select_faces(singly, "largest", **size)] == [10, 45, 10]


@pytest.mark.parametrize("rule", ["largest", "centre", "all"])
def test_nobody_takes_the_place_of_who_is_missed_for_a_moment(rule: str) -> None:
    faces = [
        followed(*one, frame, track)
        for frame in range(7)
        for track, one in enumerate([(45, 20), (10, 10)])
        if (frame, track) not in {(0, 0), (2, 0), (3, 0), (6, 0), (4, 1)}
    ]
    ordered = sort_faces(faces, "large to small", height=80, width=100)
    most = 1 if rule == "all" else 0
    kept = select_faces(ordered, rule, height=80, width=100, max_faces=most)
    assert [(one.image_index, one.track) for one in kept] == [
        (0, 1),
        (1, 0),
        (4, 0),
        (5, 0),
        (6, 1),
    ]
    missed = missed_faces(ordered)
    assert {frame: [ordered[row].track for row in rows] for frame, rows in missed.items()} == {
        2: [0],
        3: [0],
        4: [1],
    }
    assert missed_faces([replace(one, track=None) for one in faces]) == {}


def test_who_is_left_alone_holds_no_place() -> None:
    faces = [followed(45, 20, frame, 0) for frame in (0, 2)]
    faces = [replace(one, reliable=False) for one in faces] + [followed(10, 5, 1, 1)]
    assert missed_faces(faces) == {}
    assert [one.track for one in select_faces(faces, "largest", height=80, width=100)] == [1]


def test_as_detected_tracks_are_numbered_as_they_appear() -> None:
    faces = [followed(50, 10, 0, 9), followed(10, 10, 1, 4), followed(50, 10, 1, 9)]
    ordered = sort_faces(faces, "as detected", height=80, width=100)
    assert [(one.image_index, one.track, one.number) for one in ordered] == [
        (0, 9, 0),
        (1, 9, 0),
        (1, 4, 1),
    ]


# --- clips that come in stretches ----------------------------------------------------------------


def in_stretches(sizes: dict[int, list[float]], rule: str, **options: int) -> list[tuple[int, int]]:
    """Frame and track of what is selected; `sizes`: of each track, its size in each frame, 0 where
    it is missed; two frames a stretch."""
    count = max(len(values) for values in sizes.values())
    sizes = {track: values + [0.0] * (count - len(values)) for track, values in sizes.items()}
    stretches: list[Stretch] = []
    for start in range(0, count, 2):
        frames = range(start, min(start + 2, count))
        faces = [
            Face(
                torch.tensor([0.0, 0.0, values[frame], values[frame]]),
                torch.zeros(5, 2),
                1.0,
                frame,
                number=track,
                track=track,
            )
            for frame in frames
            for track, values in sizes.items()
            if values[frame]
        ]
        later = range(frames.stop, count)
        going_on = {
            track
            for track, values in sizes.items()
            if any(values[: frames.stop]) and any(values[frame] for frame in later)
        }
        stretches.append(Stretch(frames, tuple(faces), frozenset(going_on)))
    selected = select_in_passing(stretches, rule, height=100, width=100, **options)
    return [(face.image_index, face.track or 0) for one in selected for face in one.faces]


def test_who_is_the_largest_stays_so_until_it_leaves() -> None:
    sizes = {0: [30.0] * 4, 1: [20.0, 20.0] + [60.0] * 6}
    found = in_stretches(sizes, "largest")
    assert found == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1), (7, 1)]


@pytest.mark.parametrize("gap", [range(1, 2), range(3, 4), range(1, 4), range(2, 5), range(2, 8)])
def test_who_was_the_largest_still_is_after_a_gap(gap: range) -> None:
    sizes = {
        0: [0.0 if frame in gap else 30.0 for frame in range(9)],
        1: [20.0] * 9,
    }
    seen = [(frame, 0) for frame in range(9) if frame not in gap]
    assert in_stretches(sizes, "largest") == seen
    limited = in_stretches(sizes, "all", max_faces=1)
    # Tracks that a stretch does not show at all were given up by then: gaps are shorter than it.
    whole = {stretch for stretch in range(4) if {2 * stretch, 2 * stretch + 1} <= set(gap)}
    assert [one for one in limited if one[0] // 2 not in whole] == [
        one for one in seen if one[0] // 2 not in whole
    ]


def test_numbers_and_limits_hold_in_every_stretch() -> None:
    sizes = {0: [30.0] * 4, 1: [20.0] * 4, 2: [0.0, 0.0, 50.0, 50.0]}
    assert in_stretches(sizes, "1") == [(frame, 1) for frame in range(4)]
    assert in_stretches(sizes, "all", max_faces=1) == [(frame, 0) for frame in range(4)]
    assert in_stretches(sizes, "none") == []
    assert len(in_stretches(sizes, "all")) == 10
