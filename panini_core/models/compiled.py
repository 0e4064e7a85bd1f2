"""Networks that torch compiles, and the sizes of batches that it is to see."""

from __future__ import annotations

import torch
from torch import Tensor

from .face_restorer import FaceRestorer
from .panini import PaniniNet


def compile_restorer(model: FaceRestorer) -> None:
    """Have a network compiled when it is first called, in place.

    On CUDA it then runs as CUDA graphs, one for each size of batch, and batches are filled up to
    powers of two, so that there are few of them: a call costs one launch instead of hundreds.
    """
    if model.device.type != "cuda":
        model.compile()
        return
    model.compile(mode="reduce-overhead")
    if isinstance(model, PaniniNet):  # others get one face at a time
        model.fills_batches = True


def size_to_fill(count: int, batch: int) -> int:
    """The size of a batch of `count` samples that is filled up: the next power of two, but not
    more than `batch`, unless there are more."""
    return max(count, min(1 << (count - 1).bit_length(), batch))


def fill_up(samples: Tensor, size: int) -> Tensor:
    """Samples (N, …) and copies of the last one: (size, …)."""
    missing = size - len(samples)
    if missing <= 0:
        return samples
    rest = samples[-1:].expand(missing, *samples.shape[1:])
    return torch.cat([samples, rest])
