"""Precision of a part of a network, whatever that of the whole."""

from __future__ import annotations

import torch
from torch import Tensor


def full_precision(like: Tensor) -> torch.autocast:
    """A context in which autocast does not lower the precision on the device of `like`."""
    device = like.device.type
    return torch.autocast(
        device if torch.amp.is_autocast_available(device) else "cpu", enabled=False
    )
