"""What degradation-aware interpolation is worth: small networks that differ in their fusion only.

DAFI against addition and concatenation of the prior's and the image's features, each with the
degradation representation and with one learned vector in its place. All see the same faces in the
same order, start from the same numbers and are trained for as many steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panini_core.degrading.degrade import degrade_with
from panini_core.degrading.ranges import PRESETS
from panini_core.models.dafi import FeatureInterpolation
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.panini import PaniniConfig, PaniniNet
from panini_core.models.value_range import from_network, to_network

from ..metrics.psnr import psnr
from ..metrics.ssim import ssim
from ..options import FUSION_SEEDS, FUSION_STEPS
from ..training.config import DataConfig, RestorerConfig, UdrlConfig
from ..training.data import FaceSampler
from ..training.discriminants import fit_discriminants
from ..training.restorer import build_optimizer
from ..training.udrl import MomentumContrast, degraded_pairs

DEGRADATION = "training"
HELD_OUT_VERSIONS = 4  # of each held-out face, degraded anew
WARM_UP = 50  # steps
UDRL_BATCH = 16
_BATCH = 12  # of the measurement

# Every size is a share of panini_compact's own, so that six of them train within the hour.
SMALL = PaniniConfig(
    input_size=128,
    prior_channels=(48, 48, 48, 32),
    style_size=64,
    mapping_layers=2,
    detail_patch=4,
    input_patch=4,
    extractor_blocks=0,
    attention_hidden=0,
    stem=((32, 1), (32, 1)),
    level_channels=(48, 48, 48, 32),
    level_convs=2,
    latent_hidden=16,
    degradation_size=96,
    degradation_pool=1,
    degradation_patch=4,
    degradation_layers=((32, 1), (64, 2), (96, 1)),
    degradation_discriminants=8,
)
OnProgress = Callable[[int, int], None]


class ResidualNet(PaniniNet):
    """Draws what the degraded face lacks: from nothing to a restoration in a short training."""

    def forward(self, images: Tensor, alpha: Tensor | None = None, **options: Any) -> Tensor:
        return images.float() + super().forward(images, alpha, **options)


class Addition(FeatureInterpolation):
    """prior + image + what alpha tells of each channel: DAFI without the choice between the two."""

    def __init__(self, *channels: tuple[int, ...]) -> None:
        super().__init__(*channels)
        self.tell = nn.ParameterList(torch.zeros(width) for width in channels[1])

    def join(self, level: int, prior: Tensor, image: Tensor) -> Tensor:
        return (prior + image) / 2

    def forward(self, level: int, prior: Tensor, image: Tensor, alpha: Tensor) -> Tensor:
        told = self.tell[level] * (2 * alpha[:, level, : prior.shape[1]] - 1)
        joined = self.join(level, prior, self.convs[level](image).to(prior.dtype))
        return joined + told[:, :, None, None].to(joined.dtype)


class Concatenation(Addition):
    """The same with a convolution over both features side by side instead of their sum."""

    def __init__(self, *channels: tuple[int, ...]) -> None:
        super().__init__(*channels)
        self.mixers = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in channels[1])

    def join(self, level: int, prior: Tensor, image: Tensor) -> Tensor:
        return self.mixers[level](torch.cat([prior, image], 1))


FUSIONS: dict[str, type[FeatureInterpolation]] = {
    "DAFI": FeatureInterpolation,
    "addition": Addition,
    "concatenation": Concatenation,
}


@dataclass(frozen=True, slots=True)
class FusionResult:
    """One network, on held-out faces; means over faces, versions and seeds."""

    fusion: str  # of FUSIONS
    represented: bool  # with the DR; False: one learned vector
    parameters: int  # that were trained
    psnr: float  # dB
    ssim: float
    psnr_of_seeds: tuple[float, ...]
    # Mean gain in dB over the same network whose DR is that of another face; 0 without a DR.
    gain_of_own_degradation: float


@dataclass(frozen=True, slots=True)
class FusionStudy:
    """The result of every variant, and of doing nothing."""

    steps: int
    batch: int
    seeds: int
    degraded_psnr: float
    degraded_ssim: float
    results: tuple[FusionResult, ...]


def study_fusion(
    faces: Tensor,  # (N, 3, 128, 128) uint8, clean, to train on
    held_out: Tensor,  # (M, 3, 128, 128) uint8, clean
    *,
    steps: int = FUSION_STEPS,
    udrl_steps: int = 120,
    batch: int = 8,
    seeds: int = FUSION_SEEDS,
    config: PaniniConfig = SMALL,
    on_progress: OnProgress | None = None,  # steps done, of how many
) -> FusionStudy:
    """Train every variant and measure it. Deterministic on one device with one thread."""
    total = seeds * (udrl_steps + steps)
    clean, degraded = _held_out_pairs(held_out.to(faces.device), seed=0)
    figures: dict[tuple[str, bool], list[tuple[float, float, float]]] = {}
    counts: dict[tuple[str, bool], int] = {}
    for seed in range(1, seeds + 1):
        base = (seed - 1) * (udrl_steps + steps)

        def show(step: int, base: int = base) -> None:
            if on_progress is not None:
                on_progress(base + step, total)

        encoder = _train_encoder(faces, config, udrl_steps, seed, show)
        variants = {
            key: network.to(faces.device)
            for key, network in build_variants(config, encoder, seed).items()
        }

        def show_later(step: int, base: int = base) -> None:
            show(udrl_steps + step, base)

        _train_variants(list(variants.values()), faces, steps, batch, seed, show_later)
        for key, network in variants.items():
            network.eval()
            figures.setdefault(key, []).append(_measure(network, clean, degraded))
            counts[key] = sum(p.numel() for p in network.parameters() if p.requires_grad)
    results = [
        FusionResult(
            fusion=fusion,
            represented=represented,
            parameters=counts[fusion, represented],
            psnr=_mean([one[0] for one in of_seeds]),
            ssim=_mean([one[1] for one in of_seeds]),
            psnr_of_seeds=tuple(one[0] for one in of_seeds),
            gain_of_own_degradation=_mean([one[2] for one in of_seeds]),
        )
        for (fusion, represented), of_seeds in figures.items()
    ]
    return FusionStudy(
        steps=steps,
        batch=batch,
        seeds=seeds,
        degraded_psnr=float(psnr(degraded, clean).mean()),
        degraded_ssim=float(ssim(degraded, clean).mean()),
        results=tuple(results),
    )


def build_variants(
    config: PaniniConfig, encoder: DegradationEncoder, seed: int
) -> dict[tuple[str, bool], PaniniNet]:
    """A network for every fusion with (True) and without the DR; common parts begin equal."""
    variants: dict[tuple[str, bool], PaniniNet] = {}
    for name, fusion in FUSIONS.items():
        for represented in (True, False):
            torch.manual_seed(seed)
            network = ResidualNet(dataclasses.replace(config, learned_degradation=not represented))
            network.gan_prior.silence()
            torch.manual_seed(seed)
            widths = config.prior_channels[: len(config.level_channels)]
            network.feature_interpolation = fusion(config.level_channels, widths)
            if network.degradation_encoder is not None:
                network.degradation_encoder.load_state_dict(encoder.state_dict())
                network.degradation_encoder.requires_grad_(False)
            variants[name, represented] = network
    return variants


def _train_encoder(
    faces: Tensor, config: PaniniConfig, steps: int, seed: int, show: Callable[[int], None]
) -> DegradationEncoder:
    """A short UDRL, as `training.udrl`, on whole faces."""
    torch.manual_seed(seed)
    encoder = DegradationEncoder(
        config.degradation_layers,
        pool=config.degradation_pool,
        patch=config.degradation_patch,
        discriminants=config.degradation_discriminants,
    )
    contrast = MomentumContrast(encoder, queue=16 * UDRL_BATCH, momentum=0.99, temperature=0.07)
    contrast.to(faces.device)
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    sampler = _sampler(faces, UDRL_BATCH, seed)
    settings = UdrlConfig(degradation=DEGRADATION)
    for step in range(steps):
        queries, keys = degraded_pairs(sampler, settings, step)
        contrast.follow()
        loss, new_keys = contrast(queries, keys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        contrast.enqueue(new_keys)
        show(step + 1)
    fit_discriminants(
        encoder, faces, PRESETS[DEGRADATION], groups=200, faces_per_group=4, seed=seed
    )
    return encoder.eval()


def _train_variants(
    networks: list[PaniniNet],
    faces: Tensor,
    steps: int,
    batch: int,
    seed: int,
    show: Callable[[int], None],
) -> None:
    """All at once, so that they see the same pictures; L1 alone, a cosine from start to end."""
    settings = RestorerConfig(prior_rate=6.0)
    optimizers = [build_optimizer(network, settings) for network in networks]
    sampler = _sampler(faces, batch, seed)
    for network in networks:
        network.train()
        if network.degradation_encoder is not None:
            network.degradation_encoder.eval()
    for step in range(steps):
        generator = sampler.generator(step, purpose=2)
        clean = sampler(step)
        degraded = degrade_with(DEGRADATION, clean, generator=generator)
        rate = 5e-4 * min(1.0, (step + 1) / WARM_UP)
        rate *= 0.5 + 0.5 * float(torch.cos(torch.tensor(torch.pi * step / steps)))
        for network, optimizer in zip(networks, optimizers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            loss = F.l1_loss(network(to_network(degraded)), to_network(clean))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            optimizer.step()
        show(step + 1)


@torch.inference_mode()
def _measure(network: PaniniNet, clean: Tensor, degraded: Tensor) -> tuple[float, float, float]:
    """PSNR, SSIM, and the gain in dB over giving every face the DR of its neighbour."""

    def restore(exchange: bool) -> Tensor:
        restored: list[Tensor] = []
        vectors = torch.cat(
            [network.encode_degradation(to_network(part)) for part in degraded.split(_BATCH)]
        )
        if exchange:
            vectors = vectors.roll(1, 0)
        for part, own in zip(degraded.split(_BATCH), vectors.split(_BATCH), strict=True):
            alpha = network.predict_alpha(own)
            restored.append(from_network(network(to_network(part), alpha)))
        return torch.cat(restored)

    restored = restore(exchange=False)
    decibels = psnr(restored, clean)
    exchanged = decibels
    if network.degradation_encoder is not None:
        exchanged = psnr(restore(exchange=True), clean)
    return (
        float(decibels.mean()),
        float(ssim(restored, clean).mean()),
        float((decibels - exchanged).mean()),
    )


def _held_out_pairs(faces: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clean = (faces.float() / 255).repeat(HELD_OUT_VERSIONS, 1, 1, 1)
    return clean, degrade_with(DEGRADATION, clean, generator=generator)


def _sampler(faces: Tensor, batch: int, seed: int) -> FaceSampler:
    data = DataConfig(image_size=faces.shape[-1], colour=0.3, max_shift=4)
    return FaceSampler(faces, data, batch=batch, seed=seed)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
