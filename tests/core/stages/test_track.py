from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from panini_core.faces import Face
from panini_core.stages.align import template
from panini_core.stages.selection import select_faces, select_in_passing
from panini_core.stages.track import (
    AHEAD,
    LARGEST_GAP,
    LookAgain,
    Sight,
    follow_faces,
    follow_in_passing,
    track_faces,
)


def face(frame: int, x: float, y: float = 50.0, size: float = 60.0) -> Face:
    """A face whose box begins at x, y."""
    corner = torch.tensor([x, y], dtype=torch.float32)
    box = torch.cat([corner, corner + size])
    return Face(box, corner + template(512).float() / 512 * size, 0.9, frame)


# --- tracks -------------------------------------------------------------------------------------


def test_a_face_keeps_its_number() -> None:
    faces = [face(frame, 10 + 8 * frame) for frame in range(20)]
    assert track_faces(faces) == [0] * 20


def test_numbers_do_not_depend_on_the_order_within_a_frame() -> None:
    faces: list[Face] = []
    for frame in range(6):
        pair = [face(frame, 10 + frame), face(frame, 200 - frame)]
        faces += pair if frame % 2 else pair[::-1]
    numbers = track_faces(faces)
    assert numbers == [0, 1, 1, 0] * 3


def test_faces_that_pass_each_other_keep_their_numbers() -> None:
    faces = [
        one
        for frame in range(25)
        for one in (face(frame, 10 + 10 * frame), face(frame, 250 - 10 * frame, 60, 66))
    ]
    assert track_faces(faces) == [0, 1] * 25


def test_a_face_that_another_hides_while_they_cross_keeps_its_number() -> None:
    faces: list[Face] = []
    for frame in range(25):
        faces.append(face(frame, 10 + 10 * frame))
        if not 11 <= frame <= 13:
            faces.append(face(frame, 250 - 10 * frame, 60, 55))
    numbers = track_faces(faces)
    for one, number in zip(faces, numbers, strict=True):
        assert number == (0 if one.size == 60 else 1)


@pytest.mark.parametrize(("gap", "tracks"), [(1, 1), (LARGEST_GAP, 1), (LARGEST_GAP + 1, 2)])
def test_a_face_may_be_missed_for_a_few_frames(gap: int, tracks: int) -> None:
    faces = [face(frame, 10 + 3 * frame) for frame in range(20) if not 8 <= frame < 8 + gap]
    assert len(set(track_faces(faces))) == tracks


def test_a_cut_begins_new_tracks() -> None:
    before = [face(frame, 10) for frame in range(5)]
    after = [face(frame, 10 + 55) for frame in range(5, 9)]  # overlaps, but hardly
    larger = [face(frame, 30, 20, 150) for frame in range(9, 12)]
    assert track_faces(before + after + larger) == [0] * 5 + [1] * 4 + [2] * 3


def test_one_face_of_a_frame_follows_a_track_only() -> None:
    faces = [face(0, 10), face(1, 12), face(1, 20)]
    assert track_faces(faces) == [0, 0, 1]


def test_no_faces_have_no_tracks() -> None:
    assert track_faces([]) == []


@pytest.mark.parametrize("speed", [-110, -60, 20, 60])
def test_a_fast_face_is_followed_from_its_first_frames(speed: int) -> None:
    """It does not overlap with where it was, and is hidden while it passes a face that stands."""
    faces = [face(frame, 400, 50, 130) for frame in range(9)]
    faces += [
        face(frame, 400 + speed * (frame - 4), 70, 100) for frame in range(9) if frame not in (4,)
    ]
    numbers = track_faces(faces)
    assert numbers == [0] * 9 + [1] * 8


def test_a_face_that_differs_or_is_far_is_no_leap() -> None:
    for other in (face(1, 90, 50, 90), face(1, 150), turned(face(1, 90))):
        assert track_faces([face(0, 10), other]) == [0, 1]
    assert track_faces([face(0, 10), face(1, 80)]) == [0, 0]
    assert track_faces([face(0, 10), face(2, 80)]) == [0, 1]


