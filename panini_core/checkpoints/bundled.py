"""The Panini networks that come with the package, and which one is the default where."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch

from ..compute import choose_dtype
from ..options import BUNDLED_NETWORKS
from .files import CheckpointError

WEIGHTS_FOLDER = Path(__file__).parent.parent / "weights"
DEFAULT_WEIGHTS = WEIGHTS_FOLDER / "panini_mobile.safetensors"  # of the better one
# Threads with which `mobile` takes half a second a face; in bf16, where the CPU multiplies in it.
ENOUGH_THREADS = 4
ENOUGH_BF16_THREADS = 2


def default_network(device: str | torch.device = "cpu") -> str:
    """The bundled network that is the default on a device.

    `mobile`, the better one, wherever it takes about half a second a face at most: on every GPU,
    and on a CPU of four threads, or of two that multiply in bf16. Else `compact`.
    """
    if str(device).partition(":")[0] != "cpu":
        return "mobile"
    bf16 = choose_dtype(device=device) is torch.bfloat16
    enough = ENOUGH_BF16_THREADS if bf16 else ENOUGH_THREADS
    return "mobile" if torch.get_num_threads() >= enough else "compact"


def find_weights(
    name_or_path: str | PathLike[str] | None = None, *, runs_on: str | torch.device = "cpu"
) -> Path:
    """The file of a network: of a bundled one by its name (`mobile`, `compact`), or a path.

    None: the default one where it runs (see `default_network`). Raises CheckpointError if the file
    of a bundled one is missing.
    """
    if name_or_path is None:
        name_or_path = default_network(runs_on)
    if str(name_or_path) not in BUNDLED_NETWORKS:
        return Path(name_or_path)
    path = WEIGHTS_FOLDER / f"panini_{name_or_path}.safetensors"
    if not path.is_file():
        raise CheckpointError(
            path, "is missing, which comes with this package: reinstall it, or name a checkpoint."
        )
    return path
