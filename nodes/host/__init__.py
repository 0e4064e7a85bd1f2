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
from .help_pages import register_help_pages
from .images import blank, to_image, to_images, to_mask, to_masks
from .networks import (
    ManagedNetwork,
    compute_device,
    load_panini,
    load_restorer,
    manage,
    require_panini,
)
from .other_networks import apply_image_model, borrow_upscaler, load_parser
from .pictures import save_preview
from .progress import FilmProgress, Progress
from .schemas import schema, supported
from .videos import (
    discard_film,
    film_file,
    is_of_images,
    result_file,
    video_from_file,
    video_from_images,
)

__all__ = [
    "DEGRADATION_FOLDER",
    "DETECTOR_FOLDER",
    "MODEL_FOLDER",
    "FilmProgress",
    "ManagedNetwork",
    "Progress",
    "apply_image_model",
    "blank",
    "borrow_upscaler",
    "compute_device",
    "degradation_folder",
    "discard_film",
    "film_file",
    "find_file",
    "fingerprint",
    "fingerprint_file",
    "is_of_images",
    "list_files",
    "load_panini",
    "load_parser",
    "load_restorer",
    "manage",
    "places",
    "register_folders",
    "register_help_pages",
    "require_panini",
    "result_file",
    "save_preview",
    "schema",
    "supported",
    "to_image",
    "to_images",
    "to_mask",
    "to_masks",
    "video_from_file",
    "video_from_images",
]
