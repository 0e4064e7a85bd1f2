"""The discriminator's side of adversarial training: StyleGAN2's, for large GPUs.

`build_adversary` chooses between it and the projected one.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.models.levels import resolution_of
from panini_core.models.stylegan2 import StyleGAN2Discriminator

from .config import AdversaryConfig
from .losses import SeenPictures, random_crop
from .session import TrainingSession


class Adversary(Protocol):
    """Learns to tell restored pictures from real ones, and says how real pictures look to it."""

    def generator_loss(self, fake: SeenPictures, generator: torch.Generator) -> Tensor:
        """The restorer's adversarial loss, without its weight."""
        ...

    def train_step(
        self,
        fake: SeenPictures,
        real: SeenPictures,
        generator: torch.Generator,
        learning_rate: float,
    ) -> dict[str, Tensor]:
        """One update of the discriminator; returns its losses by name."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class StyleGAN2Adversary:
    """StyleGAN2's discriminator: non-saturating logistic loss, lazy R1 penalty.

    If its input is smaller than the pictures it judges random crops of them.
    """

    def __init__(self, config: AdversaryConfig, session: TrainingSession) -> None:
        self.config, self.session = config, session
        self.discriminator = build_discriminator(config).to(session.device)
        # Lazy regularisation: the optimiser is corrected for the steps without the penalty.
        lazy = config.r1_every / (config.r1_every + 1) if config.r1 else 1.0
        self.lazy = lazy
        self.optimizer = torch.optim.Adam(
            self.discriminator.parameters(),
            lr=config.learning_rate * lazy,
            betas=(0.0, 0.99**lazy),
        )
        self.parallel = session.parallel(self.discriminator)
        self.steps = 0

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]

    def generator_loss(self, fake: SeenPictures, generator: torch.Generator) -> Tensor:
        """See `Adversary`."""
        (images,) = random_crop([fake.images], self.discriminator.image_size, generator)
        self.discriminator.requires_grad_(False)
        with self.session.autocast():
            loss = generator_loss(self.discriminator(images))
        self.discriminator.requires_grad_(True)
        return loss

    def train_step(
        self,
        fake: SeenPictures,
        real: SeenPictures,
        generator: torch.Generator,
        learning_rate: float,
    ) -> dict[str, Tensor]:
        """See `Adversary`; every so many steps with the R1 penalty."""
        size = self.discriminator.image_size
        (fakes,) = random_crop([fake.images], size, generator)
        (reals,) = random_crop([real.images], size, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * self.lazy
        with self.session.autocast():
            loss = discriminator_loss(self.parallel(reals), self.parallel(fakes))
        losses = {"discriminator": loss.detach()}
        if self.config.r1 and self.steps % self.config.r1_every == 0:
            # In full precision: second derivatives lose too much in bfloat16.
            penalty = r1_penalty(self.parallel, reals.float())
            loss = loss + self.config.r1 * self.config.r1_every * penalty
            losses["r1"] = penalty.detach()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        return losses


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
