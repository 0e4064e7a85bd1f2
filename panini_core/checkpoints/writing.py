"""Writing safetensors files whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from .whole_file import whole_file


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors of any device as `.safetensors`, with strings in its header.

    Folders are made. The file appears under its name only when it is whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as temporary:
        save_file(stored, temporary, metadata=dict(metadata))
