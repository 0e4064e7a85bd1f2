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
    from .atlas import (
        DegradationAtlas,
        DegradationDescription,
        describe_degradation,
        load_atlas,
        preset_degradation,
    )
    from .checkpoints import (
        DEFAULT_WEIGHTS,
        CheckpointError,
        convert_checkpoint,
        default_network,
        find_weights,
        load_gan_prior,
        load_panini,
        save_panini,
    )
    from .checkpoints.degradation_file import load_degradation, save_degradation
    from .checkpoints.detector import Folders, find_detector, load_detector
    from .checkpoints.fingerprint import encoder_fingerprint
    from .checkpoints.image_models import load_restorer, load_upscaler
    from .checkpoints.parser import find_parser, load_parser
    from .compute import DTYPES, choose_device, choose_dtype
    from .degrading.degrade import degrade_images
    from .degrading.ranges import PRESETS as DEGRADATION_PRESETS
    from .degrading.ranges import (
        DegradationRanges,
        FamilyWeights,
        FilterWeights,
        PassRanges,
        exact_degradation,
    )
    from .drawing.faces import draw_faces, to_pillow
    from .drawing.plots import plot_alpha, plot_atlas
    from .faces import DegradationRepresentation, Face, FaceSet, InterpolationWeights, RestoredFaces
    from .film import FilmFace, FilmReport, parts_folder, restore_film
    from .images import (
        ImageFile,
        ImageFileError,
        JpegSource,
        Metadata,
        Place,
        read_image,
        read_images,
        save_image,
        write_image,
        write_images,
    )
    from .models.face_detector import Detections, FaceDetector
    from .models.face_parser import FaceParser, ParserKind
    from .models.face_restorer import CropRestorer, FaceRestorer, RestorerKind, restorer_of
    from .models.fidelity_curve import FidelityCurve
    from .models.image_upscaler import ImageUpscaler, upscaler_of
    from .models.panini import GanPrior, PaniniConfig, PaniniNet
    from .models.spandrel_descriptor import SpandrelDescriptor
    from .models.stylegan2 import Fuse
    from .models.value_range import from_network, to_network
    from .models.window import Window
    from .onnx_export import export_onnx
    from .options import (
        ATLAS_SUFFIX,
        BUNDLED_NETWORKS,
        DEFAULT_BATCH,
        DEFAULT_CROP_SIDE,
        DEFAULT_FEATHER,
        DEFAULT_THRESHOLD,
        DTYPE_NAMES,
        FIDELITY_PRESETS,
        FILM_CODECS,
        FILM_SMOOTHING,
        KNOWN_DEGRADATIONS,
        LARGEST_SEED,
        MASK_SHAPES,
        MASK_SOURCES,
        ONNX_SUFFIX,
        PARSER_FILES,
        REGION_FEATHER,
        FaceRegions,
        FilmOptions,
        NetworkOptions,
        PasteOptions,
        RestoreOptions,
        parse_regions,
    )
    from .pipeline import (
        ImageReport,
        Restoration,
        represent_in_images,
        restore_images,
        restore_images_with_report,
    )
    from .sample_photo import sample_photo
    from .stages.align import align_faces, whole_picture_faces
    from .stages.alpha import (
        apply_fidelity,
        bias_levels,
        move_levels,
        override_levels,
        weigh_features,
    )
    from .stages.boxes import faces_from_boxes
    from .stages.chunks import OnChunk, OnImage, default_batch
    from .stages.clip import detect_in_clip
    from .stages.detect import detect_faces
    from .stages.enlarge import enlarge
    from .stages.grouping import face_numbers, number_faces, rows_of_images
    from .stages.layers import face_mask
    from .stages.level_statistics import LevelStatistics, alpha_statistics
    from .stages.masks import draw_masks
    from .stages.parse import parse_faces
    from .stages.paste import paste_faces, paste_faces_with_mask
    from .stages.per_face import PerFace, parse_per_face
    from .stages.regions import draw_regions
    from .stages.represent import average_degradation, blend_degradations, represent_degradation
    from .stages.restore import restore_faces
    from .stages.selection import (
        SORT_ORDERS,
        face_areas,
        face_distances,
        missed_faces,
        parse_rule,
        rows_in_order,
        select_faces,
        sort_faces,
    )
    from .stages.smooth import smooth_degradation, smooth_faces
    from .stages.steady import steady_faces
    from .stages.track import track_faces
    from .video import WRITABLE_FILMS, VideoFileError

