"""Which device `auto` stands for."""

from __future__ import annotations

import torch


def fastest_device() -> torch.device:
    """The fastest device there is: CUDA, else MPS, else the CPU.

    For those who start a program: stages and networks take a device and never choose one.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
