"""The values that flow between the stages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from panini_core.faces import (
    DegradationRepresentation,
    Face,
    FaceSet,
    InterpolationWeights,
    RestoredFaces,
)
from panini_core.models.panini import PaniniNet
from panini_core.stages.align import align_faces, template, whole_picture_faces
from panini_core.stages.alpha import apply_fidelity, weigh_features
from panini_core.stages.paste import paste_faces, paste_faces_with_mask
from panini_core.stages.represent import represent_degradation
from panini_core.stages.restore import restore_faces

MakeFaces = Callable[..., FaceSet]
ELSEWHERE = torch.device("meta")  # a device that every machine has


def place_face(x: float, y: float, side: float, image_index: int = 0) -> Face:
    """An upright face whose crop is a square of `side` px with its corner at (x, y)."""
    landmarks = template(512) / 512 * side + torch.tensor([x, y])
    box = torch.cat([landmarks.amin(0), landmarks.amax(0)])
    return Face(box.float(), landmarks.float(), 0.9, image_index)


# --- to another device --------------------------------------------------------------------------


def test_values_go_to_a_device_with_their_pixels_and_vectors(random_faces: MakeFaces) -> None:
    faces = random_faces(2)
    assert faces.to(ELSEWHERE).crops.device == ELSEWHERE
    moved = RestoredFaces(faces, faces.crops).to("meta")
    assert moved.crops.device == moved.face_set.crops.device == ELSEWHERE
    assert InterpolationWeights(torch.rand(2, 3, 4)).to(ELSEWHERE).alpha.device == ELSEWHERE
    assert DegradationRepresentation(torch.rand(2, 4)).to("meta").vectors.device == ELSEWHERE
    face = place_face(1, 2, 30).to(ELSEWHERE)
    assert face.box.device == face.landmarks.device == ELSEWHERE
    assert face.score == 0.9


def test_places_stay_where_the_stages_compute_with_them(random_faces: MakeFaces) -> None:
    faces = random_faces(2)
    moved = faces.to(ELSEWHERE)
    assert moved.to_crop is faces.to_crop
    assert moved.faces == faces.faces
    assert faces.crops.device == torch.device("cpu")


def test_values_come_back_unchanged(random_faces: MakeFaces) -> None:
    faces = random_faces(3)
    back = RestoredFaces(faces, 1 - faces.crops).to("cpu")
    assert torch.equal(back.crops, 1 - faces.crops)
    assert torch.equal(back.face_set.crops, faces.crops)


# --- ordinary tensors ---------------------------------------------------------------------------


def test_results_of_the_stages_may_be_edited_in_place_and_trained_with(
    tiny_model: PaniniNet,
) -> None:
    images = torch.rand(1, 3, 90, 90)
    aligned = align_faces(images, [place_face(5, 5, 80)], size=64)
    degradation = represent_degradation(tiny_model, aligned)
    weights = weigh_features(tiny_model, degradation)
    restored = restore_faces(tiny_model, aligned, weights)
    pasted, mask = paste_faces_with_mask(images, restored)
    square = whole_picture_faces(torch.rand(2, 3, 64, 64))
    for result in (
        *(aligned.crops, aligned.to_crop, degradation.vectors, weights.alpha, restored.crops),
        *(pasted, mask, square.crops, square.to_crop),
    ):
        assert not result.is_inference() and not result.requires_grad
        before = result.clone()
        result.mul_(0.5)
        assert torch.equal(result, before * 0.5)
        (result.requires_grad_() ** 2).sum().backward()
        assert torch.equal(result.grad, 2 * result.detach())  # type: ignore[arg-type]


def test_editing_a_crop_leaves_the_picture_as_it_was() -> None:
    images = torch.rand(2, 3, 40, 40)
    before = images.clone()
    whole_picture_faces(images).crops.zero_()
    align_faces(images, [place_face(0, 0, 40)], size=40).crops.zero_()
    assert torch.equal(images, before)


def test_edits_of_alpha_are_differentiable(tiny_model: PaniniNet, random_faces: MakeFaces) -> None:
    degradation = represent_degradation(tiny_model, random_faces(2))
    weights = InterpolationWeights(weigh_features(tiny_model, degradation).alpha.requires_grad_())
    apply_fidelity(weights, 0.3).alpha.sum().backward()
    assert weights.alpha.grad is not None and weights.alpha.grad.gt(0).all()


# --- gradients ----------------------------------------------------------------------------------


def test_crops_are_differentiable_by_their_image() -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 3, 40, 44, dtype=torch.float64, requires_grad=True)
    faces = [place_face(3, 2, 30, 1), place_face(-4, 5, 40, 0)]

    def crop(pictures: Tensor) -> Tensor:
        return align_faces(pictures, faces, size=12).crops

    assert torch.autograd.gradcheck(crop, (images,), fast_mode=True)


@pytest.mark.parametrize("upscale", [1, 1.5])
def test_a_pasted_picture_is_differentiable_by_image_crops_and_masks(upscale: float) -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 3, 40, 44, dtype=torch.float64)
    aligned = align_faces(images, [place_face(3, 2, 30), place_face(16, 5, 24)], size=16)
    crops = torch.rand(2, 3, 20, 20, dtype=torch.float64)
    masks = torch.rand(2, 1, 8, 8, dtype=torch.float64)

    def paste(pictures: Tensor, crops: Tensor, masks: Tensor) -> Tensor:
        return paste_faces(pictures, RestoredFaces(aligned, crops), masks=masks, upscale=upscale)

    inputs = tuple(one.requires_grad_() for one in (images, crops, masks))
    assert torch.autograd.gradcheck(paste, inputs, fast_mode=True)


def test_gradients_arrive_where_faces_were_drawn_only() -> None:
    images = torch.rand(1, 3, 60, 60)
    aligned = align_faces(images, [place_face(20, 20, 24)], size=24)
    crops = aligned.crops.clone().requires_grad_()
    pictures = images.clone().requires_grad_()
    result, mask = paste_faces_with_mask(
        pictures, RestoredFaces(aligned, crops), match_colour=False, keep_detail=0
    )
    result.sum().backward()
    assert crops.grad is not None and pictures.grad is not None
    assert crops.grad[0, :, 12, 12].gt(0).all() and crops.grad[0, :, 0, 0].eq(0).all()
    torch.testing.assert_close(pictures.grad, (1 - mask).expand_as(images))


def test_joined_sets_hold_all_faces_in_order(random_faces: MakeFaces) -> None:
    sets = [random_faces(count) for count in (2, 0, 3)]
    joined = FaceSet.join(sets)
    assert joined.faces == tuple(face for one in sets for face in one.faces)
    assert torch.equal(joined.crops, torch.cat([one.crops for one in sets]))
    with pytest.raises(RuntimeError):
        FaceSet.join([random_faces(1), random_faces(1, size=32)])
