from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.degrading.blur_kernels import (
    FAMILIES,
    blur_kernels,
    convolve,
    gaussian_blur,
    trim_kernels,
)

RADIUS = 12


def kernel(
    family: str,
    sigma_x: float = 2.0,
    sigma_y: float = 2.0,
    angle: float = 0.0,
    shape: float = 1.0,
    cutoff: float = 1.5,
) -> Tensor:
    """One kernel (K, K)."""
    values = [torch.tensor([v]) for v in (sigma_x, sigma_y, angle, shape, cutoff)]
    return blur_kernels(torch.tensor([FAMILIES.index(family)]), *values, radius=RADIUS)[0]


def moments(one: Tensor) -> tuple[float, float, float]:
    """Variance along x and y, and the covariance, in px^2."""
    position = torch.arange(-RADIUS, RADIUS + 1.0)
    return (
        float((one * position**2).sum()),
        float((one * position[:, None] ** 2).sum()),
        float((one * position * position[:, None]).sum()),
    )


@settings(deadline=None, max_examples=40)
@given(
    family=st.sampled_from(FAMILIES),
    sigma_x=st.floats(0, 8),
    sigma_y=st.floats(0, 8),
    angle=st.floats(0, math.pi),
    shape=st.floats(0.5, 4),
    cutoff=st.floats(math.pi / 5, math.pi),
)
def test_kernels_sum_to_one_and_have_no_direction(
    family: str, sigma_x: float, sigma_y: float, angle: float, shape: float, cutoff: float
) -> None:
    one = kernel(family, sigma_x, sigma_y, angle, shape, cutoff)
    assert one.isfinite().all()
    assert float(one.sum()) == pytest.approx(1, abs=1e-5)
    assert torch.allclose(one, one.flip(0, 1), atol=1e-6)


def test_gaussian_has_the_width_asked_for() -> None:
    along, across, mixed = moments(kernel("gaussian", sigma_x=2.0, sigma_y=1.0))
    assert along == pytest.approx(4, rel=0.08)  # cut off at three deviations
    assert across == pytest.approx(1, rel=0.08)
    assert mixed == pytest.approx(0, abs=1e-6)


def test_angle_turns_the_long_axis_from_x_towards_y() -> None:
    along, across, mixed = moments(kernel("gaussian", 3.0, 1.0, angle=math.pi / 4))
    assert along == pytest.approx(across, rel=0.02)
    assert mixed > 1
    turned = moments(kernel("gaussian", 3.0, 1.0, angle=math.pi / 2))
    assert turned[1] > 5 * turned[0]


def test_generalised_gaussian_of_shape_one_is_the_gaussian() -> None:
    assert torch.allclose(kernel("generalised_gaussian", shape=1.0), kernel("gaussian"))


def test_a_larger_shape_flattens_the_top() -> None:
    for family in ("generalised_gaussian", "plateau"):
        blunt, pointed = kernel(family, shape=4.0), kernel(family, shape=0.6)
        flatness = [float(k[RADIUS, RADIUS + 1] / k[RADIUS, RADIUS]) for k in (blunt, pointed)]
        assert flatness[0] > flatness[1]


@pytest.mark.parametrize("family", ["gaussian", "generalised_gaussian", "plateau"])
def test_no_width_is_no_blur(family: str) -> None:
    expected = torch.zeros(2 * RADIUS + 1, 2 * RADIUS + 1)
    expected[RADIUS, RADIUS] = 1
    assert torch.equal(kernel(family, sigma_x=0.0, sigma_y=0.0), expected)


def test_sinc_rings_and_keeps_what_lies_below_its_cutoff() -> None:
    one = kernel("sinc", cutoff=1.2)
    assert one.min() < 0
    position = torch.arange(-RADIUS, RADIUS + 1.0)

    def response(frequency: float) -> float:
        return float((one * torch.cos(frequency * position)).sum())

    assert response(0.5) == pytest.approx(1, abs=0.15)
    assert response(2.4) == pytest.approx(0, abs=0.1)


def test_trimmed_kernels_blur_the_same() -> None:
    kernels = torch.stack([kernel("gaussian", 0.5, 0.5), kernel("gaussian", 1.0, 1.4)])
    trimmed = trim_kernels(kernels)
    assert trimmed.shape[-1] == 9
    images = torch.rand(2, 3, 30, 26)
    assert torch.allclose(convolve(images, trimmed), convolve(images, kernels), atol=1e-5)


def test_convolution_equals_the_direct_one() -> None:
    torch.manual_seed(0)
    images, kernels = torch.rand(2, 3, 31, 40), torch.rand(2, 7, 7)
    padded = F.pad(images, (3, 3, 3, 3), mode="reflect").view(1, 6, 37, 46)
    weights = kernels.flip(1, 2)[:, None].repeat_interleave(3, dim=0)
    expected = F.conv2d(padded, weights, groups=6).view_as(images)
    assert torch.allclose(convolve(images, kernels), expected, atol=1e-4)


def test_blur_of_a_flat_image_is_the_image() -> None:
    flat = torch.full((1, 3, 40, 40), 0.6)
    assert torch.allclose(convolve(flat, kernel("plateau")[None]), flat, atol=1e-5)


def test_a_kernel_may_be_larger_than_the_image() -> None:
    tiny = torch.full((1, 3, 2, 40), 0.3)
    assert torch.allclose(convolve(tiny, kernel("gaussian", 4.0, 4.0)[None]), tiny, atol=1e-5)


def test_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="odd size"):
        convolve(torch.rand(1, 3, 32, 32), torch.ones(1, 4, 4))


# --- Gaussian, row by row and column by column ---


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.7])
def test_gaussian_blur_has_the_width_asked_for(sigma: float) -> None:
    point = torch.zeros(1, 1, 2 * RADIUS + 1, 2 * RADIUS + 1)
    point[..., RADIUS, RADIUS] = 1
    blurred = gaussian_blur(point, torch.tensor([sigma]))[0, 0]
    sampled = kernel("gaussian", sigma, sigma)
    assert float((blurred - sampled).abs().max()) < 0.05 * float(sampled.max())
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-5)
    assert moments(blurred)[0] == pytest.approx(moments(blurred)[1], rel=1e-4)


def test_gaussian_blur_of_no_width_and_of_flat_images_changes_nothing() -> None:
    images = torch.rand(2, 3, 5, 30)
    assert torch.equal(gaussian_blur(images, torch.zeros(2)), images)
    flat = torch.full((1, 3, 4, 4), 0.6)
    assert torch.allclose(gaussian_blur(flat, torch.tensor([3.0])), flat, atol=1e-6)


def test_gaussian_blur_of_an_image_does_not_depend_on_its_batch() -> None:
    images, sigma = torch.rand(3, 3, 20, 31), torch.tensor([0.5, 4.0, 0.0])
    together = gaussian_blur(images, sigma)
    for i in range(3):
        alone = gaussian_blur(images[i : i + 1], sigma[i : i + 1])
        assert torch.allclose(together[i : i + 1], alone, atol=1e-6)
