"""Networks that are not ours: parsing, and what the upscale model loader gives."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import comfy.model_management as memory
import torch
from torch import Tensor

from ... import panini_core as core
from .files import DETECTOR_FOLDER, find_file, fingerprint, list_files
from .networks import IMAGE_MODEL_FACTOR, ManagedNetwork, manage
from .progress import Progress

if TYPE_CHECKING:
    from ...panini_core import ImageUpscaler, SpandrelDescriptor

IMAGE_MODEL_SIDE = 512  # px, of what goes through an upscale model together
IMAGE_MODEL_BYTES = 4  # a number
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


@contextmanager
def borrow(descriptor: SpandrelDescriptor) -> Generator[None]:
    """A model of ComfyUI's upscale model loader on the device, as long as the `with` lasts.

    ComfyUI does not manage such models: room is made, and the model brought back to the CPU, as
    its own nodes do. Networks that it manages are to be loaded inside, or they make room as well.
    """
    device = memory.get_torch_device()
    working_memory = 3 * IMAGE_MODEL_SIDE**2 * IMAGE_MODEL_BYTES * IMAGE_MODEL_FACTOR
    working_memory *= max(descriptor.scale, 1)
    memory.free_memory(memory.module_size(descriptor.model) + working_memory, device)
    descriptor.model.to(device)
    try:
        yield
    finally:
        descriptor.model.to("cpu")


@contextmanager
def borrow_upscaler(descriptor: SpandrelDescriptor | None) -> Generator[ImageUpscaler | None]:
    """An upscale model on the device, which stops between tiles when the user interrupts; None if
    there is none. Raises ValueError for a face restorer."""
    if descriptor is None:
        yield None
        return
    upscaler = core.upscaler_of(descriptor)

    def call(pictures: Tensor) -> Tensor:
        memory.throw_exception_if_processing_interrupted()
        return upscaler.call(pictures)

    with borrow(descriptor):
        yield replace(upscaler, call=call)


def apply_image_model(descriptor: SpandrelDescriptor, images: Tensor) -> Tensor:
    """What a model of ComfyUI's upscale model loader makes of crops (N, 3, S, S) in [0, 1].

    Face restorers get and give faces of their size; other models enlarge by their factor, crops of
    any shape. Raises ValueError for a face restorer whose crops are not square.
    """
    progress = Progress()
    if descriptor.purpose == "FaceSR":
        restorer = core.restorer_of(descriptor)
        with borrow(descriptor):
            faces = core.whole_picture_faces(images.float())
            return core.restore_faces(restorer, faces, on_chunk=progress).crops
    height, width = (side * descriptor.scale for side in images.shape[-2:])
    results: list[Tensor] = []
    with borrow_upscaler(descriptor) as upscaler:
        for index, image in enumerate(images):
            results.append(core.enlarge(image, (height, width), upscaler))
            progress(index + 1, len(images))
    return torch.stack(results)
