"""Image models that enlarge whole pictures, or clean them at their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .spandrel_descriptor import FACE_PURPOSE, SpandrelDescriptor

UNTILED = "INTERNAL"  # of spandrel's tilings: the network cuts pictures itself


@dataclass(frozen=True, slots=True, eq=False)
class ImageUpscaler:
    """A network that enlarges pictures by a fixed factor."""

    name: str
    scale: int  # 1: it cleans pictures and leaves their size
    # (1, 3, H, W) -> (1, 3, scale * H, scale * W), RGB in [0, 1], in the network's place and type
    call: Callable[[Tensor], Tensor]
    network: nn.Module
    tiled: bool = True  # whether pictures may be cut into tiles

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def __call__(self, pictures: Tensor) -> Tensor:
        """(1, 3, H, W) RGB in [0, 1] -> (1, 3, scale * H, scale * W), float32, on the network's
        device."""
        weight = next(self.network.parameters())
        return self.call(pictures.to(weight.device, weight.dtype)).float().clamp(0, 1)


def upscaler_of(descriptor: SpandrelDescriptor) -> ImageUpscaler:
    """The image model that spandrel has read, on its device, in eval mode.

    Raises ValueError for face restorers, and for what does not take and give RGB.
    """
    name: str = descriptor.architecture.name
    if descriptor.purpose == FACE_PURPOSE:
        raise ValueError(
            f"expected a model for whole pictures, found a face restorer ({name}): choose it as "
            "the model instead, and ESRGAN, SwinIR or another upscaler here."
        )
    channels = descriptor.input_channels, descriptor.output_channels
    if channels != (3, 3):
        raise ValueError(
            f"expected a model from RGB to RGB (3 channels), {name} has {channels[0]} -> "
            f"{channels[1]}: choose another upscaler."
        )
    tiled = getattr(descriptor.tiling, "name", None) != UNTILED
    network = descriptor.model.eval()
    return ImageUpscaler(name, descriptor.scale, descriptor, network, tiled=tiled)
