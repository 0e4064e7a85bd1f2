"""How pictures of one face lie on each other: small similarities, found by the pictures alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STEPS = 4
LARGEST_TURN = 0.05  # radians, and as much of a change in size
LARGEST_SHIFT = 0.06  # of half the picture's side
DAMPING = 1e-3  # share of the mean curvature: what a flat picture cannot tell stays as it is


def register(target: Tensor, sources: Tensor, mask: Tensor) -> Tensor:
    """The similarities (K, 4) that bring pictures (K, 1, s, s) onto a target (1, s, s).

    The numbers are those of `similarity_grid`. They minimise the squared difference under the
    mask (1, s, s), up to a difference in brightness (Gauss-Newton with the target's gradient,
    Lucas and Kanade 1981). A picture that does not come nearer so stays where it is: zeros.
    """
    side = target.shape[-1]
    slopes = _slopes(target)  # (2, s, s): along x and y
    x, y = _axes(side, target)
    along = torch.stack(
        [
            slopes[0] * x + slopes[1] * y,
            slopes[1] * x - slopes[0] * y,
            slopes[0].expand(side, side),
            slopes[1].expand(side, side),
        ]
    ).flatten(1)  # (4, s * s): how the target changes with each number
    weights = mask.flatten() / mask.sum().clamp(min=1e-9)
    curvature = (along * weights) @ along.T
    scale = curvature.diagonal().mean().clamp(min=1e-12)
    curvature = curvature + DAMPING * scale * torch.eye(4).to(curvature)
    solve = torch.linalg.solve(curvature.cpu(), (along * weights).cpu()).to(along)  # (4, s * s)

    limits = torch.tensor([LARGEST_TURN] * 2 + [LARGEST_SHIFT] * 2).to(along)
    found = torch.zeros(len(sources), 4).to(along)
    at_first = _misfit(target, sources, weights)
    for _ in range(STEPS):
        moved = warp(sources, found)
        difference = (target - moved).flatten(1)
        difference = difference - (difference @ weights)[:, None]
        found = torch.maximum(torch.minimum(found + difference @ solve.T, limits), -limits)
    nearer = _misfit(target, warp(sources, found), weights) < at_first
    return torch.where(nearer[:, None], found, 0.0)


def warp(pictures: Tensor, similarities: Tensor) -> Tensor:
    """Pictures (K, C, s, s) as seen through their similarities (K, 4); bicubic where there is
    that, mirrored beyond the border."""
    grid = similarity_grid(similarities, pictures.shape[-1])
    mode = "bilinear" if pictures.device.type == "mps" else "bicubic"
    return F.grid_sample(pictures, grid, mode=mode, padding_mode="reflection", align_corners=False)


def similarity_grid(similarities: Tensor, side: int) -> Tensor:
    """Where each pixel of a picture looks: (K, s, s, 2), in [-1, 1] from border to border.

    similarities (K, 4): a, b, x, y; the point (u, v) looks at (u + a u - b v + x, v + b u + a v +
    y): a is the change in size, b the turn.
    """
    u, v = _axes(side, similarities)
    a, b, x, y = (value.view(-1, 1, 1) for value in similarities.unbind(1))
    return torch.stack([u + a * u - b * v + x, v + b * u + a * v + y], dim=-1)


def _axes(side: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """x (1, s) and y (s, 1) of the pixels' centres in [-1, 1]."""
    axis = ((torch.arange(side) + 0.5) / side * 2 - 1).to(like)
    return axis[None], axis[:, None]


def _slopes(picture: Tensor) -> Tensor:
    """(2, s, s): by how much a picture (1, s, s) changes along x and y in [-1, 1]."""
    side = picture.shape[-1]
    padded = F.pad(picture[None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return torch.stack([across, down]) * (side / 2)


def _misfit(target: Tensor, pictures: Tensor, weights: Tensor) -> Tensor:
    difference = (target - pictures).flatten(1)
    difference = difference - (difference @ weights)[:, None]
    return difference.square() @ weights
