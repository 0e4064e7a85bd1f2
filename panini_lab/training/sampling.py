"""Random numbers as a function of seed, step, process and purpose, so that runs can be resumed."""

from __future__ import annotations

import torch


def seeded_generator(seed: int, step: int, rank: int, purpose: int) -> torch.Generator:
    """A CPU generator; the purposes of a run draw independently."""
    mixed = ((seed * 1_000_003 + step) * 1_009 + rank) * 31 + purpose
    return torch.Generator().manual_seed(mixed % 2**63)
