"""Face restoration with a degradation-aware StyleGAN2 prior (Panini-Net, AAAI 2022).

The stages in order: `detect_faces`, `align_faces`, `represent_degradation`, `weigh_features`,
`restore_faces`, `paste_faces`; `restore_images` calls them all. Images are tensors (N, 3, H, W),
RGB in [0, 1].
"""

from .align import align_faces
from .checkpoints import (
    CheckpointError,
    convert_checkpoint,
    load_panini,
    save_panini,
)
from .degradation import (
    apply_fidelity,
    average_degradation,
    bias_levels,
    blend_degradations,
    override_levels,
    represent_degradation,
    weigh_features,
)
from .detect import detect_faces, load_detector
from .faces import (
    DegradationRepresentation,
    Face,
    FaceSet,
    InterpolationWeights,
    RestoredFaces,
)
from .images import ImageFileError, read_image, write_image
from .models.face_detector import FaceDetector
from .models.panini import PaniniConfig, PaniniNet
from .paste import paste_faces, paste_mask
from .pipeline import (
    Restoration,
    RestoreOptions,
    restore_images,
    restore_images_with_report,
)
from .restore import restore_faces
from .selection import select_faces

__all__ = [
    "CheckpointError",
    "DegradationRepresentation",
    "Face",
    "FaceDetector",
    "FaceSet",
    "ImageFileError",
    "InterpolationWeights",
    "PaniniConfig",
    "PaniniNet",
    "Restoration",
    "RestoreOptions",
    "RestoredFaces",
    "align_faces",
    "apply_fidelity",
    "average_degradation",
    "bias_levels",
    "blend_degradations",
    "convert_checkpoint",
    "detect_faces",
    "load_detector",
    "load_panini",
    "override_levels",
    "paste_faces",
    "paste_mask",
    "read_image",
    "represent_degradation",
    "restore_faces",
    "restore_images",
    "restore_images_with_report",
    "save_panini",
    "select_faces",
    "weigh_features",
    "write_image",
]
