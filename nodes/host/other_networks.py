"""Networks that are not ours: parsing, and what the upscale model loader gives."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import comfy.model_management as memory
import torch
from torch import Tensor

from ... import panini_core as core
from .files import DETECTOR_FOLDER, fingerprint_file, places
from .networks import ManagedNetwork, manage
from .progress import Progress

if TYPE_CHECKING:
    from ...panini_core import FaceParser

IMAGE_MODEL_FACTOR = 384  # memory of an upscale model's pass, in inputs, as ComfyUI estimates it


_parsers: dict[str, ManagedNetwork[FaceParser]] = {}  # by fingerprint; only the last one


def load_parser(mask_source: str) -> FaceParser | None:
    """The face parser that a mask source needs, on its device; None if it needs none.

    `parse` needs it; `auto` takes it where models/facedetection holds its file and facexlib is
    installed. Raises FileNotFoundError without a parser's file, ImportError without facexlib.
    """
    if mask_source not in ("auto", "parse"):
        return None
    path = core.find_parser(places(DETECTOR_FOLDER))
    if mask_source == "auto" and (path is None or find_spec("facexlib") is None):
        return None
    if path is None:
        raise FileNotFoundError(
            f"mask_source parse needs {' or '.join(core.PARSER_FILES)} (as of facexlib's releases) "
            f"in models/{DETECTOR_FOLDER}: put one there, or choose auto, oval or soft."
        )
    known = fingerprint_file(path)
    if known not in _parsers:
        parser = manage(core.load_parser(path), path)
        _parsers.clear()
        _parsers[known] = parser
    return _parsers[known].load()


def apply_image_model(descriptor: Any, images: Tensor, progress: Progress) -> Tensor:
    """What a model of ComfyUI's upscale model loader (spandrel) makes of (N, 3, H, W) in [0, 1].

    One image at a time. Face restorers take and give [-1, 1]; spandrel leaves that to the caller.
    """
    device = memory.get_torch_device()
    working_memory = images[:1].numel() * images.element_size() * IMAGE_MODEL_FACTOR
    memory.free_memory(memory.module_size(descriptor.model) + working_memory, device)
    descriptor.to(device)
    results: list[Tensor] = []
    try:
        for index, image in enumerate(images):
            picture = image[None].to(device, descriptor.dtype)
            if descriptor.purpose == "FaceSR":
                output = descriptor.model(core.to_network(picture))
                output = output[0] if isinstance(output, (tuple, list)) else output
                result = core.from_network(output)
            else:
                result = descriptor(picture)
            results.append(result.float().clamp(0, 1).cpu())
            progress(index + 1, len(images))
    finally:
        descriptor.to("cpu")
    return torch.cat(results)
