"""Files of other methods' networks, in the layouts that spandrel knows.

spandrel is a package of its own and imported on first use: ComfyUI has it, the extra `restorers`
brings it along. Its architectures with licences of their own, CodeFormer among them, are in another
package, spandrel_extra_arches.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch

from ..models.face_restorer import FaceRestorer, restorer_of
from ..models.image_upscaler import ImageUpscaler, upscaler_of
from ..models.spandrel_descriptor import SpandrelDescriptor, check_dtype
from ..options import ONNX_SUFFIX
from .bundled import find_weights
from .files import CheckpointError, CheckpointFile, first_few, read_file
from .layouts import Layout, recognise, unexpected_layout
from .loading import panini_of_file
from .onnx_file import load_onnx_restorer

# Where the weights stand in such files; averaged ones before those of the last step.
WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net")
OTHER_RESTORERS = "another face restorer (GFPGAN, RestoreFormer, CodeFormer, or in ONNX)"
# What spandrel by itself does not read, by a name that tells it apart, and what to do about it.
BEYOND_SPANDREL = {
    "position_emb": "this is CodeFormer, which spandrel reads with a second package only, since "
    "its licence (S-Lab 1.0) allows non-commercial use: `pip install spandrel_extra_arches`, "
    "within ComfyUI into ComfyUI's Python.",
    "ecd0.0.weight": "this is GPEN, which spandrel does not read: use its ONNX file "
    "(GPEN-BFR-512.onnx), or another face restorer.",
}
# What spandrel raises where the tensors turn out to be of another network than they looked like.
MISFITS = (RuntimeError, KeyError, IndexError, ValueError, TypeError, AssertionError)


def load_restorer(
    path: str | PathLike[str] | None = None,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    runs_on: str | torch.device | None = None,
) -> FaceRestorer:
    """A face restorer in eval mode: a Panini network as of `load_panini`, which says what names and
    None mean, or GFPGAN, RestoreFormer, CodeFormer and what else spandrel reads that restores
    faces, or one in an ONNX file, such as GPEN.

    `dtype` None is what suits the network where it runs (`runs_on`): see `load_panini`; float32 for
    the others.
    It is recognised by the tensors' names, ONNX by the file's ending; nothing in the file is
    executed, and torch's random state is not touched. Raises CheckpointError if the file is
    missing, damaged or of something else, ImportError if it needs a package that is not installed,
    ValueError for a `dtype` in which that network does not compute.
    """
    runs_on = device if runs_on is None else runs_on
    path = find_weights(path, runs_on=runs_on)
    if path.suffix.lower() == ONNX_SUFFIX:
        return _load_onnx(path, device, dtype)
    file = read_file(path, wrappers=WRAPPERS)
    layout = recognise(file.tensors)
    if layout in (Layout.PANINI, Layout.OFFICIAL_PANINI):
        return panini_of_file(file, device=device, dtype=dtype, runs_on=runs_on)
    descriptor = None if layout else read_with_spandrel(file)
    if descriptor is None:
        expected = (Layout.PANINI, Layout.OFFICIAL_PANINI, OTHER_RESTORERS)
        raise unexpected_layout(file, layout, *expected)
    try:
        restorer = restorer_of(descriptor)
    except ValueError as error:
        raise CheckpointError(file.path, str(error)) from error
    dtype = torch.float32 if dtype is None else dtype
    check_dtype(descriptor, dtype)
    return restorer.to(device, dtype)


def _load_onnx(path: Path, device: str | torch.device, dtype: torch.dtype | None) -> FaceRestorer:
    if dtype not in (None, torch.float32):
        raise ValueError(
            f"{path.name} computes as its file says, got {str(dtype).removeprefix('torch.')}: "
            "choose auto or fp32."
        )
    return load_onnx_restorer(path).to(device)


def load_upscaler(
    path: str | PathLike[str], *, device: str | torch.device = "cpu"
) -> ImageUpscaler:
    """An image model that enlarges or cleans pictures (ESRGAN, SwinIR, SPAN, …), float32, in eval
    mode, as spandrel reads it.

    Raises CheckpointError if the file is missing, damaged or of something else, ImportError without
    spandrel.
    """
    file = read_file(path, wrappers=WRAPPERS)
    descriptor = read_with_spandrel(file)
    if descriptor is None:
        expected = "an upscale model (ESRGAN, SwinIR and others that spandrel reads)"
        raise unexpected_layout(file, recognise(file.tensors), expected)
    descriptor.model.to(device)
    try:
        return upscaler_of(descriptor)
    except ValueError as error:
        raise CheckpointError(file.path, str(error)) from error


def read_with_spandrel(file: CheckpointFile) -> SpandrelDescriptor | None:
    """The network of a file as spandrel builds it, on the CPU, float32; None if unknown to it.

    Raises ImportError without spandrel, CheckpointError for a network that needs more than it, or
    does not fit its tensors, or does not go from picture to picture.
    """
    try:
        from spandrel import MAIN_REGISTRY, ImageModelDescriptor, UnsupportedModelError
    except ImportError as error:
        names = sorted(file.tensors)
        raise ImportError(
            f"{file.path}: no Panini network ({len(names)} tensors such as {first_few(names)}). "
            "Networks of other methods are read by the package spandrel, which ComfyUI brings "
            "along: `pip install 'panini-face-restoration[restorers]'`."
        ) from error
    registry = MAIN_REGISTRY.copy()  # the common one is not ours to change
    try:
        from spandrel_extra_arches import EXTRA_REGISTRY

        registry.add(*EXTRA_REGISTRY, ignore_duplicates=True)
    except ImportError:
        pass  # said below where it is missed
    try:
        with torch.random.fork_rng(devices=[]):  # the initial numbers are all replaced
            descriptor = registry.load(file.tensors)
    except UnsupportedModelError:
        for sign, what in BEYOND_SPANDREL.items():
            if sign in file.tensors:
                raise CheckpointError(file.path, what) from None
        return None
    except MISFITS as error:
        text = " ".join(str(error).split())[:300]
        raise CheckpointError(
            file.path,
            f"it looks like a network that spandrel reads, but does not fit it ({text} …): it may "
            "be of another version, or damaged. Get another file.",
        ) from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise CheckpointError(
            file.path, "expected a network from picture to picture, found one that needs a mask."
        )
    return descriptor
