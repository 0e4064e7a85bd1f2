"""Training of the restorer: PaniniNet whole, on degraded faces made on the fly (section 3.3).

Faces come from files, or are drawn by the GAN prior, or both. The losses of the picture meet in one
gradient at the picture, so that the adversary's share of it can be held; with a window the finer
levels are computed for a part of each face alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.checkpoints import (
    fill_gan_prior,
    load_degradation_encoder,
    load_gan_prior,
    load_panini,
    save_panini,
)
from panini_core.degrading.degrade import degrade_with
from panini_core.models.mobile_stylegan import MobileGenerator
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.value_range import to_network
from panini_core.models.window import Window

from .adversary import Adversary, StyleGAN2Adversary
from .config import RestorerConfig, load_config
from .data import FaceSampler, crisp_faces, load_faces
from .drawn_faces import DrawnFaces, FaceDrawer
from .ema import ExponentialAverage
from .inversion import FeatureStatistics, InversionLoss, statistics_generator
from .loop import OnResult, run_training
from .losses import RestorationLosses, RestorationTarget, SeenPictures, random_crop
from .projected_adversary import ProjectedAdversary, require_layers
from .sampling import seeded_generator
from .session import TrainingSession
from .validation import ValidationPairs
from .windows import FEATURE_MARGIN, PICTURE_MARGIN, random_window

RESULT_FILE = "panini.safetensors"


def build_model(config: RestorerConfig) -> PaniniNet:
    """The network with the weights that the configuration starts from."""
    if config.initial_model:
        model = load_panini(config.initial_model, dtype=torch.float32)
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


def freeze_parts(model: PaniniNet, config: RestorerConfig) -> None:
    """Switch off the gradients of what the configuration leaves as it is."""
    if model.degradation_encoder is not None and config.freeze_degradation_encoder:
        # In eval mode, so that its BatchNorm statistics stay those of the pre-training.
        model.degradation_encoder.eval().requires_grad_(False)
    if not (config.freeze_prior or config.prior_from):
        return
    for name, parameter in model.gan_prior.named_parameters():
        part, _, rest = name.partition(".")
        finest = part in ("to_bands", "detail")
        if part == "blocks":
            finest = int(rest.partition(".")[0]) >= config.prior_from
        parameter.requires_grad_(finest and not config.freeze_prior)


def build_optimizer(model: PaniniNet, config: RestorerConfig) -> torch.optim.AdamW:
    """AdamW with learning rates of their own for the GAN prior and the predictor of alpha.

    The plain convolutions at a prior's end follow the rest: their weights are small.
    """
    prior, alpha = model.gan_prior, model.interpolation_predictor
    scales = {id(p): config.prior_rate for p in prior.parameters()}
    scales |= {id(p): config.alpha_rate or config.prior_rate for p in alpha.parameters()}
    detail = getattr(prior, "detail", None)
    if isinstance(detail, nn.Module):
        scales |= {id(p): 1.0 for p in detail.parameters()}
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault(scales.get(id(parameter), 1.0), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": parameters, "scale": scale} for scale, parameters in groups.items()],
        lr=config.run.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )


def build_adversary(config: RestorerConfig, session: TrainingSession) -> Adversary | None:
    """The adversary of the configuration, or None."""
    adversary = config.adversary
    if not (adversary.weight or adversary.gradient_share):
        return None
    if adversary.kind == "projected":
        require_layers(config.loss.perceptual_layers if config.loss.perceptual else ())
        return ProjectedAdversary(adversary, session)
    if adversary.kind == "stylegan2":
        return StyleGAN2Adversary(adversary, session)
    raise ValueError(f"adversary.kind must be projected or stylegan2, got {adversary.kind!r}.")


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The faces of a step, drawn ones first."""

    degraded: Tensor  # (N, 3, s, s) in [-1, 1], s the input size
    clean: Tensor  # (N, 3, S, S) in [-1, 1]
    drawn: DrawnFaces | None  # of the first rows


class RestorationPass(nn.Module):
    """One forward pass with all that losses look at; a module, for several processes."""

    def __init__(self, model: PaniniNet) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, degraded: Tensor, alpha: Tensor | None, window: Window | None
    ) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        """Restored and drawn pictures (N, 3, r, r), W+ codes and image features; r is the window's
        side without its margins."""
        model, prior = self.model, self.model.gan_prior
        if alpha is None:
            alpha = model.predict_alpha(model.encode_degradation(degraded))
        features, w_plus = model.image_encoder(degraded.to(model.dtype))
        if self.training:
            model.follow_latents(w_plus.detach())
        fuse = model.fusion(features, alpha, window)
        if window is None:
            drawn = prior(w_plus, fuse=fuse)
            return model.mix_picture(drawn, degraded, alpha), drawn, w_plus, features
        assert isinstance(prior, MobileGenerator)
        drawn = prior.to_image(prior.synthesise(w_plus, fuse=fuse, window=window), w_plus)
        restored = model.mix_picture(drawn, window.cut(degraded), alpha)
        return window.trim(restored), window.trim(drawn), w_plus, features


