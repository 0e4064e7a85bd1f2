"""Exponential moving average of a network's parameters."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class ExponentialAverage(Generic[Network]):
    """Keeps `average`, a copy of the network that follows it slowly; buffers are copied.

    The first updates follow faster, (1 + n) / (10 + n), so that the start is soon forgotten.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.average = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: Network) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for kept, current in zip(self.average.parameters(), network.parameters(), strict=True):
            kept.lerp_(current, 1 - decay)
        for kept, current in zip(self.average.buffers(), network.buffers(), strict=True):
            kept.copy_(current)
