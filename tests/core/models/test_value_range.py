from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_core.models.value_range import finite_pixels, from_network, to_network


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_network_range_round_trip(values: list[float]) -> None:
    images = torch.tensor(values)
    inside = to_network(images)
    assert inside.min() >= -1
    assert inside.max() <= 1
    torch.testing.assert_close(from_network(inside), images, atol=1e-6, rtol=0)


def test_from_network_clamps() -> None:
    assert from_network(torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_a_loss_sees_what_lies_beyond_and_its_gradient_leads_back() -> None:
    images = torch.tensor([-3.0, 0.0, 3.0], requires_grad=True)
    beyond = from_network(images, clamp=False)
    assert beyond.tolist() == [-1, 0.5, 2]
    beyond.square().sum().backward()
    assert images.grad is not None
    assert images.grad.tolist() == [-1, 0.5, 2]


def test_what_is_not_finite_becomes_an_end_of_the_range() -> None:
    given = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.3, -0.2, 1.2])
    assert torch.equal(finite_pixels(given), torch.tensor([0, 1, 0, 0.3, -0.2, 1.2]))
