"""Cuts: what stands out and does not come back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from panini_core.stages.cuts import mark_cuts, thumbnail


def scene(seed: int, shift: int = 0, brightness: float = 1.0) -> Tensor:
    """A patterned picture (3, 48, 64), moved to the left by `shift` px."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(3, 6, 40, generator=generator)
    wide = torch.nn.functional.interpolate(coarse[None], (48, 640), mode="bilinear")[0]
    return (wide[:, :, shift : shift + 64] * brightness).clamp(0, 1)


def cuts_in(pictures: Sequence[Tensor]) -> list[int]:
    pairs = [(index, thumbnail(picture)) for index, picture in enumerate(pictures)]
    marked = list(mark_cuts(pairs))
    assert [index for index, _ in marked] == list(range(len(pictures)))
    return [index for index, is_cut in marked if is_cut]


def test_a_change_of_scene_is_a_cut() -> None:
    pictures = [scene(0)] * 8 + [scene(1)] * 8 + [scene(2)] * 5
    assert cuts_in(pictures) == [8, 16]


@pytest.mark.parametrize("speed", [1, 5, 20])
def test_a_pan_is_none_and_hides_none(speed: int) -> None:
    pan = [scene(0, shift=speed * index) for index in range(12)]
    assert cuts_in(pan) == []
    if speed < 20:
        assert cuts_in([*pan, *(scene(3, shift=speed * index) for index in range(12))]) == [12]


@pytest.mark.parametrize("lasting", [1, 2, 3])
def test_a_flash_is_none(lasting: int) -> None:
    pictures = [scene(0)] * 8 + [torch.ones(3, 48, 64)] * lasting + [scene(0)] * 8
    assert cuts_in(pictures) == []


def test_a_fade_is_none() -> None:
    pictures = [scene(0, brightness=1 - index / 30) for index in range(30)]
    assert cuts_in(pictures) == []


def test_noise_is_none() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = [
        (scene(0) + 0.2 * torch.randn(3, 48, 64, generator=generator)).clamp(0, 1)
        for _ in range(12)
    ]
    assert cuts_in(pictures) == []


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(5, 9), min_size=1, max_size=5))
def test_every_cut_between_shots_is_found(lengths: list[int]) -> None:
    pictures = [scene(seed) for seed, length in enumerate(lengths) for _ in range(length)]
    starts = [sum(lengths[:index]) for index in range(1, len(lengths))]
    assert cuts_in(pictures) == starts
