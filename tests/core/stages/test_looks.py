"""Closer looks: geometry of the crops, and what is told of the faces in them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from panini_core.models.face_detector import Detections
from panini_core.stages.align import template
from panini_core.stages.looks import (
    FACE_SHARE,
    LOOK_SIDE,
    LOOKS_PER_CALL,
    Places,
    look,
    misfits_of,
    rolls_of,
)
from panini_core.stages.warp import transform_points

FACE_SIDE = FACE_SHARE * LOOK_SIDE
angles = st.floats(-179, 179)


def turned(points: Tensor, degrees: float) -> Tensor:
    """Clockwise, as y points down."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ torch.tensor([[cosine, sine], [-sine, cosine]], dtype=points.dtype)


def places(*rolls: float, x: float = 60.0, y: float = 40.0, side: float = 30.0) -> Places:
    count = len(rolls)
    centres = torch.tensor([[x, y]]).repeat(count, 1)
    return Places(centres, torch.full((count,), side), torch.tensor(rolls))


@given(roll=angles, side=st.floats(2, 500), shift=st.floats(-300, 300))
def test_landmarks_tell_their_roll_wherever_and_however_large_they_are(
    roll: float, side: float, shift: float
) -> None:
    points = turned(template(1) * side, roll)[None] + shift
    assert rolls_of(points).item() == pytest.approx(roll, abs=0.01)
    assert misfits_of(points).item() == pytest.approx(0, abs=1e-3)


def test_misfits_are_measured_in_distances_of_the_eyes() -> None:
    points = template(512).clone()
    eyes = (points[1] - points[0]).norm()
    points[2, 0] += 0.5 * eyes  # the nose aside: 0.5 / sqrt(5), less what moving along takes away
    assert 0.15 < misfits_of(points[None]).item() < 0.5 / math.sqrt(5)
    mirrored = template(512)[[1, 0, 2, 4, 3]][None]
    assert misfits_of(mirrored).item() > 0.3


def test_landmarks_in_one_place_are_upright_and_do_not_fit() -> None:
    points = torch.full((1, 5, 2), 7.0)
    assert rolls_of(points).item() == 0
    assert misfits_of(points).item() > 0.3


@given(roll=angles)
def test_a_look_has_the_place_in_its_middle_at_one_size_and_upright(roll: float) -> None:
    maps = places(roll).maps(LOOK_SIDE)
    half = LOOK_SIDE / 2
    points = torch.tensor([[half, half], [half + FACE_SIDE / 2, half]], dtype=torch.float64)
    middle, right = transform_points(maps, points)[0]
    assert middle.tolist() == pytest.approx([60, 40])
    expected = turned(torch.tensor([[15.0, 0]], dtype=torch.float64), roll)[0]
    assert (right - middle).tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_every_place_at_several_angles() -> None:
    several = places(0, 10).at_angles(4)
    assert several.rolls.tolist() == [0, 90, 180, 270, 10, 100, 190, 280]
    assert len(several) == 8


class Marker:
    """Sees an upright face where the red of a look is brightest, and another one far from it."""

    device = torch.device("cpu")

    def __init__(self, score: float = 1.0, tilt: float = 0.0) -> None:
        self.score = score
        self.tilt = tilt
        self.seen: list[int] = []

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        self.seen.append(len(images))
        return [self._find(image[0]) for image in images]

    def _find(self, red: Tensor) -> Detections:
        weights = (red - 0.5).clamp(min=0)
        if weights.sum() < 1:
            return Detections(torch.empty(0, 4), torch.empty(0, 5, 2), torch.empty(0))
        steps = torch.arange(LOOK_SIDE) + 0.5
        x = (weights.sum(0) @ steps) / weights.sum()
        y = (weights.sum(1) @ steps) / weights.sum()
        middle = torch.stack([x, y])
        shape = turned(template(1).float() - 0.5, self.tilt) * FACE_SIDE
        half = torch.tensor([40.0, 56.0])
        boxes = torch.stack([torch.cat([middle - half, middle + half]), torch.full((4,), 3.0)])
        landmarks = torch.stack([middle + shape, torch.zeros(5, 2)])
        return Detections(boxes, landmarks, torch.tensor([self.score, 1.0]))


def spot(height: int = 90, width: int = 120, x: int = 62, y: int = 37) -> Tensor:
    """A dark picture with a bright spot around (x, y)."""
    image = torch.zeros(3, height, width)
    image[:, y - 4 : y + 4, x - 4 : x + 4] = 1
    return image


@given(roll=angles)
def test_what_a_look_shows_lies_where_it_is_in_the_image(roll: float) -> None:
    seen = look(Marker(), spot(), places(roll))
    assert seen.centres[0].tolist() == pytest.approx([62, 37], abs=0.3)
    assert seen.sizes[0].tolist() == pytest.approx([30 * 80 / FACE_SIDE, 30.0], abs=1e-3)
    assert seen.rolls.item() == pytest.approx(roll, abs=0.1)
    expected = seen.centres[0] + turned((template(1).float() - 0.5) * 30, roll)
    torch.testing.assert_close(seen.landmarks[0], expected, atol=0.02, rtol=0)
    assert seen.fit.item()


def test_boxes_of_turned_faces_enclose_their_ellipse() -> None:
    seen = look(Marker(), spot(), places(0, 90, 180, 45))
    width, height = seen.sizes[0].tolist()
    diagonal = math.hypot(width, height) / math.sqrt(2)
    sides = (seen.boxes()[:, 2:] - seen.boxes()[:, :2]).tolist()
    for side, expected in zip(
        sides,
        [(width, height), (height, width), (width, height), (diagonal, diagonal)],
        strict=True,
    ):
        assert side == pytest.approx(expected, abs=0.01)


def test_tilted_unsure_and_missing_faces_do_not_fit() -> None:
    assert not look(Marker(tilt=30), spot(), places(0)).fit.item()
    assert not look(Marker(score=0.9), spot(), places(0)).fit.item()
    nothing = look(Marker(), torch.zeros(3, 90, 120), places(0))
    assert not nothing.fit.item() and nothing.scores.item() == 0
    assert nothing.landmarks.isfinite().all()


def test_looks_reach_beyond_the_border_and_see_finite_pixels_only() -> None:
    class Careful(Marker):
        def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
            assert images.shape[1:] == (3, LOOK_SIDE, LOOK_SIDE)
            assert images.isfinite().all() and 0 <= images.min() and images.max() <= 1
            return super().__call__(images, threshold)

    image = torch.rand(3, 20, 30)
    image[0, 3] = torch.nan
    for x, y, side in [(0, 0, 10), (29, 19, 40), (-30, -30, 20), (200, 10, 5), (15, 10, 400)]:
        look(Careful(), image, places(0, 77, x=x, y=y, side=side))


def test_smaller_looks_show_the_same_place() -> None:
    class Watcher(Marker):
        def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
            self.corners = images[0, 0, 0, [0, -1]].tolist()
            return super().__call__(images, threshold)

    watcher, image = Watcher(), torch.linspace(0, 0.4, 120).expand(3, 90, 120)
    corners: list[list[float]] = []
    for side in (LOOK_SIDE, LOOK_SIDE // 2):
        look(watcher, image, places(0), side)
        corners.append(watcher.corners)
    assert corners[0] == pytest.approx(corners[1], abs=0.002)


def test_many_looks_are_few_at_a_time() -> None:
    marker = Marker()
    look(marker, spot(), places(*range(2 * LOOKS_PER_CALL + 3)))
    assert marker.seen == [LOOKS_PER_CALL, LOOKS_PER_CALL, 3]
