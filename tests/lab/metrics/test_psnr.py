"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_lab.metrics.psnr import EQUAL_PSNR, psnr


@given(difference=st.floats(0.001, 0.5))
@settings(max_examples=25, deadline=None)
def test_a_constant_difference_has_its_ratio(difference: float) -> None:
    a = torch.rand(2, 3, 8, 8) * 0.5
    expected = torch.full((2,), -20 * math.log10(difference))
    torch.testing.assert_close(psnr(a, a + difference), expected, rtol=1e-3, atol=1e-3)


def test_equal_images_are_finite_and_best() -> None:
    a = torch.rand(2, 3, 8, 8)
    assert psnr(a, a).tolist() == [EQUAL_PSNR, EQUAL_PSNR] == [100, 100]


def test_agrees_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image")
    a, b = torch.rand(1, 3, 9, 7), torch.rand(1, 3, 9, 7)
    expected = metrics.peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1)
    assert psnr(a, b).item() == pytest.approx(expected, abs=1e-4)


def test_one_image_serves_all() -> None:
    a, b = torch.rand(3, 3, 8, 8), torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(psnr(a, b), psnr(a, b.expand(3, -1, -1, -1)))


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, 8, 8\), \(1, 3, 4, 4\)"):
        psnr(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 4, 4))
