"""A part of a network keeps its precision, whatever autocast does to the whole."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from panini_core.models.precision import (
    FullPrecision,
    full_precision,
    full_precision_names,
    set_precision,
    wide,
)


def product_dtype() -> torch.dtype:
    """What autocast makes of a product of float32 matrices on the CPU."""
    return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


def test_autocast_stops_inside_and_goes_on_after() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        with full_precision(torch.ones(1)):
            assert product_dtype() == torch.float32
        assert product_dtype() == torch.bfloat16


def test_small_differences_survive() -> None:
    """bfloat16 would round 1 + 2^-10 to 1."""
    values = torch.full((4, 4), 1 + 2**-10)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = values @ torch.eye(4)
        with full_precision(values):
            kept = values @ torch.eye(4)
    assert torch.equal(kept, values)
    assert torch.equal(rounded.float(), torch.ones(4, 4))


def test_without_autocast_nothing_changes() -> None:
    with full_precision(torch.ones(1)):
        assert product_dtype() == torch.float32
    with full_precision(torch.ones(1, dtype=torch.bfloat16)):
        half = torch.ones(2, 2, dtype=torch.bfloat16)
        assert (half @ half).dtype == torch.bfloat16  # kept as it is, not raised


def test_a_device_without_autocast_is_no_error() -> None:
    somewhere = torch.ones(2, 2, device="meta")
    assert not torch.amp.is_autocast_available("meta")
    with full_precision(somewhere):
        assert (somewhere @ somewhere).dtype == torch.float32


class Scaled(FullPrecision):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.BatchNorm1d(2)
        self.register_buffer("filter", torch.full((1,), 1 + 2**-10), persistent=False)


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Linear(2, 2)
        self.scaled = Scaled()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_parts_of_full_precision_stay_so_with_all_they_hold(dtype: torch.dtype) -> None:
    network = Whole()
    set_precision(network, dtype)
    assert network.plain.weight.dtype == network.plain.bias.dtype == dtype
    assert wide(dtype) == (torch.float64 if dtype == torch.float64 else torch.float32)
    state = network.state_dict()
    names = full_precision_names(network)
    assert {f"scaled.inner.{name}" for name in network.scaled.inner.state_dict()} == names
    floating = {name: it for name, it in state.items() if it.is_floating_point()}
    for name, tensor in floating.items():
        assert tensor.dtype == (wide(dtype) if name in names else dtype)
    # What was never narrowed lost nothing.
    assert network.scaled.get_buffer("filter").item() == 1 + 2**-10
    assert state["scaled.inner.num_batches_tracked"].dtype == torch.int64
