"""ComfyUI as the nodes see it; the only package that touches `comfy` and `folder_paths`."""

from .files import (
    DEGRADATION_FOLDER,
    DETECTOR_FOLDER,
    MODEL_FOLDER,
    degradation_folder,
    find_file,
    fingerprint,
    fingerprint_file,
    list_files,
    places,
    register_folders,
)
from .images import blank, to_image, to_images, to_mask
from .networks import ManagedNetwork, compute_device, load_panini, manage
from .other_networks import apply_image_model, parse_masks
from .pictures import save_preview
from .progress import Progress
from .schemas import schema, supported

__all__ = [
    "DEGRADATION_FOLDER",
    "DETECTOR_FOLDER",
    "MODEL_FOLDER",
    "ManagedNetwork",
    "Progress",
    "apply_image_model",
    "blank",
    "compute_device",
    "degradation_folder",
    "find_file",
    "fingerprint",
    "fingerprint_file",
    "list_files",
    "load_panini",
    "manage",
    "parse_masks",
    "places",
    "register_folders",
    "save_preview",
    "schema",
    "supported",
    "to_image",
    "to_images",
    "to_mask",
]
