"""Networks that are not ours: parsing, and what the upscale model loader gives."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import comfy.model_management as memory
import torch
from torch import Tensor

from ... import panini_core as core
from .files import DETECTOR_FOLDER, fingerprint_file, places
from .networks import IMAGE_MODEL_FACTOR, ManagedNetwork, manage
from .progress import Progress

if TYPE_CHECKING:
    from ...panini_core import FaceParser, ImageUpscaler, SpandrelDescriptor

IMAGE_MODEL_SIDE = 512  # px, of what goes through an upscale model together
IMAGE_MODEL_BYTES = 4  # a number


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
