"""What is derived from a weight is computed once, and again when the weight changes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from panini_core.models.derived import Derived


class Doubled:
    """A computation that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, weight: Tensor) -> Tensor:
        self.done += 1
        return weight * 2


@pytest.fixture
def weight() -> nn.Parameter:
    return nn.Parameter(torch.arange(3.0))


def test_it_is_computed_once(weight: nn.Parameter) -> None:
    derived = Derived(compute := Doubled())
    with torch.no_grad():
        first, second = derived(weight), derived(weight)
    assert torch.equal(first, weight * 2) and second is first
    assert compute.done == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.add_(1),
        lambda weight: weight.lerp_(torch.ones(3), 0.5),
        lambda weight: nn.Module.double(holding(weight)),
        lambda weight: setattr(weight, "data", torch.ones(3)),
    ],
    ids=["in place", "average", "precision", "other numbers"],
)
def test_a_change_counts(weight: nn.Parameter, change: Callable[[nn.Parameter], object]) -> None:
    derived = Derived(compute := Doubled())
    with torch.no_grad():
        derived(weight)
        change(weight)
        assert torch.equal(derived(weight), weight * 2)
        assert derived(weight).dtype == weight.dtype
    assert compute.done == 2


def holding(weight: nn.Parameter) -> nn.Module:
    module = nn.Module()
    module.register_parameter("weight", weight)
    return module


def test_another_weight_counts(weight: nn.Parameter) -> None:
    derived = Derived(Doubled())
    with torch.no_grad():
        derived(weight)
        assert torch.equal(derived(weight + 1), weight * 2 + 2)


def test_an_optimiser_step_counts(weight: nn.Parameter) -> None:
    derived = Derived(Doubled())
    optimiser = torch.optim.Adam([weight], lr=0.1)
    for _ in range(2):
        with torch.no_grad():
            assert torch.equal(derived(weight), weight * 2)
        derived(weight).square().sum().backward()
        optimiser.step()


def test_gradients_flow_while_they_are_wanted(weight: nn.Parameter) -> None:
    derived = Derived(Doubled())
    with torch.no_grad():
        derived(weight)
    derived(weight).sum().backward()
    assert weight.grad is not None and torch.equal(weight.grad, torch.full((3,), 2.0))


def test_a_copy_has_its_own(weight: nn.Parameter) -> None:
    derived = Derived(Doubled())
    with torch.no_grad():
        derived(weight)
        other, own = copy.deepcopy((weight, derived))
        weight.add_(1)
        other.add_(2)
        assert torch.equal(own(other), other * 2)
        assert torch.equal(derived(weight), weight * 2)


def test_inference_tensors_serve(weight: nn.Parameter) -> None:
    with torch.inference_mode():
        loaded = weight.clone()
        derived = Derived(compute := Doubled())
        assert torch.equal(derived(loaded), derived(loaded))
        assert compute.done == 1
    assert torch.equal(derived(loaded), loaded * 2)  # outside as well
