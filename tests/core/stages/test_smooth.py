from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import DegradationRepresentation, Face, FaceSet
from panini_core.stages.align import template
from panini_core.stages.smooth import (
    REACH,
    smooth_degradation,
    smooth_faces,
    smooth_in_passing,
    smooth_stretches,
)
from panini_core.stages.track import Stretch, track_faces


def face(frame: int, x: float, y: float = 50.0, size: float = 60.0) -> Face:
    """A face whose box begins at x, y."""
    corner = torch.tensor([x, y])
    box = torch.cat([corner, corner + size])
    return Face(box, corner + template(512).float() / 512 * size, 0.9, frame)


def trembling(count: int, pixels: float, move: Callable[[int], float]) -> list[Face]:
    generator = torch.Generator().manual_seed(0)
    faces: list[Face] = []
    for frame in range(count):
        one = face(frame, move(frame))
        shake = pixels * torch.randn(5, 2, generator=generator)
        shift = pixels * torch.randn(2, generator=generator).repeat(2)
        faces.append(Face(one.box + shift, one.landmarks + shake, one.score, frame))
    return faces


def error(faces: list[Face], move: Callable[[int], float]) -> float:
    """Root mean square of the landmarks' distance from where they belong, px."""
    true = [face(one.image_index, move(one.image_index)).landmarks for one in faces]
    found = [one.landmarks for one in faces]
    return (torch.stack(found) - torch.stack(true)).square().mean().sqrt().item()


# --- tracks -------------------------------------------------------------------------------------


def test_no_faces_stay_none() -> None:
    assert smooth_faces([], 2) == []


def test_smoothed_faces_carry_their_track() -> None:
    faces = [one for frame in range(6) for one in (face(frame, 200 - frame), face(frame, 10))]
    smooth = smooth_faces(faces, 2)
    assert [one.track for one in smooth] == track_faces(faces) == [0, 1] * 6
    assert all(one.track is None for one in faces)


def test_tracks_that_faces_carry_are_kept() -> None:
    """Here one face jumps so far that nothing would follow it."""
    jumping = [replace(face(frame, 10 if frame < 5 else 300), track=7) for frame in range(10)]
    assert track_faces(jumping) == [0] * 5 + [1] * 5
    smooth = smooth_faces(jumping, 3)
    assert {one.track for one in smooth} == {7}
    assert (smooth[4].box - jumping[4].box).abs().max() > 10  # both ends of the jump mix
    vectors = DegradationRepresentation(torch.eye(10))
    assert (smooth_degradation(vectors, jumping, 3).vectors[0, 5:] != 0).any()


# --- smoothing ----------------------------------------------------------------------------------


def test_zero_gives_the_same_objects() -> None:
    faces = [face(0, 10), face(1, 13)]
    assert all(a is b for a, b in zip(smooth_faces(faces, 0), faces, strict=True))
    degradation = DegradationRepresentation(torch.rand(2, 4))
    assert smooth_degradation(degradation, faces, 0) is degradation


@settings(deadline=None, max_examples=30)
@given(
    frames=st.floats(0.05, 30),
    speed=st.floats(-12, 12),
    missing=st.sets(st.integers(0, 11), max_size=4),
)
def test_what_stands_or_moves_evenly_stays(frames: float, speed: float, missing: set[int]) -> None:
    faces = [face(frame, 200 + speed * frame) for frame in range(12) if frame not in missing]
    for one, smooth in zip(faces, smooth_faces(faces, frames), strict=True):
        torch.testing.assert_close(smooth.box, one.box, atol=1e-2, rtol=0)
        torch.testing.assert_close(smooth.landmarks, one.landmarks, atol=1e-2, rtol=0)
        assert (smooth.score, smooth.image_index) == (one.score, one.image_index)
        assert smooth.box.dtype == smooth.landmarks.dtype == torch.float32


