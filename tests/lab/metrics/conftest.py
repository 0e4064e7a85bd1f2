"""What the tests of metrics share."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from panini_lab.metrics.mobilefacenet import MobileFaceNet


@pytest.fixture(scope="session")
def narrow_network() -> MobileFaceNet:
    """MobileFaceNet with few channels and activations that are cut on both sides."""
    torch.manual_seed(0)
    network = MobileFaceNet(width=4, embedding_size=8).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            assert layer.bias is not None
            nn.init.normal_(layer.bias)
    return network.requires_grad_(False)
