"""Windows of feature maps, and of everything finer."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.models.window import Window


def numbered(size: int) -> Tensor:
    """Maps (1, 2, size, size) in which every number tells its place."""
    return torch.arange(2 * size * size).view(1, 2, size, size)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    resolution = draw(st.integers(1, 16))
    size = draw(st.integers(1, resolution))
    top, left = (draw(st.integers(0, resolution - size)) for _ in range(2))
    margin = draw(st.integers(0, (size - 1) // 2))
    return Window(resolution, top, left, size, margin=margin)


@settings(max_examples=50, deadline=None)
@given(window=windows(), scale=st.integers(1, 4))
def test_a_window_is_the_same_place_in_maps_of_every_size(window: Window, scale: int) -> None:
    maps = numbered(window.resolution * scale)
    rows = slice(window.top * scale, (window.top + window.size) * scale)
    columns = slice(window.left * scale, (window.left + window.size) * scale)
    assert torch.equal(window.cut(maps), maps[:, :, rows, columns])


@settings(max_examples=50, deadline=None)
@given(window=windows(), scale=st.integers(1, 4))
def test_what_is_cut_and_trimmed_is_the_inner_part(window: Window, scale: int) -> None:
    maps = numbered(window.resolution * scale)
    inner = window.inner(maps)
    assert inner.shape[-2:] == ((window.size - 2 * window.margin) * scale,) * 2
    assert torch.equal(window.trim(window.cut(maps)), inner)
    without = dataclasses.replace(
        window,
        top=window.top + window.margin,
        left=window.left + window.margin,
        size=window.size - 2 * window.margin,
        margin=0,
    )
    assert torch.equal(without.cut(maps), inner)


def test_margins_are_features_of_the_windows_own_resolution() -> None:
    window = Window(8, top=1, left=2, size=6, margin=2)
    maps = numbered(32)
    assert torch.equal(window.cut(maps), maps[:, :, 4:28, 8:32])
    assert torch.equal(window.inner(maps), maps[:, :, 12:20, 16:24])
    assert torch.equal(window.trim(maps[:, :, 4:28, 8:32]), maps[:, :, 12:20, 16:24])


@pytest.mark.parametrize(
    ("top", "left", "size"), [(-1, 0, 4), (0, -1, 4), (5, 0, 4), (0, 5, 4), (0, 0, 9)]
)
def test_windows_beyond_the_maps_are_refused(top: int, left: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"Window\(resolution=8, .* reaches beyond 8 features"):
        Window(8, top, left, size)


@pytest.mark.parametrize(("size", "margin"), [(0, 0), (4, 2), (4, 3), (4, -1), (5, 3)])
def test_windows_without_an_inner_part_are_refused(size: int, margin: int) -> None:
    with pytest.raises(ValueError, match="is nothing but margin"):
        Window(8, 0, 0, size, margin=margin)


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (1, 2, 12, 12), (1, 2, 8, 16), (1, 2, 16, 8)])
def test_maps_of_another_resolution_are_refused(shape: tuple[int, ...]) -> None:
    window, maps = Window(8, 0, 0, 4, margin=1), torch.zeros(shape)
    for method in (window.cut, window.inner):
        with pytest.raises(ValueError, match="window of 8 features needs square maps"):
            method(maps)


@pytest.mark.parametrize("shape", [(1, 2, 2, 2), (1, 2, 6, 6), (1, 2, 4, 8)])
def test_what_no_window_of_this_size_gives_cannot_be_trimmed(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="window of 4 features a side gives square maps"):
        Window(8, 0, 0, 4, margin=1).trim(torch.zeros(shape))
