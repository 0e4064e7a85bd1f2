"""The restorer's losses (section 3.3 of the paper): pixel, perceptual, identity, adversarial."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.models.levels import resolution_of
from panini_core.models.stylegan2 import StyleGAN2Discriminator
from panini_core.models.value_range import from_network

from ..metrics.identity import load_identity_network
from ..metrics.vgg_distance import load_vgg_features, vgg_distance
from .config import AdversaryConfig, LossConfig


def random_crop(images: list[Tensor], size: int, generator: torch.Generator) -> list[Tensor]:
    """The same random window of `size` px from every batch (N, 3, H, W); whole if 0 or larger."""
    height, width = images[0].shape[-2:]
    if not size or size >= min(height, width):
        return images
    top = int(torch.randint(0, height - size + 1, (), generator=generator))
    left = int(torch.randint(0, width - size + 1, (), generator=generator))
    return [batch[..., top : top + size, left : left + size] for batch in images]


class RestorationLosses(nn.Module):
    """Restored and clean faces (N, 3, S, S) in [-1, 1] -> weighted losses by name."""

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        self.vgg = self.identity = None
        if config.perceptual:
            self.vgg = load_vgg_features(_required(config.perceptual_weights, "perceptual"))
        if config.identity:
            self.identity = load_identity_network(_required(config.identity_weights, "identity"))
            self.identity.requires_grad_(False).eval()

    def forward(
        self, restored: Tensor, clean: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        config = self.config
        losses: dict[str, Tensor] = {}
        if config.pixel:
            losses["pixel"] = config.pixel * F.l1_loss(restored, clean)
        if self.vgg is not None:
            crops = random_crop([restored, clean], config.perceptual_crop, generator)
            a, b = (from_network(crop, clamp=False) for crop in crops)
            distance = vgg_distance(self.vgg, a, b, config.perceptual_layers).mean()
            losses["perceptual"] = config.perceptual * distance
        if self.identity is not None:
            with torch.no_grad():
                expected = self.identity.embed(from_network(clean, clamp=False), antialias=True)
            found = self.identity.embed(from_network(restored, clamp=False), antialias=True)
            losses["identity"] = config.identity * (1 - (found * expected).sum(1)).mean()
        return losses


def _required(path: str, name: str) -> str:
    if not path:
        raise ValueError(
            f"loss.{name} > 0 needs its network: set loss.{name}_weights, or {name}=0."
        )
    return path


def build_discriminator(config: AdversaryConfig) -> StyleGAN2Discriminator:
    """The discriminator of the configuration."""
    widths = enumerate(config.channels)
    return StyleGAN2Discriminator({resolution_of(level): width for level, width in widths})


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating logistic loss of the generator."""
    return F.softplus(-fake_logits.float()).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logistic loss of the discriminator."""
    return F.softplus(-real_logits.float()).mean() + F.softplus(fake_logits.float()).mean()


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Half the squared gradient of the logits at real images (Mescheder et al., 2018)."""
    real = real.detach().requires_grad_()
    logits = discriminator(real)
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean() / 2
