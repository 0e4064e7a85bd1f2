"""Tensors between the computer's own memory and a device, waiting as rarely as is safe.

On CUDA a copy from pinned memory goes on its own: what the device computes later comes after it,
and torch keeps the pinned memory until it is done. A copy from the device must be waited for before
anybody reads it; several are waited for together. On other devices these are ordinary copies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MOST_PINNED = 2**28  # bytes of a copy; torch keeps pinned memory, which others cannot use
_QUEUES_COPIES = frozenset({"cuda"})


def works_ahead(device: torch.device) -> bool:
    """Whether a device works through a queue, so that waiting for it costs more than the work."""
    return device.type in _QUEUES_COPIES


def to_device(
    tensor: Tensor, device: str | torch.device, dtype: torch.dtype | None = None
) -> Tensor:
    """The tensor on a device, and of a type; the very tensor if it is so already.

    Nobody waits for a copy to CUDA. The type is changed before the move, since not every device
    knows float64. Gradients flow back.
    """
    device = torch.device(device)
    if dtype is not None:
        tensor = tensor.to(dtype)
    if tensor.device.type != "cpu" or not works_ahead(device):
        return tensor.to(device)
    return _staged(tensor).to(device, non_blocking=True)


def to_like(tensor: Tensor, like: Tensor) -> Tensor:
    """The tensor on the device and of the type of another one."""
    return to_device(tensor, like.device, like.dtype)


def to_host(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors in the computer's own memory; their device is waited for once.

    For numbers to decide by. Large results are left to `Tensor.cpu`, which pins nothing.
    """
    waited_for = {one.device for one in tensors if works_ahead(one.device)}
    found = [_fetched(one) if one.device in waited_for else one.cpu() for one in tensors]
    for device in waited_for:
        _wait(device)
    return found


def _staged(tensor: Tensor) -> Tensor:
    """A copy in pinned memory; the tensor itself where there is none to be had."""
    is_pinned = tensor.is_pinned()
    if is_pinned or tensor.requires_grad or not 0 < tensor.nbytes <= MOST_PINNED:
        return tensor
    try:
        staged = torch.empty_like(tensor, pin_memory=True)
    except RuntimeError:  # systems bound it, WSL to very little
        return tensor
    return staged.copy_(tensor)


def _fetched(tensor: Tensor) -> Tensor:
    """A copy that is complete once its device has been waited for."""
    try:
        target = torch.empty_like(tensor, device="cpu", pin_memory=True)
    except RuntimeError:
        return tensor.detach().cpu()
    return target.copy_(tensor.detach(), non_blocking=True)


def _wait(device: torch.device) -> None:
    torch.cuda.current_stream(device).synchronize()
