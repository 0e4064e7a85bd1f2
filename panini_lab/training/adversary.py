"""The discriminator's side of adversarial training, shared by the restorer and the prior."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .config import AdversaryConfig
from .losses import build_discriminator, discriminator_loss, generator_loss, r1_penalty, random_crop
from .session import TrainingSession


class Adversary:
    """Discriminator and its optimiser. Images are (N, 3, S, S) in [-1, 1].

    If its input is smaller than the images it judges random crops of them.
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

    def generator_loss(self, fake: Tensor, generator: torch.Generator) -> Tensor:
        """The weighted adversarial loss of the generator."""
        (fake,) = random_crop([fake], self.discriminator.image_size, generator)
        self.discriminator.requires_grad_(False)
        with self.session.autocast():
            loss = self.config.weight * generator_loss(self.discriminator(fake))
        self.discriminator.requires_grad_(True)
        return loss

    def train_step(
        self, fake: Tensor, real: Tensor, generator: torch.Generator, learning_rate: float
    ) -> dict[str, Tensor]:
        """One update of the discriminator; returns its losses."""
        fake, real = random_crop([fake, real], self.discriminator.image_size, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * self.lazy
        with self.session.autocast():
            loss = discriminator_loss(self.parallel(real), self.parallel(fake))
        losses = {"discriminator": loss.detach()}
        if self.config.r1 and self.steps % self.config.r1_every == 0:
            # In full precision: second derivatives lose too much in bfloat16.
            penalty = r1_penalty(self.parallel, real.float())
            loss = loss + self.config.r1 * self.config.r1_every * penalty
            losses["r1"] = penalty.detach()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        return losses
