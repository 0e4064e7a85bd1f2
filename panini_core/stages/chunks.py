"""Work on many faces in chunks that fit the device's memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..options import DEFAULT_BATCH

# Called as images are done as on_image(images done, images in all); may raise to stop.
OnImage = Callable[[int, int], None]

# Called after each chunk as on_chunk(faces done, faces in all, the chunk's result); may raise to
# stop.
OnChunk = Callable[[int, int, Tensor], None]


def default_batch(device: torch.device) -> int:
    """How many faces go through a network together unless something else is chosen.

    On a CPU one by one: its caches hold the features of one face, and a batch takes longer. Results
    do not depend there on who else is in the picture, to the bit.
    """
    return 1 if device.type == "cpu" else DEFAULT_BATCH


def run_in_chunks(
    compute: Callable[[slice], Tensor],  # the faces of a slice -> one row for each
    count: int,
    *,
    batch: int | None,
    device: torch.device,
    on_chunk: OnChunk | None = None,
) -> list[Tensor]:
    """The results of `compute` over `count` faces, in chunks of at most `batch`; None: as suits
    the device (see `default_batch`).

    When the device runs out of memory the chunk is halved and tried again; a single face that
    does not fit raises the device's error. Raises ValueError for a batch below 1.
    """
    if batch is None:
        batch = default_batch(device)
    if batch < 1:
        raise ValueError(f"The batch must be at least 1, got {batch}.")
    results: list[Tensor] = []
    done = 0
    while done < count:
        chunk = slice(done, min(done + batch, count))
        size = chunk.stop - chunk.start
        result: Tensor | None = None
        try:
            result = compute(chunk)
        except RuntimeError as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        if result is None:  # outside the handler, which keeps the failed tensors alive
            batch = (size + 1) // 2
            release_memory(device)
            continue
        results.append(result)
        done = chunk.stop
        if on_chunk is not None:
            on_chunk(done, count, result)
    return results


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error says that the device has no memory left (CUDA, MPS and CPU differ)."""
    message = str(error).lower()
    told = ("out of memory", "can't allocate memory", "not enough memory")  # the last: Windows
    return any(words in message for words in told)


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
