"""Face restoration with a degradation-aware StyleGAN2 prior (Panini-Net, AAAI 2022).

The stages in order: `detect_faces`, `align_faces`, `represent_degradation`, `weigh_features`,
`restore_faces`, `paste_faces`; `restore_images` calls them all. Images are tensors (N, 3, H, W),
RGB in [0, 1].

A name is loaded when it is first used: importing the package loads neither torch nor a module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .align import align_faces, whole_picture_faces
    from .atlas import (
        DegradationAtlas,
        DegradationDescription,
        describe_degradation,
        load_atlas,
        preset_degradation,
    )
    from .boxes import faces_from_boxes
    from .checkpoints import (
        DEFAULT_WEIGHTS,
        CheckpointError,
        convert_checkpoint,
        load_panini,
        save_panini,
    )
    from .clips import smooth_degradation, smooth_faces, track_faces
    from .degradation import (
        apply_fidelity,
        average_degradation,
        bias_levels,
        blend_degradations,
        move_levels,
        override_levels,
        represent_degradation,
        weigh_features,
    )
    from .degradation_file import load_degradation, save_degradation
    from .detect import detect_faces, load_detector
    from .drawing import draw_faces, to_pillow
    from .faces import DegradationRepresentation, Face, FaceSet, InterpolationWeights, RestoredFaces
    from .fingerprint import encoder_fingerprint
    from .images import ImageFileError, read_image, write_image
    from .level_statistics import LevelStatistics, alpha_statistics
    from .masks import draw_masks
    from .models.face_detector import FaceDetector
    from .models.panini import PaniniConfig, PaniniNet
    from .options import (
        DEFAULT_BATCH,
        DEFAULT_FEATHER,
        DEFAULT_THRESHOLD,
        FIDELITY_PRESETS,
        RestoreOptions,
    )
    from .parse import FaceParser, load_parser, parse_faces
    from .paste import face_mask, paste_faces, paste_faces_with_mask, paste_mask
    from .pipeline import (
        Restoration,
        represent_in_images,
        restore_images,
        restore_images_with_report,
    )
    from .plots import plot_alpha, plot_atlas
    from .restore import restore_faces
    from .selection import SORT_ORDERS, select_faces, sort_faces
    from .training.degradation_ranges import PRESETS as DEGRADATION_PRESETS
    from .training.degradation_ranges import exact_degradation
    from .training.degrade import degrade_images

# Which module holds each public name; the imports above and `__all__` say the same (tested).
_NAMES: dict[str, tuple[str, ...]] = {
    "align": ("align_faces", "whole_picture_faces"),
    "atlas": (
        "DegradationAtlas",
        "DegradationDescription",
        "describe_degradation",
        "load_atlas",
        "preset_degradation",
    ),
    "boxes": ("faces_from_boxes",),
    "checkpoints": (
        "DEFAULT_WEIGHTS",
        "CheckpointError",
        "convert_checkpoint",
        "load_panini",
        "save_panini",
    ),
    "clips": ("smooth_degradation", "smooth_faces", "track_faces"),
    "degradation": (
        "apply_fidelity",
        "average_degradation",
        "bias_levels",
        "blend_degradations",
        "move_levels",
        "override_levels",
        "represent_degradation",
        "weigh_features",
    ),
    "degradation_file": ("load_degradation", "save_degradation"),
    "detect": ("detect_faces", "load_detector"),
    "drawing": ("draw_faces", "to_pillow"),
    "faces": (
        "DegradationRepresentation",
        "Face",
        "FaceSet",
        "InterpolationWeights",
        "RestoredFaces",
    ),
    "fingerprint": ("encoder_fingerprint",),
    "images": ("ImageFileError", "read_image", "write_image"),
    "level_statistics": ("LevelStatistics", "alpha_statistics"),
    "masks": ("draw_masks",),
    "models.face_detector": ("FaceDetector",),
    "models.panini": ("PaniniConfig", "PaniniNet"),
    "options": (
        "DEFAULT_BATCH",
        "DEFAULT_FEATHER",
        "DEFAULT_THRESHOLD",
        "FIDELITY_PRESETS",
        "RestoreOptions",
    ),
    "parse": ("FaceParser", "load_parser", "parse_faces"),
    "paste": ("face_mask", "paste_faces", "paste_faces_with_mask", "paste_mask"),
    "pipeline": (
        "Restoration",
        "represent_in_images",
        "restore_images",
        "restore_images_with_report",
    ),
    "plots": ("plot_alpha", "plot_atlas"),
    "restore": ("restore_faces",),
    "selection": ("SORT_ORDERS", "select_faces", "sort_faces"),
    "training.degradation_ranges": ("DEGRADATION_PRESETS", "exact_degradation"),
    "training.degrade": ("degrade_images",),
}
_NAME_IN_MODULE = {"DEGRADATION_PRESETS": "PRESETS"}  # where it differs
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "DEFAULT_BATCH",
    "DEFAULT_FEATHER",
    "DEFAULT_THRESHOLD",
    "DEFAULT_WEIGHTS",
    "DEGRADATION_PRESETS",
    "FIDELITY_PRESETS",
    "SORT_ORDERS",
    "CheckpointError",
    "DegradationAtlas",
    "DegradationDescription",
    "DegradationRepresentation",
    "Face",
    "FaceDetector",
    "FaceParser",
    "FaceSet",
    "ImageFileError",
    "InterpolationWeights",
    "LevelStatistics",
    "PaniniConfig",
    "PaniniNet",
    "Restoration",
    "RestoreOptions",
    "RestoredFaces",
    "align_faces",
    "alpha_statistics",
    "apply_fidelity",
    "average_degradation",
    "bias_levels",
    "blend_degradations",
    "convert_checkpoint",
    "degrade_images",
    "describe_degradation",
    "detect_faces",
    "draw_faces",
    "draw_masks",
    "encoder_fingerprint",
    "exact_degradation",
    "face_mask",
    "faces_from_boxes",
    "load_atlas",
    "load_degradation",
    "load_detector",
    "load_panini",
    "load_parser",
    "move_levels",
    "override_levels",
    "parse_faces",
    "paste_faces",
    "paste_faces_with_mask",
    "paste_mask",
    "plot_alpha",
    "plot_atlas",
    "preset_degradation",
    "read_image",
    "represent_degradation",
    "represent_in_images",
    "restore_faces",
    "restore_images",
    "restore_images_with_report",
    "save_degradation",
    "save_panini",
    "select_faces",
    "smooth_degradation",
    "smooth_faces",
    "sort_faces",
    "to_pillow",
    "track_faces",
    "weigh_features",
    "whole_picture_faces",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_MODULE_OF[name]}", __name__)
    value = getattr(module, _NAME_IN_MODULE.get(name, name))
    globals()[name] = value  # asked once only
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
