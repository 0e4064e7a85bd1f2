"""A part of a network keeps its precision, whatever autocast does to the whole."""

from __future__ import annotations

import torch

from panini_core.models.precision import full_precision


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
