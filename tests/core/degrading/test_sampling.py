from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.degrading.blur_kernels import trim_kernels
from panini_core.degrading.parameters import DegradationPass
from panini_core.degrading.ranges import PRESETS, DegradationRanges, PassRanges
from panini_core.degrading.sampling import sample_degradations

# What was drawn before there were further kinds, for three images of 96 px and seed 0, in the last
# pass: down-sampling, JPEG, noise, the kernel's centre.
DRAWN = {
    "mild": (
        [2.31131, 1.67281, 3.01665],
        [76, 64, 61],
        [2.5244, 8.68345, 3.6921],
        [0.97028, 0.97117, 0.93122],
    ),
    "medium": (
        [5.42943, 4.32041, 6.55382],
        [61, 48, 43],
        [3.1555, 10.85432, 4.61513],
        [0.36188, 0.52383, 0.43646],
    ),
    "heavy": (
        [11.43753, 8.75471, 14.25485],
        [46, 36, 32],
        [3.7866, 13.02518, 5.53815],
        [0.11897, 0.19664, 0.14807],
    ),
    "second-order": ([1.0, 1.0, 1.47818], [52, 58, 80], [0.0, 0.90132, 0.0], [1.0, 1.0, 1.0]),
    "film-grain": (
        [1.73432, 1.39803, 2.07131],
        [89, 83, 81],
        [15.7866, 25.02518, 17.53815],
        [1.0, 1.0, 0.97392],
    ),
    "low-light": (
        [2.31131, 1.67281, 3.01665],
        [77, 66, 63],
        [25.25916, 38.09053, 27.69188],
        [0.95756, 0.95884, 0.91671],
    ),
    "official": (
        [3.39451, 1.36101, 7.20674],
        [77, 64, 60],
        [2.5244, 8.68345, 3.6921],
        [0.20307, 0.35189, 0.26263],
    ),
}
PLAIN = PassRanges()
EVERYTHING = dataclasses.replace(
    PLAIN,
    whole_down_probability=1.0,
    dots_probability=1.0,
    stripes_probability=1.0,
    sharpen_probability=1.0,
    tones_probability=1.0,
    earlier_jpeg_probability=1.0,
    web_probability=1.0,
)
FURTHER = {
    "whole_down",
    *("dot_period", "dot_angle", "dot_strength", "dot_blur", "grey_dots"),
    *("stripe_period", "stripe_angle", "stripe_contrast", "stripe_bend", "stripe_colour"),
    *("sharpen_amount", "sharpen_sigma", "sharpen_enlarged", "tones", "dithered"),
    *("earlier_jpeg_quality", "earlier_jpeg_origin", "web_quality", "avif"),
}


def draw(
    ranges: PassRanges | DegradationRanges, count: int, *, seed: int = 0, image_size: int = 512
) -> DegradationPass:
    """The first pass."""
    if isinstance(ranges, PassRanges):
        ranges = DegradationRanges((ranges,))
    generator = torch.Generator().manual_seed(seed)
    return sample_degradations(ranges, count, generator=generator, image_size=image_size).passes[0]


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"training"}))
def test_presets_draw_what_they_always_drew(preset: str) -> None:
    generator = torch.Generator().manual_seed(0)
    last = sample_degradations(PRESETS[preset], 3, generator=generator, image_size=96).passes[-1]
    down, jpeg, noise, centre = DRAWN[preset]
    middle = last.kernels.shape[-1] // 2
    assert last.down.tolist() == pytest.approx(down, abs=2e-5)
    assert last.jpeg_quality.tolist() == jpeg
    assert (last.gaussian_sigma + last.shot_sigma).tolist() == pytest.approx(noise, abs=2e-5)
    assert last.kernels[:, middle, middle].tolist() == pytest.approx(centre, abs=2e-5)
    neutral = DegradationPass.neutral(3)
    for name in FURTHER:
        assert torch.equal(getattr(last, name), getattr(neutral, name)), name


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_further_draws_leave_the_others_as_they_are(seed: int) -> None:
    plain, rich = draw(PLAIN, 5, seed=seed), draw(EVERYTHING, 5, seed=seed)
    for item in dataclasses.fields(plain):
        if item.name not in FURTHER:
            values, expected = getattr(rich, item.name), getattr(plain, item.name)
            assert torch.equal(values, expected), item.name


