"""Interpolation weights from a degradation representation, and the interpolation itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.models.dafi import (
    FeatureInterpolation,
    InterpolationPredictor,
    interpolate,
    weigh_bands,
)


def predictor() -> InterpolationPredictor:
    torch.manual_seed(0)
    return InterpolationPredictor(6, levels=3, channels=5)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0, 1e4), count=st.integers(1, 4))
def test_alpha_is_a_share(scale: float, count: int) -> None:
    alpha = predictor()(torch.randn(count, 6) * scale)
    assert alpha.shape == (count, 3, 5)
    assert alpha.dtype == torch.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_alpha_is_the_sigmoid_of_the_difference_of_two_logits() -> None:
    net, v = predictor(), torch.randn(4, 6)
    hidden = F.leaky_relu(net.hidden(v), 0.1)
    logits = net.logits(hidden).view(4, 3, 2, 5)
    torch.testing.assert_close(net(v), torch.sigmoid(logits[:, :, 0] - logits[:, :, 1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_alpha_is_computed_in_float32(dtype: torch.dtype) -> None:
    net, v = predictor(), torch.randn(4, 6)
    expected = net(v)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(net(v), expected)
    alpha = net.to(dtype)(v)
    assert alpha.dtype == torch.float32
    torch.testing.assert_close(alpha, expected, rtol=0, atol=0.01)


def test_interpolation_reaches_both_ends_exactly_and_the_middle() -> None:
    prior, image = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    assert torch.equal(interpolate(prior, image, torch.ones(2, 4)), prior)
    assert torch.equal(interpolate(prior, image, torch.zeros(2, 4)), image)
    middle = interpolate(prior, image, torch.full((2, 4), 0.5))
    torch.testing.assert_close(middle, (prior + image) / 2)


def test_interpolation_weighs_each_sample_and_channel() -> None:
    alpha = torch.tensor([[0.0, 1.0], [1.0, 0.25]])
    result = interpolate(torch.ones(2, 2, 1, 1), torch.zeros(2, 2, 1, 1), alpha)
    assert torch.equal(result[..., 0, 0], alpha)


def test_interpolation_keeps_the_precision_of_the_prior() -> None:
    prior, image = torch.ones(1, 2, 2, 2, dtype=torch.bfloat16), torch.zeros(1, 2, 2, 2)
    assert interpolate(prior, image, torch.full((1, 2), 0.5)).dtype == torch.bfloat16


def test_each_level_uses_its_own_convolution_and_the_first_channels_of_alpha() -> None:
    torch.manual_seed(0)
    net = FeatureInterpolation([3, 4], [6, 2])
    alpha = torch.rand(2, 2, 6)
    for level, (image_width, width) in enumerate([(3, 6), (4, 2)]):
        prior, image = torch.randn(2, width, 5, 5), torch.randn(2, image_width, 5, 5)
        share = alpha[:, level, :width, None, None]
        expected = share * prior + (1 - share) * net.convs[level](image)
        torch.testing.assert_close(net(level, prior, image, alpha), expected)


def test_levels_must_pair() -> None:
    with pytest.raises(ValueError, match="shorter"):
        FeatureInterpolation([3, 4], [6])


def test_bands_kept_whole_give_the_picture_back() -> None:
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(weigh_bands(images, torch.ones(2, 3, 3)), images)


def test_bands_taken_away_leave_the_coarse_picture() -> None:
    images = torch.rand(1, 3, 16, 16)
    nothing = weigh_bands(images, torch.zeros(1, 2, 3))
    torch.testing.assert_close(nothing.mean(), images.mean(), rtol=0.02, atol=0.02)
    assert nothing.std() < 0.6 * images.std()
    flat = torch.full((1, 3, 16, 16), 0.3)
    torch.testing.assert_close(weigh_bands(flat, torch.rand(1, 2, 3)), flat)


def test_each_band_and_colour_has_its_own_share() -> None:
    images = torch.rand(1, 3, 16, 16)
    kept = torch.ones(1, 2, 3)
    kept[:, 1, 0] = 0  # the finest band of red
    changed = weigh_bands(images, kept)
    torch.testing.assert_close(changed[:, 1:], images[:, 1:])
    fine = images[:, :1] - F.interpolate(
        F.avg_pool2d(images[:, :1], 2), scale_factor=2, mode="bilinear"
    )
    torch.testing.assert_close(changed[:, :1], images[:, :1] - fine)
