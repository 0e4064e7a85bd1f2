"""Networks that are not ours: parsing, and what the upscale model loader gives."""

from __future__ import annotations

from typing import Any

import comfy.model_management as memory
import torch
from torch import Tensor

from ... import panini_core as core
from .files import DETECTOR_FOLDER, find_file, fingerprint, list_files
from .networks import ManagedNetwork, manage
from .progress import Progress

IMAGE_MODEL_FACTOR = 384  # memory of an upscale model's pass, in inputs, as ComfyUI estimates it
PARSER_FILES = ("parsing_parsenet.pth", "parsing_bisenet.pth")


_parsers: dict[str, ManagedNetwork[Any]] = {}  # by fingerprint; only the last one


def parse_masks(crops: Tensor) -> Tensor:
    """Masks (F, 1, M, M) of skin and features of crops (F, 3, S, S).

    Raises FileNotFoundError without a parser's file, ImportError without facexlib.
    """
    name = next((name for name in PARSER_FILES if name in list_files(DETECTOR_FOLDER)), None)
    if name is None:
        raise FileNotFoundError(
            f"mask_source parse needs {' or '.join(PARSER_FILES)} (as of facexlib's releases) in "
            f"models/{DETECTOR_FOLDER}: put one there, or choose soft."
        )
    known = fingerprint(DETECTOR_FOLDER, name)
    if known not in _parsers:
        path = find_file(DETECTOR_FOLDER, name)
        parser = manage(core.load_parser(path), path)
        _parsers.clear()
        _parsers[known] = parser
    return core.parse_faces(_parsers[known].load(), crops).to(crops.device)


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