def test_the_generator_goes_on_as_without_further_draws() -> None:
    following: list[float] = []
    for ranges in (PLAIN, EVERYTHING):
        generator = torch.Generator().manual_seed(4)
        sample_degradations(DegradationRanges((ranges,)), 3, generator=generator)
        following.append(float(torch.rand(1, generator=generator)))
    assert following[0] == following[1]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), few=st.integers(1, 3), more=st.integers(1, 3))
def test_further_draws_do_not_depend_on_how_many_are_drawn(seed: int, few: int, more: int) -> None:
    alone, among = draw(EVERYTHING, few, seed=seed), draw(EVERYTHING, few + more, seed=seed)
    for item in dataclasses.fields(alone):
        values, expected = getattr(among, item.name)[:few], getattr(alone, item.name)
        if "kernels" in item.name:
            values, expected = trim_kernels(values), trim_kernels(expected)
        assert torch.equal(values, expected), item.name


def test_further_draws_stay_inside_their_ranges_and_fill_them() -> None:
    one = draw(EVERYTHING, 400)
    for name in (
        *("dot_period", "dot_strength", "dot_blur", "sharpen_amount", "sharpen_sigma"),
        *("stripe_period", "stripe_contrast", "stripe_bend", "stripe_colour"),
        *("tones", "earlier_jpeg_quality", "web_quality"),
    ):
        low, high = getattr(EVERYTHING, name)
        values = getattr(one, name)
        assert low <= values.min() < low + 0.05 * (high - low), name
        assert high - 0.05 * (high - low) < values.max() <= high, name
    assert one.earlier_jpeg_origin.unique().tolist() == list(range(16))
    for values in (one.tones, one.earlier_jpeg_quality, one.web_quality):
        assert torch.equal(values, values.round())
    for chosen, probability in (
        (one.grey_dots, EVERYTHING.grey_dots_probability),
        (one.dithered, EVERYTHING.dither_probability),
        (one.avif, EVERYTHING.avif_probability),
        (one.sharpen_enlarged, EVERYTHING.sharpen_enlarged_probability),
    ):
        assert chosen.float().mean() == pytest.approx(probability, abs=0.08)


def test_patterns_scale_with_the_image_down_to_what_pixels_hold() -> None:
    large, small, tiny = (draw(EVERYTHING, 50, image_size=size) for size in (1024, 512, 64))
    for name in ("dot_period", "stripe_period", "dot_blur", "sharpen_sigma"):
        assert torch.allclose(getattr(large, name), 2 * getattr(small, name)), name
    assert tiny.dot_period.min() == 2
    assert tiny.stripe_period.min() == 2


def test_training_draws_every_further_kind_and_mostly_the_usual_ones() -> None:
    one = draw(PRESETS["training"], 3000)
    webp, avif = (one.web_quality > 0) & ~one.avif, (one.web_quality > 0) & one.avif
    kinds = {
        "blocks": one.whole_down,
        "black dots": (one.dot_period > 0) & one.grey_dots,
        "coloured dots": (one.dot_period > 0) & ~one.grey_dots,
        "stripes": one.stripe_period > 0,
        "halos before enlarging": (one.sharpen_amount > 0) & ~one.sharpen_enlarged,
        "halos after enlarging": (one.sharpen_amount > 0) & one.sharpen_enlarged,
        "bands": (one.tones > 0) & ~one.dithered,
        "dithered": (one.tones > 0) & one.dithered,
        "two JPEGs": (one.earlier_jpeg_quality > 0) & (one.jpeg_quality > 0),
        "WebP": webp,
        "AVIF": avif,
    }
    for name, drawn in kinds.items():
        assert drawn.float().mean() > 0.002, name
    any_kind = torch.stack(list(kinds.values())).any(dim=0)
    assert 0.15 < any_kind.float().mean() < 0.25
