"""How far boxes lie on each other. A box is x0, y0, x1, y1 in px; the last axis holds the four."""

from __future__ import annotations

import torch
from torch import Tensor


def box_areas(boxes: Tensor) -> Tensor:
    """The area (K,) of each of the boxes (K, 4), px²."""
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)


def shared_areas(some: Tensor, others: Tensor) -> Tensor:
    """The area (K, L) that boxes (K, 4) have in common with others (L, 4), px²."""
    low = torch.maximum(some[:, None, :2], others[:, :2])
    high = torch.minimum(some[:, None, 2:], others[:, 2:])
    return (high - low).clamp(min=0).prod(-1)


def box_overlaps(some: Tensor, others: Tensor) -> Tensor:
    """Intersection over union (K, L) in [0, 1] of boxes (K, 4) with others (L, 4).

    Boxes without an area overlap nothing.
    """
    shared = shared_areas(some, others)
    union = box_areas(some)[:, None] + box_areas(others) - shared
    return shared / union.clamp(min=1e-9)


def suppress_overlaps(boxes: Tensor, scores: Tensor, most: float) -> Tensor:
    """Non-maximum suppression: which of the boxes (K, 4) remain, best first.

    Of boxes that overlap by more than `most` (intersection over union) the best one remains. Equal
    scores (K,) count in the order in which they are given.
    """
    rest = scores.argsort(descending=True, stable=True)
    kept = [rest[:0]]
    while len(rest):
        best, rest = rest[:1], rest[1:]
        kept.append(best)
        rest = rest[box_overlaps(boxes[best], boxes[rest])[0] <= most]
    return torch.cat(kept)
