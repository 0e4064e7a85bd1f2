"""Boxes from elsewhere become faces."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_core.models.face_detector import Detections
from panini_core.stages.boxes import ESTIMATED_SCORE, faces_from_boxes


class OneFace:
    """A detector that sees one face, at 20..40 px of a picture of 100 px."""

    device = torch.device("cpu")

    def __call__(self, images: Tensor, threshold: float) -> list[Detections]:
        scale = images.shape[-1] / 100
        box = torch.tensor([[20.0, 20.0, 40.0, 40.0]]) * scale
        landmarks = torch.tensor(
            [[[25.0, 27.0], [35.0, 27.0], [30.0, 31.0], [26.0, 35.0], [34.0, 35.0]]]
        )
        return [Detections(box, landmarks * scale, torch.tensor([0.9])) for _ in images]


def test_a_box_gets_the_landmarks_of_the_face_in_it() -> None:
    images = torch.rand(2, 3, 100, 100)
    near, far = torch.tensor([18.0, 22.0, 41.0, 42.0]), torch.tensor([60.0, 60.0, 90.0, 95.0])
    faces = faces_from_boxes(OneFace(), images, [[far, near], []])
    assert [face.image_index for face in faces] == [0, 0]
    assert [face.number for face in faces] == [0, 1]
    guessed, found = faces
    assert torch.equal(found.box, near)
    assert found.score == pytest.approx(0.9)
    assert torch.allclose(found.landmarks[0], torch.tensor([25.0, 27.0]), atol=0.5)
    assert guessed.score == ESTIMATED_SCORE
    inside = (guessed.landmarks > far[:2]) & (guessed.landmarks < far[2:])
    assert inside.all()


def test_a_box_that_hardly_touches_the_face_is_another_one() -> None:
    beside = torch.tensor([36.0, 20.0, 56.0, 40.0])  # a ninth of both together
    (face,) = faces_from_boxes(OneFace(), torch.rand(1, 3, 100, 100), [[beside]])
    assert face.score == ESTIMATED_SCORE


def test_as_many_lists_as_images() -> None:
    with pytest.raises(ValueError, match="boxes of 1 images, got 2 lists"):
        faces_from_boxes(OneFace(), torch.rand(1, 3, 100, 100), [[], []])


@pytest.mark.parametrize(
    "box", [(20.0, 20.0, 20.0, 60.0), (70.0, 70.0, 70.0, 70.0), (900.0, 20.0, 940.0, 60.0)]
)
def test_a_box_without_an_area_in_its_image_is_left_out(box: tuple[float, ...]) -> None:
    boxes = [torch.tensor(box), torch.tensor([55.0, 55.0, 90.0, 95.0])]
    (face,) = faces_from_boxes(OneFace(), torch.rand(1, 3, 100, 100), [boxes])
    assert face.number == 0
    assert face.box.tolist() == [55, 55, 90, 95]


def test_corners_come_in_any_order() -> None:
    images = torch.rand(1, 3, 100, 100)
    upright, turned = [50.0, 55.0, 90.0, 95.0], [90.0, 95.0, 50.0, 55.0]
    found = [
        faces_from_boxes(OneFace(), images, [[torch.tensor(box)]])[0] for box in (upright, turned)
    ]
    assert torch.equal(found[0].box, found[1].box)
    assert torch.equal(found[0].landmarks, found[1].landmarks)


def test_boxes_are_finite() -> None:
    with pytest.raises(ValueError, match="four finite numbers"):
        faces_from_boxes(OneFace(), torch.rand(1, 3, 9, 9), [[torch.tensor([0, 0, 5, torch.nan])]])
