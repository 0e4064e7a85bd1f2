"""How pictures of one face lie on each other: small similarities, found by the pictures alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.transfer import to_device, to_like
from .asking import Asking

STEPS = 4
LARGEST_TURN = 0.05  # radians, and as much of a change in size
LARGEST_SHIFT = 0.06  # of half the picture's side
OUTSTANDING = 4.0  # times the usual difference from which something else is in front
LEAST = 0.02  # difference, in [0, 1], that is never outstanding
DAMPING = 1e-3  # share of the mean curvature: what a flat picture cannot tell stays as it is


def register(target: Tensor, sources: Tensor, mask: Tensor) -> Asking[Tensor]:
    """The similarities (K, 4) that bring pictures (K, 1, s, s) onto a target (1, s, s).

    The numbers are those of `similarity_grid`. They minimise the squared difference under the
    mask (1, s, s), which lies in the computer's own memory, up to a difference in brightness
    (Gauss-Newton with the target's gradient, Lucas and Kanade 1981). What differs far more than
    most, a hand that passes, does not count. A picture that does not come nearer stays where it is:
    zeros.
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
    limits = to_like(torch.tensor([LARGEST_TURN] * 2 + [LARGEST_SHIFT] * 2), along)
    unit = torch.eye(4, device=along.device, dtype=along.dtype)
    found = along.new_zeros(len(sources), 4)
    inside = to_device(torch.nonzero(mask.flatten() > mask.max() / 2)[:, 0], along.device)
    mask = to_like(mask, along).flatten()
    for _ in range(STEPS):
        difference, weights = _compare(target, warp(sources, found), mask, inside)
        curvature = torch.einsum("ip,kp,jp->kij", along, weights, along)
        scale = curvature.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-12)
        curvature = curvature + DAMPING * scale.view(-1, 1, 1) * unit
        slope = torch.einsum("ip,kp->ki", along, weights * difference)
        equations = yield torch.cat([curvature, slope[..., None]], dim=2)
        step = to_like(torch.linalg.solve(equations[..., :4], equations[..., 4]), found)
        found = torch.maximum(torch.minimum(found + step, limits), -limits)
    after, weights = _compare(target, warp(sources, found), mask, inside)
    before = (target - sources).flatten(1)
    before = before - (before * weights).sum(1, keepdim=True)
    nearer = (after.square() * weights).sum(1) < (before.square() * weights).sum(1)
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
    pixels = torch.arange(side, device=like.device, dtype=like.dtype)
    axis = (pixels + 0.5) / side * 2 - 1
    return axis[None], axis[:, None]


def _slopes(picture: Tensor) -> Tensor:
    """(2, s, s): by how much a picture (1, s, s) changes along x and y in [-1, 1]."""
    side = picture.shape[-1]
    padded = F.pad(picture[None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return torch.stack([across, down]) * (side / 2)


def _compare(
    target: Tensor, pictures: Tensor, mask: Tensor, inside: Tensor
) -> tuple[Tensor, Tensor]:
    """Differences (K, s * s) up to brightness, and how much each counts; their sum is 1. mask:
    (s * s,); inside: the places where it is."""
    difference = (target - pictures).flatten(1)
    difference = difference - difference[:, inside].median(1, keepdim=True).values
    usual = difference[:, inside].abs().median(1, keepdim=True).values
    weights = mask * (difference.abs() <= (OUTSTANDING * usual).clamp(min=LEAST))
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1e-9)
    return difference - (difference * weights).sum(1, keepdim=True), weights
