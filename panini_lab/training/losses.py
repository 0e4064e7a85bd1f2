"""The restorer's losses: pixel, perceptual and identity (section 3.3 of the paper), and texture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.models.value_range import from_network

from ..metrics.identity import load_identity_network
from ..metrics.texture import texture_distance
from ..metrics.vgg_distance import feature_distance, load_vgg_features
from .config import LossConfig

LEAST_DEGRADED = 0.02  # L1 on [-1, 1] below which a picture counts as clean to the relative loss


@dataclass(frozen=True, slots=True, eq=False)
class SeenPictures:
    """The part of pictures that perceptual losses and adversaries look at."""

    images: Tensor  # (N, 3, c, c) in [-1, 1]
    features: dict[str, Tensor] = field(default_factory=dict[str, Tensor])  # of VGG, by layer

    def detach(self) -> SeenPictures:
        features = {name: feature.detach() for name, feature in self.features.items()}
        return SeenPictures(self.images.detach(), features)


@dataclass(frozen=True, slots=True, eq=False)
class RestorationTarget:
    """Clean faces, or windows of them, and what losses compare."""

    clean: Tensor  # (N, 3, S, S) in [-1, 1]
    crop: tuple[Any, ...]  # the part that perceptual losses and adversaries look at
    seen: SeenPictures  # of the clean faces
    identity: Tensor | None  # (N, E) of whole faces, if a loss compares it
    degraded_by: Tensor | None = None  # (N,) L1 of the degraded pictures, if a loss compares it


def random_crop(images: list[Tensor], size: int, generator: torch.Generator) -> list[Tensor]:
    """The same random window of `size` px from every batch (N, 3, H, W); whole if 0 or larger."""
    height, width = images[0].shape[-2:]
    if not size or size >= min(height, width):
        return images
    top = int(torch.randint(0, height - size + 1, (), generator=generator))
    left = int(torch.randint(0, width - size + 1, (), generator=generator))
    return [batch[..., top : top + size, left : left + size] for batch in images]


class RestorationLosses(nn.Module):
    """Restored and clean pictures (N, 3, S, S) in [-1, 1] -> weighted losses by name."""

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        self.vgg = self.identity = None
        if config.perceptual or config.texture:
            self.vgg = load_vgg_features(_required(config.perceptual_weights, "perceptual"))
        if config.identity:
            self.identity = load_identity_network(_required(config.identity_weights, "identity"))
            self.identity.requires_grad_(False).eval()

    @torch.no_grad()
    def target(
        self,
        clean: Tensor,
        generator: torch.Generator,
        *,
        whole: bool = True,
        degraded: Tensor | None = None,
    ) -> RestorationTarget:
        """What is wanted of pictures whose clean faces are these, and where it is looked at.

        Without `whole` the pictures are windows of faces, in which there is no identity. The
        relative pixel loss needs what the pictures were restored from, at any size.
        """
        (corner,) = random_crop([_positions(clean)], self.config.perceptual_crop, generator)
        top, left = (int(value) for value in corner[0, :, 0, 0])
        crop = (..., slice(top, top + corner.shape[2]), slice(left, left + corner.shape[3]))
        identity = None
        if self.identity is not None and whole:
            identity = self.identity.embed(from_network(clean), antialias=True)
        distance = None
        if self.config.pixel_relative:
            if degraded is None:
                raise ValueError("loss.pixel_relative needs the degraded pictures, got None.")
            if degraded.shape[-2:] != clean.shape[-2:]:
                degraded = F.interpolate(degraded, clean.shape[-2:], mode="bilinear")
            distance = (degraded - clean).abs().mean((1, 2, 3)).clamp_min(LEAST_DEGRADED)
        return RestorationTarget(clean, crop, self.look(clean[crop]), identity, distance)

    def forward(
        self, pictures: Tensor, target: RestorationTarget
    ) -> tuple[dict[str, Tensor], SeenPictures]:
        """The losses of pictures as large as the target's, and what the perceptual one saw."""
        config = self.config
        losses: dict[str, Tensor] = {}
        if config.pixel:
            losses["pixel"] = config.pixel * F.l1_loss(pictures, target.clean)
        if target.degraded_by is not None:
            distances = (pictures - target.clean).abs().mean((1, 2, 3)) / target.degraded_by
            losses["pixel_relative"] = config.pixel_relative * distances.mean()
        seen = self.look(pictures[target.crop])
        if config.perceptual:
            distance = feature_distance(seen.features, target.seen.features).mean()
            losses["perceptual"] = config.perceptual * distance
        if config.texture:
            patches = [_patches(one.features) for one in (seen, target.seen)]
            losses["texture"] = config.texture * texture_distance(*patches).mean()
        if self.identity is not None and target.identity is not None:
            found = self.identity.embed(from_network(pictures, clamp=False), antialias=True)
            losses["identity"] = config.identity * (1 - (found * target.identity).sum(1)).mean()
        return losses, seen

    def look(self, images: Tensor) -> SeenPictures:
        """Pictures in [-1, 1] with VGG's features of them, if a loss needs those."""
        if self.vgg is None:
            return SeenPictures(images)
        pictures = from_network(images, clamp=False)
        return SeenPictures(images, self.vgg(pictures, self.config.perceptual_layers))


def _patches(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """(N, C, h, w) of each layer -> its quarters, (4 N, C, h/2, w/2): skin is not as hair is."""
    return {
        name: torch.cat([part for half in x.chunk(2, 2) for part in half.chunk(2, 3)])
        for name, x in features.items()
    }


def _positions(images: Tensor) -> Tensor:
    """(1, 2, H, W): row and column of every pixel."""
    rows, columns = (torch.arange(length) for length in images.shape[-2:])
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]


def _required(path: str, name: str) -> str:
    if not path:
        raise ValueError(
            f"loss.{name} > 0 needs its network: set loss.{name}_weights, or {name}=0."
        )
    return path
