from __future__ import annotations

import torch
from torch import nn

from panini_lab.training.ema import ExponentialAverage


def test_the_average_follows_fast_first_and_then_slowly() -> None:
    network = nn.BatchNorm1d(2)
    average = ExponentialAverage(network, decay=0.9)
    with torch.no_grad():
        network.weight.fill_(2.0)
        assert network.running_mean is not None
        network.running_mean.fill_(7.0)
    average.update(network)
    # decay of the first update is (1 + 1) / (10 + 1)
    torch.testing.assert_close(average.average.weight, torch.full((2,), 1 + 9 / 11))
    torch.testing.assert_close(average.average.running_mean, torch.full((2,), 7.0))
    average.updates = 10_000
    before = average.average.weight.clone()
    average.update(network)
    torch.testing.assert_close(average.average.weight, before.lerp(network.weight, 0.1))
    assert not any(p.requires_grad for p in average.average.parameters())
