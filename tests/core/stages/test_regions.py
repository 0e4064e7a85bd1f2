"""Ovals and parts of faces, as masks."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import Face
from panini_core.options import FaceRegions
from panini_core.stages.align import align_faces, template
from panini_core.stages.regions import draw_regions, oval_masks
from panini_core.stages.warp import transform_points

PARTS = [item.name for item in fields(FaceRegions)]
NOTHING = dict.fromkeys(PARTS, 0.0)


def place_face(scale: float, angle: float, x: float, y: float, image_index: int = 0) -> Face:
    """A face whose 512 px crop is drawn `scale` times as large, turned, its corner at (x, y)."""
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    matrix = torch.tensor([[cosine, -sine, x], [sine, cosine, y]], dtype=torch.float64)
    landmarks = transform_points(matrix, template(512))
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return Face(box.float(), landmarks.float(), 0.9, image_index)


def part(name: str, face: Face, side: int = 256) -> Tensor:
    """(side, side): one part of a face at full strength."""
    regions = FaceRegions(**(NOTHING | {name: 1.0}))
    return draw_regions([face], (1, side, side), regions)[0, 0]


def at(mask: Tensor, point: Tensor) -> float:
    """The mask's value at a point x, y in px."""
    x, y = point.floor().long().tolist()
    return float(mask[y, x])


def test_each_part_covers_its_landmarks_and_no_other() -> None:
    face = place_face(0.5, 0.3, 60, 0)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    places = {
        "eyes": [left_eye, right_eye],
        "nose": [nose],
        "mouth": [left_mouth, right_mouth, (left_mouth + right_mouth) / 2],
        "skin": [(left_eye + left_mouth) / 2, (right_eye + right_mouth) / 2],  # the cheeks
    }
    for name in PARTS:
        mask = part(name, face)
        for other, points in places.items():
            for point in points:
                assert at(mask, point) == pytest.approx(float(name == other), abs=0.02), name


def test_brows_lie_above_the_eyes() -> None:
    face = place_face(0.5, 0, 0, 0)
    rows = torch.nonzero(part("brows", face) > 0.5)[:, 0].float()
    eyes = torch.nonzero(part("eyes", face) > 0.5)[:, 0].float()
    assert rows.max() < face.landmarks[:2, 1].min()
    assert rows.mean() < eyes.mean() - 10


def test_the_parts_make_up_the_oval_and_do_not_overlap() -> None:
    face = place_face(0.35, -0.2, 20, 50)
    parts = torch.stack([part(name, face) for name in PARTS])
    whole = draw_regions([face], (1, 256, 256))[0, 0]
    torch.testing.assert_close(parts.sum(0), whole, atol=1e-5, rtol=0)
    size = 256
    aligned = align_faces(torch.rand(1, 3, size, size), [face], size=128)
    oval = oval_masks(aligned, 128, 0.02)[0, 0]
    cut = align_faces(whole.expand(1, 3, -1, -1), [face], size=128).crops[0, 0]
    assert (cut - oval).abs().mean() < 0.01


def test_an_oval_reaches_from_the_hair_line_to_the_chin() -> None:
    aligned = align_faces(torch.rand(1, 3, 512, 512), [place_face(1, 0, 0, 0)])
    oval = oval_masks(aligned, 512, 0.05)[0, 0]
    inside = torch.nonzero(oval > 0.5)
    top, left = inside.amin(0).tolist()
    bottom, right = inside.amax(0).tolist()
    eyes, mouth = 240, 371  # px of the template
    assert 80 < top < 130  # the template's hair line
    assert mouth + 60 < bottom < mouth + 110
    assert left < 193 - 40 and right > 319 + 40  # outside of the eyes
    assert (256 - left) == pytest.approx(right + 1 - 256, abs=4)
    assert oval[eyes, 256] == 1
    for row, column in ((30, 30), (30, 480), (500, 256), (256, 10)):
        assert oval[row, column] == 0
    # Its border lies on both sides of the line, and is as wide as it is asked to be.
    border = (oval[eyes] > 0.001) & (oval[eyes] < 0.999)
    assert border.sum().item() / 2 == pytest.approx(0.05 * 512, rel=0.15)


def test_a_turned_head_moves_the_oval_away_from_the_nose() -> None:
    face = place_face(0.5, 0, 0, 0)
    turned = face.landmarks.clone()
    turned[2, 0] += 15  # the nose points to the viewer's right
    whole = draw_regions([face], (1, 256, 256))[0, 0]
    moved = draw_regions([replace(face, landmarks=turned)], (1, 256, 256))[0, 0]
    columns = torch.arange(256.0)

    def middle(mask: Tensor) -> float:
        return float((mask.sum(0) * columns).sum() / mask.sum())

    assert middle(whole) - 20 < middle(moved) < middle(whole) - 4


@settings(max_examples=20, deadline=None)
@given(
    scale=st.floats(0.1, 0.6),
    angle=st.floats(-3, 3),
    x=st.floats(-200, 300),
    y=st.floats(-200, 300),
)
def test_masks_lie_in_range_and_follow_the_face(
    scale: float, angle: float, x: float, y: float
) -> None:
    face = place_face(scale, angle, x, y)
    mask = draw_regions([face], (1, 200, 220), FaceRegions(eyes=0.3, skin=0.7))
    assert mask.shape == (1, 1, 200, 220)
    assert 0 <= mask.min() <= mask.max() <= 1
    right, down = 7, -4
    moved = place_face(scale, angle, x + right, y + down)
    other = draw_regions([moved], (1, 200, 220), FaceRegions(eyes=0.3, skin=0.7))
    torch.testing.assert_close(
        other[..., : 200 + down, right:], mask[..., -down:, : 220 - right], atol=1e-3, rtol=0
    )


def test_strengths_are_the_masks_values() -> None:
    face = place_face(0.5, 0.1, 0, 0)
    eyes = part("eyes", face) == 1
    mask = draw_regions([face], (1, 256, 256), FaceRegions(eyes=0, skin=0.6))[0, 0]
    assert eyes.any()
    assert mask[eyes].max() == 0
    assert at(mask, (face.landmarks[0] + face.landmarks[3]) / 2) == pytest.approx(0.6)


def test_one_mask_a_face_or_one_an_image() -> None:
    faces = [place_face(0.2, 0, 0, 0, 1), place_face(0.2, 0, 60, 0, 1)]  # they overlap
    each = draw_regions(faces, (2, 110, 200), each=True)
    together = draw_regions(faces, (2, 110, 200))
    assert each.shape == (2, 1, 110, 200)
    assert together[0].eq(0).all()
    assert torch.equal(together[1], each.amax(0))
    assert draw_regions([], (2, 5, 6)).eq(0).all()
    assert draw_regions([], (2, 5, 6), each=True).shape == (0, 1, 5, 6)


def test_landmarks_on_one_line_still_give_a_face() -> None:
    profile = place_face(0.5, 0, 0, 0).landmarks.clone()
    profile[:, 0] = 128  # nothing is beside anything
    mask = draw_regions([Face(torch.zeros(4), profile, 0.9)], (1, 256, 256))
    assert mask.isfinite().all()
    assert mask.max() == 1


def test_what_cannot_be_drawn_is_refused() -> None:
    face = place_face(0.1, 0, 0, 0, 3)
    with pytest.raises(ValueError, match="belongs to image 3; there are 2"):
        draw_regions([face], (2, 20, 20))
    with pytest.raises(ValueError, match=r"feather must lie in 0\.\.0\.5, got 0\.6"):
        draw_regions([], (2, 20, 20), feather=0.6)
