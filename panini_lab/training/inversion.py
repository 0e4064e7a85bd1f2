"""Inversion: the encoder learns where a degraded face lies in a GAN prior's space.

The prior draws faces from random codes, which are degraded. The image encoder learns from the
pictures the codes and, through the fusing convolutions of DAFI, the prior's own features of every
fused level. No data set is needed; the prior and the degradation encoder stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from panini_core.checkpoints import fill_gan_prior, load_panini, save_panini
from panini_core.degrading.degrade import degrade_with
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.value_range import to_network
from panini_core.models.window import Window

from .config import InversionConfig, load_config
from .drawn_faces import DrawnFaces, FaceDrawer
from .ema import ExponentialAverage
from .loop import OnResult, run_training
from .sampling import seeded_generator
from .session import TrainingSession
from .validation import ValidationPairs
from .windows import FEATURE_MARGIN, random_window

RESULT_FILE = "panini.safetensors"
STATISTICS_FACES = 64


class FeatureStatistics(nn.Module):
    """Mean and variance of each channel of the prior's features, and of its codes."""

    def __init__(self, channels: Mapping[int, int], code_size: int) -> None:
        super().__init__()
        self.register_buffer("code_variance", torch.ones(code_size))
        self.code_variance: Tensor
        for resolution, width in channels.items():
            self.register_buffer(f"mean_{resolution}", torch.zeros(width))
            self.register_buffer(f"variance_{resolution}", torch.ones(width))

    def mean(self, resolution: int) -> Tensor:
        return self.get_buffer(f"mean_{resolution}")

    def variance(self, resolution: int) -> Tensor:
        return self.get_buffer(f"variance_{resolution}")

    @torch.no_grad()
    def measure(self, drawer: FaceDrawer, generator: torch.Generator) -> None:
        """Fill in, from faces that the drawer draws."""
        self.code_variance.copy_(drawer.codes(4096, generator).var(0))
        sums: dict[int, list[Tensor]] = {}
        for _ in range(STATISTICS_FACES // 4):
            for resolution, x in drawer.draw(drawer.codes(4, generator)).features.items():
                x = x.float()
                sums.setdefault(resolution, []).append(
                    torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))])
                )
        for resolution, moments in sums.items():
            mean, square = torch.stack(moments).mean(0)
            self.mean(resolution).copy_(mean)
            self.variance(resolution).copy_((square - mean.square()).clamp_min(1e-6))


def statistics_generator(seed: int) -> torch.Generator:
    """What a run's statistics are measured with: the same faces in every process."""
    return seeded_generator(seed, step=0, rank=0, purpose=3)


class InversionLoss:
    """How far the encoder's codes and features are from those a face was drawn from.

    Squared errors over the variance of each channel: 1 is what a constant would reach.
    """

    def __init__(self, model: PaniniNet, statistics: FeatureStatistics, code_weight: float) -> None:
        self.model, self.statistics, self.code_weight = model, statistics, code_weight

    def __call__(
        self,
        image_features: Sequence[Tensor],
        w_plus: Tensor,
        drawn: DrawnFaces,
        views: int,
        window: Window | None,
    ) -> dict[str, Tensor]:
        """Losses by name. Rows of `image_features` and `w_plus`: all faces, `views` times."""
        losses: dict[str, Tensor] = {}
        resolutions = self.model.gan_prior.resolutions[: len(image_features)]
        for level, (resolution, image) in enumerate(zip(resolutions, image_features, strict=True)):
            target = drawn.features[resolution]
            cut = window if window is not None and resolution >= window.resolution else None
            if cut is not None:
                image, target = cut.cut(image), cut.inner(target)
            guess = self.model.feature_interpolation.convs[level](image)
            if cut is not None:
                guess = cut.trim(guess)
            error = guess.unflatten(0, (views, -1)).float() - target.float()
            scale = torch.rsqrt(self.statistics.variance(resolution))[:, None, None]
            losses[f"level_{resolution}"] = (error * scale).square().mean() / len(resolutions)
        error = w_plus.unflatten(0, (views, -1)).float() - drawn.codes[:, None]
        error = (error * torch.rsqrt(self.statistics.code_variance)).square().mean()
        return {**losses, "code": self.code_weight * error}


