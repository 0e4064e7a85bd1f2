"""Training of the GAN prior by itself: StyleGAN2 from scratch, without path regularisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from panini_core.models.panini import GanPrior, PaniniConfig, build_gan_prior
from panini_core.models.value_range import from_network, to_network

from .adversary import StyleGAN2Adversary
from .config import PriorConfig, load_config
from .ema import ExponentialAverage
from .loop import run_training
from .losses import SeenPictures
from .session import TrainingSession

RESULT_FILE = "gan_prior.safetensors"


class PriorTraining:
    """Generator, adversary, optimisers and data of one run, and its step."""

    def __init__(self, config: PriorConfig, session: TrainingSession) -> None:
        self.config, self.session, self.step = config, session, 0
        self.network = build_gan_prior(PaniniConfig.preset(config.model)).to(session.device)
        self.average = ExponentialAverage(self.network, config.ema)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.run.learning_rate, betas=config.betas
        )
        self.adversary = StyleGAN2Adversary(config.adversary, session)
        self.parallel = session.parallel(self.network)
        self.faces = session.sampler(config.data)

    def state_dict(self) -> dict[str, Any]:
        return {
            "generator": self.network.state_dict(),
            "average": self.average.average.state_dict(),
            "average_updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "adversary": self.adversary.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.network.load_state_dict(state["generator"])
        self.average.average.load_state_dict(state["average"])
        self.average.updates = state["average_updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.adversary.load_state_dict(state["adversary"])

    def train_step(self) -> None:
        config, session, network = self.config, self.session, self.network
        random = self.faces.generator(self.step, purpose=2)
        rate = session.learning_rate(self.step, config.run.learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        z = torch.randn(config.run.batch, network.style_size, generator=random)
        codes = network.mapping(z.to(session.device))
        with session.autocast():
            fake: Tensor = self.parallel(codes[:, None].expand(-1, network.w_plus_rows, -1))
        seen = SeenPictures(fake)
        loss = config.adversary.weight * self.adversary.generator_loss(seen, random)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.average.update(network)
        real = SeenPictures(to_network(self.faces(self.step)))
        session.record(generator=loss.detach())
        session.record(**self.adversary.train_step(seen.detach(), real, random, rate))
        self.step += 1

    def preview(self) -> dict[str, float]:
        """Faces of the averaged generator from always the same codes."""
        _write_samples(self.session.folder / f"samples-{self.step:07d}.jpg", self.average.average)
        return {}

    def write_result(self) -> Path:
        path = self.session.folder / RESULT_FILE
        weights = self.average.average.state_dict()
        save_file({k: v.contiguous().cpu() for k, v in weights.items()}, path)
        return path


def train_prior(config_path: str | Path, overrides: Sequence[str] = ()) -> Path:
    """Train the generator of a PaniniConfig preset as a GAN; resumes if there is a state.

    Returns the file with the averaged generator, which the restorer's `initial_prior` names.
    """
    config = load_config(config_path, PriorConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        return run_training(PriorTraining(config, session), session)


@torch.no_grad()
def _write_samples(path: Path, generator: GanPrior, count: int = 8) -> None:
    z = torch.randn(count, generator.style_size, generator=torch.Generator().manual_seed(0))
    images = from_network(generator.sample(z.to(generator.constant.device)))
    row = torch.cat(list(images), dim=2)
    Image.fromarray((row * 255).round().byte().permute(1, 2, 0).cpu().numpy()).save(path)
