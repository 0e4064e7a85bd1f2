"""Stage two: degradation representation -> interpolation weights, and their edits.

Every edit acts on each face by itself. Neutral values change nothing, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..faces import DegradationRepresentation, InterpolationWeights
from ..models.fidelity_curve import FidelityCurve
from ..models.panini import PaniniNet
from ..models.transfer import to_device, to_like
from .chunks import run_in_chunks


@torch.no_grad()
def weigh_features(
    model: PaniniNet, degradation: DegradationRepresentation, *, batch: int | None = None
) -> InterpolationWeights:
    """The interpolation weights that the model derives from the DR (section 3.2), `batch` faces
    at a time; None: as suits the device (see `default_batch`).

    Raises ValueError if the DR does not have the model's size.
    """
    vectors = to_device(degradation.vectors, model.device)

    def weigh(chunk: slice) -> Tensor:
        return model.predict_alpha(vectors[chunk])

    alphas = [model.predict_alpha(vectors[:0])]  # of the right shape, without faces too
    alphas += run_in_chunks(weigh, len(vectors), batch=batch, device=model.device)
    return InterpolationWeights(torch.cat(alphas))


def apply_fidelity(
    weights: InterpolationWeights,
    fidelity: float | Sequence[float],
    curve: FidelityCurve | None = None,
) -> InterpolationWeights:
    """Move alpha from what the network chose (0.5) toward the most faithful restoration (1) or
    the prettiest one (0).

    curve: how each level moves, as it was calibrated for a model's weights (`fidelity_curve`).
    None: from the GAN prior alone (0) to the image's own features alone (1); between, alpha goes
    linearly to 1 or to 0. A sequence holds one fidelity a face. Raises ValueError outside [0, 1],
    for another number of them, and for a curve of other levels.
    """
    if isinstance(fidelity, Sequence):
        faces = weights.alpha.split(1)
        if len(fidelity) != len(faces):
            raise ValueError(f"Got {len(fidelity)} fidelities for {len(faces)} faces.")
        if len(set(fidelity)) < 2:  # all together
            return apply_fidelity(weights, fidelity[0], curve) if len(fidelity) else weights
        moved = [
            apply_fidelity(InterpolationWeights(alpha), own, curve).alpha
            for alpha, own in zip(faces, fidelity, strict=True)
        ]
        return InterpolationWeights(torch.cat(moved))
    if not 0 <= fidelity <= 1:
        raise ValueError(f"Fidelity must lie in 0..1 (0.5 is neutral), got {fidelity}.")
    if fidelity == 0.5:
        return weights
    if curve is None:
        return InterpolationWeights(_move(weights.alpha, fidelity))
    _check_levels(weights, places := curve.at(fidelity), "place of the fidelity curve")
    levels = zip(weights.alpha.unbind(1), places, strict=True)
    return InterpolationWeights(torch.stack([_move(alpha, place) for alpha, place in levels], 1))


def _move(alpha: Tensor, place: float) -> Tensor:
    """Alpha moved to a place: 0 is all prior, 1 all image, 0.5 where it is."""
    target = 0.0 if place > 0.5 else 1.0
    return alpha + (target - alpha) * abs(2 * place - 1)


def bias_levels(weights: InterpolationWeights, biases: Sequence[float]) -> InterpolationWeights:
    """Add a bias to alpha's logit per level, coarse first: alpha = sigmoid(logit(alpha) + bias).

    0 is neutral, positive values trust the GAN prior more; infinities give exactly 0 or 1.
    Raises ValueError if there is not one bias a level.
    """
    _check_levels(weights, biases, "bias")
    alpha = weights.alpha.clone()
    for level, bias in enumerate(biases):
        if math.isinf(bias):
            alpha[:, level] = float(bias > 0)
        elif bias:
            exact = alpha[:, level].cpu().double()  # there, for MPS knows no float64
            moved = torch.sigmoid(torch.logit(exact) + bias)
            alpha[:, level] = to_like(moved, alpha)
    return InterpolationWeights(alpha)


def move_levels(weights: InterpolationWeights, positions: Sequence[float]) -> InterpolationWeights:
    """Move alpha by a fader in [-1, 1] per level, coarse first: 0 is neutral, 1 exactly the GAN
    prior, -1 exactly the image.

    Between, a position v adds log((1 + v) / (1 - v)) to alpha's logit (see `bias_levels`): an
    alpha of a half becomes (v + 1) / 2. Raises ValueError if there is not one position a level, or
    one lies outside [-1, 1].
    """
    _check_levels(weights, positions, "position")
    for level, position in enumerate(positions):
        if not -1 <= position <= 1:
            raise ValueError(f"The fader of level {level} must lie in -1..1, got {position}.")
    return bias_levels(
        weights,
        [
            math.copysign(math.inf, v) if abs(v) == 1 else math.log((1 + v) / (1 - v))
            for v in positions
        ],
    )


def override_levels(
    weights: InterpolationWeights, values: Sequence[float | None]
) -> InterpolationWeights:
    """Replace alpha of a level, coarse first, by a constant in [0, 1]; None keeps the level.

    Raises ValueError if there is not one value a level, or one lies outside [0, 1].
    """
    _check_levels(weights, values, "value")
    alpha = weights.alpha.clone()
    for level, value in enumerate(values):
        if value is None:
            continue
        if not 0 <= value <= 1:
            raise ValueError(f"Alpha of level {level} must lie in 0..1, got {value}.")
        alpha[:, level] = value
    return InterpolationWeights(alpha)


def _check_levels(weights: InterpolationWeights, values: Sequence[float | None], name: str) -> None:
    levels = weights.alpha.shape[1]
    if len(values) != levels:
        raise ValueError(f"Expected one {name} for each of {levels} levels, got {len(values)}.")