class InversionPass(nn.Module):
    """The encoder, the fusing convolutions and their loss: all that learns, for several processes.

    What is called outside of a wrapped module gets no gradient of other processes.
    """

    def __init__(self, loss: InversionLoss) -> None:
        super().__init__()
        self.loss = loss
        self.image_encoder = loss.model.image_encoder
        self.feature_interpolation = loss.model.feature_interpolation

    def forward(
        self, degraded: Tensor, drawn: DrawnFaces, views: int, window: Window | None
    ) -> dict[str, Tensor]:
        """Losses by name, of faces (views N, 3, S, S) in [-1, 1] (see `InversionLoss`)."""
        features, w_plus = self.image_encoder(degraded)
        return self.loss(features, w_plus, drawn, views, window)


def build_model(config: InversionConfig) -> PaniniNet:
    """The network to train: the prior as published, codes that start from its mean."""
    if config.initial_model:
        model = load_panini(config.initial_model, dtype=torch.float32)
    else:
        model = PaniniNet(PaniniConfig.preset(config.model))
        if config.initial_encoder:
            adopt_encoders(model, load_panini(config.initial_encoder, dtype=torch.float32))
    if not config.initial_prior:
        raise ValueError("Inversion needs a GAN prior: set initial_prior.")
    fill_gan_prior(config.initial_prior, model.gan_prior)
    mean = model.gan_prior.mean_latent
    if mean is None:
        raise ValueError(
            f"The prior of {model.config.prior!r} knows no mean latent, which codes start from."
        )
    model.mean_latent.copy_(mean.expand_as(model.mean_latent))
    return model


@torch.no_grad()
def adopt_encoders(model: PaniniNet, other: PaniniNet) -> None:
    """Take the encoders' tensors of another network where names and shapes agree."""
    for part in ("image_encoder", "degradation_encoder"):
        own, theirs = getattr(model, part), getattr(other, part)
        if own is None or theirs is None:
            continue
        fitting = {
            name: tensor
            for name, tensor in theirs.state_dict().items()
            if name in own.state_dict() and own.state_dict()[name].shape == tensor.shape
        }
        own.load_state_dict(fitting, strict=False)


@torch.no_grad()
def start_from_statistics(model: PaniniNet, statistics: FeatureStatistics) -> None:
    """Let an untrained network begin with the mean code and features of the prior's size."""
    head = model.image_encoder.latent_head
    code = getattr(head, "code", None)
    if not isinstance(code, nn.Linear):
        raise ValueError("Inversion needs a low-rank latent head: set latent_rank of the model.")
    code.bias.copy_(model.mean_latent[0])
    resolutions = model.gan_prior.resolutions
    for resolution, conv in zip(resolutions, model.feature_interpolation.convs, strict=False):
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        deviation = statistics.variance(resolution).sqrt()
        conv.weight.mul_(0.3 * deviation[:, None, None, None])
        conv.bias.copy_(statistics.mean(resolution))


