"""The parameters of degradations: neutral, selected, put together."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from panini_core.degrading.blur_kernels import convolve, trim_kernels
from panini_core.degrading.degrade import degrade
from panini_core.degrading.parameters import (
    DegradationParameters,
    DegradationPass,
    concatenate,
    identity_kernels,
    where,
)


def numbered(count: int, *, first: int = 0, size: int = 1) -> DegradationPass:
    """A pass whose samples are told apart by their noise, with kernels of `size`."""
    kernels = identity_kernels(count, size)
    kernels[:, 0, 0] += 0.25  # not symmetric, if larger than 1
    return dataclasses.replace(
        DegradationPass.neutral(count),
        gaussian_sigma=torch.arange(first, first + count).float(),
        kernels=kernels,
    )


def sigmas(one: DegradationPass | DegradationParameters) -> list[float]:
    last = one.passes[-1] if isinstance(one, DegradationParameters) else one
    return last.gaussian_sigma.tolist()


def test_passes_for_different_numbers_of_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="same number"):
        DegradationParameters((DegradationPass.neutral(2), DegradationPass.neutral(3)))


def test_no_pass_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one pass.*got passes for \[\]"):
        DegradationParameters(())


def test_neutral_parameters_change_nothing() -> None:
    images = torch.randint(0, 256, (3, 3, 20, 28), generator=torch.Generator().manual_seed(0)) / 255
    neutral = DegradationPass.neutral(3)
    assert len(neutral) == 3
    assert {len(getattr(neutral, item.name)) for item in dataclasses.fields(neutral)} == {3}
    degraded = degrade(images, DegradationParameters((neutral, neutral)))
    torch.testing.assert_close(degraded, images, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_identity_kernels_leave_an_image_as_it_is(size: int) -> None:
    images = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(1))
    kernels = identity_kernels(2, size)
    assert kernels.shape == (2, size, size)
    torch.testing.assert_close(convolve(images, kernels), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        ([3, 1, 3], [3, 1, 3]),
        (torch.tensor([0, 4]), [0, 4]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, 2), [0, 2, 4]),
        ([], []),
    ],
)
def test_samples_are_selected_in_the_order_asked_for(
    indices: list[int] | Tensor | slice, expected: list[float]
) -> None:
    parameters = DegradationParameters((DegradationPass.neutral(5), numbered(5)))
    chosen = parameters.select(indices)
    assert len(chosen) == len(expected)
    assert sigmas(chosen) == expected
    assert len(chosen.passes) == 2
    for item in dataclasses.fields(DegradationPass):
        assert len(getattr(chosen.passes[0], item.name)) == len(expected), item.name


def test_a_sample_that_does_not_exist_is_refused() -> None:
    with pytest.raises(IndexError):
        DegradationParameters((numbered(5),)).select([5])


@given(sizes=st.lists(st.sampled_from([1, 3, 5, 9]), min_size=1, max_size=4))
def test_joined_kernels_have_room_for_the_widest_and_keep_their_middle(sizes: list[int]) -> None:
    joined = concatenate(
        [numbered(2, first=2 * index, size=size) for index, size in enumerate(sizes)]
    )
    assert sigmas(joined) == list(range(2 * len(sizes)))
    assert joined.kernels.shape == (2 * len(sizes), max(sizes), max(sizes))
    for index, size in enumerate(sizes):
        part = trim_kernels(joined.kernels[2 * index : 2 * index + 2])
        assert torch.equal(part, numbered(2, size=size).kernels)


def test_joining_leaves_the_parts_as_they_are() -> None:
    small, large = numbered(1, size=3), numbered(1, size=5)
    joined = concatenate([small, large])
    joined.kernels.zero_()
    joined.gaussian_sigma.fill_(7)
    assert small.kernels.shape == (1, 3, 3)
    assert torch.equal(large.kernels, numbered(1, size=5).kernels)
    assert sigmas(small) == sigmas(large) == [0]


@given(chosen=st.lists(st.booleans(), min_size=1, max_size=6))
def test_each_sample_comes_from_the_pass_that_is_chosen_for_it(chosen: list[bool]) -> None:
    count = len(chosen)
    these, others = numbered(count, size=3), numbered(count, first=100, size=5)
    mixed = where(torch.tensor(chosen), these, others)
    assert sigmas(mixed) == [index + (0 if taken else 100) for index, taken in enumerate(chosen)]
    for kernel, taken in zip(mixed.kernels, chosen, strict=True):
        expected = (these if taken else others).kernels[:1]
        assert torch.equal(trim_kernels(kernel[None]), expected)
