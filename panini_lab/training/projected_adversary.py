"""A projected discriminator: small heads on frozen VGG features.

Sauer et al., "Projected GANs Converge Faster" (2021), on the features that the perceptual loss
computes anyway: it learns on a CPU what StyleGAN2's discriminator needs a GPU for. Hinge loss.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from .config import AdversaryConfig
from .losses import SeenPictures
from .session import TrainingSession

# Layer -> (channels, what its features are divided by to be about 1, strides of the first two
# convolutions). The finest layer is halved first, where it costs most.
LAYERS: dict[str, tuple[int, float, tuple[int, int]]] = {
    "relu1_2": (64, 25.0, (2, 1)),
    "relu2_2": (128, 40.0, (1, 2)),
    "relu3_4": (256, 40.0, (1, 2)),
}
WIDTH = 64


class FeatureHead(nn.Module):
    """VGG features (N, C, h, w) -> logits a place (N, 1, h/2, w/2); positive means real."""

    def __init__(self, channels: int, scale: float, strides: tuple[int, int]) -> None:
        super().__init__()
        self.scale = scale
        first, second = strides
        self.first = spectral_norm(nn.Conv2d(channels, WIDTH, 3, stride=first, padding=1))
        self.second = spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, stride=second, padding=1))
        self.logits = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(features / self.scale), 0.2)
        return self.logits(F.leaky_relu(self.second(x), 0.2))


class ProjectedDiscriminator(nn.Module):
    """VGG features by layer -> the logits of every head, (N, places), float32."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: FeatureHead(*sizes) for name, sizes in LAYERS.items()})

    def forward(self, features: dict[str, Tensor]) -> list[Tensor]:
        return [head(features[name]).float().flatten(1) for name, head in self.heads.items()]


class ProjectedAdversary:
    """The projected discriminator and its optimiser (see `Adversary`)."""

    def __init__(self, config: AdversaryConfig, session: TrainingSession) -> None:
        self.session = session
        self.discriminator = ProjectedDiscriminator().to(session.device)
        self.optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=config.learning_rate, betas=(0.5, 0.99)
        )
        self.parallel = session.parallel(self.discriminator)

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimizer.load_state_dict(state["optimizer"])

    def generator_loss(self, fake: SeenPictures, generator: torch.Generator) -> Tensor:
        """See `Adversary`: minus the mean logit."""
        self.discriminator.requires_grad_(False)
        with self.session.autocast():
            logits = self.discriminator(_features(fake))
        self.discriminator.requires_grad_(True)
        return -torch.stack([one.mean() for one in logits]).mean()

    def train_step(
        self,
        fake: SeenPictures,
        real: SeenPictures,
        generator: torch.Generator,
        learning_rate: float,
    ) -> dict[str, Tensor]:
        """See `Adversary`; the hinge loss is 2 where nothing is told apart, 0 where all is."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        with self.session.autocast():
            reals, fakes = self.parallel(_features(real)), self.parallel(_features(fake))
        hinges = [
            F.relu(1 - true).mean() + F.relu(1 + false).mean()
            for true, false in zip(reals, fakes, strict=True)
        ]
        loss = torch.stack(hinges).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"discriminator": loss.detach()}


def require_layers(names: Collection[str]) -> None:
    """Raises ValueError if features that the heads look at are not computed."""
    if missing := LAYERS.keys() - set(names):
        raise ValueError(
            f"The projected adversary judges {', '.join(LAYERS)}: set loss.perceptual, and "
            f"loss.perceptual_layers to include {', '.join(sorted(missing))}."
        )


def _features(pictures: SeenPictures) -> dict[str, Tensor]:
    require_layers(pictures.features)
    return pictures.features
