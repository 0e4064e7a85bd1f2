"""Precision of a part of a network, whatever that of the whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FullPrecision(nn.Module):
    """A part that computes in float32 in a network of half precision. Its numbers stay so, too:
    they are few, and narrow ones would have to be widened in every call."""


def full_precision(like: Tensor) -> torch.autocast:
    """A context in which autocast does not lower the precision on the device of `like`."""
    device = like.device.type
    return torch.autocast(
        device if torch.amp.is_autocast_available(device) else "cpu", enabled=False
    )


def full_precision_names(network: nn.Module) -> set[str]:
    """Which tensors of a network's state belong to parts that compute in float32."""
    return {
        f"{prefix}.{name}"
        for prefix, part in network.named_modules()
        if isinstance(part, FullPrecision)
        for name in part.state_dict()
    }


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type of the parts that compute in float32, in a network of this type."""
    return torch.promote_types(dtype, torch.float32)


@torch.no_grad()
def set_precision(network: nn.Module, dtype: torch.dtype) -> None:
    """Give the network this type, and its parts that compute in float32 at least that."""
    full = {
        part
        for whole in network.modules()
        if isinstance(whole, FullPrecision)
        for part in whole.modules()
    }
    for part in network.modules():
        own = wide(dtype) if part in full else dtype
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False)):
            if tensor.is_floating_point():
                tensor.data = tensor.data.to(own)