class RestorerTraining:
    """Network, adversary, optimisers and data of one run, and its step."""

    def __init__(self, config: RestorerConfig, session: TrainingSession) -> None:
        self.config, self.session, self.step = config, session, 0
        model = build_model(config).train()
        self.model = model.to(session.device).to(memory_format=torch.channels_last)
        if config.window and not isinstance(model.gan_prior, MobileGenerator):
            raise ValueError("Only a mobile prior is trained on windows: set window=0.")
        freeze_parts(self.model, config)
        self.average = ExponentialAverage(self.model, config.ema)
        self.optimizer = build_optimizer(self.model, config)
        self.losses = RestorationLosses(config.loss).to(session.device)
        self.adversary = build_adversary(config, session)
        self.parallel = session.parallel(RestorationPass(self.model).train(model.training))
        freeze_parts(self.model, config)  # .train() woke the frozen encoder
        self._prepare_data()
        self.pairs: ValidationPairs | None = None
        if config.validation.degraded and session.is_main:
            size = self.model.config.input_size
            self.pairs = ValidationPairs(config.validation, size=size)

    def _prepare_data(self) -> None:
        config, session = self.config, self.session
        self.drawn_count = round(config.run.batch * config.drawn_share)
        self.sampler: FaceSampler | None = None
        self.reals: FaceSampler | None = None
        self.drawer: FaceDrawer | None = None
        from_files = config.run.batch - self.drawn_count
        crisp: Tensor | None = None
        if self.adversary is not None and config.adversary.real_index:
            crisp = crisp_faces(config.data, config.adversary)
        if from_files or crisp is not None:
            bank = load_faces(config.data, device=session.device)
            if from_files:
                self.sampler = session.sampler(config.data, bank=bank, batch=from_files)
            if crisp is not None:
                self.reals = session.sampler(config.data, bank=bank, among=crisp)
        if not self.drawn_count:
            return
        prior = self.model.gan_prior
        if config.drawing_prior:  # the model's own may have been trained on
            prior = load_gan_prior(config.drawing_prior, device=session.device)
        if prior.mean_latent is None:
            raise ValueError("Faces are drawn by a mobile prior only: set drawn_share=0.")
        levels = prior.resolutions[: len(self.model.config.level_channels)]
        self.drawer = FaceDrawer(prior, prior.mean_latent, levels, compiled=config.run.compile)
        widths = dict(zip(prior.resolutions, self.model.config.prior_channels, strict=True))
        fused = {resolution: widths[resolution] for resolution in levels}
        statistics = FeatureStatistics(fused, prior.style_size).to(session.device)
        with session.autocast():
            statistics.measure(self.drawer, statistics_generator(config.run.seed))
        self.inversion = InversionLoss(self.model, statistics, config.loss.code)

    def generator(self, step: int, purpose: int) -> torch.Generator:
        return seeded_generator(self.config.run.seed, step, self.session.rank, purpose)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {
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

    def batch(self, generator: torch.Generator) -> Batch:
        """The faces of this step, degraded at the input size."""
        drawn: DrawnFaces | None = None
        faces: list[Tensor] = []
        if self.drawer is not None:
            with self.session.timed("drawing"), self.session.autocast():
                drawn = self.drawer.draw(self.drawer.codes(self.drawn_count, generator))
            faces.append(drawn.images)
        if self.sampler is not None:
            faces.append(self.sampler(self.step))
        clean = torch.cat(faces)
        size = self.model.config.input_size
        degraded = clean
        if clean.shape[-1] != size:
            degraded = F.interpolate(clean, (size, size), mode="bilinear", antialias=True)
        if self.config.degradation != "none":
            with self.session.timed("degrading"):
                degraded = degrade_with(self.config.degradation, degraded, generator=generator)
        return Batch(to_network(degraded), to_network(clean), drawn)

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

    def window(self, generator: torch.Generator) -> Window | None:
        """The part of the faces that this step computes; None = whole faces."""
        config = self.config
        if not config.window or (config.whole_every and self.step % config.whole_every == 0):
            return None
        return random_window(self.model.config, config.window, generator, margin=PICTURE_MARGIN)

    def train_step(self) -> None:
        config, session = self.config, self.session
        for group in self.optimizer.param_groups:
            rate = session.learning_rate(self.step, config.run.learning_rate)
            group["lr"] = rate * group["scale"]
        generator = self.generator(self.step, purpose=2)
        batch, window = self.batch(generator), self.window(generator)
        with session.timed("network"), session.autocast():
            alpha = self.alpha(batch.degraded, generator)
            restored, drawn, w_plus, features = self.parallel(batch.degraded, alpha, window)
        clean, degraded = batch.clean, batch.degraded
        if window is not None:
            clean, degraded = window.inner(clean), window.inner(degraded)

        # What the losses want of the pictures: gradients there, and later through the network
        with session.timed("losses"):
            with session.autocast():
                target = self.losses.target(
                    clean, generator, whole=window is None, degraded=degraded
                )
            outputs, gradients = [restored], [self.picture_gradient(restored, target, generator)]
            if config.loss.drawn:
                outputs.append(drawn)
                wanted = self.picture_gradient(drawn, target, generator, name="drawn_")
                gradients.append(config.loss.drawn * wanted)
            inversion = self.inversion_loss(features, w_plus, batch.drawn, generator)
        with session.timed("backward"):
            self.optimizer.zero_grad(set_to_none=True)
            if inversion is not None:
                outputs.append(inversion)
                gradients.append(torch.ones_like(inversion))
            torch.autograd.backward(outputs, gradients)
            if config.gradient_clip:
                nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
            if not self.discriminator_alone:
                self.optimizer.step()
                self.average.update(self.model)
        self.step += 1

    @property
    def discriminator_alone(self) -> bool:
        """Whether this step belongs to those at the adversary's start that leave the restorer."""
        config = self.config.adversary
        return self.adversary is not None and 0 <= self.step - config.start < config.alone

    def picture_gradient(
        self,
        picture: Tensor,
        target: RestorationTarget,
        generator: torch.Generator,
        name: str = "",
    ) -> Tensor:
        """The gradient of all losses at pictures in [-1, 1]; trains the adversary beside it."""
        config, session = self.config.adversary, self.session
        leaf = picture.detach().requires_grad_()
        with session.autocast():
            losses, seen = self.losses(leaf, target)
        total = torch.stack(list(losses.values())).sum()
        session.require_finite(total, self.step, losses)
        session.record(**{name + key: loss.detach() for key, loss in losses.items()})
        adversary = self.adversary if self.step >= config.start else None
        (gradient,) = torch.autograd.grad(total, leaf, retain_graph=adversary is not None)
        if adversary is None:
            return gradient
        if not self.discriminator_alone:
            loss = adversary.generator_loss(seen, generator)
            (toward,) = torch.autograd.grad(loss, leaf)
            weight = torch.as_tensor(config.weight, device=leaf.device)
            if config.gradient_share:
                weight = config.gradient_share * gradient.norm() / toward.norm().clamp_min(1e-12)
            gradient = gradient + weight * toward
            session.record(**{f"{name}adversarial": loss.detach()})
        rate = session.learning_rate(self.step, config.learning_rate)
        with torch.no_grad(), session.autocast():
            real = self.real_pictures(target, generator)
        figures = adversary.train_step(seen.detach(), real, generator, rate)
        session.record(**{name + key: value for key, value in figures.items()})
        return gradient

    def real_pictures(self, target: RestorationTarget, generator: torch.Generator) -> SeenPictures:
        """What the adversary takes for real: crisp faces if they are known, else the clean ones."""
        if self.reals is None:
            return target.seen
        faces = to_network(self.reals(self.step))
        (faces,) = random_crop([faces], target.seen.images.shape[-1], generator)
        return self.losses.look(faces)

    def inversion_loss(
        self,
        features: Sequence[Tensor],
        w_plus: Tensor,
        drawn: DrawnFaces | None,
        generator: torch.Generator,
    ) -> Tensor | None:
        """The inversion's loss on the drawn faces, weighted; None without them."""
        if drawn is None or not self.config.loss.inversion:
            return None
        count = len(drawn.codes)
        window = random_window(
            self.model.config, self.config.window, generator, margin=FEATURE_MARGIN
        )
        with self.session.autocast():
            losses = self.inversion([f[:count] for f in features], w_plus[:count], drawn, 1, window)
        self.session.record(**{name: loss.detach() for name, loss in losses.items()})
        return self.config.loss.inversion * torch.stack(list(losses.values())).sum()

    @torch.no_grad()
    def preview(self) -> dict[str, float]:
        """The validation pairs restored, and what the prior drew of them, on a sheet."""
        if self.pairs is None:
            return {}
        model, device = self.average.average, self.session.device
        columns: dict[str, Tensor] = {}
        with self.session.autocast():
            figures, columns["restored"] = self.pairs.measure(model, self.losses.vgg, device)
            if model.config.interpolated_picture:
                more, columns["drawn"] = self.pairs.measure(
                    lambda images: draw_alone(model, images), self.losses.vgg, device
                )
                figures |= {f"drawn_{key}": value for key, value in more.items()}
        self.pairs.write_sheet(self.session.folder / f"preview-{self.step:07d}.jpg", columns)
        return figures

    def write_result(self) -> Path:
        path = self.session.folder / RESULT_FILE
        save_panini(path, self.average.average)
        return path


def draw_alone(model: PaniniNet, images: Tensor) -> Tensor:
    """What the prior draws of images in [-1, 1], before the picture's bands are mixed in."""
    alpha = model.predict_alpha(model.encode_degradation(images))
    alpha[:, -model.config.picture_bands :] = 1
    return model(images, alpha)


def train_restorer(
    config_path: str | Path, overrides: Sequence[str] = (), on_result: OnResult | None = None
) -> Path:
    """Train the restorer; resumes if the run's folder holds a state.

    Returns the file with the averaged weights, which `load_panini` reads.
    """
    config = load_config(config_path, RestorerConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        return run_training(RestorerTraining(config, session), session, on_result)
