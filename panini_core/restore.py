"""Stage three: aligned faces and interpolation weights -> restored faces."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .degradation import network_input
from .faces import FaceSet, InterpolationWeights, RestoredFaces
from .images import from_network
from .models.panini import PaniniNet

# Called after each chunk as on_chunk(faces done, faces in all); may raise to stop.
OnChunk = Callable[[int, int], None]


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

    The faces go through the network in chunks of `batch`. When the device runs out of memory the
    chunk is halved and tried again; a single face that does not fit raises the device's error.

    Returns crops (F, 3, R, R) RGB float32 in [0, 1] on the faces' device, R the model's output
    size. Raises ValueError if the weights are not for these faces or this model.
    """
    count = len(faces)
    if weights is not None and len(weights) != count:
        raise ValueError(f"Got interpolation weights for {len(weights)} faces, but {count} faces.")
    if batch < 1:
        raise ValueError(f"The batch must be at least 1, got {batch}.")
    size = model.config.output_size
    crops = torch.empty((count, 3, size, size), device=faces.crops.device)
    done = 0
    while done < count:
        chunk = slice(done, min(done + batch, count))
        alpha = None if weights is None else weights.alpha[chunk].to(model.device)
        try:
            restored = _restore_chunk(model, faces.crops[chunk], alpha)
        except RuntimeError as error:
            if chunk.stop - chunk.start == 1 or not is_out_of_memory(error):
                raise
            restored = None
        if restored is None:  # outside the handler, which keeps the failed tensors alive
            batch = (chunk.stop - chunk.start + 1) // 2
            release_memory(model.device)
            continue
        crops[chunk] = restored.to(crops)
        done = chunk.stop
        if on_chunk is not None:
            on_chunk(done, count)
    return RestoredFaces(faces, crops)


def _restore_chunk(model: PaniniNet, crops: Tensor, alpha: Tensor | None) -> Tensor:
    return from_network(model(network_input(model, crops), alpha))


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error says that the device has no memory left (CUDA, MPS and CPU differ)."""
    message = str(error).lower()
    return "out of memory" in message or "can't allocate memory" in message


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
