"""Pictures that are aligned faces already: nothing to detect, the whole picture is the face."""

from __future__ import annotations

import torch
from torch import Tensor

from ..align import whole_picture_faces
from ..faces import RestoredFaces
from ..models.panini import PaniniNet
from ..options import RestoreOptions
from ..paste import paste_faces
from ..pipeline import restore_face_set


def restore_aligned(
    model: PaniniNet, images: Tensor, options: RestoreOptions
) -> tuple[Tensor, RestoredFaces]:
    """Restore square images (N, 3, S, S), RGB in [0, 1], that are faces in FFHQ's framing.

    Returns images (N, 3, upscale * S, upscale * S), and the faces before and after at the
    model's own size. Raises ValueError for other shapes.
    """
    restored = restore_face_set(model, whole_picture_faces(images), options)
    result = paste_faces(
        images,
        restored,
        strength=options.strength,
        match_colour=options.match_colour,
        keep_detail=options.keep_detail,
        upscale=options.upscale,
        masks=torch.ones(len(images), 1, 1, 1),  # no border: the crop is the picture
    )
    return result, restored
