"""One picture restored: a photograph with any number of faces, or an aligned face."""

from __future__ import annotations

from torch import Tensor

from ..faces import RestoredFaces
from ..models.face_detector import FaceDetector
from ..models.face_parser import FaceParser
from ..models.face_restorer import FaceRestorer
from ..models.image_upscaler import ImageUpscaler
from ..models.transfer import to_device
from ..options import RestoreOptions
from ..pipeline import ImageReport, restore_aligned, restore_images_with_report


def restore_picture(
    model: FaceRestorer,
    detector: FaceDetector | None,
    pixels: Tensor,
    options: RestoreOptions,
    *,
    upscaler: ImageUpscaler | None = None,
    keep_faces: bool,
    parser: FaceParser | None = None,
) -> tuple[Tensor, RestoredFaces | None, ImageReport]:
    """Restore a picture (3, H, W), RGB in [0, 1]; without a detector it is an aligned face.

    Returns the result (3, upscale * H, upscale * W) on the CPU; the restored faces, None if there
    is a detector and they are not kept; and what was found. Raises ValueError for an aligned face
    that is not square.
    """
    images = to_device(pixels[None], model.device)
    if detector is None:
        result, restored = restore_aligned(model, images, options, parser=parser)
        report = ImageReport(restored.face_set.faces, (True,), "The whole picture is one face.")
        return result[0].cpu(), restored, report
    restoration = restore_images_with_report(
        detector,
        model,
        images,
        options,
        upscaler=upscaler,
        keep_faces=keep_faces,
        parser=parser,
    )
    (report,) = restoration.reports
    return restoration.images[0].cpu(), restoration.restored, report
