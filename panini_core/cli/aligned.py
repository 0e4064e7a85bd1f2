"""Pictures that are aligned faces already: nothing to detect, the whole picture is the face."""

from __future__ import annotations

import torch
from torch import Tensor

from ..align import whole_picture_faces
from ..degradation import apply_fidelity, represent_degradation, weigh_features
from ..faces import RestoredFaces
from ..models.panini import PaniniNet
from ..options import RestoreOptions
from ..paste import paste_faces
from ..restore import restore_faces


def restore_aligned(
    model: PaniniNet, images: Tensor, options: RestoreOptions
) -> tuple[Tensor, RestoredFaces]:
    """Restore square images (N, 3, S, S), RGB in [0, 1], that are faces in FFHQ's framing.

    Returns images (N, 3, upscale * S, upscale * S), and the faces before and after at the
    model's own size. Raises ValueError for other shapes.
    """
    faces = whole_picture_faces(images)
    degradation = represent_degradation(model, faces, batch=options.batch)
    weights = apply_fidelity(weigh_features(model, degradation), options.fidelity)
    restored = restore_faces(model, faces, weights, batch=options.batch)
    result = paste_faces(
        images,
        restored,
        strength=options.strength,
        match_colour=options.match_colour,
        upscale=options.upscale,
        masks=torch.ones(len(images), 1, 1, 1),  # no border: the crop is the picture
    )
    return result, restored
