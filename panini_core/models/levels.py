"""The levels of a generator, coarse first: each is twice as fine as the one before."""

from __future__ import annotations

COARSEST = 4  # px


def resolution_of(level: int) -> int:
    """The side of a level's features, px: 4, 8, 16, …"""
    return COARSEST * 2**level
