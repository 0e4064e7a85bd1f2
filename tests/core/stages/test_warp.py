from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.stages.warp import Pyramid, invert_affine, transform_points


@pytest.fixture(autouse=True)
def _same_numbers_each_run() -> None:
    torch.manual_seed(0)


def similarity(scale: float, angle: float, x: float, y: float) -> Tensor:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return torch.tensor([[cosine, -sine, x], [sine, cosine, y]], dtype=torch.float64)


def smooth_picture(height: int, width: int, period: float = 40) -> Tensor:
    """Waves of a known formula, so that they can be evaluated between pixels as well."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64) + 0.5,
        torch.arange(width, dtype=torch.float64) + 0.5,
        indexing="ij",
    )
    return waves(x, y, period)


def waves(x: Tensor, y: Tensor, period: float = 40) -> Tensor:
    turn = 2 * math.pi / period
    return torch.stack([(x * turn).sin(), (y * turn).cos(), ((x + y) * turn).sin()]) / 2 + 0.5


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0.05, 20), st.floats(-math.pi, math.pi), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)
)
def test_the_inverse_undoes_a_map(scale: float, angle: float, x: float, y: float) -> None:
    matrix = similarity(scale, angle, x, y)[None]
    points = torch.tensor([[[0, 0], [17, -3], [512, 512]]], dtype=torch.float64)
    there = transform_points(matrix, points)
    torch.testing.assert_close(
        transform_points(invert_affine(matrix), there), points, atol=1e-5, rtol=0
    )


def test_the_identity_returns_the_image() -> None:
    image = torch.rand(3, 20, 31)
    same = Pyramid(image).sample(similarity(1, 0, 0, 0)[None], (20, 31), "zeros")[0]
    torch.testing.assert_close(same, image, atol=1e-5, rtol=0)


def test_whole_pixels_are_moved_whole() -> None:
    image = torch.rand(1, 12, 12, dtype=torch.float64)
    moved = Pyramid(image).sample(similarity(1, 0, 3, 5)[None], (7, 9), "zeros")[0]
    torch.testing.assert_close(moved, image[:, 5:12, 3:12])


@pytest.mark.parametrize("scale", [0.3, 0.99, 1.0, 1.05, 1.3, 1.99, 2.0, 2.7, 5.0, 8.0])
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_samples_lie_where_the_map_says(scale: float, angle: float) -> None:
    """No level of the pyramid and no filter shifts the picture: checked against a formula."""
    image = smooth_picture(401, 399, period=200)
    matrix = similarity(scale, angle, 180, 150)
    size = int(160 / scale)
    warped = Pyramid(image).sample(matrix[None], (size, size), "zeros")[0]
    centres = torch.arange(size, dtype=torch.float64) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    points = transform_points(matrix, torch.stack([x, y], -1).view(-1, 2))
    expected = waves(*points.unbind(-1), period=200).view(3, size, size)
    assert (warped - expected).abs().max() < 0.015


def test_faces_of_different_scales_are_warped_together_as_alone() -> None:
    image = torch.rand(3, 90, 120)
    scales = (0.5, 3.0, 1.0, 1.5, 0.5, 7.0)
    maps = torch.stack([similarity(scale, scale, 60, 40) for scale in scales])
    pyramid = Pyramid(image)
    together = pyramid.sample(maps, (16, 24), "reflection")
    for row, matrix in enumerate(maps):
        alone = pyramid.sample(matrix[None], (16, 24), "reflection")[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=0)


def test_shrinking_is_antialiased() -> None:
    """Stripes finer than the output can show become their mean; without a filter they beat."""
    stripes = (torch.arange(512) % 2).double().expand(1, 512, 512)
    for scale in (2.3, 3.0, 5.7):
        size = int(400 / scale)
        shrunk = Pyramid(stripes).sample(similarity(scale, 0, 50, 50)[None], (size, size), "zeros")
        assert (shrunk - 0.5).abs().max() < 0.03
        unfiltered = F.interpolate(stripes[None], scale_factor=1 / scale, mode="bicubic")
        assert (unfiltered - 0.5).abs().max() > 0.3


def test_halving_is_close_to_a_reference_filter() -> None:
    image = smooth_picture(256, 256, period=24)
    half = Pyramid(image).sample(similarity(2, 0, 0, 0)[None], (128, 128), "reflection")[0]
    reference = F.interpolate(image[None], (128, 128), mode="bicubic", antialias=True)[0]
    torch.testing.assert_close(half[:, 8:-8, 8:-8], reference[:, 8:-8, 8:-8], atol=0.003, rtol=0)


def test_beyond_the_border_the_image_is_mirrored_again_and_again() -> None:
    image = torch.rand(2, 6, 8, dtype=torch.float64)
    warped = Pyramid(image).sample(similarity(1, 0, -24, -12)[None], (30, 56), "reflection")[0]
    row = torch.cat([image, image.flip(-1)], -1)
    period = torch.cat([row, row.flip(-2)], -2)  # (2, 12, 16): the mirrored image repeats so
    expected = period.repeat(1, 4, 5)[:, :30, 8 : 8 + 56]  # -24 = 8 before a whole period
    torch.testing.assert_close(warped, expected)


def test_beyond_the_border_lies_zero_on_request() -> None:
    warped = Pyramid(torch.ones(1, 8, 8)).sample(similarity(1, 0, -4, -4)[None], (16, 16), "zeros")
    assert warped[0, 0, 4:12, 4:12].min() > 0.999
    assert warped.sum() == pytest.approx(64, abs=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 1), (7, 13)])
def test_small_and_odd_images_can_be_halved_to_the_end(size: tuple[int, int]) -> None:
    pyramid = Pyramid(torch.full((2, *size), 0.25))
    for index in range(6):
        level = pyramid.level(index)
        assert level.shape[-2:] == tuple(-(-side // 2**index) for side in size)
        torch.testing.assert_close(level, torch.full_like(level, 0.25))


def test_no_map_gives_no_output() -> None:
    assert Pyramid(torch.rand(3, 8, 8)).sample(torch.empty(0, 2, 3), (4, 5), "zeros").shape == (
        (0, 3, 4, 5)
    )
