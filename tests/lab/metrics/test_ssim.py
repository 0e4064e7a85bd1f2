"""Structural similarity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from panini_lab.metrics.ssim import ssim


@pytest.fixture
def image() -> Tensor:
    torch.manual_seed(0)
    return torch.nn.functional.interpolate(torch.rand(2, 3, 6, 5), scale_factor=6, mode="bicubic")


def test_agrees_with_scikit_image(image: Tensor) -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image")
    noisy = image + 0.1 * torch.randn_like(image)
    expected = [
        metrics.structural_similarity(
            a.double().numpy(),
            b.double().numpy(),
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in zip(image, noisy, strict=True)
    ]
    assert ssim(image, noisy).tolist() == pytest.approx(expected, abs=1e-5)


def test_one_for_equal_images_and_less_with_noise(image: Tensor) -> None:
    torch.testing.assert_close(ssim(image, image), torch.ones(2))
    noise = torch.randn_like(image)
    light, strong = ssim(image, image + 0.05 * noise), ssim(image, image + 0.3 * noise)
    assert (strong < light).all()
    assert (light < 1).all()


def test_symmetric(image: Tensor) -> None:
    other = image.flip(-1)
    torch.testing.assert_close(ssim(image, other), ssim(other, image))


def test_one_image_serves_all(image: Tensor) -> None:
    expected = ssim(image, image[:1].expand(2, -1, -1, -1))
    torch.testing.assert_close(ssim(image, image[:1]), expected)


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        ssim(torch.rand(1, 3, 16, 16), torch.rand(1, 3, 12, 16))
    with pytest.raises(ValueError, match="11 px"):
        ssim(torch.rand(1, 3, 10, 16), torch.rand(1, 3, 10, 16))