# Which module holds each public name; the imports above and `__all__` say the same (tested).
_NAMES: dict[str, tuple[str, ...]] = {
    "atlas": (
        "DegradationAtlas",
        "DegradationDescription",
        "describe_degradation",
        "load_atlas",
        "preset_degradation",
    ),
    "checkpoints": (
        "DEFAULT_WEIGHTS",
        "CheckpointError",
        "convert_checkpoint",
        "default_network",
        "find_weights",
        "load_gan_prior",
        "load_panini",
        "save_panini",
    ),
    "checkpoints.degradation_file": ("load_degradation", "save_degradation"),
    "checkpoints.detector": ("Folders", "find_detector", "load_detector"),
    "checkpoints.fingerprint": ("encoder_fingerprint",),
    "checkpoints.image_models": ("load_restorer", "load_upscaler"),
    "checkpoints.parser": ("find_parser", "load_parser"),
    "compute": ("DTYPES", "choose_device", "choose_dtype"),
    "degrading.degrade": ("degrade_images",),
    "degrading.ranges": (
        "DEGRADATION_PRESETS",
        "DegradationRanges",
        "FamilyWeights",
        "FilterWeights",
        "PassRanges",
        "exact_degradation",
    ),
    "drawing.faces": ("draw_faces", "to_pillow"),
    "drawing.plots": ("plot_alpha", "plot_atlas"),
    "faces": (
        "DegradationRepresentation",
        "Face",
        "FaceSet",
        "InterpolationWeights",
        "RestoredFaces",
    ),
    "film": ("FilmFace", "FilmReport", "parts_folder", "restore_film"),
    "images": (
        "ImageFile",
        "ImageFileError",
        "JpegSource",
        "Metadata",
        "Place",
        "read_image",
        "read_images",
        "save_image",
        "write_image",
        "write_images",
    ),
    "models.face_detector": ("Detections", "FaceDetector"),
    "models.face_parser": ("FaceParser", "ParserKind"),
    "models.face_restorer": ("CropRestorer", "FaceRestorer", "RestorerKind", "restorer_of"),
    "models.fidelity_curve": ("FidelityCurve",),
    "models.image_upscaler": ("ImageUpscaler", "upscaler_of"),
    "models.panini": ("GanPrior", "PaniniConfig", "PaniniNet"),
    "models.spandrel_descriptor": ("SpandrelDescriptor",),
    "models.stylegan2": ("Fuse",),
    "models.value_range": ("from_network", "to_network"),
    "models.window": ("Window",),
    "onnx_export": ("export_onnx",),
    "options": (
        "ATLAS_SUFFIX",
        "BUNDLED_NETWORKS",
        "DEFAULT_BATCH",
        "DEFAULT_CROP_SIDE",
        "DEFAULT_FEATHER",
        "DEFAULT_THRESHOLD",
        "DTYPE_NAMES",
        "FIDELITY_PRESETS",
        "FILM_CODECS",
        "FILM_SMOOTHING",
        "KNOWN_DEGRADATIONS",
        "LARGEST_SEED",
        "MASK_SHAPES",
        "MASK_SOURCES",
        "PARSER_FILES",
        "REGION_FEATHER",
        "FaceRegions",
        "FilmOptions",
        "ONNX_SUFFIX",
        "NetworkOptions",
        "PasteOptions",
        "RestoreOptions",
        "parse_regions",
    ),
    "pipeline": (
        "ImageReport",
        "Restoration",
        "represent_in_images",
        "restore_images",
        "restore_images_with_report",
    ),
    "sample_photo": ("sample_photo",),
    "stages.align": ("align_faces", "whole_picture_faces"),
    "stages.alpha": (
        "apply_fidelity",
        "bias_levels",
        "move_levels",
        "override_levels",
        "weigh_features",
    ),
    "stages.boxes": ("faces_from_boxes",),
    "stages.chunks": ("OnChunk", "OnImage", "default_batch"),
    "stages.clip": ("detect_in_clip",),
    "stages.detect": ("detect_faces",),
    "stages.enlarge": ("enlarge",),
    "stages.grouping": ("face_numbers", "number_faces", "rows_of_images"),
    "stages.layers": ("face_mask",),
    "stages.level_statistics": ("LevelStatistics", "alpha_statistics"),
    "stages.masks": ("draw_masks",),
    "stages.parse": ("parse_faces",),
    "stages.paste": ("paste_faces", "paste_faces_with_mask"),
    "stages.per_face": ("PerFace", "parse_per_face"),
    "stages.regions": ("draw_regions",),
    "stages.represent": ("average_degradation", "blend_degradations", "represent_degradation"),
    "stages.restore": ("restore_faces",),
    "stages.selection": (
        "SORT_ORDERS",
        "face_areas",
        "face_distances",
        "missed_faces",
        "parse_rule",
        "rows_in_order",
        "select_faces",
        "sort_faces",
    ),
    "stages.smooth": ("smooth_degradation", "smooth_faces"),
    "stages.steady": ("steady_faces",),
    "stages.track": ("track_faces",),
    "video": ("WRITABLE_FILMS", "VideoFileError"),
}
_NAME_IN_MODULE = {"DEGRADATION_PRESETS": "PRESETS"}  # where it differs
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "ATLAS_SUFFIX",
    "BUNDLED_NETWORKS",
    "DEFAULT_BATCH",
    "DEFAULT_CROP_SIDE",
    "DEFAULT_FEATHER",
    "DEFAULT_THRESHOLD",
    "DEFAULT_WEIGHTS",
    "DEGRADATION_PRESETS",
    "DTYPES",
    "DTYPE_NAMES",
    "FIDELITY_PRESETS",
    "FILM_CODECS",
    "FILM_SMOOTHING",
    "KNOWN_DEGRADATIONS",
    "LARGEST_SEED",
    "MASK_SHAPES",
    "MASK_SOURCES",
    "ONNX_SUFFIX",
    "PARSER_FILES",
    "REGION_FEATHER",
    "SORT_ORDERS",
    "WRITABLE_FILMS",
    "CheckpointError",
    "CropRestorer",
    "DegradationAtlas",
    "DegradationDescription",
    "DegradationRanges",
    "DegradationRepresentation",
    "Detections",
    "Face",
    "FaceDetector",
    "FaceParser",
    "FaceRegions",
    "FaceRestorer",
    "FaceSet",
    "FamilyWeights",
    "FidelityCurve",
    "FilmFace",
    "FilmOptions",
    "FilmReport",
    "FilterWeights",
    "Folders",
    "Fuse",
    "GanPrior",
    "ImageFile",
    "ImageFileError",
    "ImageReport",
    "ImageUpscaler",
    "InterpolationWeights",
    "JpegSource",
    "LevelStatistics",
    "Metadata",
    "NetworkOptions",
    "OnChunk",
    "OnImage",
    "PaniniConfig",
    "PaniniNet",
    "ParserKind",
    "PassRanges",
    "PasteOptions",
    "PerFace",
    "Place",
    "Restoration",
    "RestoreOptions",
    "RestoredFaces",
    "RestorerKind",
    "SpandrelDescriptor",
    "VideoFileError",
    "Window",
    "align_faces",
    "alpha_statistics",
    "apply_fidelity",
    "average_degradation",
    "bias_levels",
    "blend_degradations",
    "choose_device",
    "choose_dtype",
    "convert_checkpoint",
    "default_batch",
    "default_network",
    "degrade_images",
    "describe_degradation",
    "detect_faces",
    "detect_in_clip",
    "draw_faces",
    "draw_masks",
    "draw_regions",
    "encoder_fingerprint",
    "enlarge",
    "exact_degradation",
    "export_onnx",
    "face_areas",
    "face_distances",
    "face_mask",
    "face_numbers",
    "faces_from_boxes",
    "find_detector",
    "find_parser",
    "find_weights",
    "from_network",
    "load_atlas",
    "load_degradation",
    "load_detector",
    "load_gan_prior",
    "load_panini",
    "load_parser",
    "load_restorer",
    "load_upscaler",
    "missed_faces",
    "move_levels",
    "number_faces",
    "override_levels",
    "parse_faces",
    "parse_per_face",
    "parse_regions",
    "parse_rule",
    "parts_folder",
    "paste_faces",
    "paste_faces_with_mask",
    "plot_alpha",
    "plot_atlas",
    "preset_degradation",
    "read_image",
    "read_images",
    "represent_degradation",
    "represent_in_images",
    "restore_faces",
    "restore_film",
    "restore_images",
    "restore_images_with_report",
    "restorer_of",
    "rows_in_order",
    "rows_of_images",
    "sample_photo",
    "save_degradation",
    "save_image",
    "save_panini",
    "select_faces",
    "smooth_degradation",
    "smooth_faces",
    "sort_faces",
    "steady_faces",
    "to_network",
    "to_pillow",
    "track_faces",
    "upscaler_of",
    "weigh_features",
    "whole_picture_faces",
    "write_image",
    "write_images",
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
