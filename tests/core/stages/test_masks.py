"""Masks of faces on whole images."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from panini_core.faces import Face
from panini_core.stages.align import template
from panini_core.stages.masks import draw_masks


def face(left: float, top: float, side: float, image_index: int = 0) -> Face:
    """A face whose aligned crop is the square at left, top."""
    origin = torch.tensor([left, top])
    landmarks = template(1).float() * side + origin
    box = torch.cat([origin + 0.3 * side, origin + 0.7 * side])
    return Face(box, landmarks, 0.9, image_index)


def test_each_image_has_its_own_faces() -> None:
    masks = draw_masks([face(0, 0, 40), face(50, 0, 40), face(10, 10, 40, 2)], (3, 60, 100))
    assert masks.shape == (3, 1, 60, 100)
    assert masks[0, 0, 20, 20] == 1
    assert masks[0, 0, 20, 70] == 1
    assert not masks[1].any()
    assert masks[2, 0, 30, 30] == 1


def test_shapes() -> None:
    one = [face(10, 10, 40)]  # its box: 22 to 38 px
    box = draw_masks(one, (1, 60, 60), shape="box")[0, 0]
    assert box.sum() == 16 * 16
    assert box[22:38, 22:38].all()
    ellipse = draw_masks(one, (1, 60, 60), shape="ellipse")[0, 0]
    assert ellipse.sum().item() == pytest.approx(torch.pi * 64, rel=0.05)
    grown = draw_masks(one, (1, 60, 60), shape="box", grow=3)[0, 0]
    assert grown.sum() == 22 * 22
    assert draw_masks(one, (1, 60, 60), shape="box", grow=-20).sum() == 0
    with pytest.raises(ValueError, match="crop, ellipse, box"):
        draw_masks(one, (1, 60, 60), shape="star")


def test_nothing_is_drawn_of_a_face_that_is_left_alone_but_its_box() -> None:
    one = [replace(face(10, 10, 40), reliable=False)]
    assert not draw_masks(one, (1, 60, 60)).any()
    assert draw_masks(one, (1, 60, 60), shape="box").any()


def test_a_mask_a_face() -> None:
    masks = draw_masks([face(0, 0, 40), face(20, 0, 40)], (1, 60, 60), shape="box", each=True)
    assert masks.shape == (2, 1, 60, 60)
    assert masks[0, 0, 20, 14] == 1
    assert masks[1, 0, 20, 14] == 0


def test_a_soft_border_keeps_the_mass() -> None:
    one = [face(30, 30, 60)]
    hard = draw_masks(one, (1, 120, 120), shape="box")
    soft = draw_masks(one, (1, 120, 120), shape="box", blur=10)
    assert soft.sum().item() == pytest.approx(hard.sum().item(), rel=0.02)
    assert soft[0, 0, 60, 60].item() == pytest.approx(1, abs=0.01)
    assert 0.2 < soft[0, 0, 60, 48] < 0.8
    draw_masks(one, (1, 5, 5), blur=100)  # a border wider than the picture


def test_faces_of_images_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="belongs to image 3"):
        draw_masks([face(0, 0, 10, 3)], (2, 20, 20))
