"""One picture restored: a photograph with any number of faces, or an aligned face."""

from __future__ import annotations

import torch
from torch import Tensor

from ..faces import RestoredFaces
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.panini import PaniniNet
from ..options import RestoreOptions
from ..pipeline import ImageReport, restore_images_with_report
from ..stages.align import whole_picture_faces
from ..stages.paste import paste_faces
from ..stages.paste_masks import paste_masks
from ..stages.restore import restore_faces


def restore_picture(
    model: PaniniNet,
    detector: FaceDetector | None,
    pixels: Tensor,
    options: RestoreOptions,
    *,
    keep_faces: bool,
    parser: FaceParser | None = None,
) -> tuple[Tensor, RestoredFaces | None, ImageReport]:
    """Restore a picture (3, H, W), RGB in [0, 1]; without a detector it is an aligned face.

    Returns the result (3, upscale * H, upscale * W) on the CPU; the restored faces, None if there
    is a detector and they are not kept; and what was found. Raises ValueError for an aligned face
    that is not square.
    """
    images = pixels[None].to(model.device)
    if detector is None:
        result, restored = _restore_aligned(model, images, options, parser)
        report = ImageReport(restored.face_set.faces, (True,), "The whole picture is one face.")
        return result[0].cpu(), restored, report
    restoration = restore_images_with_report(
        detector, model, images, options, keep_faces=keep_faces, parser=parser
    )
    (report,) = restoration.reports
    return restoration.images[0].cpu(), restoration.restored, report


def _restore_aligned(
    model: PaniniNet, images: Tensor, options: RestoreOptions, parser: FaceParser | None
) -> tuple[Tensor, RestoredFaces]:
    """Square images (N, 3, S, S) that are faces in FFHQ's framing."""
    restored = restore_faces(model, whole_picture_faces(images), options=options)
    masks = paste_masks(restored.face_set, restored.crops.shape[-1], options, parser)
    if masks is None:  # the usual mask, but without a border: the crop is the picture
        masks = torch.ones(len(images), 1, 1, 1)
    return paste_faces(images, restored, options, masks=masks), restored
