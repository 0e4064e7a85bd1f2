"""What a model that spandrel has read offers; ComfyUI hands such descriptors from node to node."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class SpandrelDescriptor(Protocol):
    """An image model of spandrel (`ImageModelDescriptor`), as far as it is used here."""

    purpose: Any  # SR, Restoration or FaceSR
    scale: int  # size of the result, in inputs
    input_channels: int
    output_channels: int
    supports_half: bool
    supports_bfloat16: bool
    tiling: Any  # an enum; INTERNAL: the model cuts pictures itself

    @property
    def model(self) -> nn.Module: ...

    @property
    def architecture(self) -> Any: ...  # `id` and `name` are texts

    def __call__(self, image: Tensor) -> Tensor:
        """(1, C, H, W) -> (1, C, scale * H, scale * W), both RGB in [0, 1], for SR and Restoration.

        The picture is padded to what the network needs, and the result cut again.
        """
        ...


FACE_PURPOSE = "FaceSR"


def check_dtype(descriptor: SpandrelDescriptor, dtype: torch.dtype) -> None:
    """Raises ValueError if spandrel says that the network does not compute in `dtype`."""
    fits = {torch.float16: descriptor.supports_half, torch.bfloat16: descriptor.supports_bfloat16}
    if not fits.get(dtype, True):
        known = [str(one).removeprefix("torch.") for one, fit in fits.items() if fit]
        raise ValueError(
            f"{descriptor.architecture.name} computes in {' or '.join(['float32', *known])}, "
            f"got {str(dtype).removeprefix('torch.')}: choose another dtype, or auto."
        )
