from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from panini_core.faces import DegradationRepresentation, FaceSet
from panini_core.models.panini import PaniniNet
from panini_core.stages.alpha import (
    weigh_features,
)
from panini_core.stages.represent import (
    average_degradation,
    blend_degradations,
    network_input,
    represent_degradation,
)

MakeFaces = Callable[..., FaceSet]


@pytest.fixture
def model(either_model: PaniniNet) -> PaniniNet:
    return either_model


def test_each_face_is_represented_by_itself(model: PaniniNet, random_faces: MakeFaces) -> None:
    faces = random_faces(5)
    together = represent_degradation(model, faces, batch=5).vectors
    assert together.shape == (5, 16)
    chunked = represent_degradation(model, faces, batch=2).vectors
    torch.testing.assert_close(together, chunked, rtol=1e-5, atol=1e-5)


def test_no_face_gives_an_empty_representation(model: PaniniNet, random_faces: MakeFaces) -> None:
    degradation = represent_degradation(model, random_faces(0))
    assert degradation.vectors.shape == (0, 16)
    levels = len(model.config.interpolated_channels)
    assert weigh_features(model, degradation).alpha.shape == (0, levels, 12)


def test_crops_of_another_size_are_brought_to_the_models(model: PaniniNet) -> None:
    images = network_input(model, torch.full((1, 3, 96, 96), 0.25))
    assert images.shape == (1, 3, 64, 64)
    torch.testing.assert_close(images, torch.full_like(images, -0.5))


def test_blending_goes_from_one_to_the_other() -> None:
    a = DegradationRepresentation(torch.rand(3, 8))
    b = DegradationRepresentation(torch.rand(1, 8))
    assert blend_degradations(a, b, 0) is a
    assert torch.equal(blend_degradations(a, b, 1).vectors, b.vectors.expand(3, 8))
    middle = blend_degradations(a, b, 0.5).vectors
    torch.testing.assert_close(middle, (a.vectors + b.vectors) / 2)
    with pytest.raises(ValueError, match="do not fit"):
        blend_degradations(a, DegradationRepresentation(torch.rand(2, 8)), 0.5)


def test_the_average_needs_a_face() -> None:
    a = DegradationRepresentation(torch.rand(3, 8))
    torch.testing.assert_close(average_degradation(a).vectors, a.vectors.mean(0, keepdim=True))
    with pytest.raises(ValueError, match="no face"):
        average_degradation(DegradationRepresentation(torch.zeros(0, 8)))
