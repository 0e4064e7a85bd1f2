"""Interpolation weights from a degradation representation, and the interpolation itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.models.dafi import (
    FeatureInterpolation,
    InterpolationPredictor,
    add_bands,
    interpolate,
    interpolate_bands,
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


# The picture's bands


def pictures(seed: int, count: int = 2, size: int = 16) -> tuple[Tensor, Tensor]:
    """What was drawn and the picture, both (count, 3, size, size) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    drawn, images = torch.rand(2, count, 3, size, size, generator=generator) * 2 - 1
    return drawn, images


def enlarged(images: Tensor) -> Tensor:
    return F.interpolate(images, scale_factor=2, mode="bilinear")


seeds = st.integers(0, 2**16)
bands = st.integers(1, 5)  # 16 px can be halved four times


@settings(max_examples=25, deadline=None)
@given(seed=seeds, bands=bands)
def test_interpolated_bands_reach_the_picture_and_the_drawing(seed: int, bands: int) -> None:
    drawn, images = pictures(seed)
    picture = interpolate_bands(drawn, images, torch.zeros(2, bands, 3))
    assert torch.equal(picture, images)  # nothing of the drawing, to the bit
    drawing = interpolate_bands(drawn, images, torch.ones(2, bands, 3))
    torch.testing.assert_close(drawing, drawn, rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, bands=bands, share=st.floats(0, 1))
def test_one_share_for_all_bands_is_plain_interpolation(
    seed: int, bands: int, share: float
) -> None:
    drawn, images = pictures(seed)
    mixed = interpolate_bands(drawn, images, torch.full((2, bands, 3), share))
    torch.testing.assert_close(mixed, share * drawn + (1 - share) * images, rtol=0, atol=1e-5)


def test_a_single_interpolated_band_is_the_whole_picture_a_weight_per_colour() -> None:
    drawn, images = pictures(0)
    alpha = torch.rand(2, 1, 3)
    share = alpha[:, 0, :, None, None]
    torch.testing.assert_close(
        interpolate_bands(drawn, images, alpha), share * drawn + (1 - share) * images
    )


def test_interpolated_bands_come_coarse_first() -> None:
    """Alpha of a band moves what lies between two sizes of the pyramid, of its face and colour."""
    drawn, images = pictures(0)
    sizes = [drawn - images]
    for _ in range(2):
        sizes.append(F.avg_pool2d(sizes[-1], 2))
    fine, middle, coarse = sizes
    change = [
        enlarged(enlarged(coarse)),  # all that is coarser than the other two
        enlarged(middle - enlarged(coarse)),
        fine - enlarged(middle),
    ]
    for band, expected in enumerate(change):
        alpha = torch.zeros(2, 3, 3)
        alpha[1, band, 2] = 1
        moved = interpolate_bands(drawn, images, alpha) - images
        torch.testing.assert_close(moved[1, 2], expected[1, 2], rtol=0, atol=1e-5)
        moved[1, 2] = 0
        assert not moved.any()


@settings(max_examples=25, deadline=None)
@given(seed=seeds, bands=bands)
def test_interpolated_bands_are_linear_and_symmetric(seed: int, bands: int) -> None:
    drawn, images = pictures(seed)
    other, others = pictures(seed + 1)
    alpha = torch.rand(2, bands, 3, generator=torch.Generator().manual_seed(seed))
    together = interpolate_bands(drawn + 0.5 * other, images + 0.5 * others, alpha)
    apart = interpolate_bands(drawn, images, alpha) + 0.5 * interpolate_bands(other, others, alpha)
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-5)
    exchanged = interpolate_bands(images, drawn, 1 - alpha)  # the shares go with the pictures
    torch.testing.assert_close(
        interpolate_bands(drawn, images, alpha), exchanged, rtol=0, atol=1e-5
    )


def test_flat_pictures_mix_by_the_coarsest_band_alone() -> None:
    drawn, images = torch.full((1, 3, 16, 16), 0.8), torch.full((1, 3, 16, 16), -0.4)
    alpha = torch.rand(1, 3, 3)
    expected = -0.4 + 1.2 * alpha[:, 0, :, None, None]
    mixed = interpolate_bands(drawn, images, alpha)
    torch.testing.assert_close(mixed, expected.expand_as(mixed), rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, bands=st.integers(1, 4))
def test_added_bands_leave_what_is_drawn_and_what_is_coarse(seed: int, bands: int) -> None:
    drawn, images = pictures(seed)
    whole = add_bands(drawn, images, torch.zeros(2, bands, 3))
    torch.testing.assert_close(whole, drawn + images, rtol=0, atol=1e-5)
    coarse = F.avg_pool2d(images, 2**bands)
    for _ in range(bands):
        coarse = enlarged(coarse)
    without = add_bands(drawn, images, torch.ones(2, bands, 3))
    torch.testing.assert_close(without, drawn + coarse, rtol=0, atol=1e-5)


def test_bands_are_mixed_in_float32() -> None:
    drawn, images = pictures(0)
    alpha = torch.rand(2, 3, 3)
    for mix in (interpolate_bands, add_bands):
        expected = mix(drawn, images, alpha)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = mix(drawn, images, alpha)
        assert mixed.dtype == torch.float32
        assert torch.equal(mixed, expected)
