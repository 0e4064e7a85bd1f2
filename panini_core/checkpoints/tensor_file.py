"""Small safetensors files of this package beside the checkpoints: atlases, saved degradations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .files import CheckpointError, CheckpointFile, not_finite, read_file
from .writing import write_tensors

VERSION = "1"


def write_tensor_file(
    path: Path, kind: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors with a header that names their kind; the file appears when it is whole.

    Raises ValueError for numbers that are not finite.
    """
    if bad := not_finite(tensors):
        raise ValueError(f"Not saved to {path}: {', '.join(bad)} would hold NaN or infinity.")
    write_tensors(path, tensors, {"format": "pt", _key(kind): VERSION, **metadata})


def read_tensor_file(
    path: Path, kind: str, dimensions: Mapping[str, int], metadata: tuple[str, ...] = ()
) -> CheckpointFile:
    """The file's tensors, floats as float32; each must be there with so many dimensions.

    Raises CheckpointError for a file that is missing, damaged, or of another kind or version.
    """
    file = read_file(path)
    version = file.metadata.get(_key(kind))
    if version is None:
        raise CheckpointError(path, f"expected a saved {kind} of this package, found another file.")
    if version != VERSION:
        raise CheckpointError(
            path, f"its format is {version!r}, expected {VERSION!r}. Update this package."
        )
    found = {name: tensor.ndim for name, tensor in file.tensors.items()}
    if found != dict(dimensions) or any(name not in file.metadata for name in metadata):
        raise CheckpointError(
            path,
            f"not a whole {kind}: expected tensors (with dimensions) {dict(dimensions)} and "
            f"{list(metadata)} in the header, found {found} and {sorted(file.metadata)}.",
        )
    tensors = {
        name: tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64, copy=True)
        for name, tensor in file.tensors.items()
    }
    return CheckpointFile(path, tensors, file.metadata)


def _key(kind: str) -> str:
    return f"panini_{kind}"
