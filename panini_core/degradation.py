"""Stage two: faces -> degradation representation -> interpolation weights, and edits of both.

Every edit acts on each face by itself. Neutral values change nothing, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .chunks import run_in_chunks
from .faces import DegradationRepresentation, FaceSet, InterpolationWeights
from .images import to_network
from .models.panini import PaniniNet
from .options import DEFAULT_BATCH


def network_input(model: PaniniNet, crops: Tensor) -> Tensor:
    """Crops (F, 3, S, S) in [0, 1] as the model takes them: its device, its size, [-1, 1]."""
    crops = crops.to(model.device, torch.float32)
    size = model.config.input_size
    if crops.shape[-2:] != (size, size):
        crops = F.interpolate(crops, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
    return to_network(crops)


@torch.inference_mode()
def represent_degradation(
    model: PaniniNet, faces: FaceSet, *, batch: int = DEFAULT_BATCH
) -> DegradationRepresentation:
    """The degradation representation of each face (section 3.1), in chunks of `batch` faces.

    Chunks are halved when the device runs out of memory.
    """

    def represent(chunk: slice) -> Tensor:
        return model.encode_degradation(network_input(model, faces.crops[chunk]))

    vectors = [torch.empty((0, model.config.degradation_size), device=model.device)]
    vectors += run_in_chunks(represent, len(faces), batch=batch, device=model.device)
    return DegradationRepresentation(torch.cat(vectors))


@torch.inference_mode()
def weigh_features(
    model: PaniniNet, degradation: DegradationRepresentation, *, batch: int = DEFAULT_BATCH
) -> InterpolationWeights:
    """The interpolation weights that the model derives from the DR (section 3.2), `batch` faces
    at a time.

    Raises ValueError if the DR does not have the model's size.
    """
    vectors = degradation.vectors.to(model.device)

    def weigh(chunk: slice) -> Tensor:
        return model.predict_alpha(vectors[chunk])

    alphas = [model.predict_alpha(vectors[:0])]  # of the right shape, without faces too
    alphas += run_in_chunks(weigh, len(vectors), batch=batch, device=model.device)
    return InterpolationWeights(torch.cat(alphas))


def blend_degradations(
    a: DegradationRepresentation, b: DegradationRepresentation, amount: float
) -> DegradationRepresentation:
    """(1 - amount) * a + amount * b; `b` may hold one DR for all faces. Amounts outside [0, 1]
    extrapolate. Raises ValueError if the counts or sizes do not fit."""
    if len(b) not in (1, len(a)) or a.vectors.shape[1] != b.vectors.shape[1]:
        raise ValueError(
            f"Degradations {tuple(a.vectors.shape)} and {tuple(b.vectors.shape)} do not fit: "
            "the second needs the same size and as many faces as the first, or one."
        )
    if amount == 0:
        return a
    other = b.vectors.to(a.vectors).expand_as(a.vectors)
    return DegradationRepresentation(
        other.clone() if amount == 1 else torch.lerp(a.vectors, other, amount)
    )


def average_degradation(degradation: DegradationRepresentation) -> DegradationRepresentation:
    """One DR (1, D): the mean over all faces. Raises ValueError without a face."""
    if len(degradation) == 0:
        raise ValueError("There is no face whose degradation could be averaged.")
    return DegradationRepresentation(degradation.vectors.mean(0, keepdim=True))


def apply_fidelity(weights: InterpolationWeights, fidelity: float) -> InterpolationWeights:
    """Move alpha toward the image's own features (1), or toward the GAN prior (0).

    0.5 is neutral. Between, alpha goes linearly to 0 or to 1. Raises ValueError outside [0, 1].
    """
    if not 0 <= fidelity <= 1:
        raise ValueError(f"Fidelity must lie in 0..1 (0.5 is neutral), got {fidelity}.")
    if fidelity == 0.5:
        return weights
    target = 0.0 if fidelity > 0.5 else 1.0
    amount = abs(2 * fidelity - 1)
    return InterpolationWeights(weights.alpha + (target - weights.alpha) * amount)


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
            alpha[:, level] = torch.sigmoid(torch.logit(alpha[:, level].double()) + bias).to(alpha)
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