def turned(one: Face) -> Face:
    """The same box, with the landmarks upside down."""
    return replace(one, landmarks=one.box[:2] + one.box[2:] - one.landmarks)


# --- going on -----------------------------------------------------------------------------------


def never(frame: int) -> Sequence[Face]:
    return ()


def weakly(faces: Sequence[Face], seen: list[int] | None = None) -> LookAgain:
    """What shows on looking again."""

    def look(frame: int) -> Sequence[Face]:
        if seen is not None:
            seen.append(frame)
        return [replace(one, score=0.3) for one in faces if one.image_index == frame]

    return look


def frames_of(faces: Sequence[Face], track: int = 0) -> list[int]:
    return [one.image_index for one in faces if one.track == track]


@settings(deadline=None, max_examples=40)
@given(
    speed=st.floats(-15, 15),
    missed=st.sets(st.integers(2, 10), max_size=LARGEST_GAP),
)
def test_gaps_are_filled_where_the_face_was_on_its_way(speed: float, missed: set[int]) -> None:
    way = [face(frame, 300 + speed * frame) for frame in range(12)]
    found = follow_faces([one for one in way if one.image_index not in missed], 12, never)
    assert [one.image_index for one in found] == list(range(12))
    assert {one.image_index for one in found if one.filled} == missed
    for one, true in zip(found, way, strict=True):
        torch.testing.assert_close(one.box, true.box, atol=1e-3, rtol=0)
        torch.testing.assert_close(one.landmarks, true.landmarks, atol=1e-3, rtol=0)
        assert one.score == (0 if one.filled else true.score)
        assert (one.number, one.track) == (0, 0)


def test_what_is_missed_for_too_long_or_at_the_ends_is_not_filled() -> None:
    gap = range(6, 6 + LARGEST_GAP + 1)
    found = follow_faces([face(f, 10) for f in range(2, 20) if f not in gap], 30, never)
    assert frames_of(found) == list(range(2, 6))
    assert frames_of(found, 1) == list(range(gap.stop, 20))
    assert not any(one.filled for one in found)


@settings(deadline=None, max_examples=40)
@given(
    sure=st.sets(st.integers(0, 24), min_size=1),
    speed=st.floats(-4, 4),
)
def test_a_weak_face_goes_on_with_a_track_forward_and_back(sure: set[int], speed: float) -> None:
    way = [face(frame, 200 + speed * frame) for frame in range(25)]
    found = follow_faces([way[frame] for frame in sorted(sure)], 25, weakly(way))
    assert frames_of(found) == list(range(25))
    assert {one.image_index for one in found if one.score == 0.9} == sure
    assert not any(one.filled for one in found)


def test_a_weak_face_begins_no_track() -> None:
    strong = [face(frame, 10) for frame in range(10)]
    elsewhere = [face(frame, 300) for frame in range(10)]
    assert follow_faces([], 10, weakly(elsewhere)) == []
    found = follow_faces(strong[2:8], 10, weakly([*strong, *elsewhere]))
    assert frames_of(found) == list(range(10)) and len(found) == 10


def test_frames_in_which_nothing_is_missed_are_not_looked_at_again() -> None:
    faces = [face(frame, 10) for frame in range(30) if frame not in (7, 8)]
    seen: list[int] = []
    follow_faces(faces, 30, weakly([], seen))
    assert seen == [7, 8]
    seen.clear()
    follow_faces(faces[:5], 30, weakly([], seen))  # one that leaves is not looked for for ever
    assert seen == list(range(5, 5 + LARGEST_GAP + 1))


def test_a_weak_face_upon_a_sure_one_is_none_of_its_own() -> None:
    stays = [face(frame, 100) for frame in range(9)]
    passes = [face(frame, 20 + 20 * frame, 55, 58) for frame in range(9)]
    hidden = (3, 4, 5)
    sure = stays + [one for one in passes if one.image_index not in hidden]
    found = follow_faces(sure, 9, weakly(stays))
    assert frames_of(found, 1) == list(range(9))
    assert frames_of(found) == [frame for frame in range(9) if frame not in hidden]


