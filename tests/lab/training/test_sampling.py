from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from panini_lab.training.sampling import seeded_generator

Place = tuple[int, int, int, int]  # seed, step, rank, purpose

places = st.tuples(
    st.integers(0, 1000), st.integers(0, 10**6), st.integers(0, 63), st.integers(0, 30)
)


def draw(place: Place) -> torch.Tensor:
    seed, step, rank, purpose = place
    return torch.rand(4, generator=seeded_generator(seed, step, rank, purpose))


@given(place=places)
def test_the_same_place_draws_the_same_numbers(place: Place) -> None:
    assert torch.equal(draw(place), draw(place))


@given(place=places, other=places)
def test_other_places_draw_others(place: Place, other: Place) -> None:
    assert torch.equal(draw(place), draw(other)) == (place == other)
