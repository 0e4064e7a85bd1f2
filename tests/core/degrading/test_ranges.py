"""What degradations are drawn from: the presets, and one that leaves nothing to chance."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.degrading.blur_kernels import trim_kernels
from panini_core.degrading.parameters import DegradationPass
from panini_core.degrading.ranges import (
    FURTHER_KINDS,
    PRESETS,
    FamilyWeights,
    FilterWeights,
    PassRanges,
    exact_degradation,
)
from panini_core.degrading.sampling import sample_degradations

ALL_RANGES = {
    **{
        f"{name}, {part} {index}": one
        for name, ranges in PRESETS.items()
        for part, alternatives in (("first", ranges.first), ("second", ranges.second))
        for index, one in enumerate(alternatives)
    },
    **FURTHER_KINDS,
}
FURTHER = (
    *("whole_down_probability", "dots_probability", "stripes_probability"),
    *("sharpen_probability", "tones_probability", "earlier_jpeg_probability"),
    "web_probability",
)


@pytest.mark.parametrize("severity", ["mild", "medium", "heavy"])
def test_presets_cover_the_evaluation_set(shared: Path, severity: str) -> None:
    with (shared / "data" / "eval" / "pairs.csv").open() as file:
        pairs = [row for row in csv.DictReader(file) if row["severity"] == severity]
    ranges = PRESETS[severity].first[0]
    assert pairs
    for row in pairs:
        assert ranges.down[0] <= float(row["down"]) <= ranges.down[1], row
        assert ranges.jpeg_quality[0] <= float(row["jpeg"]) <= ranges.jpeg_quality[1], row


def test_further_kinds_weigh_a_fifth_to_a_quarter_of_training() -> None:
    alternatives = PRESETS["training"].first
    whole = sum(one.weight for one in alternatives)
    further = sum(
        one.weight
        for one in alternatives
        if dataclasses.replace(one, weight=1.0) in FURTHER_KINDS.values()
    )
    not_clean = 1 - PRESETS["training"].clean_probability
    assert 0.2 < not_clean * further / whole < 0.25
    # The others stand to each other as they did.
    assert whole - further == pytest.approx(1)


@pytest.mark.parametrize("name", ALL_RANGES)
def test_every_range_can_be_drawn_from(name: str) -> None:
    one = ALL_RANGES[name]
    for item in dataclasses.fields(one):
        value = getattr(one, item.name)
        if item.name.endswith("probability"):
            assert 0 <= value <= 1, item.name
        elif isinstance(value, tuple):
            assert value[0] <= value[1], item.name
        elif isinstance(value, FamilyWeights | FilterWeights):
            weights = dataclasses.astuple(value)
            assert min(weights) >= 0 and sum(weights) > 0, item.name
    assert one.weight > 0
    assert one.down[0] >= 1
    assert 1 <= one.jpeg_quality[0] and one.jpeg_quality[1] <= 100


def test_heavier_presets_degrade_more() -> None:
    mild, medium, heavy = (PRESETS[name].first[0] for name in ("mild", "medium", "heavy"))
    for less, more in ((mild, medium), (medium, heavy)):
        for name in ("blur_sigma", "down", "noise_sigma"):
            assert sum(getattr(less, name)) < sum(getattr(more, name)), name
        assert sum(less.jpeg_quality) > sum(more.jpeg_quality)


@pytest.mark.parametrize("name", FURTHER)
def test_any_further_step_counts_as_one(name: str) -> None:
    plain = PassRanges()
    assert not plain.has_further
    assert dataclasses.replace(plain, **{name: 0.01}).has_further


def test_only_training_draws_further_kinds() -> None:
    assert all(one.has_further for one in FURTHER_KINDS.values())
    with_further = {
        name
        for name, ranges in PRESETS.items()
        if any(one.has_further for one in (*ranges.first, *ranges.second))
    }
    assert with_further == {"training"}


def drawn(seed: int = 0, **values: float) -> DegradationPass:
    """Four samples of an exact degradation, for images of 512 px; 0 where nothing is given."""
    ranges = exact_degradation(**{**{"blur": 0, "downscale": 1, "noise": 0, "jpeg": 0}, **values})
    parameters = sample_degradations(
        ranges, 4, generator=torch.Generator().manual_seed(seed), image_size=512
    )
    (one,) = parameters.passes
    return one


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**31),
    downscale=st.floats(1.5, 16),
    noise=st.floats(0.5, 40),
    jpeg=st.integers(1, 100),
)
def test_an_exact_degradation_is_what_it_says_whatever_the_seed(
    seed: int, downscale: float, noise: float, jpeg: int
) -> None:
    one = drawn(seed, blur=2, downscale=downscale, noise=noise, jpeg=jpeg)
    assert one.down.tolist() == pytest.approx([downscale] * 4, rel=1e-5)
    assert one.gaussian_sigma.tolist() == pytest.approx([noise] * 4, rel=1e-5)
    assert one.jpeg_quality.tolist() == [jpeg] * 4
    for name in ("shot_sigma", "grey_noise", "low_resolution", "web_quality", "tones"):
        assert not getattr(one, name).any(), name
    assert one.chroma_subsampling.all()
    # The angle is still drawn: it moves the rounding of where a kernel ends, by less than 1 %.
    torch.testing.assert_close(one.kernels, one.kernels[:1].expand(4, -1, -1), atol=5e-4, rtol=0)


@pytest.mark.parametrize("blur", [1.0, 3.0])
def test_an_exact_blur_has_its_standard_deviation_in_every_direction(blur: float) -> None:
    kernel = drawn(blur=blur).kernels[0].double()
    place = torch.arange(len(kernel)) - len(kernel) // 2
    for axis in (0, 1):
        deviation = (kernel.sum(axis) * place**2).sum().sqrt().item()
        assert deviation == pytest.approx(blur, rel=0.05)


def test_nought_leaves_a_step_out() -> None:
    neutral = DegradationPass.neutral(4)
    for given_value, field in (
        ({"blur": 2.0}, "kernels"),
        ({"downscale": 3.0}, "down"),
        ({"noise": 7.0}, "gaussian_sigma"),
        ({"jpeg": 50.0}, "jpeg_quality"),
    ):
        one = drawn(**given_value)
        for name in ("down", "gaussian_sigma", "jpeg_quality"):
            same = torch.equal(getattr(one, name), getattr(neutral, name))
            assert same == (name != field), (name, given_value)
        assert (trim_kernels(one.kernels).shape[-1] == 1) == (field != "kernels")
