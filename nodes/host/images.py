"""ComfyUI's IMAGE and MASK, and the tensors of the core."""

from __future__ import annotations

import comfy.model_management as memory
import torch
from torch import Tensor, nn


def to_images(image: Tensor) -> Tensor:
    """IMAGE (N, H, W, 1, 3 or 4) -> (N, 3, H, W) RGB, a view where it can be; alpha is left out."""
    if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"Expected an IMAGE (N, H, W, 1, 3 or 4 channels), got {tuple(image.shape)}."
        )
    images = image.movedim(-1, 1)
    return images.expand(-1, 3, -1, -1) if image.shape[-1] == 1 else images[:, :3]


def to_image(images: Tensor, like: Tensor | None = None) -> Tensor:
    """(N, 3, H, W) -> IMAGE (N, H, W, 3) on ComfyUI's intermediate device.

    `like`: the IMAGE that it came from, whose type it gets, and whose alpha channel (enlarged
    where the picture was). It may share the memory of `images`: who keeps these gives a copy.
    """
    image = images.movedim(1, -1)
    if like is not None:
        image = image.to(like.dtype)
        if like.shape[-1] == 4:
            alpha = like[..., 3:].movedim(-1, 1)
            if alpha.shape[-2:] != images.shape[-2:]:
                alpha = nn.functional.interpolate(
                    alpha.float(), images.shape[-2:], mode="bilinear"
                ).to(like.dtype)
            image = torch.cat([image, alpha.movedim(1, -1).to(image)], dim=-1)
    if 0 in image.stride():  # one value in many places, of which other nodes could change none
        image = image.contiguous()
    return image.to(memory.intermediate_device())


def to_mask(masks: Tensor) -> Tensor:
    """(N, 1, H, W) -> MASK (N, H, W), float32."""
    return masks[:, 0].float().to(memory.intermediate_device())


def to_masks(mask: Tensor) -> Tensor:
    """MASK (N, H, W), as nodes also give it (H, W), (N, 1, H, W) and (N, H, W, 1), -> (N, 1, H, W),
    float32. Raises ValueError for anything else."""
    if mask.ndim == 4 and mask.shape[-1] == 1 != mask.shape[1]:
        mask = mask.movedim(-1, 1)
    if mask.ndim == 4 and mask.shape[1] == 1:
        return mask.float()
    if mask.ndim not in (2, 3):
        raise ValueError(f"Expected a MASK (N, H, W), got {tuple(mask.shape)}.")
    return mask.reshape(-1, 1, *mask.shape[-2:]).float()


def blank(height: int, width: int) -> Tensor:
    """A black image (1, 3, H, W), where a node has nothing to show but another one waits."""
    return torch.zeros((1, 3, height, width))
