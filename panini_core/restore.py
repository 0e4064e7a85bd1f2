"""Stage three: aligned faces and interpolation weights -> restored faces."""

from __future__ import annotations

import torch
from torch import Tensor

from .chunks import OnChunk, run_in_chunks
from .degradation import network_input
from .faces import FaceSet, InterpolationWeights, RestoredFaces
from .images import from_network
from .models.panini import PaniniNet


@torch.inference_mode()
def restore_faces(
    model: PaniniNet,
    faces: FaceSet,
    weights: InterpolationWeights | None = None,
    *,
    batch: int = 8,
    on_chunk: OnChunk | None = None,
) -> RestoredFaces:
    """Restore every face (section 3.2); `weights` None: as the model derives them from the faces.

    The faces go through the network in chunks of `batch`, which are halved when the device runs
    out of memory.

    Returns crops (F, 3, R, R) RGB float32 in [0, 1] on the faces' device, R the model's output
    size. Raises ValueError if the weights are not for these faces or this model.
    """
    if weights is not None and len(weights) != len(faces):
        raise ValueError(
            f"Got interpolation weights for {len(weights)} faces, but {len(faces)} faces."
        )

    def restore(chunk: slice) -> Tensor:
        alpha = None if weights is None else weights.alpha[chunk].to(model.device)
        restored = model(network_input(model, faces.crops[chunk]), alpha)
        return from_network(restored.float()).to(faces.crops.device)

    size = model.config.output_size
    crops = [torch.empty((0, 3, size, size), device=faces.crops.device)]
    crops += run_in_chunks(restore, len(faces), batch=batch, device=model.device, on_chunk=on_chunk)
    return RestoredFaces(faces, torch.cat(crops))
