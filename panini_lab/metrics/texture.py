"""Texture distance: Gram matrices of VGG19 features, which hold texture and no places.

Gatys et al., "Texture Synthesis Using Convolutional Neural Networks" (2015), equation 2. It sees
what PSNR rewards: soft skin and hair, drawn as the mean of all that might be there.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

TEXTURE_LAYERS = ("relu1_2", "relu2_2", "relu3_4")
"""The layers that the distance compares; deeper ones know objects rather than texture."""


def texture_distance(restored: Mapping[str, Tensor], clean: Mapping[str, Tensor]) -> Tensor:
    """Mean over TEXTURE_LAYERS of ||G_restored - G_clean|| / ||G_clean||, (N,); 0 for equal faces.

    The two mappings come from `VggFeatures` and hold TEXTURE_LAYERS at least, each (N, C, H, W);
    the sizes may differ, and the clean one may hold a single face for all of the other. G is the
    Gram matrix of the features over their positions, the norm is Frobenius'. In float32, under
    autocast as well. Raises ValueError for a missing layer.
    """
    missing = [name for name in TEXTURE_LAYERS if name not in restored or name not in clean]
    if missing:
        raise ValueError(f"The texture distance needs {TEXTURE_LAYERS}, without {missing}.")
    distances: list[Tensor] = []
    for name in TEXTURE_LAYERS:
        reference = _gram(clean[name])
        difference = torch.linalg.matrix_norm(_gram(restored[name]) - reference)
        distances.append(difference / torch.linalg.matrix_norm(reference).clamp(min=1e-12))
    return torch.stack(distances).mean(dim=0)


def _gram(features: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, C): the mean over positions of the products of two channels."""
    flat = features.float().flatten(2)
    with torch.autocast(flat.device.type, enabled=False):
        return flat @ flat.mT / flat.shape[2]
