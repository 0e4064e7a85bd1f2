"""How alpha is spread over each level's channels."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.faces import InterpolationWeights
from panini_core.models.panini import PaniniConfig
from panini_core.stages.level_statistics import alpha_statistics

TINY = PaniniConfig.preset("tiny")  # levels of 12, 10, 8 channels and 2 bands of 3
MOBILE = PaniniConfig.preset("tiny-mobile")  # 12, 12, 8 and 3 bands, of which one is the coarsest


def weights(count: int, seed: int = 0) -> InterpolationWeights:
    generator = torch.Generator().manual_seed(seed)
    return InterpolationWeights(torch.rand(count, 5, 12, generator=generator))


@settings(deadline=None, max_examples=25)
@given(count=st.integers(1, 5), seed=st.integers(0, 1000))
def test_every_level_is_summed_up(count: int, seed: int) -> None:
    levels = alpha_statistics(weights(count, seed), TINY)
    assert [(level.name, level.channels) for level in levels] == [
        *(("4", 12), ("8", 10), ("16", 8)),
        ("picture", 6),
    ]
    for level in levels:
        assert list(level.quantiles) == sorted(level.quantiles)
        assert 0 <= level.quantiles[0] <= level.quantiles[-1] <= 1
        assert 0 <= level.mean <= 1
        assert len(level.histogram) == 20
        assert sum(level.histogram) == pytest.approx(1)


def test_only_the_channels_of_a_level_count() -> None:
    alpha = torch.full((2, 5, 12), 0.25)
    alpha[:, 2, 8:] = 1.0  # not channels of the level
    alpha[:, 3:, 3:] = 1.0
    for level in alpha_statistics(InterpolationWeights(alpha), TINY):
        assert level.mean == pytest.approx(0.25)
        assert level.quantiles == pytest.approx([0.25] * 5)
        assert level.histogram[5] == 1.0


def test_the_ends_are_counted_and_all_faces() -> None:
    alpha = torch.zeros(2, 5, 12)
    alpha[1] = 1.0
    for level in alpha_statistics(InterpolationWeights(alpha), TINY):
        assert level.histogram[0] == level.histogram[-1] == 0.5
        assert level.mean == 0.5


def test_interpolated_bands_are_the_picture_as_well_the_coarsest_too() -> None:
    alpha = torch.zeros(2, 6, 12)
    alpha[:, 3, :3] = 1.0  # all that is coarser than the two other bands
    levels = alpha_statistics(InterpolationWeights(alpha), MOBILE)
    assert [(level.name, level.channels) for level in levels] == [
        *(("4", 12), ("8", 12), ("16", 8)),
        ("picture", 9),
    ]
    assert [level.mean for level in levels] == pytest.approx([0, 0, 0, 1 / 3])


def test_the_real_priors_levels_have_the_names_of_their_sides() -> None:
    config = PaniniConfig.preset("mobile")
    alpha = torch.rand(1, 11, 512)
    names = [level.name for level in alpha_statistics(InterpolationWeights(alpha), config)]
    assert names == ["4", "8", "16", "32", "64", "128", "picture"]


def test_a_model_without_bands_has_no_picture_level() -> None:
    config = dataclasses.replace(TINY, picture_bands=0)
    levels = alpha_statistics(InterpolationWeights(torch.rand(1, 3, 12)), config)
    assert [level.name for level in levels] == ["4", "8", "16"]


def test_no_face_gives_no_level_and_another_models_weights_are_refused() -> None:
    assert alpha_statistics(weights(0), TINY) == []
    with pytest.raises(ValueError, match=r"\(2, 5, 12\) for this model, got \(2, 4, 12\)"):
        alpha_statistics(InterpolationWeights(torch.rand(2, 4, 12)), TINY)
