from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from panini_core.models.image_upscaler import ImageUpscaler
from panini_core.stages.enlarge import LEAST_TILE, OVERLAP, TILE, enlarge


def upscaler(
    scale: int, call: Callable[[Tensor], Tensor] | None = None, *, tiled: bool = True
) -> ImageUpscaler:
    """Repeats every pixel, or what else `call` does."""

    def repeat(pictures: Tensor) -> Tensor:
        return F.interpolate(pictures, scale_factor=scale, mode="nearest")

    return ImageUpscaler("Repeater", scale, call or repeat, nn.Linear(1, 1), tiled=tiled)


@given(
    height=st.integers(1, 3 * TILE),
    width=st.integers(1, 40),
    scale=st.integers(1, 3),
    sideways=st.booleans(),
)
def test_tiles_are_not_seen(height: int, width: int, scale: int, sideways: bool) -> None:
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    picture = picture.mT if sideways else picture
    size = (picture.shape[-2] * scale, picture.shape[-1] * scale)
    drawn = enlarge(picture, size, upscaler(scale))
    assert torch.allclose(drawn, F.interpolate(picture[None], size)[0], atol=1e-5)


def test_what_differs_between_tiles_fades() -> None:
    """A model that sees each tile as bright as the mean of it."""

    def mean(pictures: Tensor) -> Tensor:
        return pictures.mean((-2, -1), keepdim=True).expand_as(pictures)

    ramp = torch.linspace(0, 1, 2 * TILE).expand(3, 2, -1)
    drawn = enlarge(ramp, (2, 2 * TILE), upscaler(1, mean))
    steps = drawn[0, 0].diff()
    assert drawn[0, 0, -1] - drawn[0, 0, 0] > 0.4
    assert 0 <= steps.min() and steps.max() < 1.5 / OVERLAP


def test_the_size_is_what_was_asked_for_whatever_the_models_factor() -> None:
    picture = torch.linspace(0, 1, 30).expand(3, 20, -1)
    for scale in (1, 2, 4):
        for size in ((20, 30), (40, 60), (50, 75)):
            drawn = enlarge(picture, size, upscaler(scale))
            assert drawn.shape == (3, *size)
            assert drawn.min() >= 0 and drawn.max() <= 1
    shrunk = enlarge(picture, (20, 30), upscaler(4))
    assert (shrunk - picture).abs().max() < 0.02  # repeated pixels, shrunk again


def test_grey_pictures_stay_grey() -> None:
    def tint(pictures: Tensor) -> Tensor:
        assert pictures.shape[1] == 3
        return (pictures * torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1)).clamp(0, 1)

    drawn = enlarge(torch.full((1, 8, 8), 0.6), (8, 8), upscaler(1, tint))
    assert drawn.shape == (1, 8, 8)
    assert torch.allclose(drawn, torch.tensor(0.3))


def test_without_a_model_nothing_happens_at_the_same_size() -> None:
    picture = torch.rand(3, 8, 8)
    assert enlarge(picture, (8, 8)) is picture
    assert enlarge(picture, (16, 12)).shape == (3, 16, 12)


def test_pixels_that_are_not_finite_stay_where_they_are() -> None:
    def blur(pictures: Tensor) -> Tensor:
        return F.avg_pool2d(pictures, 9, stride=1, padding=4)

    picture = torch.full((3, 32, 32), 0.5)
    picture[:, 0, 0] = float("nan")
    drawn = enlarge(picture, (32, 32), upscaler(1, blur))
    assert drawn.isfinite().all()
    assert torch.allclose(drawn[:, 16, 16], torch.tensor(0.5))


def test_tiles_become_smaller_when_memory_runs_out() -> None:
    seen: list[int] = []

    def narrow(pictures: Tensor) -> Tensor:
        seen.append(max(pictures.shape[-2:]))
        if seen[-1] > LEAST_TILE:
            raise RuntimeError("CUDA out of memory")
        return pictures

    picture = torch.rand(3, 8, 2 * TILE)
    assert torch.allclose(enlarge(picture, (8, 2 * TILE), upscaler(1, narrow)), picture, atol=1e-5)
    assert seen[:3] == [TILE, TILE // 2, LEAST_TILE]

    def never(pictures: Tensor) -> Tensor:
        raise RuntimeError("CUDA out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        enlarge(picture, (8, 2 * TILE), upscaler(1, never))


def test_models_that_cut_pictures_themselves_get_them_whole() -> None:
    seen: list[tuple[int, ...]] = []

    def keep(pictures: Tensor) -> Tensor:
        seen.append(tuple(pictures.shape))
        return pictures

    enlarge(torch.rand(3, 4, 2 * TILE), (4, 2 * TILE), upscaler(1, keep, tiled=False))
    assert seen == [(1, 3, 4, 2 * TILE)]


def test_models_that_give_another_size_than_they_say_are_named() -> None:
    with pytest.raises(ValueError, match=r"Repeater was expected to give \(3, 16, 16\)"):
        enlarge(torch.rand(3, 8, 8), (16, 16), upscaler(2, lambda pictures: pictures))
