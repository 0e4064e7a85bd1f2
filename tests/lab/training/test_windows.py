"""Where windows are cut. What they show is tested with the restorer."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_core.models.panini import PRESETS, PaniniConfig
from panini_lab.training.windows import (
    FEATURE_MARGIN,
    PICTURE_MARGIN,
    random_window,
    window_resolution,
)

MOBILE = PaniniConfig.preset("mobile")


def test_windows_are_cut_one_level_before_the_finest_fused_one() -> None:
    assert window_resolution(MOBILE) == 64
    assert window_resolution(PaniniConfig.preset("tiny-mobile")) == 8
    with pytest.raises(ValueError, match="window=0"):
        window_resolution(
            dataclasses.replace(MOBILE, level_channels=(64,), stem=((64, 32),), picture_bands=0)
        )


@pytest.mark.parametrize("name", [name for name, c in PRESETS.items() if c.prior == "mobile"])
def test_even_places_and_sizes_hold_whole_cells_of_the_coarsest_band(name: str) -> None:
    config = PaniniConfig.preset(name)
    feature = config.input_size // window_resolution(config)
    cell = 2 ** (config.picture_bands - config.interpolated_picture)
    assert 2 * feature % cell == 0


@given(
    half=st.integers(3, 32),
    margin=st.integers(FEATURE_MARGIN, PICTURE_MARGIN),
    seed=st.integers(0, 10**6),
)
def test_a_random_window_lies_inside_at_even_places(half: int, margin: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    window = random_window(MOBILE, 2 * half, generator, margin=margin)
    assert window is not None  # a Window never reaches beyond the features
    assert (window.resolution, window.size, window.margin) == (64, 2 * half, margin)
    assert window.top % 2 == window.left % 2 == 0


def test_windows_reach_every_border() -> None:
    generator = torch.Generator().manual_seed(0)
    windows = [random_window(MOBILE, 60, generator, margin=2) for _ in range(60)]
    places = {(w.top, w.left) for w in windows if w is not None}
    assert places == {(top, left) for top in (0, 2, 4) for left in (0, 2, 4)}


def test_no_size_means_the_whole_face() -> None:
    generator = torch.Generator().manual_seed(0)
    assert random_window(MOBILE, 0, generator, margin=2) is None


@pytest.mark.parametrize("size", [-2, 2, 4, 27, 66])
def test_a_size_that_does_not_fit_is_named(size: int) -> None:
    with pytest.raises(ValueError, match=rf"above 4 and at most 64 features, got window={size}\."):
        random_window(MOBILE, size, torch.Generator(), margin=2)
