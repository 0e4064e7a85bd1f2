"""Making an atlas: clean faces, degraded in known ways, as one degradation encoder sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from panini_core.atlas import DegradationAtlas
from panini_core.checkpoints.fingerprint import encoder_fingerprint
from panini_core.degrading.degrade import degraded_batches
from panini_core.degrading.ranges import PRESETS, DegradationRanges, FamilyWeights, PassRanges
from panini_core.models.panini import PaniniNet
from panini_core.models.value_range import to_network
from panini_core.options import MIXED_DEGRADATIONS

from ..metrics.psnr import psnr
from ..options import ATLAS_SEED, KEPT_PER_CLASS
from .discriminants import fisher_discriminants
from .t_sne import t_sne

FEWEST_FACES = 4
CLEAN_PSNR, RUINED_PSNR = 40.0, 18.0  # dB, severity 0 and 1
REACH_QUANTILE, REACH_MARGIN = 0.99, 1.5
_NOTHING = PassRanges(
    blur_probability=0.0, resize_probability=0.0, noise_probability=0.0, jpeg_probability=0.0
)
_SINGLE = {
    "sharp": _NOTHING,
    "blur": replace(
        _NOTHING,
        blur_probability=1.0,
        blur_sigma=(1.5, 9.0),
        blur_families=FamilyWeights(1.0, 0.0, 0.0, 0.0),
    ),
    "noise": replace(
        _NOTHING, noise_probability=1.0, noise_sigma=(5.0, 45.0), low_resolution_probability=0.0
    ),
    "jpeg": replace(
        _NOTHING, jpeg_probability=1.0, jpeg_quality=(5.0, 60.0), low_resolution_probability=0.0
    ),
    "low resolution": replace(_NOTHING, resize_probability=1.0, down=(2.0, 16.0)),
}
CLASSES: dict[str, DegradationRanges] = {  # as options.KNOWN_DEGRADATIONS names them
    **{name: DegradationRanges((ranges,)) for name, ranges in _SINGLE.items()},
    **{name: PRESETS[name] for name in MIXED_DEGRADATIONS},
}
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class KnownSamples:
    """Degraded faces as the encoder sees them, class by class, each class with the same faces."""

    vectors: Tensor  # (K, D) float32, on the CPU
    labels: Tensor  # (K,) index into CLASSES
    severity: Tensor  # (K,) in [0, 1]


def severity_of_psnr(decibels: Tensor) -> Tensor:
    """40 dB and better to 0, 18 dB and worse to 1, linear between."""
    return ((CLEAN_PSNR - decibels) / (CLEAN_PSNR - RUINED_PSNR)).clamp(0, 1)


@torch.inference_mode()
def known_samples(
    model: PaniniNet,
    faces: Tensor,  # (N, 3, S, S) uint8, clean, S = model.config.input_size
    *,
    seed: int = ATLAS_SEED,
    on_progress: OnProgress | None = None,  # samples done, of how many
) -> KnownSamples:
    """Every face once in every class, its parameters drawn anew."""
    vectors: list[Tensor] = []
    decibels: list[Tensor] = []
    for number, ranges in enumerate(CLASSES.values()):
        generator = torch.Generator().manual_seed(seed * len(CLASSES) + number)
        done = number * len(faces)
        for clean, degraded in degraded_batches(
            faces, ranges, generator=generator, device=model.device
        ):
            vectors.append(model.encode_degradation(to_network(degraded)).cpu())
            decibels.append(psnr(degraded, clean).cpu())
            done += len(clean)
            if on_progress is not None:
                on_progress(done, len(CLASSES) * len(faces))
    return KnownSamples(
        vectors=torch.cat(vectors),
        labels=torch.arange(len(CLASSES)).repeat_interleave(len(faces)),
        severity=severity_of_psnr(torch.cat(decibels)),
    )


def build_atlas(
    model: PaniniNet,
    faces: Tensor,  # (N, 3, S, S) uint8, clean, S = model.config.input_size
    *,
    seed: int = ATLAS_SEED,
    on_progress: OnProgress | None = None,  # samples done, of how many
) -> DegradationAtlas:
    """The atlas of the model's degradation encoder.

    All faces teach the distance; the first `KEPT_PER_CLASS` become samples of each class. Raises
    ValueError for fewer than four faces, or a model whose representation is one learned vector.
    """
    if model.degradation_encoder is None:
        raise ValueError("This model sees the same degradation in every face: no atlas possible.")
    if len(faces) < FEWEST_FACES:
        raise ValueError(f"An atlas needs at least {FEWEST_FACES} faces, got {len(faces)}.")
    samples = known_samples(model, faces, seed=seed, on_progress=on_progress)
    centre = samples.vectors.mean(0)
    # Faces differ from each other far more than their degradations; this is what it removes.
    projection = fisher_discriminants(samples.vectors - centre, _groups(samples)).float()

    kept = torch.arange(len(samples.labels)) % len(faces) < KEPT_PER_CLASS
    projected = (samples.vectors - centre) @ projection.T
    return DegradationAtlas(
        names=tuple(CLASSES),
        vectors=samples.vectors[kept],
        labels=samples.labels[kept],
        severity=samples.severity[kept],
        positions=_unit_square(t_sne(projected[kept])).float(),
        centre=centre,
        projection=projection,
        reach=_reach(projected, kept),
        fingerprint=encoder_fingerprint(model),
    )


def _groups(samples: KnownSamples) -> Tensor:
    """Each class in two: its milder and its heavier half, so that distance tells severity too."""
    groups = samples.labels * 2
    for label in range(len(CLASSES)):
        own = samples.labels == label
        groups[own] += (samples.severity[own] > samples.severity[own].median()).long()
    return groups


def _reach(projected: Tensor, kept: Tensor) -> float:
    """How far known degradations lie from the nearest other sample, with room for other faces."""
    distances = torch.cdist(projected, projected[kept])
    distances[kept.nonzero().flatten(), torch.arange(int(kept.sum()))] = torch.inf  # itself
    return float(distances.amin(1).quantile(REACH_QUANTILE)) * REACH_MARGIN


def _unit_square(places: Tensor) -> Tensor:
    """Moved and scaled into [0, 1], proportions kept."""
    low, high = places.amin(0), places.amax(0)
    return (places - (low + high) / 2) / (high - low).max().clamp_min(1e-12) + 0.5
