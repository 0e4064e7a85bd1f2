"""Fisher's linear discriminants: what of a vector tells its group, and nothing else.

After UDRL they free the degradation representation from what is left of the person in it.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from panini_core.degrading.degrade import degrade, sample_degradations
from panini_core.degrading.ranges import DegradationRanges
from panini_core.models.degradation_encoder import DegradationEncoder
from panini_core.models.value_range import to_network

logger = logging.getLogger(__name__)

SHRINKAGE = 0.002  # of the scatter within groups toward its diagonal; measured


def fisher_discriminants(
    vectors: Tensor,  # (K, D)
    groups: Tensor,  # (K,) whole numbers
    most: int | None = None,  # None: all that are useful
) -> Tensor:  # (P, D), float64, the most telling first
    """Directions in which groups lie far apart for their inner scatter, which is brought to one
    (less where the shrinkage is stronger than the scatter)."""
    vectors = vectors.double()
    values, members = groups.unique(return_inverse=True)
    counts = torch.bincount(members, minlength=len(values)).double()
    means = torch.zeros(len(values), vectors.shape[1], dtype=torch.float64, device=vectors.device)
    means.index_add_(0, members, vectors)
    means /= counts[:, None]
    inner = vectors - means[members]
    scatter = inner.T @ inner / len(vectors)
    variances = scatter.diagonal()
    floor = variances.mean() * 1e-6 + 1e-12
    scatter = torch.lerp(scatter, torch.diag(variances + floor), SHRINKAGE)
    eigenvalues, axes = torch.linalg.eigh(scatter)
    whiten = axes * eigenvalues.clamp_min(floor * SHRINKAGE).rsqrt() @ axes.T
    apart = (means - vectors.mean(0)) @ whiten
    _, strengths, directions = torch.linalg.svd(apart, full_matrices=False)
    useful = int((strengths > 1e-6 * strengths[0]).sum())
    return directions[: useful if most is None else min(most, useful)] @ whiten


@torch.inference_mode()
def fit_discriminants(
    encoder: DegradationEncoder,
    faces: Tensor,  # (N, 3, S, S) uint8, clean, on the encoder's device
    ranges: DegradationRanges,
    *,
    groups: int,  # so many degradations are drawn …
    faces_per_group: int,  # … and each is put on so many faces
    seed: int,
) -> None:
    """Set the encoder's discriminants: groups are faces with one and the same degradation.

    Raises ValueError if the encoder has none to set, or for groups of fewer than two faces.
    """
    if encoder.discriminants is None:
        raise ValueError("This encoder has no discriminants: set degradation_discriminants.")
    if faces_per_group < 2:
        raise ValueError(f"A group needs at least two faces, got {faces_per_group}.")
    generator = torch.Generator().manual_seed(seed)
    size = faces.shape[-1]
    parameters = sample_degradations(ranges, groups, generator=generator, image_size=size)
    vectors: list[Tensor] = []
    was_training = encoder.training
    encoder.eval()
    for group in range(groups):
        chosen = torch.randint(len(faces), (faces_per_group,), generator=generator)
        clean = faces[chosen.to(faces.device)].float() / 255
        same = parameters.select([group] * faces_per_group)
        degraded = degrade(clean, same, generator=generator)
        vectors.append(encoder.average_features(to_network(degraded)).cpu())
        if (group + 1) % 100 == 0:
            logger.info("discriminants: %d of %d degradations", group + 1, groups)
    encoder.train(was_training)
    members = torch.arange(groups).repeat_interleave(faces_per_group)
    encoder.discriminants.set(*confine(torch.cat(vectors), members, encoder.discriminants.rank))


def confine(
    vectors: Tensor,  # (K, D)
    groups: Tensor,  # (K,)
    rank: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (D,), directions (rank, D) and loadings (D, rank) of the vectors' discriminants.

    The loadings are the least-squares way back from the discriminants to the vectors. Raises
    ValueError if there are fewer discriminants than `rank`.
    """
    mean = vectors.double().mean(0)
    directions = fisher_discriminants(vectors, groups, rank)
    if len(directions) < rank:
        raise ValueError(
            f"{len(groups.unique())} groups of {vectors.shape[1]} features have only "
            f"{len(directions)} discriminants, expected {rank}: draw more degradations."
        )
    found = (vectors.double() - mean) @ directions.T
    loadings = torch.linalg.lstsq(found, vectors.double() - mean).solution.T
    # Units of the features' own size, so that half precision keeps what there is.
    scale = found.std(0)
    return mean, directions / scale[:, None], loadings * scale