class InversionTraining:
    """Network, optimiser and drawn faces of one run, and its step."""

    def __init__(self, config: InversionConfig, session: TrainingSession) -> None:
        self.config, self.session, self.step = config, session, 0
        if config.run.batch % config.views:
            raise ValueError(
                f"run.batch ({config.run.batch}) must be a multiple of views ({config.views})."
            )
        model = build_model(config).train().to(session.device)
        self.model = model.to(memory_format=torch.channels_last)
        levels = len(self.model.config.level_channels)
        self.drawer = FaceDrawer(
            self.model.gan_prior,
            self.model.mean_latent[0],
            self.model.gan_prior.resolutions[:levels],
            truncation=config.truncation,
            compiled=config.run.compile,
        )
        channels = dict(
            zip(self.model.gan_prior.resolutions, self.model.config.prior_channels, strict=True)
        )
        fused = {r: channels[r] for r in self.drawer.levels}
        self.statistics = FeatureStatistics(fused, self.model.config.style_size).to(session.device)
        self.loss = InversionLoss(self.model, self.statistics, config.code_weight)
        if not session.has_state:
            with session.autocast():
                self.statistics.measure(self.drawer, statistics_generator(config.run.seed))
            if not config.initial_model:
                start_from_statistics(self.model, self.statistics)
        self.model.requires_grad_(False)
        trained = [self.model.image_encoder, self.model.feature_interpolation]
        self.parameters = [p for part in trained for p in part.requires_grad_(True).parameters()]
        self.average = ExponentialAverage(self.model, config.ema)
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=config.run.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.parallel = session.parallel(InversionPass(self.loss))
        self.pairs: ValidationPairs | None = None
        if config.validation.degraded and session.is_main:
            size = self.model.config.input_size
            self.pairs = ValidationPairs(config.validation, size=size)

    def generator(self, step: int, purpose: int) -> torch.Generator:
        return seeded_generator(self.config.run.seed, step, self.session.rank, purpose)

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.average.state_dict(),
            "average_updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "statistics": self.statistics.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average.average.load_state_dict(state["average"])
        self.average.updates = state["average_updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.statistics.load_state_dict(state["statistics"])

    def train_step(self) -> None:
        config, session = self.config, self.session
        for group in self.optimizer.param_groups:
            group["lr"] = session.learning_rate(self.step, config.run.learning_rate)
        generator = self.generator(self.step, purpose=1)
        with session.timed("drawing"), session.autocast():
            codes = self.drawer.codes(config.run.batch // config.views, generator)
            drawn = self.drawer.draw(codes)
        with session.timed("degrading"):
            degraded = degrade_views(drawn.images, config.degradation, config.views, generator)
        window = random_window(self.model.config, config.window, generator, margin=FEATURE_MARGIN)
        with session.timed("network"):
            with session.autocast():
                losses = self.parallel(to_network(degraded), drawn, config.views, window)
            total = torch.stack(list(losses.values())).sum()
            session.require_finite(total, self.step, losses)
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()
            if config.gradient_clip:
                nn.utils.clip_grad_norm_(self.parameters, config.gradient_clip)
            self.optimizer.step()
            self.average.update(self.model)
        session.record(**{name: loss.detach() for name, loss in losses.items()})
        self.step += 1

    @torch.no_grad()
    def preview(self) -> dict[str, float]:
        """Degraded faces, drawn from their codes alone, with the features of the image, clean."""
        if self.pairs is None:
            return {}
        model = self.average.average
        prior = torch.ones(1, len(model.config.interpolated_channels), 1, device=model.device)
        image = prior.clone()
        image[:, : len(model.config.level_channels)] = 0

        def restore(images: Tensor, alpha: Tensor) -> Tensor:
            widest = max(model.config.interpolated_channels)
            return model(images, alpha.expand(len(images), -1, widest))

        with self.session.autocast():
            figures, from_codes = self.pairs.measure(
                lambda images: restore(images, prior), None, self.session.device
            )
            figures = {f"codes_{key}": value for key, value in figures.items()}
            more, from_features = self.pairs.measure(
                lambda images: restore(images, image), None, self.session.device
            )
        columns = {"from its code": from_codes, "from its features": from_features}
        self.pairs.write_sheet(self.session.folder / f"preview-{self.step:07d}.jpg", columns)
        return figures | {f"features_{key}": value for key, value in more.items()}

    def write_result(self) -> Path:
        path = self.session.folder / RESULT_FILE
        save_panini(path, self.average.average)
        return path


def degrade_views(images: Tensor, preset: str, views: int, generator: torch.Generator) -> Tensor:
    """Every face `views` times, each time degraded otherwise: (views N, 3, S, S) in [0, 1]."""
    return degrade_with(preset, images.repeat(views, 1, 1, 1), generator=generator)


def train_inversion(
    config_path: str | Path, overrides: Sequence[str] = (), on_result: OnResult | None = None
) -> Path:
    """Train the inversion; resumes if the run's folder holds a state.

    Returns the file with the averaged network, which the restorer's `initial_model` names.
    """
    config = load_config(config_path, InversionConfig, overrides)
    torch.manual_seed(config.run.seed)
    with TrainingSession(config.run) as session:
        return run_training(InversionTraining(config, session), session, on_result)