@pytest.mark.parametrize("speed", [0.0, 4.0])
def test_trembling_falls_the_more_the_longer_the_time(speed: float) -> None:
    def move(frame: int) -> float:
        return 50 + speed * frame

    faces = trembling(60, 1.0, move)
    errors = [error(smooth_faces(faces, frames), move) for frames in (0, 1, 3, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.45 * errors[0]


def test_a_swinging_head_is_followed() -> None:
    def move(frame: int) -> float:
        return 100 + 30 * math.sin(frame / 10)

    faces = trembling(100, 1.0, move)
    assert error(smooth_faces(faces, 2), move) < 0.6 * error(faces, move)


def test_faces_of_different_tracks_do_not_mix() -> None:
    left = [face(frame, 10) for frame in range(8)]
    right = [face(frame, 200, 90, 40) for frame in range(8)]
    mixed = [one for pair in zip(left, right, strict=True) for one in pair]
    for one, smooth in zip(mixed, smooth_faces(mixed, 3), strict=True):
        torch.testing.assert_close(smooth.landmarks, one.landmarks)


def test_a_cut_is_not_smoothed_over() -> None:
    faces = [face(frame, 10 if frame < 5 else 300) for frame in range(10)]
    for one, smooth in zip(faces, smooth_faces(faces, 4), strict=True):
        torch.testing.assert_close(smooth.box, one.box)


def test_degradations_are_smoothed_within_their_tracks() -> None:
    generator = torch.Generator().manual_seed(0)
    faces = [one for frame in range(40) for one in (face(frame, 10), face(frame, 200))]
    means = torch.tensor([[0.0, 5.0], [10.0, -5.0]]).repeat(40, 1)
    noisy = DegradationRepresentation(means + torch.randn(80, 2, generator=generator))
    smooth = smooth_degradation(noisy, faces, 5)
    assert smooth.vectors.shape == (80, 2) and smooth.vectors.dtype == torch.float32
    before = (noisy.vectors - means).square().mean()
    assert (smooth.vectors - means).square().mean() < 0.15 * before
    even = DegradationRepresentation(means)
    torch.testing.assert_close(smooth_degradation(even, faces, 5).vectors, means)


def parts_of(
    faces: list[Face], vectors: Tensor, sizes: list[int]
) -> Iterator[tuple[FaceSet, DegradationRepresentation]]:
    """The faces, so many frames a part."""
    frames = iter(range(1000))
    for size in sizes:
        own = set(islice(frames, size))
        rows = [row for row, one in enumerate(faces) if one.image_index in own]
        count = len(rows)
        some = FaceSet(
            tuple(faces[row] for row in rows), torch.zeros(count, 3, 1, 1), torch.zeros(count, 2, 3)
        )
        yield some, DegradationRepresentation(vectors[rows])


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    frames=st.sampled_from([0, 0.3, 1, 2.5, 20]),
    missing=st.sets(st.integers(0, 30)),
)
def test_a_clip_is_smoothed_in_passing_as_it_is_as_a_whole(
    sizes: list[int], frames: float, missing: set[int]
) -> None:
    count = sum(sizes)
    faces = [one for frame in range(count) for one in (face(frame, 10), face(frame, 200))]
    faces = [one for one in faces if one.image_index not in missing]
    faces = [replace(one, track=int(one.box[0] > 100)) for one in faces]
    vectors = torch.randn(len(faces), 3, generator=torch.Generator().manual_seed(count))
    whole = smooth_degradation(DegradationRepresentation(vectors), faces, frames).vectors
    parts = list(smooth_in_passing(parts_of(faces, vectors, sizes), frames))
    assert [one for part, _ in parts for one in part.faces] == faces
    assert len(parts) == len(sizes)
    passing = torch.cat([degradation.vectors for _, degradation in parts])
    torch.testing.assert_close(passing, whole)


def test_a_part_goes_on_as_soon_as_its_time_is_known() -> None:
    faces = [replace(face(frame, 10), track=0) for frame in range(40)]
    seen: list[int] = []

    def watched() -> Iterator[tuple[FaceSet, DegradationRepresentation]]:
        for part, degradation in parts_of(faces, torch.rand(40, 2), [1] * 40):
            seen.append(part.faces[0].image_index)
            yield part, degradation

    for part, _ in smooth_in_passing(watched(), 1.5):
        assert seen[-1] == min(part.faces[0].image_index + 1.5 * REACH, 39)


def test_nothing_beyond_its_reach_changes_a_face() -> None:
    faces = [face(frame, 10) for frame in range(30)]
    vectors = torch.zeros(30, 1)
    vectors[20] = 1
    smooth = smooth_degradation(DegradationRepresentation(vectors), faces, 2).vectors[:, 0]
    assert torch.nonzero(smooth)[:, 0].tolist() == list(range(20 - 2 * REACH, 29))


@pytest.mark.parametrize("frames", [-1.0, math.nan, math.inf])
def test_other_times_are_refused(frames: float) -> None:
    with pytest.raises(ValueError, match="0 frames or more"):
        smooth_faces([face(0, 0)], frames)


def test_one_degradation_a_face_is_needed() -> None:
    with pytest.raises(ValueError, match="3 degradations for 1 faces"):
        smooth_degradation(DegradationRepresentation(torch.zeros(3, 2)), [face(0, 0)], 1)


def test_weak_detections_count_little_and_filled_ones_where_nothing_else_does() -> None:
    faces = [face(frame, 10 if frame % 3 else 40) for frame in range(9)]
    weak = [replace(one, score=0.9 if one.image_index % 3 else 0.1) for one in faces]
    for one in smooth_faces([replace(one, track=0) for one in weak], 3):
        assert (one.box[0] - 10).abs() < 1
    lone = [replace(face(frame, 10 * frame), track=0) for frame in (0, 5, 10)]
    lone[1] = replace(lone[1], score=0.0, filled=True)
    smooth = smooth_faces(lone, 1)
    torch.testing.assert_close(smooth[1].box, lone[1].box)


@settings(deadline=None, max_examples=20)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    frames=st.sampled_from([0, 1, 2.5]),
    missing=st.sets(st.integers(0, 30)),
)
def test_stretches_are_smoothed_as_the_whole(
    sizes: list[int], frames: float, missing: set[int]
) -> None:
    count = sum(sizes)
    faces = [
        replace(one, track=0)
        for one in trembling(count, 1.0, lambda frame: 10 + frame)
        if one.image_index not in missing
    ]
    stretches: list[Stretch] = []
    first = 0
    for size in sizes:
        own = range(first, first + size)
        stretches.append(Stretch(own, tuple(one for one in faces if one.image_index in own)))
        first += size
    done = list(smooth_stretches(stretches, frames))
    assert [one.frames for one in done] == [one.frames for one in stretches]
    found = [one for stretch in done for one in stretch.faces]
    for one, other in zip(found, smooth_faces(faces, frames), strict=True):
        torch.testing.assert_close(one.landmarks, other.landmarks)
        torch.testing.assert_close(one.box, other.box)
