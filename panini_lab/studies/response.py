"""How alpha, the GAN prior's share, answers to the kind and the severity of a degradation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_core.degrading.degrade import degraded_batches
from panini_core.degrading.ranges import PRESETS, exact_degradation
from panini_core.faces import InterpolationWeights
from panini_core.models.panini import PaniniNet
from panini_core.models.value_range import to_network
from panini_core.options import MIXED_DEGRADATIONS
from panini_core.stages.level_statistics import alpha_statistics

from ..metrics.psnr import psnr

_NOTHING = {"blur": 0.0, "downscale": 1.0, "noise": 0.0, "jpeg": 0.0}
# Growing severity from nothing at all, in the units of `exact_degradation`.
DOSES: dict[str, tuple[float, ...]] = {
    "blur": (0, 1, 2, 4, 6, 9),
    "noise": (0, 5, 10, 20, 30, 45),
    "jpeg": (0, 90, 70, 50, 30, 10),
    "downscale": (1, 2, 4, 6, 10, 16),
}

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Response:
    """Mean alpha of every level at every dose of one degradation."""

    degradation: str  # of DOSES, or "mixed"
    doses: tuple[str, ...]
    psnr: tuple[float, ...]  # mean dB to the clean face at each dose; EQUAL_PSNR for nothing at all
    alpha: tuple[tuple[float, ...], ...]  # [dose][level], mean over faces and channels
    correlation: tuple[float, ...]  # of each level, Spearman's, dose and alpha over all faces


@dataclass(frozen=True, slots=True)
class ResponseStudy:
    """The responses, and the names of the levels, coarse first."""

    faces: int
    levels: tuple[str, ...]  # px, and "picture" for the picture's own frequency bands
    responses: tuple[Response, ...]


@torch.inference_mode()
def study_response(
    model: PaniniNet,
    faces: Tensor,  # (N, 3, S, S) uint8, clean, S = model.config.input_size
    *,
    seed: int = 1,
    on_progress: OnProgress | None = None,  # pictures done, of how many
) -> ResponseStudy:
    """Degrade every face at every dose and read alpha.

    Raises ValueError for a model whose representation is one learned vector.
    """
    if model.degradation_encoder is None:
        raise ValueError("This model has one alpha for every face: it answers to nothing.")
    settings = {
        kind: {f"{dose:g}": exact_degradation(**(_NOTHING | {kind: float(dose)})) for dose in doses}
        for kind, doses in DOSES.items()
    }
    settings["mixed"] = {name: PRESETS[name] for name in MIXED_DEGRADATIONS}
    total = sum(len(doses) for doses in settings.values()) * len(faces)
    done = 0
    levels: tuple[str, ...] = ()
    responses: list[Response] = []
    for kind, doses in settings.items():
        of_faces: list[Tensor] = []  # a dose: (N, levels)
        decibels: list[float] = []
        for ranges in doses.values():
            generator = torch.Generator().manual_seed(seed)
            means: list[list[float]] = []
            qualities: list[Tensor] = []
            for clean, degraded in degraded_batches(
                faces, ranges, generator=generator, device=model.device
            ):
                qualities.append(psnr(degraded, clean).cpu())
                alpha = model.predict_alpha(model.encode_degradation(to_network(degraded)))
                for one in alpha.split(1):
                    found = alpha_statistics(InterpolationWeights(one), model.config)
                    levels = tuple(level.name for level in found)
                    means.append([level.mean for level in found])
                done += len(clean)
                if on_progress is not None:
                    on_progress(done, total)
            of_faces.append(torch.tensor(means, dtype=torch.float64))
            decibels.append(float(torch.cat(qualities).mean()))
        responses.append(_respond(kind, tuple(doses), torch.stack(of_faces), decibels))
    return ResponseStudy(faces=len(faces), levels=levels, responses=tuple(responses))


def _respond(
    degradation: str, doses: tuple[str, ...], alphas: Tensor, decibels: Sequence[float]
) -> Response:
    """From mean alphas (doses, N, levels) and the mean PSNR at each dose."""
    count = alphas.shape[1]
    dose = torch.arange(len(doses)).double().repeat_interleave(count)
    return Response(
        degradation=degradation,
        doses=doses,
        psnr=tuple(decibels),
        alpha=tuple(tuple(row.tolist()) for row in alphas.mean(1)),
        correlation=tuple(rank_correlation(dose, level.flatten()) for level in alphas.unbind(2)),
    )


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of two series (K,), equal values sharing their mean rank; 0 where one
    of them is constant."""
    ranks = torch.stack([_ranks(a), _ranks(b)])
    ranks = ranks - ranks.mean(1, keepdim=True)
    scale = ranks.norm(dim=1).prod()
    return float((ranks[0] * ranks[1]).sum() / scale) if scale > 0 else 0.0


def _ranks(values: Tensor) -> Tensor:
    _, members, counts = values.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts.double() - 1) / 2)[members]
