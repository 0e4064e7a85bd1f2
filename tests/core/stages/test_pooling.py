"""Means over parts, also where a device's own pooling refuses the sides."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.faces import Face, FaceSet, RestoredFaces
from panini_core.stages import clip, pooling
from panini_core.stages.cuts import thumbnail
from panini_core.stages.pooling import mean_pool
from panini_core.stages.steady import steady_faces

USUAL = F.adaptive_avg_pool2d


def pool_as_mps(images: Tensor, side: int) -> Tensor:
    """Refuses what MPS refuses."""
    if images.shape[-2] % side or images.shape[-1] % side:
        raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes.")
    return USUAL(images, side)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(F, "adaptive_avg_pool2d", pool_as_mps)
    monkeypatch.setattr(pooling, "REFUSING_DEVICES", frozenset({"cpu"}))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
@settings(deadline=None)
def test_both_ways_give_the_same_means(height: int, width: int, side: int) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    usual = mean_pool(images, side)
    assert torch.equal(usual, USUAL(images, side))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "adaptive_avg_pool2d", pool_as_mps)
        patch.setattr(pooling, "REFUSING_DEVICES", frozenset({"cpu"}))
        torch.testing.assert_close(mean_pool(images, side), usual)


def follow() -> Tensor:
    face = Face(torch.tensor([3.0, 4.0, 40.0, 33.0]), torch.rand(5, 2), 1.0)
    images = torch.rand(1, 3, 53, 71, generator=torch.Generator().manual_seed(0))
    return clip._small(images[0], face)  # pyright: ignore[reportPrivateUsage]


def find_cuts() -> Tensor:
    return thumbnail(torch.rand(3, 53, 71, generator=torch.Generator().manual_seed(0)))


def steady() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    crops = torch.rand(3, 3, 160, 160, generator=generator)  # no multiple of the parts
    places = [
        Face(torch.tensor([0.0, 0.0, 9.0, 9.0]), torch.rand(5, 2), 1.0, frame, 0, 0)
        for frame in range(3)
    ]
    faces = FaceSet(tuple(places), crops, torch.eye(3)[:2].repeat(3, 1, 1))
    return steady_faces(RestoredFaces(faces, crops.flip(-1)), 1).crops


@pytest.mark.parametrize("work", [follow, find_cuts, steady])
def test_films_go_through_where_sides_are_refused(
    work: object, request: pytest.FixtureRequest
) -> None:
    assert callable(work)
    expected = work()
    request.getfixturevalue("refusing")
    torch.testing.assert_close(work(), expected, atol=2e-3, rtol=0)
