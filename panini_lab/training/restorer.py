"""Training of the restorer: PaniniNet whole, on degraded faces made on the fly (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.checkpoints import (
    load_degradation_encoder,
    fill_gan_prior,
    load_panini,
    save_panini,
)
from panini_core.degrading.degrade import PRESETS, degrade, sample_degradations
from panini_core.models.panini import PaniniConfig, PaniniNet

from .adversary import Adversary
from .config import RestorerConfig, load_config
from .ema import ExponentialAverage
from .losses import RestorationLosses
from .session import TrainingSession
from .validation import ValidationPairs

RESULT_FILE = "panini.safetensors"


def build_model(config: RestorerConfig) -> PaniniNet:
    """The network with the weights that the configuration starts from."""
    if config.initial_model:
        model = load_panini(config.initial_model)
    else:
        model = PaniniNet(PaniniConfig.preset(config.model))
    if config.initial_prior:
        fill_gan_prior(config.initial_prior, model.gan_prior)
    if config.initial_degradation_encoder:
        if model.degradation_encoder is None:
            raise ValueError(
                f"Model {config.model!r} has a learned degradation representation and no encoder: "
                "leave initial_degradation_encoder empty."
            )
        load_degradation_encoder(config.initial_degradation_encoder, model.degradation_encoder)
    return model


def build_optimizer(model: PaniniNet, config: RestorerConfig) -> torch.optim.AdamW:
    """AdamW with a learning rate of its own for the GAN prior and the predictor of alpha.

    The prior's last, plain convolutions follow the rest: their weights are small.
    """
    detail = (
        {id(p) for p in model.gan_prior.detail.parameters()} if model.gan_prior.detail else set()
    )
    faster = [p for p in model.gan_prior.parameters() if id(p) not in detail]
    faster += model.interpolation_predictor.parameters()
    chosen = {id(parameter) for parameter in faster}
    groups: list[dict[str, Any]] = [
        {"params": faster, "scale": config.prior_rate},
        {"params": [p for p in model.parameters() if id(p) not in chosen], "scale": 1.0},
    ]
    return torch.optim.AdamW(
        groups,
        lr=config.run.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )


class RestorerTraining:
    """Network, adversary, optimisers and data of one run, and its step."""

    def __init__(self, config: RestorerConfig, session: TrainingSession) -> None:
        self.config, self.session = config, session
        model = build_model(config).train()
        self.model = model.to(session.device).to(memory_format=torch.channels_last)
        if self.model.degradation_encoder is not None and config.freeze_degradation_encoder:
            # In eval mode, so that its BatchNorm statistics stay those of the pre-training.
            self.model.degradation_encoder.eval().requires_grad_(False)
        self.average = ExponentialAverage(self.model, config.ema)
        self.optimizer = build_optimizer(self.model, config)
        self.losses = RestorationLosses(config.loss).to(session.device)
        self.adversary = Adversary(config.adversary, session) if config.adversary.weight else None
        self.step = 0
        if state := session.load_state():
            self.load_state_dict(state)
        self.parallel = session.parallel(self.model)
        self.sampler = session.sampler(config.data)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.average.state_dict(),
            "average_updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
        }
        if self.adversary is not None:
            state["adversary"] = self.adversary.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        for network, part in ((self.model, "model"), (self.average.average, "average")):
            # States of older versions lack the mean latent: it is followed from here on.
            network.load_state_dict({"mean_latent": network.mean_latent, **state[part]})
        self.average.updates = state["average_updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        # The adversary may be switched on, or off, when a run goes on.
        if self.adversary is not None and "adversary" in state:
            self.adversary.load_state_dict(state["adversary"])

    def batch(self) -> tuple[Tensor, Tensor, torch.Generator]:
        """Degraded (at the input size) and clean faces of this step in [-1, 1]."""
        clean = self.sampler(self.step)
        generator = self.sampler.generator(self.step, purpose=2)
        size = self.model.config.input_size
        degraded = clean
        if clean.shape[-1] != size:
            degraded = F.interpolate(clean, (size, size), mode="bilinear", antialias=True)
        if self.config.degradation != "none":
            ranges = PRESETS[self.config.degradation]
            parameters = sample_degradations(
                ranges, len(clean), generator=generator, image_size=size
            )
            degraded = degrade(degraded, parameters, generator=generator)
        return degraded * 2 - 1, clean * 2 - 1, generator

    def alpha(self, degraded: Tensor, generator: torch.Generator) -> Tensor | None:
        """Alpha of the batch, moved at random for a share of the faces; None = as predicted."""
        if not self.config.alpha_jitter:
            return None
        alpha = self.model.predict_alpha(self.model.encode_degradation(degraded))
        shape = (len(alpha), alpha.shape[1], 1)
        jittered = torch.rand(len(alpha), 1, 1, generator=generator) < self.config.alpha_jitter
        amount = (torch.rand(shape, generator=generator) * jittered).to(alpha.device)
        target = torch.rand(shape, generator=generator).to(alpha.device)
        return alpha + (target - alpha) * amount

    def train_step(self) -> None:
        config, session = self.config, self.session
        for group in self.optimizer.param_groups:
            rate = session.learning_rate(self.step, config.run.learning_rate)
            group["lr"] = rate * group["scale"]
        degraded, clean, generator = self.batch()

        with session.autocast():
            restored = self.parallel(degraded, self.alpha(degraded, generator))
            losses = self.losses(restored, clean, generator)
        adversary = self.adversary if self.step >= config.adversary.start else None
        if adversary is not None:
            losses["adversarial"] = adversary.generator_loss(restored, generator)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            values = ", ".join(f"{name} {loss.item()}" for name, loss in losses.items())
            raise FloatingPointError(
                f"The loss is not finite at step {self.step}: {values}. Lower the learning rate or "
                "set gradient_clip; the last saved state is untouched."
            )
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        if config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimizer.step()
        self.average.update(self.model)
        session.record(**{name: loss.detach() for name, loss in losses.items()})
        if adversary is not None:
            rate = session.learning_rate(self.step, config.adversary.learning_rate)
            session.record(**adversary.train_step(restored.detach(), clean, generator, rate))
        self.step += 1


def train_restorer(config_path: str | Path, overrides: Sequence[str] = ()) -> Path:
    """Train the restorer; resumes if the run's folder holds a state.

    Returns the file with the averaged weights, which `load_panini` reads.
    """
    config = load_config(config_path, RestorerConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        training = RestorerTraining(config, session)
        validation = None
        if config.validation.degraded and session.is_main:
            validation = ValidationPairs(config.validation, size=training.model.config.input_size)

        result = session.folder / RESULT_FILE
        while training.step < config.run.steps:
            training.train_step()
            step, stop = training.step, session.should_stop()
            last = stop or step == config.run.steps
            figures: dict[str, float] = {}
            if validation is not None and (last or step % config.run.preview_every == 0):
                with session.autocast():
                    figures, restored = validation.measure(
                        training.average.average, training.losses.vgg, session.device
                    )
                validation.write_sheet(
                    session.folder / f"preview-{step:07d}.jpg", {"restored": restored}
                )
            if figures or last or step % config.run.log_every == 0:
                session.log(step, **figures)
            if last or step % config.run.checkpoint_every == 0:
                session.save_state(training.state_dict())
                if session.is_main:
                    save_panini(result, training.average.average)
            if stop:
                break
        return result
