"""Stage two: faces -> degradation representation, and its edits.

Every edit acts on each face by itself. Neutral values change nothing, to the bit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..faces import DegradationRepresentation, FaceSet
from ..models.face_restorer import FaceRestorer
from ..models.panini import PaniniNet
from ..models.transfer import to_device
from ..models.value_range import to_network
from .chunks import run_in_chunks


def network_input(model: FaceRestorer, crops: Tensor) -> Tensor:
    """Crops (F, 3, S, S) in [0, 1] as the model takes them: its device, its size, [-1, 1]."""
    crops = to_device(crops, model.device, torch.float32)
    size = model.input_size
    if crops.shape[-2:] != (size, size):
        crops = F.interpolate(crops, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
    return to_network(crops)


@torch.no_grad()
def represent_degradation(
    model: PaniniNet, faces: FaceSet, *, batch: int | None = None
) -> DegradationRepresentation:
    """The degradation representation of each face (section 3.1), in chunks of `batch` faces;
    None: as suits the device (see `default_batch`).

    Chunks are halved when the device runs out of memory.
    """

    def represent(chunk: slice) -> Tensor:
        return model.encode_degradation(network_input(model, faces.crops[chunk]))

    vectors = [torch.empty((0, model.config.degradation_size), device=model.device)]
    vectors += run_in_chunks(represent, len(faces), batch=batch, device=model.device)
    return DegradationRepresentation(torch.cat(vectors))


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
