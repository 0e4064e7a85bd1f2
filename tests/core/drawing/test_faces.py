"""Numbered detections and before/after sheets."""

from __future__ import annotations

import pytest
import torch

from panini_core.drawing.faces import PANEL_SIDE, ZOOM_SIDE, comparison_sheet, draw_faces
from panini_core.faces import Face
from panini_core.stages.grouping import number_faces


def face(x0: float, y0: float, size: float) -> Face:
    box = torch.tensor([x0, y0, x0 + size, y0 + size])
    unit = torch.tensor([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    return Face(box, box[:2] + unit * size, 0.9)


def test_drawing_marks_the_face_and_nothing_else() -> None:
    image = torch.full((3, 200, 300), 0.5)
    before = image.clone()
    drawn = draw_faces(image, [face(50, 60, 100)])
    assert torch.equal(image, before)
    assert drawn.shape == image.shape
    changed = (drawn - 128 / 255).abs().amax(dim=0) > 0.01
    assert changed[60:161, 50].all()  # the box's left side
    assert changed[100, 80]  # the left eye
    assert not changed[:30].any()
    assert not changed[:, 160:].any()


def test_faces_are_labelled_with_the_numbers_that_they_carry() -> None:
    image, some = torch.zeros(3, 200, 300), [face(10, 60, 80), face(150, 60, 80)]
    numbered = number_faces(some)
    second = draw_faces(image, numbered[1:])
    assert torch.equal(second[:, :, 140:], draw_faces(image, some)[:, :, 140:])
    assert not torch.equal(second, draw_faces(image, some[1:]))


def test_boxes_over_the_border_and_tiny_pictures_are_drawn() -> None:
    for height, width in [(1, 1), (3, 500), (40, 30)]:
        drawn = draw_faces(torch.zeros(3, height, width), [face(-20, -20, 100), face(0, 0, 0)])
        assert drawn.shape == (3, height, width)


def test_no_faces_leave_the_picture_as_it_is() -> None:
    image = torch.rand(3, 20, 20).mul(255).round() / 255
    assert torch.equal(draw_faces(image, []), image)


@pytest.mark.parametrize("upscale", [1, 2])
def test_the_sheet_shows_before_after_and_every_face(upscale: int) -> None:
    before, after = torch.zeros(3, 80, 120), torch.ones(3, 80 * upscale, 120 * upscale)
    plain = comparison_sheet(before, after, {})
    faces = {0: face(10, 10, 20), 2: face(60, 10, 20), 5: face(-10, 60, 30)}
    sheet = comparison_sheet(before, after, faces)
    assert sheet.shape[1] >= plain.shape[1] + 2 * ZOOM_SIDE  # two faces a row
    assert sheet.shape[2] >= 2 * ZOOM_SIDE
    black, white = (sheet == 0).all(dim=0).sum(), (sheet == 1).all(dim=0).sum()
    assert black >= 80 * 120 + 2 * ZOOM_SIDE**2
    assert white >= 80 * 120 * upscale**2 + 2 * ZOOM_SIDE**2


def test_large_and_extreme_pictures_give_a_sheet_of_sane_size() -> None:
    for height, width in [(20, 5000), (3000, 100), (1, 1)]:
        image = torch.zeros(3, height, width)
        sheet = comparison_sheet(image, image, {})
        assert max(sheet.shape) <= 2 * PANEL_SIDE + 100


def test_faces_that_are_not_selected_are_grey() -> None:
    faces = [face(20, 60, 60), face(120, 60, 60)]
    drawn = draw_faces(torch.zeros(3, 200, 300), faces, selected=[True, False])
    colours = [drawn[:, 100, x] for x in (20, 120)]  # the left sides of the boxes
    assert colours[0].max() - colours[0].min() > 0.3
    assert colours[1].max() == colours[1].min() > 0.3