def test_tracks_are_numbered_as_they_appear() -> None:
    right = [face(frame, 300) for frame in range(12)]
    left = [face(frame, 10) for frame in range(12)]
    late = [face(frame, 150) for frame in range(5, 12)]
    found = follow_faces([*right[3:], *left, *late], 12, weakly(right))
    numbers = {round(one.box[0].item()): one.number for one in found}
    assert numbers == {10: 0, 300: 1, 150: 2}
    assert all(one.number == one.track for one in found)
    assert [(one.image_index, one.number) for one in found] == sorted(
        (one.image_index, one.number) for one in found if one.number is not None
    )


# --- cuts, and clips that come frame by frame -----------------------------------------------------


def nothing(frame: int) -> list[Face]:
    return []


def test_a_cut_ends_every_track() -> None:
    """The same face at the same place before and after: another shot, another track."""
    faces = [face(frame, 20) for frame in range(6)]
    followed = follow_faces(faces, 6, nothing, cuts={3})
    assert [one.track for one in followed] == [0, 0, 0, 1, 1, 1]


def test_no_gap_is_filled_across_a_cut() -> None:
    faces = [face(frame, 20) for frame in (0, 1, 4, 5)]
    assert len(follow_faces(faces, 6, nothing)) == 6
    followed = follow_faces(faces, 6, nothing, cuts={2})
    assert [one.image_index for one in followed] == [0, 1, 4, 5]


def test_weak_faces_do_not_go_back_over_a_cut() -> None:
    def weak(frame: int) -> list[Face]:
        return [replace(face(frame, 20), score=0.4)]

    followed = follow_faces([face(4, 20)], 6, weak, cuts={2})
    assert [one.image_index for one in followed] == [2, 3, 4, 5]


@settings(max_examples=15)
@given(
    seen=st.lists(st.sampled_from(["sure", "weak", "none"]), min_size=1, max_size=40),
    size=st.integers(1, 9),
    cuts=st.sets(st.integers(1, 39), max_size=3),
)
def test_a_clip_is_followed_in_passing_as_it_is_as_a_whole(
    seen: list[str], size: int, cuts: set[int]
) -> None:
    """Two faces, one of which is seen as the list says. Chains of weak faces that are longer than
    what is looked ahead are the one thing that differs, so they are none here."""
    runs = "".join(kind[0] for kind in seen).replace("n", "w").split("s")
    assume(all(len(run) < AHEAD for run in runs))
    sure = [face(frame, 20) for frame, kind in enumerate(seen) if kind == "sure"]
    sure += [face(frame, 150 + frame) for frame in range(len(seen))]
    sure.sort(key=lambda one: one.image_index)

    def weak(frame: int) -> list[Face]:
        return [replace(face(frame, 20), score=0.4)] if seen[frame] == "weak" else []

    whole = follow_faces(sure, len(seen), weak, cuts=cuts)
    sights = [
        Sight(frame, [one for one in sure if one.image_index == frame], frame in cuts)
        for frame in range(len(seen))
    ]
    stretches = list(follow_in_passing(sights, weak, size=size))
    assert [frame for one in stretches for frame in one.frames] == list(range(len(seen)))
    passing = [one for stretch in stretches for one in stretch.faces]
    keys = [(one.image_index, one.track, one.number, one.filled) for one in whole]
    assert [(one.image_index, one.track, one.number, one.filled) for one in passing] == keys
    for one, other in zip(whole, passing, strict=True):
        torch.testing.assert_close(one.box, other.box)
    size_of_frames = {"height": 100, "width": 300}
    for rule, most in (("all", 1), ("0", 0), ("1", 0)):  # who is missed keeps his place
        kept = [
            (one.image_index, one.track)
            for stretch in select_in_passing(stretches, rule, max_faces=most, **size_of_frames)
            for one in stretch.faces
        ]
        chosen = select_faces(whole, rule, max_faces=most, **size_of_frames)
        assert kept == [(one.image_index, one.track) for one in chosen]
