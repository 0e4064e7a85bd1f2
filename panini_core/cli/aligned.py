"""Pictures that are aligned faces already: nothing to detect, the whole picture is the face."""

from __future__ import annotations

import torch
from torch import Tensor

from ..align import template
from ..degradation import apply_fidelity, represent_degradation, weigh_features
from ..faces import Face, FaceSet, RestoredFaces
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


def whole_picture_faces(images: Tensor) -> FaceSet:
    """Square images (N, 3, S, S) in [0, 1] in FFHQ's framing as a set of N faces.

    Raises ValueError for other shapes.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        height, width = images.shape[-2:]
        raise ValueError(f"An aligned face is a square picture, got {width}x{height} px.")
    count, size = len(images), images.shape[-1]
    box = torch.tensor([0.0, 0.0, size, size])
    landmarks = template(size).float()
    identity = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    return FaceSet(
        faces=tuple(Face(box, landmarks, 1.0, index) for index in range(count)),
        crops=images,
        to_crop=identity.expand(count, -1, -1),
    )
